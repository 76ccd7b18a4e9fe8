"""The count of calls that lie one after the other, from recorded calls and from the state machine's definition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devstack.measurements.calls_in_a_row import STATE_MACHINE, Step, TimedCall, steps, tasks_before
from devstack.system import ROOT

WAY = [
    TimedCall("api", "PutRecord", 2, 3),
    TimedCall("fanout", "StartExecution", 6, 7),
    TimedCall("sender", "Post", 10, 11),
]
"""The last calls of the three functions; the times are seconds."""


def send(function: str) -> dict[str, Any]:
    """A state that invokes a function."""
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": function}}


def test_calls_side_by_side_are_one_step() -> None:
    """Calls that overlap count once, and a call that begins after the end of another one is a step of its own."""
    calls = [
        *WAY, TimedCall("sender", "GetItem", 7, 8), TimedCall("sender", "Query", 7.1, 8.2),
        TimedCall("sender", "Query", 8.3, 9.5), TimedCall("fanout", "PutItem", 6.1, 7.2),
    ]  # fmt: skip
    assert steps(calls, ["lambda:invoke"]) == [
        Step("api", ("PutRecord",)),
        Step("fanout", ("PutItem", "StartExecution")),
        Step(STATE_MACHINE, ("lambda:invoke",)),
        Step("sender", ("GetItem", "Query")),
        Step("sender", ("Query",)),
        Step("sender", ("Post",)),
    ]


def test_a_slow_call_hides_no_steps_beside_it() -> None:
    """Two calls in a row stay two steps while a third call lasts as long as both."""
    calls = [*WAY, TimedCall("fanout", "SendMessage", 3, 5.5), TimedCall("fanout", "GetItem", 3, 4),
             TimedCall("fanout", "UpdateItem", 4, 5)]  # fmt: skip
    assert [each.operations for each in steps(calls, [])][1:3] == [("GetItem", "SendMessage"), ("UpdateItem",)]


def test_calls_off_the_way_do_not_count() -> None:
    """Calls after the last call of their function, calls that no frame waits for, and other functions do not count."""
    calls = [
        *WAY, TimedCall("api", "PutItem", 3, 4), TimedCall("sender", "Post", 10.1, 11.1),
        TimedCall("sender", "GetItem", 9.9, 10.2), TimedCall("watchdog", "GetItem", 4, 5),
    ]  # fmt: skip
    assert [each.operations for each in steps(calls, [])] == [("PutRecord",), ("StartExecution",), ("Post",)]


def test_a_goal_that_has_not_arrived_is_not_counted() -> None:
    """Without a frame there is no count, and the error names the function."""
    with pytest.raises(ValueError, match="sender has not called Post"):
        steps(WAY[:2], [])


def test_the_calls_of_the_state_machine_are_those_before_the_sender() -> None:
    """The way of a new broadcast goes by ``Next``, the ``Default`` of a Choice, and into a Map."""
    states = {
        "First": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {}, "Next": "Round"},
        "Round": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Done?",
                "States": {"Done?": {"Type": "Choice", "Choices": [], "Default": "Send"}, "Send": send("sender")},
            },
        },
    }
    assert tasks_before({"StartAt": "First", "States": states}, "sender") == ["dynamodb:putItem", "lambda:invoke"]


def test_a_state_machine_without_senders_is_refused() -> None:
    """A way that never reaches the sender's function has no count."""
    with pytest.raises(ValueError, match="does not invoke sender"):
        tasks_before({"StartAt": "Only", "States": {"Only": send("receipt")}}, "sender")


def test_the_state_machine_of_the_product_reaches_its_senders() -> None:
    """The last call before the first frame is the invocation of a sender."""
    definition = json.loads((ROOT / "broadcaster/control/broadcast.asl.json").read_text())
    assert tasks_before(definition, "${sender_function}")[-1] == "lambda:invoke"
