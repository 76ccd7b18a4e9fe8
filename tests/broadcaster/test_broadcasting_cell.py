"""A system with a cell that broadcasts: operators' tools name both cells, and know that nobody counts in that one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from broadcaster.control.cell_state import CellState, CellStates
from broadcaster.transports.registry import KINDS
from commands.cli import app
from devstack.deployment.running_system import redrive, reset
from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.stack.whole_stack import running
from devstack.stack_cells import REGION, StackCell
from devstack.system import System
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

CELLS = (StackCell("main", REGION), StackCell("events", REGION, "appsync-events"))
GOAL = {"kind": "goal", "team": "home", "minute": 3}
SECONDS = 60.0


@pytest.fixture(scope="module")
def cells() -> Iterator[System]:
    """A system with a cell of API Gateway and one of AppSync Events, in one region."""
    with running(free_port(), {"watchdog_seconds": 2, "watchdog_visibility": 2}, cells=CELLS) as (system, _):
        yield system


@pytest.fixture
def operator(cells: System) -> Iterator[Operator]:
    """An operator at home."""
    with Operator(cells.api_url) as operator:
        yield operator


@pytest.fixture
def match(operator: Operator, match_id: str) -> str:
    """A match that has not begun."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z", competition="World Cup")
    return match_id


def states(cells: System, name: str) -> CellStates:
    """The state rows of one cell."""
    at = cells.at(name)
    return CellStates(at.name("broadcasts"), client(at, "dynamodb"))


def play(cells: System, operator: Operator, match: str, *events: dict[str, Any]) -> None:
    """Post events, and wait until both cells have told them and home has the receipts."""
    for event in events:
        operator.post_event(match, event)
    seq = len(events)
    until(lambda: all(states(cells, each.name).read(match).told_seq == seq for each in CELLS), "untold", SECONDS)
    names = {each.name for each in CELLS}

    def whole() -> bool:
        return {each["cell"] for each in operator.receipts(match) if each["seq"] == seq} == names

    until(whole, "a receipt is missing", SECONDS)


def test_one_goal_is_told_in_both_cells(cells: System, operator: Operator, match: str) -> None:
    """Each cell has its own receipt under its own name; that of the cell which broadcasts has no counts."""
    play(cells, operator, match, {"kind": "kick_off"}, GOAL)
    [last] = [each for each in operator.receipts(match) if each["cell"] == "events" and each["seq"] == 2]
    assert (last["transport"], "accepted" in last) == ("appsync-events", False)
    assert {each["feed"] for each in last["published"]} == {"all", "score"}
    assert operator.snapshot(match)["channel"] == f"livescore/c-world-cup/{match}"


def test_progress_and_trace_name_the_cells(cells: System, operator: Operator, match: str) -> None:
    """Progress has the transport of the cell that broadcasts; the trace has the time at which its service took each."""
    play(cells, operator, match, {"kind": "kick_off"})
    progress = operator.progress(match)["cells"]
    assert progress["events"] == {
        "seq": 1, "told": 1, "running": False, "broadcast": None, "transport": "appsync-events",
    }  # fmt: skip
    assert (progress["main"]["told"], "transport" in progress["main"]) == (1, False)
    trace = until(
        lambda: found if (found := operator.trace(match, 1))["complete"] else None, "the trace is incomplete", SECONDS
    )
    assert [each["stage"] for each in trace["stages"] if each["cell"] == "events"] == [
        "due", "all_published", "score_published", "receipt",
    ]  # fmt: skip


def test_a_stop_names_both_cells(cells: System, operator: Operator, match: str) -> None:
    """An event that the service has not taken is not published any more after an operator's stop."""
    epoch = operator.snapshot(match)["epoch"]
    states(cells, "events").mark_due(match, 1, epoch)
    ended = operator.stop(match)
    assert ended["cells"] == {"main": {"stopped": False, "told": 0}, "events": {"stopped": True, "told": 0}}


def test_a_reset_forgets_the_match_in_both_cells(cells: System, operator: Operator, match: str) -> None:
    """The row of the cell that broadcasts is deleted like the other cell's rows."""
    play(cells, operator, match, {"kind": "kick_off"})
    removed = reset(cells.api_url, aws=False).run(match)
    assert (removed.unreached, dict(removed.cells["events"])) == ({}, {"state": 1})
    assert all(states(cells, each.name).read(match) == CellState(match) for each in CELLS)


def test_a_redrive_knows_the_queues_of_cells_that_have_one(cells: System) -> None:
    """Home and the cell with senders have queues of set-aside work; the cell that broadcasts needs none."""
    with redrive(cells.api_url, aws=False) as queues:
        names = [each.cell.description.name for each in queues.queues if each.cell is not None]
        assert (names, queues.unreached, queues.receive()) == (["main"], set(), [])


def test_the_commands_show_what_was_published(cells: System, operator: Operator, match: str) -> None:
    """``livescore receipts`` lists the frames of the cell that broadcasts, and the smoke test waits for its receipt."""
    play(cells, operator, match, {"kind": "kick_off"})
    shown = " ".join(CliRunner().invoke(app, ["receipts", match, "--api", cells.api_url]).stdout.split())
    assert "seq 1 in events (appsync-events): published all (" in shown
    assert "The service does not say which viewers it reached." in shown
    smoke = CliRunner().invoke(app, ["smoke", cells.api_url, "--ws", cells.at("main").websocket_url, "--json"])
    assert (smoke.exit_code, json.loads(smoke.stdout)["passed"]) == (0, True), smoke.output


def test_the_description_and_the_registry_know_the_same_transports() -> None:
    """terraform/system.json gives each transport the texts that the registry says it needs."""
    described = System(0).raw["transports"]
    for name, kind in KINDS.items():
        assert set(kind.texts) <= set(described[name]["texts"]), name
        assert kind.keeps_rows == (name in System(0).raw["tables"]["subscriptions"]["transports"]), name
