"""The site's key: it stays until somebody wants another, and then nobody is refused meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.terraform.conftest import VARIABLES

if TYPE_CHECKING:
    from tests.terraform.applied import Applied
    from tests.terraform.workspace import Workspace

KEY = 'aws_ssm_parameter.site_key["{}"]'


@dataclass(frozen=True)
class Planned:
    """A plan: what it does to each resource, and what a person is shown of it by ``plan`` and by ``show``."""

    actions: dict[str, list[str]]
    shown: str


@pytest.fixture(scope="module")
def plans(applied: Applied, workspace: Workspace) -> dict[str, Planned]:
    """Plans after the apply: nothing has changed, another version of the key, the end of everything."""
    assert applied.resources
    return {
        "the-same": _plan(workspace, 1),
        "a-new-key": _plan(workspace, 2),
        "destroy": _plan(workspace, 1, "-destroy"),
    }


def test_a_key_stays(plans: dict[str, Planned]) -> None:
    """A second apply leaves both keys as they are."""
    assert [plans["the-same"].actions[KEY.format(version)] for version in (0, 1)] == [["no-op"], ["no-op"]]


def test_a_new_key_beside_the_old_one(plans: dict[str, Planned]) -> None:
    """The next version makes one new key; the one that CloudFront still sends counts."""
    actions = plans["a-new-key"].actions
    assert [actions[KEY.format(version)] for version in (0, 1, 2)] == [["delete"], ["no-op"], ["create"]]


def test_no_plan_prints_a_key(applied: Applied, plans: dict[str, Planned]) -> None:
    """A plan that changes nothing, that makes a new key, or that destroys prints no key, and neither does its file."""
    for plan in plans.values():
        assert KEY.format(0) in plan.shown
        assert not [key for key in _keys(applied) if key in plan.shown]


def test_what_is_there_prints_no_key(applied: Applied, workspace: Workspace) -> None:
    """The state, which has both keys, is shown to a person without them."""
    shown = workspace.run("show", "-no-color").stdout
    assert shown.count('resource "aws_ssm_parameter" "site_key"') == 2
    assert '"SITE_KEYS"' in shown
    assert not [key for key in _keys(applied) if key in shown]


def test_the_keys_are_encrypted(applied: Applied) -> None:
    """Each key is a SecureString of the free tier, under the deployment's KMS key, and in no other attribute."""
    keys = applied.of("aws_ssm_parameter", applied.home)
    assert sorted(str(each["name"]) for each in keys) == ["/livescore/site-key/0", "/livescore/site-key/1"]
    for each in keys:
        assert (each["type"], each["tier"]) == ("SecureString", "Standard")
        assert each["key_id"] == "arn:aws:kms:eu-west-1:123456789012:key/home"
        assert [name for name, value in each.values.items() if value in _keys(applied)] == ["value"]


def test_nothing_else_tells_the_key(applied: Applied, workspace: Workspace) -> None:
    """The key is in the function's environment and in CloudFront's header; no output and no other resource has it."""
    shown = workspace.run("output", "-json")
    assert not [key for key in _keys(applied) if key in shown.stdout]
    having = {each.type for each in applied.resources if any(key in json.dumps(each.values) for key in _keys(applied))}
    assert having == {"aws_ssm_parameter", "aws_lambda_function", "aws_cloudfront_distribution"}


def _keys(applied: Applied) -> list[str]:
    function = applied.function("api", applied.home)
    assert function is not None
    keys: list[str] = function["environment"][0]["variables"]["SITE_KEYS"].split(",")
    assert len(set(keys)) == 2
    return keys


def _plan(workspace: Workspace, version: int, *options: str) -> Planned:
    """The plan for a version of the key."""
    web: Any = VARIABLES["web"]
    variables = VARIABLES | {"web": {**web, "site_key_version": version}}
    file = workspace.folder / "site-key.tfvars.json"
    file.write_text(json.dumps(variables))
    ran = workspace.run("plan", "-input=false", "-no-color", "-out=site-key.plan", f"-var-file={file}", *options)
    assert ran.returncode == 0, ran.stderr
    read, shown = (workspace.run("show", kind, "site-key.plan") for kind in ("-json", "-no-color"))
    assert read.returncode == shown.returncode == 0, read.stderr + shown.stderr
    changes = json.loads(read.stdout)["resource_changes"]
    return Planned({each["address"]: each["change"]["actions"] for each in changes}, ran.stdout + shown.stdout)
