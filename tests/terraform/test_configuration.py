"""The configuration, as terraform itself judges it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from devstack.system import ROOT
from tests.terraform.conftest import unavailable
from tests.terraform.workspace import parts

if TYPE_CHECKING:
    from tests.terraform.workspace import Workspace

TESTS = sorted(path.name for path in (ROOT / "terraform/tests").glob("*.tftest.hcl"))

_CERTIFICATE = "arn:aws:acm:{}:123456789012:certificate/one"
EXAMPLES: dict[str, dict[str, Any]] = {
    "small": {"sign_in_prefix": "goals", "email": "someone@example.org"},
    "production": {
        "issuer": "https://issuer.example.org",
        "jwks_url": "https://issuer.example.org/keys",
        "audiences": {"viewers": "viewers", "operators": "operators"},
        "certificates": {
            "http": _CERTIFICATE.format("eu-west-1"),
            "site": _CERTIFICATE.format("us-east-1"),
            "viewers": {region: _CERTIFICATE.format(region) for region in ("eu-west-1", "us-east-1")},
        },
        "zone_id": "Z0123456789",
        "domain": "livescore.example.org",
        "emails": ["someone@example.org"],
    },
    "two_transports": {"sign_in_prefix": "goals", "email": "someone@example.org"},
    "ministack": {},
}
"""The variables that each example asks for."""


def test_it_is_formatted(workspace: Workspace) -> None:
    """`terraform fmt` would change nothing."""
    ran = workspace.run("fmt", "-check", "-recursive", "-diff", "-no-color")
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("part", parts())
def test_it_is_valid(workspace: Workspace, part: str) -> None:
    """The root, each module by itself and each example hold to the provider's schema."""
    workspace.init(part)
    ran = workspace.run("validate", "-no-color", part=part)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Warning" not in ran.stdout


@pytest.mark.parametrize("example", [part.partition("/")[2] for part in parts() if part.startswith("examples/")])
def test_an_example_can_be_planned(workspace: Workspace, example: str) -> None:
    """Each example, given what it asks for, passes every validation and precondition on the way to a plan."""
    if not workspace.schema_only:
        unavailable("A plan with the registry's providers needs an account.")
    part = f"examples/{example}"
    # A state of its own for the plan, wherever the example keeps its state.
    (workspace.folder / part / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    ran = workspace.run("init", "-input=false", "-no-color", part=part)
    assert ran.returncode == 0, ran.stderr
    variables = workspace.folder / part / "asked.tfvars.json"
    variables.write_text(json.dumps(EXAMPLES[example]))
    ran = workspace.run("plan", "-input=false", "-no-color", f"-var-file={variables}", part=part)
    assert ran.returncode == 0, ran.stderr
    assert "0 to change, 0 to destroy" in ran.stdout


@pytest.mark.parametrize("name", TESTS)
def test_its_own_tests_pass(workspace: Workspace, name: str) -> None:
    """`terraform test`: defaults, variables that are refused, cells and optional parts."""
    ran = workspace.run("test", "-no-color", f"-filter=tests/{name}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\b[1-9]\d* passed", ran.stdout), ran.stdout


def test_the_policy_of_a_key_lets_alarms_tell() -> None:
    """The policy in terraform/README.md lets CloudWatch use the key of a topic, for the key's account only."""
    text = (ROOT / "terraform/README.md").read_text().partition("```json\n")[2].partition("```")[0]
    [account, _, alarms] = json.loads(text)["Statement"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert alarms["Condition"]["StringEquals"] == {"aws:SourceAccount": account["Principal"]["AWS"].split(":")[4]}


def test_each_module_says_what_it_is() -> None:
    """Every module and the examples have a README."""
    folders = [path for path in (ROOT / "terraform/modules").iterdir() if path.is_dir()]
    missing = [path.name for path in (*folders, ROOT / "terraform/examples") if not (path / "README.md").exists()]
    assert not missing


def test_switching_provisioned_concurrency_says_that_it_interrupts() -> None:
    """Each variable of provisioned concurrency, and the docs, say that switching it on or off interrupts."""
    blocks = [
        (path, block)
        for path in (ROOT / "terraform").rglob("*.tf")
        if "examples" not in path.parts
        for block in re.split(r"^(?=variable )", path.read_text(), flags=re.MULTILINE)
        if re.match(r'variable "(\w+)"', block) and "provisioned_concurrency" in block.partition("validation {")[0]
    ]
    silent = [f"{path.parent.name}: {block.splitlines()[0]}" for path, block in blocks if "interrupts" not in block]
    assert len(blocks) >= 5
    assert silent == []
    assert "interrupts" in (ROOT / "terraform/modules/function/README.md").read_text()
    assert "**interrupts**" in (ROOT / "docs/deploy.md").read_text()
