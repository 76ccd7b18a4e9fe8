"""The site's key: it stays until somebody wants another, and then nobody is refused meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.terraform.conftest import VARIABLES

if TYPE_CHECKING:
    from tests.terraform.applied import Applied
    from tests.terraform.workspace import Workspace

KEY = 'terraform_data.site_key["{}"]'


def test_a_key_stays(applied: Applied, workspace: Workspace) -> None:
    """A second apply leaves both keys as they are, and a plan shows none."""
    plan, shown = _plan(workspace, 1)
    changes = {each["address"]: each["change"]["actions"] for each in plan["resource_changes"]}
    assert {KEY.format(0): changes[KEY.format(0)], KEY.format(1): changes[KEY.format(1)]} == {
        KEY.format(0): ["no-op"],
        KEY.format(1): ["no-op"],
    }
    assert not [key for key in _keys(applied) if key in shown]


def test_a_new_key_beside_the_old_one(applied: Applied, workspace: Workspace) -> None:
    """The next version makes one new key; the one that CloudFront still sends counts, and no plan shows either."""
    plan, shown = _plan(workspace, 2)
    changes = {each["address"]: each["change"]["actions"] for each in plan["resource_changes"]}
    assert [changes[KEY.format(version)] for version in (0, 1, 2)] == [["delete"], ["no-op"], ["create"]]
    assert _keys(applied)[0] not in shown


def test_nothing_else_tells_the_key(applied: Applied, workspace: Workspace) -> None:
    """The key is in the function's environment and in CloudFront's header; no output and no other resource has it."""
    shown = workspace.run("output", "-json")
    assert not [key for key in _keys(applied) if key in shown.stdout]
    having = {each.type for each in applied.resources if any(key in json.dumps(each.values) for key in _keys(applied))}
    assert having == {"terraform_data", "aws_lambda_function", "aws_cloudfront_distribution"}


def _keys(applied: Applied) -> list[str]:
    function = applied.function("api", applied.home)
    assert function is not None
    keys: list[str] = function["environment"][0]["variables"]["SITE_KEYS"].split(",")
    assert len(set(keys)) == 2
    return keys


def _plan(workspace: Workspace, version: int) -> tuple[dict[str, Any], str]:
    """The plan for a version of the key, and what a person is shown of it."""
    web: Any = VARIABLES["web"]
    variables = VARIABLES | {"web": {**web, "site_key_version": version}}
    file = workspace.folder / "site-key.tfvars.json"
    file.write_text(json.dumps(variables))
    ran = workspace.run("plan", "-input=false", "-no-color", "-out=site-key.plan", f"-var-file={file}")
    assert ran.returncode == 0, ran.stderr
    shown = workspace.run("show", "-json", "site-key.plan")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout), ran.stdout
