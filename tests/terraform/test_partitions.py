"""A deployment in another partition of AWS: GovCloud, or China, whose host names differ as well."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from devstack.builds.lambda_zips import PACKAGES
from devstack.system import ROOT
from tests.terraform.conftest import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.terraform.workspace import Workspace

PARTITIONS = [("aws-us-gov", "us-gov-west-1", "amazonaws.com"), ("aws-cn", "cn-north-1", "amazonaws.com.cn")]
"""Partition, one of its regions, and what host names end with
(https://docs.aws.amazon.com/general/latest/gr/rande.html)."""

SERVICES = {
    "apigateway", "appsync", "budgets", "cloudwatch", "cognito-idp", "iot", "lambda", "sns", "sqs", "states",
}  # fmt: skip
"""Services that roles and policies name as ``SERVICE.amazonaws.com``, which is the same in every partition."""


@pytest.mark.parametrize(("partition", "region", "suffix"), PARTITIONS)
def test_every_arn_is_of_the_partition(
    workspace: Workspace, tmp_path: Path, partition: str, region: str, suffix: str
) -> None:
    """A plan in another partition has no ARN of the partition aws, and no host name of another."""
    found = list(_texts(_planned(workspace, tmp_path, partition, region, suffix)))
    arns = {arn for text in found for arn in re.findall(r"arn:[\w-]+:[\w-]+", text)}
    assert {f"arn:{partition}:states", f"arn:{partition}:dynamodb", f"arn:{partition}:lambda"} <= arns
    assert {arn for arn in arns if not arn.startswith(f"arn:{partition}:")} == set()
    hosts = {host for text in found for host in re.findall(r"[\w.-]+\.amazonaws\.com(?:\.cn)?", text)}
    assert {host for host in hosts if not host.endswith("." + suffix)} <= {f"{name}.amazonaws.com" for name in SERVICES}


def test_no_source_names_a_partition() -> None:
    """Neither the code of the functions, nor the state machine, nor Terraform's files spell out an ARN of one."""
    sources = [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.*")]
    modules = [path for path in (ROOT / "terraform").rglob("*.tf") if ".terraform" not in path.parts]
    read = [path for path in sources if path.suffix in {".py", ".json"}] + modules
    found = [path for path in read if re.search(r"arn:aws:|arn:aws-", path.read_text())]
    assert read
    assert found == []


def _planned(workspace: Workspace, folder: Path, partition: str, region: str, suffix: str) -> dict[str, Any]:
    """The resources of a plan there. The providers that make nothing know one partition, so its text is replaced."""
    if not workspace.schema_only:
        unavailable("A plan with the registry's providers needs an account.")
    for part in ("broadcaster", "dist"):
        shutil.copytree(workspace.folder.parent / part, folder / part)
    shutil.copytree(workspace.folder, folder / "terraform", symlinks=True, ignore=shutil.ignore_patterns("*.tfstate*"))
    copy = replace(workspace, folder=folder / "terraform")
    for path in copy.folder.rglob("*.tf"):
        text = path.read_text().replace("data.aws_partition.current.partition", f'"{partition}"')
        path.write_text(text.replace("data.aws_partition.current.dns_suffix", f'"{suffix}"'))
    values = {
        "home_region": region,
        # CloudFront is in no other partition.
        "web": None,
        "user_pool": {"domain_prefix": "goals", "desk_site": "https://www.example.org", "viewers": True},
        "observability": {"emails": ["someone@example.org"], "monthly_budget": 100},
    }
    (copy.folder / "elsewhere.tfvars.json").write_text(json.dumps(values))
    ran = copy.run("plan", "-input=false", "-no-color", "-out=elsewhere", "-var-file=elsewhere.tfvars.json")
    assert ran.returncode == 0, ran.stderr
    shown = copy.run("show", "-json", "elsewhere")
    assert shown.returncode == 0, shown.stderr
    planned: dict[str, Any] = json.loads(shown.stdout)["planned_values"]["root_module"]
    return planned


def _texts(value: Any) -> Iterator[str]:
    """Every text in what a plan makes."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
