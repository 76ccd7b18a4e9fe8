"""``livescore up``: its cells, and the addresses that it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from commands import stack
from commands.cli import app
from devstack.stack_cells import parse
from devstack.system import Provisioned, System

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = "ws://127.0.0.1:1/event/realtime"


def two_cells() -> System:
    """A system that does not run, with a cell of API Gateway and a cell of AppSync Events."""
    cells = parse("main=us-east-1,events=us-east-1/appsync-events", System(1).transports)
    system = System(1, cells=cells)
    system.provisioned["main"] = Provisioned(address={"url": system.at("main").websocket_url})
    system.provisioned["events"] = Provisioned(address={"url": EVENTS, "host": "x"})
    return system


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ("events=us-east-1/fax", "The cell 'events' has the transport 'fax'."),
        ("us-east-1,us-east-1", "Two cells have the name 'us-east-1'."),
        ("mars", "The cell 'mars' is in 'mars', but a region is written like us-east-1."),
    ],
)
def test_wrong_cells_are_refused_before_anything_starts(
    cells: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong list of cells ends the command with exit status 2 and a sentence, and no process was started."""

    def running(*_: object, **__: object) -> Iterator[None]:
        raise AssertionError("The stack was started.")

    monkeypatch.setattr(stack, "running", running)
    ran = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["up", "--cells", cells])
    assert ran.exit_code == 2, ran.output
    assert sentence in " ".join(ran.stderr.replace("│", " ").split())


def test_the_json_of_up_names_the_address_of_each_cell() -> None:
    """``up --json`` has a URL for each cell by its name, and all that a viewer needs to connect there."""
    system = two_cells()
    urls = stack._urls(system, "http://127.0.0.1:2/", "http://127.0.0.1:3/token")  # noqa: SLF001
    main = system.at("main").websocket_url
    assert urls["websocket"] == main
    assert urls["cells"] == {"main": main, "events": EVENTS}
    assert urls["addresses"] == {
        "main": {"transport": "api-gateway", "region": "us-east-1", "url": main},
        "events": {
            "transport": "appsync-events",
            "region": "us-east-1",
            "namespace": "livescore",
            "url": EVENTS,
            "host": "x",
        },
    }
    json.dumps(urls)


def test_a_system_without_api_gateway_prints_its_addresses() -> None:
    """Without a cell of API Gateway the JSON has no WebSocket URL, and the text names the other cells."""
    system = two_cells()
    alone = replace(system, cells=system.cells[1:])
    assert stack._urls(alone, "", "")["websocket"] is None  # noqa: SLF001
    assert stack._viewers(alone) == [f"viewers    {EVENTS}  (events: appsync-events, us-east-1)"]  # noqa: SLF001


def test_up_says_how_to_watch_in_each_cell() -> None:
    """A person finds a command for each cell, with the cell's name if there are several."""
    system = two_cells()
    watch = "  livescore watch wc22-final"
    assert stack._watching(system) == [f"{watch} --cell main", f"{watch} --cell events"]  # noqa: SLF001
    assert stack._watching(replace(system, cells=system.cells[1:])) == [f"{watch} --cell events"]  # noqa: SLF001
    assert stack._watching(System(1)) == [watch]  # noqa: SLF001


def test_the_address_of_a_regions_own_cell_needs_no_note() -> None:
    """A cell of API Gateway with its region's name is printed as before: its URL alone."""
    system = System(1)
    system.provisioned["us-east-1"] = Provisioned(address={"url": "ws://127.0.0.1:1/live"})
    assert stack._viewers(system) == ["viewers    ws://127.0.0.1:1/live"]  # noqa: SLF001
