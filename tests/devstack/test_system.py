"""The description of the system (terraform/system.json), compared with the code."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace

import pytest

from devstack.builds.lambda_zips import PACKAGES
from devstack.stack_cells import parse
from devstack.system import ROOT, Provisioned, System

SYSTEM = System(4566)
FUNCTIONS = sorted(SYSTEM.raw["functions"])

LAMBDA = {"AWS_CA_BUNDLE", "NAMES"}
"""Variables that the description does not set: AWS's own, and one of Cognito's trigger (api/pretoken.py)."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_handler_exists(function: str) -> None:
    """Each function of the description names a handler that exists."""
    module, _, name = SYSTEM.raw["functions"][function]["handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_every_setting_that_the_code_reads_is_given() -> None:
    """The code reads no environment variable that the description sets for no function."""
    read = {
        name.upper()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'(?:settings\(\w+\)|\bown|os\.environ)\.(?:get\(")?(\w+)', path.read_text())
        if name != "get"
    } - LAMBDA
    given = {name for function in FUNCTIONS for name in SYSTEM.environment(function)}
    assert read == given


def test_every_transport_of_a_part_is_described() -> None:
    """A table, queue or function that only some transports have names transports of the description."""
    kinds = ("tables", "queues", "functions")
    named = {each for kind in kinds for part in SYSTEM.raw[kind].values() for each in part.get("transports", [])}
    assert named <= set(SYSTEM.transports)


def test_a_cell_has_the_parts_of_its_transport() -> None:
    """A cell of API Gateway has rows, senders and routes; a cell of another transport has the table broadcasts only."""
    system = replace(SYSTEM, cells=parse("us-east-1,events=us-east-1/appsync-events", SYSTEM.transports))
    gateway, events = system.each_cell()
    assert gateway.parts("tables", "cell").keys() == {"subscriptions", "broadcasts"}
    assert events.parts("tables", "cell").keys() == {"broadcasts"}
    assert "sender" in gateway.parts("functions", "cell")
    assert not {"sender", "routes", "receipt"} & events.parts("functions", "cell").keys()
    assert gateway.parts("queues", "cell").keys() == {"set-aside-batches"}
    assert not events.parts("queues", "cell")


def test_the_names_of_a_cell_end_in_its_suffix() -> None:
    """A cell whose name is no region has resources of its own names; those of home and of a region's cell have none."""
    system = replace(SYSTEM, cells=parse("us-east-1,main=us-east-1", SYSTEM.transports))
    plain, main = system.each_cell()
    for part in ("broadcasts", "subscriptions", "set-aside-batches", "sender", "broadcast"):
        assert (plain.name(part), main.name(part)) == (f"livescore-{part}", f"livescore-{part}-main")
    for part in ("matches", "events", "users", "watchdog"):
        assert {view.name(part) for view in (system, plain, main)} == {f"livescore-{part}"}
    assert main.resolve("state_machine").endswith("stateMachine:livescore-broadcast-main")
    assert plain.websocket_url != main.websocket_url
    assert system.at_home().name("broadcasts") == "livescore-broadcasts"


def test_the_environment_names_every_cell() -> None:
    """CELLS has the region, the transport, the suffix and the texts of each cell, by its name."""
    system = replace(SYSTEM, cells=parse("us-east-1,main=eu-west-1", SYSTEM.transports))
    cells = json.loads(system.environment("fanout")["CELLS"])
    assert cells.keys() == {"us-east-1", "main"}
    assert {name: each for name, each in cells["main"].items() if name not in ("state_machine", "connections_url")} == {
        "region": "eu-west-1", "transport": "api-gateway", "suffix": "-main",
    }  # fmt: skip
    assert ":eu-west-1:" in cells["main"]["state_machine"]
    assert cells["main"]["connections_url"].startswith("http://127.0.0.1:")


def test_what_the_provisioning_of_a_cell_has_found_out_is_in_its_texts() -> None:
    """A text that only the service can say, such as a URL, comes from the provisioning of the cell."""
    cells = parse("us-east-1,events=us-east-1/appsync-events", SYSTEM.transports)
    found = Provisioned({"url": "http://127.0.0.1:4566/event", "host": "x"}, {"url": "ws://127.0.0.1:4566/"})
    system = replace(SYSTEM, cells=cells, provisioned={"events": found})
    events = system.at("events")
    assert events.texts() == {
        "region": "us-east-1", "transport": "appsync-events", "suffix": "-events",
        "url": "http://127.0.0.1:4566/event", "host": "x",
    }  # fmt: skip
    assert events.address() == {
        "transport": "appsync-events", "region": "us-east-1", "namespace": "livescore", "url": "ws://127.0.0.1:4566/",
    }  # fmt: skip


def test_a_system_without_api_gateway_has_no_websocket_url() -> None:
    """The URL of API Gateway's viewers is refused in a system that has no such cell."""
    system = replace(SYSTEM, cells=parse("events=us-east-1/appsync-events", SYSTEM.transports))
    with pytest.raises(LookupError, match="No cell of this system has API Gateway"):
        _ = system.websocket_url


def test_the_state_machine_is_whole() -> None:
    """The definition with its substitutions is JSON, and no placeholder is left."""
    definition = SYSTEM.state_machine()
    assert "${" not in definition
    assert json.loads(definition)["StartAt"] == "Begin"


def test_two_way_routes_are_routes() -> None:
    """Each route that can answer exists, and every message route can answer."""
    websocket = SYSTEM.raw["websocket_api"]
    assert set(websocket["two_way"]) == set(websocket["routes"]) - {"$connect", "$disconnect"}
