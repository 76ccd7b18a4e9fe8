"""The calls in a row between an operator's POST and the first frame, counted in a system behind the fault proxy.

The calls of the functions pass the proxy. Those of the state machine do not, so they are read from its definition, and
compared with what MiniStack says that an execution has done.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devstack.measurements.calls_in_a_row import Step, tasks_before
from devstack.measurements.path_calls import steps_of_a_goal
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.system import ROOT
from trials.faults.run import faulty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from trials.faults.proxy import FaultProxy

PATH_CALLS = 9
"""Calls in a row. The number may fall and not grow: a call more is 5 to 25 ms more for every viewer of every goal."""


@pytest.fixture(scope="module")
def proxied() -> Iterator[tuple[System, FaultProxy]]:
    """A stack behind the fault proxy."""
    with faulty(free_port(), lambda _: None) as (system, _, proxy, _):
        yield system, proxy


def documented() -> list[Step]:
    """The steps that docs/architecture.md lists."""
    text = (ROOT / "docs/architecture.md").read_text()
    section = text.partition("\n## The calls in a row\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    return [Step(who.strip("`"), tuple(sorted(calls.replace("`", "").split(", ")))) for _, who, calls, _ in rows[2:]]


def test_a_goal_makes_no_more_calls_in_a_row_than_the_docs_say(proxied: tuple[System, FaultProxy]) -> None:
    """Between the operator's POST and the first frame lie the calls that docs/architecture.md lists, and no others."""
    found = steps_of_a_goal(*proxied, "path-calls")
    assert found == documented()
    assert len(found) <= PATH_CALLS


def test_an_event_id_costs_no_call_more(proxied: tuple[System, FaultProxy]) -> None:
    """If the operator names an event id, the API reads its row and the match in one call; no other call changes."""
    found = steps_of_a_goal(*proxied, "path-calls-id", "goal-1")
    assert [each for each in found if each.function != "api"] == [
        each for each in documented() if each.function != "api"
    ]
    assert len(found) <= PATH_CALLS


def test_the_state_machine_makes_the_calls_that_its_definition_names(proxied: tuple[System, FaultProxy]) -> None:
    """An execution has made the calls before its first sender that are counted for it."""
    system, _ = proxied
    steps_of_a_goal(*proxied, "path-calls-history")
    stepfunctions = client(system, "stepfunctions")
    executions = stepfunctions.list_executions(stateMachineArn=system.resolve("state_machine"))["executions"]
    name = next(each["executionArn"] for each in executions if each["name"].startswith("path-calls-history-2-"))
    history = stepfunctions.get_execution_history(executionArn=name)["events"]
    done = [
        each["taskScheduledEventDetails"]["resource"].rpartition(":::")[2]
        for each in history if each["type"] == "TaskScheduled"
    ]  # fmt: skip
    expected = tasks_before(json.loads(system.state_machine()), system.name("sender"))
    assert done[: len(expected)] == expected
