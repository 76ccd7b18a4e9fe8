"""Cells in Terraform: deployments with cells by region change nothing, and a wrong cell is refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devstack.system import System
from tests.terraform.broadcasting import MOMENTO
from tests.terraform.conftest import VARIABLES, unavailable

if TYPE_CHECKING:
    from tests.terraform.applied import Applied
    from tests.terraform.workspace import Workspace

BY_REGION = Path(__file__).with_name("region_cells.json")
"""The resources of the release before cells had names: address -> name, null for a resource without one.

The site's files are left out. The deployment had the cells eu-west-1 and us-east-1, and the other variables of
conftest.py."""

NAMED_BY = ("name", "function_name", "bucket", "alarm_name", "dashboard_name")

WRONG = {
    "no-region": ({"europe": {}}, 'These cells need a region, such as region = "eu-west-1": europe.'),
    "no-name-of-a-region": ({"europe": {"region": "Ireland"}}, "These cells need a region"),
    "another-region": ({"us-east-1": {"region": "eu-west-1"}}, "A cell with the name of a region must be in it."),
    "capital": ({"Europe": {"region": "eu-west-1"}}, "The name of a cell is 2 to 22 small letters, digits and hyphens"),
    "unknown-transport": (
        {"eu-west-1": {"transport": "pigeon"}},
        "There is no transport pigeon. The transports are: api-gateway, appsync-events, appsync-graphql, iot-core",
    ),
    "momento-without-options": (
        {"fast": {"region": "eu-west-1", "transport": "momento"}},
        "A cell of the transport momento needs momento = { url, cache, api_key_parameter }",
    ),
    "options-of-momento": ({"eu-west-1": {"momento": MOMENTO}}, "and no other cell may have it."),
    "momento-with-a-path": (
        {"fast": {"region": "eu-west-1", "transport": "momento", "momento": {**MOMENTO, "url": "https://a.b/c"}}},
        "momento.url is https:// and a host, without a path",
    ),
    "logs-of-another-transport": (
        {"iot": {"region": "eu-west-1", "transport": "iot-core", "access_logs": True}},
        "Only a cell of the transport api-gateway can have a domain or access_logs.",
    ),
    "two-of-iot-core": (
        {name: {"region": "eu-west-1", "transport": "iot-core"} for name in ("one", "two")},
        "A region can have one cell of the transport iot-core",
    ),
    "function-of-another-transport": (
        {"events": {"region": "eu-west-1", "transport": "appsync-events", "reserved_concurrency": {"sender": 5}}},
        "A cell of this transport has the functions: events_authorizer.",
    ),
}  # fmt: skip
"""Variables that are refused, and the sentence of the refusal."""


def test_a_deployment_with_cells_by_region_changes_nothing(applied: Applied) -> None:
    """Every resource of such a deployment still has the address and the name that it had before cells had names."""
    before: dict[str, str | None] = json.loads(BY_REGION.read_text())
    now = {
        each.address: next((each[name] for name in NAMED_BY if isinstance(each[name], str)), None)
        for each in applied.resources
    }
    assert {address: now.get(address, "gone") for address in before} == before


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_cell_is_refused_with_a_sentence(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """The plan fails, and says what is wrong and what would be right."""
    if not workspace.schema_only:
        unavailable("A plan with the registry's providers needs an account.")
    cells, sentence = WRONG[name]
    variables = tmp_path / "wrong.tfvars.json"
    given: dict[str, Any] = {"settings": VARIABLES["settings"], "cells": cells, "web": None, "observability": None}
    variables.write_text(json.dumps(given))
    ran = workspace.run("plan", "-input=false", "-no-color", "-refresh=false", f"-var-file={variables}")
    assert ran.returncode != 0
    assert sentence in " ".join(ran.stderr.replace("│", " ").split()), ran.stderr


def test_every_transport_of_the_description_has_a_cell_in_the_checks(applied: Applied) -> None:
    """A transport that nothing is checked of would look as if it were right."""
    assert {cell.transport for cell in applied.cells} == set(System(0).raw["transports"])
