"""Cases for every JSONata expression of broadcast.asl.json: its input and the value that it must return.

A case binds ``$states`` and the state machine's variables as Step Functions does
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). JSONata turns a list with one element
into that element in some places and not in others (https://docs.jsonata.org/processing#sequences), so every
expression about a list has a case with one element.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import Batch, CarriedEvent, Counts, Cursor, ExecutionInput, RoundAnswer
from broadcaster.control.payload_reader import VERSION

NOW = 1_785_000_000_900
"""``$millis()``; the seconds are rounded down."""

SECONDS = 1_785_000_000
LEASE, HAND_OVER = 90, 100
EXECUTION = "arn:aws:states:eu-west-1:123456789012:express:livescore-broadcast:m-2-0a1b2c3d:5f0e"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:livescore-broadcast"
CONTEXT = {"Execution": {"Id": EXECUTION, "Name": "m-2-0a1b2c3d"}, "StateMachine": {"Id": MACHINE}}
NEWEST = 99_999_999
"""The largest seq that there can be: an event's key has eight digits."""


class Case(NamedTuple):
    """Variables and what ``$states`` holds, and the value of the expression."""

    given: dict[str, Any]
    value: Any


def states(value: Any, **parts: Any) -> Case:
    """A case with these parts of ``$states``."""
    return Case({"states": {"context": CONTEXT, **parts}}, value)


def given(value: Any, **variables: Any) -> Case:
    """A case with these variables."""
    return Case({"states": {"context": CONTEXT, "input": None}, **variables}, value)


def batch(number: int = 0, **more: Any) -> dict[str, Any]:
    """A batch as the plan makes it, or with more progress."""
    return Batch(number, 0, 16, 16, 1, **more).dump()


CURSOR = Cursor(2, 16, 3, None, 1, "L0SM9cOFvHcCIhw=", 400)
WALKING = batch(1, cursor=CURSOR, counts=Counts(rows=400, accepted=399, invocations=1))
DONE = batch(0, done=True, reached_seq=2, counts=Counts(rows=8000, accepted=7999, invocations=2))
ASIDE = batch(2, done=True, set_aside=True)
LISTS = [
    [batch()],
    [batch(0), batch(1)],
    [DONE],
    [DONE, WALKING],
    [DONE, WALKING, ASIDE],
    [batch(each) for each in range(40)],
]
"""Batches of a round: one, several, finished or not, as many as a Map runs at once."""

CARRIED_EVENTS = (
    CarriedEvent(cast("Any", {"seq": 1, "id": "k", "kind": "kick_off", "at": NOW, "by": None}), None),
    CarriedEvent(cast("Any", {"seq": 2, "id": "g", "kind": "goal", "at": NOW, "player": "Müller ⚽", "more": [1]}), 1),
)
EVENTS = [each.dump() for each in CARRIED_EVENTS]
CARRIED = [[], EVENTS[1:], EVENTS]
"""The events of an input: none, one, several."""

BROADCAST = "wc22-final-2-0a1b2c3d"
FRESH = ExecutionInput(
    "wc22-final", 2, NOW - 90, start_owner(BROADCAST), BROADCAST, 1, (Batch(0, 0, 16, 16, 1),), CARRIED_EVENTS
).dump()
HANDED = {
    **FRESH, "previous_owner": "old", "broadcast": "m-1-ffff0000", "round": 3, "batches": [DONE, WALKING], "events": [],
}  # fmt: skip
UNICODE = {**FRESH, "match": "fußball-⚽", "broadcast": "fußball-⚽-1", "previous_owner": "start#fußball-⚽-1"}
NEXT = {**FRESH, "v": VERSION + 1}
INPUTS = (FRESH, HANDED, UNICODE)
MATCH = [given(each["match"], match_id=each["match"]) for each in INPUTS]
REPORT = [
    states(each.dump(), result={"StatusCode": 200, "Payload": each.dump()})
    for each in (
        RoundAnswer(another_round=False, batches=(Batch(0, 0, 16, 16, 1),)),
        RoundAnswer(another_round=True, batches=()),
    )
]
SEQS = [given(1, due_seq=1), given(NEWEST, due_seq=NEWEST)]
DUE_AT = [given(NOW - 90, due_at=NOW - 90)]
OWNER = [given(EXECUTION, owner=EXECUTION)]
PREVIOUS = [given(each["previous_owner"], previous_owner=each["previous_owner"]) for each in INPUTS]
SENT = [states(each, input=each) for each in (batch(), DONE, WALKING, ASIDE)]
FAILED = {"Error": "Lambda.TooManyRequestsException", "Cause": "Rate Exceeded."}
PUT_BY = [
    given({**each, "done": True, "reached_seq": None, "cursor": None, "set_aside": True}, batch=each)
    for each in (batch(), WALKING, batch(reached_seq=1))
]
WAITING = [
    (True, [WALKING]),
    (True, [DONE, WALKING]),
    (False, [DONE]),
    (False, [DONE, ASIDE]),
    (False, [{**DONE, "lease_lost": True, "reached_seq": None}]),
]


def inputs(key: str, *more: dict[str, Any]) -> list[Case]:
    """The value of a key, of each input."""
    return [states(each[key], input=each) for each in (*INPUTS, *more)]


CASES: dict[str, list[Case]] = {
    "Begin/Assign/payload_version": inputs("v", NEXT),
    "Begin/Assign/match_id": inputs("match"),
    "Begin/Assign/due_seq": inputs("due_seq", {**FRESH, "due_seq": NEWEST}),
    "Begin/Assign/due_at": inputs("due_at"),
    "Begin/Assign/previous_owner": inputs("previous_owner"),
    "Begin/Assign/owner": [states(EXECUTION, input=each) for each in INPUTS],
    "Begin/Assign/broadcast": inputs("broadcast"),
    "Begin/Assign/round_number": inputs("round", {**HANDED, "round": 1000}),
    "Begin/Assign/batches": [states(each, input={**FRESH, "batches": each}) for each in [[], *LISTS]],
    "Begin/Assign/events": [states(each, input={**FRESH, "events": each}) for each in CARRIED],
    "Begin/Assign/started_at": [states(NOW, input=FRESH)],
    "Begin/Assign/hand_over_at": [states(NOW + HAND_OVER * 1000, input=FRESH)],
    "Round/Items": [given(each, batches=each) for each in [[], *LISTS]],
    "AlreadyDone?/Choices/0/Condition": [
        states(False, input=batch()),
        states(False, input=WALKING),
        states(True, input=DONE),
        states(True, input=ASIDE),
    ],
    "Send/Arguments/Payload/v": [given(each, payload_version=each) for each in (1, 2)],
    "Send/Arguments/Payload/match": MATCH,
    "Send/Arguments/Payload/due_seq": SEQS,
    "Send/Arguments/Payload/owner": OWNER,
    "Send/Arguments/Payload/previous_owner": PREVIOUS,
    "Send/Arguments/Payload/broadcast": [given("b", broadcast="b")],
    "Send/Arguments/Payload/round": [given(7, round_number=7)],
    "Send/Arguments/Payload/batch": SENT,
    "Send/Arguments/Payload/events": [given(each, events=each) for each in CARRIED],
    "Send/Output": [states(each, result={"StatusCode": 200, "Payload": each}) for each in (DONE, WALKING)],
    "Send/Assign/batch": SENT,
    "Send/Catch/0/Assign/batch": SENT,
    "Send/Catch/0/Output": [states(each, errorOutput=each) for each in (FAILED, {"Error": "States.Timeout"})],
    "BatchDone?/Choices/0/Condition": [
        Case({"states": {"input": DONE}, "hand_over_at": NOW + 1}, value=True),
        Case({"states": {"input": WALKING}, "hand_over_at": NOW + 1}, value=False),
        Case({"states": {"input": WALKING}, "hand_over_at": NOW}, value=False),
        Case({"states": {"input": WALKING}, "hand_over_at": NOW - 1}, value=True),
        Case({"states": {"input": batch()}, "hand_over_at": NOW + 1}, value=False),
    ],
    "SetAside/Arguments/MessageBody/match": MATCH,
    "SetAside/Arguments/MessageBody/reason": [
        states("Lambda.TooManyRequestsException: Rate Exceeded.", input=FAILED),
        states("States.Timeout: ", input={"Error": "States.Timeout"}),
        states('E: {"errorMessage":"a\nb ⚽"}', input={"Error": "E", "Cause": '{"errorMessage":"a\nb ⚽"}'}),
    ],
    "SetAside/Arguments/MessageBody/batch": [given(each, batch=each) for each in (batch(), WALKING)],
    "SetAside/Output": PUT_BY,
    "SetAside/Catch/0/Output": PUT_BY,
    "RenewLease/Arguments/Key/pk/S": [given(f"match#{each['match']}", match_id=each["match"]) for each in INPUTS],
    "RenewLease/Arguments/ExpressionAttributeValues/:until/N": [given(str(SECONDS + LEASE))],
    "RenewLease/Arguments/ExpressionAttributeValues/:owner/S": OWNER,
    "RenewLease/Arguments/ExpressionAttributeValues/:previous/S": PREVIOUS,
    "RenewLease/Output": [states(ASIDE, input=ASIDE)],
    "RenewLease/Catch/0/Output": [states(ASIDE, input=ASIDE)],
    "Round/Output": [states(each, result=each) for each in LISTS],
    "Round/Assign/batches": [states(each, result=each) for each in LISTS],
    "NeedsHandOver?/Choices/0/Condition": [states(value, input=batches) for value, batches in WAITING],
    "HandOver/Arguments/StateMachineArn": [given(MACHINE)],
    "HandOver/Arguments/Input/v": [given(each, payload_version=each) for each in (1, 2)],
    "HandOver/Arguments/Input/match": MATCH,
    "HandOver/Arguments/Input/due_seq": SEQS,
    "HandOver/Arguments/Input/due_at": DUE_AT,
    "HandOver/Arguments/Input/previous_owner": OWNER,
    "HandOver/Arguments/Input/broadcast": [given("b", broadcast="b")],
    "HandOver/Arguments/Input/round": [given(7, round_number=7)],
    "HandOver/Arguments/Input/batches": [given(each, batches=each) for each in LISTS],
    "Finish/Arguments/Payload/match": MATCH,
    "Finish/Arguments/Payload/owner": OWNER,
    "Finish/Arguments/Payload/broadcast": [given("b", broadcast="b")],
    "Finish/Arguments/Payload/round": [given(7, round_number=7)],
    "Finish/Arguments/Payload/due_seq": SEQS,
    "Finish/Arguments/Payload/due_at": DUE_AT,
    "Finish/Arguments/Payload/started_at": [given(NOW - 40, started_at=NOW - 40)],
    "Finish/Arguments/Payload/batches": [states(each, input=each) for each in LISTS],
    "Finish/Assign/round_number": [given(2, round_number=1), given(1000, round_number=999)],
    "Finish/Assign/batches": [
        states(each, result={"Payload": {"another_round": True, "batches": each}}) for each in LISTS
    ],
    "Finish/Output": REPORT,
    "NewerEvent?/Choices/0/Condition": [
        Case({"states": {"input": {"another_round": True}}, "hand_over_at": NOW - 1}, value=True),
        Case({"states": {"input": {"another_round": True}}, "hand_over_at": NOW}, value=False),
        Case({"states": {"input": {"another_round": False}}, "hand_over_at": NOW - 1}, value=False),
    ],
    "NewerEvent?/Choices/1/Condition": [
        states(each, input={"another_round": each, "batches": [batch()]}) for each in (True, False)
    ],
}
"""Where an expression stands in the definition, a Map's states under their own names -> its cases."""
