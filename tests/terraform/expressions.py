"""Cases for every JSONata expression of broadcast.asl.json: its input and the value that it must return.

A case binds ``$states`` and the state machine's variables as Step Functions does
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html). JSONata turns a list with one element
into that element in some places and not in others (https://docs.jsonata.org/processing#sequences), so every
expression about a list has a case with one element.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from broadcaster.control.payload import VERSION, Batch, Counts, Cursor, ExecutionInput, RoundAnswer

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

FRESH = ExecutionInput("wc22-final", 2, None, "wc22-final-2-0a1b2c3d", 1, (Batch(0, 0, 16, 16, 1),)).dump()
HANDED = {**FRESH, "previous_owner": "old", "broadcast": "m-1-ffff0000", "round": 3, "batches": [DONE, WALKING]}
UNICODE = {**FRESH, "match": "fußball-⚽", "broadcast": "fußball-⚽-1"}
NEXT = {**FRESH, "v": VERSION + 1}
INPUTS = (FRESH, HANDED, UNICODE)
BROADCAST = [states(each["broadcast"], input=each) for each in INPUTS]
ROUND_NUMBER = [states(each["round"], input=each) for each in (*INPUTS, {**HANDED, "round": 1000})]
VERSIONS = [states(each["v"], input=each) for each in (FRESH, NEXT)]
DUE = [states(2, input=FRESH), states(NEWEST, input={**FRESH, "due_seq": NEWEST})]
MATCH = [given(each["match"], match_id=each["match"]) for each in INPUTS]
LOST = {"done": True, "lost": True, "reached_seq": None, "cursor": None}
REPORT = [
    states(each.dump(), result={"StatusCode": 200, "Payload": each.dump()})
    for each in (
        RoundAnswer(another_round=False, batches=(Batch(0, 0, 16, 16, 1),)),
        RoundAnswer(another_round=True, batches=()),
    )
]
SEQS = [given(1, due_seq=1), given(NEWEST, due_seq=NEWEST)]
OWNER = [given(EXECUTION, owner=EXECUTION)]
SENT = [states(each, input=each) for each in (batch(), DONE, WALKING, ASIDE)]
FAILED = {"Error": "Lambda.TooManyRequestsException", "Cause": "Rate Exceeded."}
AT = [given(SECONDS, broadcast="b"), given(SECONDS, batches=[])]
PUT_BY = [
    given({**each, "done": True, "reached_seq": None, "cursor": None, "set_aside": True}, batch=each)
    for each in (batch(), WALKING, batch(reached_seq=1))
]
COUNTS = [("1", [batch()]), ("2", [batch(0), batch(1)]), ("0", [DONE]), ("1", [DONE, WALKING]), ("0", [DONE, ASIDE]),
          ("40", LISTS[-1])]  # fmt: skip
WAITING = [
    (True, [WALKING]),
    (True, [DONE, WALKING]),
    (False, [DONE]),
    (False, [DONE, ASIDE]),
    (False, [{**DONE, **LOST}]),
]

CASES: dict[str, list[Case]] = {
    "AcquireLease/Arguments/Key/pk/S": [states(f"match#{each['match']}", input=each) for each in INPUTS],
    "AcquireLease/Arguments/ExpressionAttributeValues/:owner/S": [states(EXECUTION, input=FRESH)],
    "AcquireLease/Arguments/ExpressionAttributeValues/:previous/S": [
        states("nobody", input=FRESH),
        states("old", input=HANDED),
    ],
    "AcquireLease/Arguments/ExpressionAttributeValues/:now/N": [states(str(SECONDS), input=FRESH)],
    "AcquireLease/Arguments/ExpressionAttributeValues/:until/N": [states(str(SECONDS + LEASE), input=FRESH)],
    "AcquireLease/Arguments/ExpressionAttributeValues/:due/N": [
        states("2", input=FRESH),
        states(str(NEWEST), input={**FRESH, "due_seq": NEWEST}),
    ],
    "AcquireLease/Arguments/ExpressionAttributeValues/:round/S": [
        states("wc22-final-2-0a1b2c3d#1", input=FRESH),
        states("m-1-ffff0000#3", input=HANDED),
        states("fußball-⚽-1#1", input=UNICODE),
        states("wc22-final-2-0a1b2c3d#1000", input={**FRESH, "round": 1000}),
    ],
    "AcquireLease/Assign/payload_version": VERSIONS,
    "AcquireLease/Assign/match_id": [states(each["match"], input=each) for each in INPUTS],
    "AcquireLease/Assign/due_seq": DUE,
    "AcquireLease/Assign/batches": [states(each, input={**FRESH, "batches": each}) for each in [[], *LISTS]],
    "AcquireLease/Assign/owner": [states(EXECUTION, input=HANDED)],
    "AcquireLease/Assign/broadcast": BROADCAST,
    "AcquireLease/Assign/round_number": ROUND_NUMBER,
    "AcquireLease/Assign/hand_over_at": [states(NOW + HAND_OVER * 1000, input=FRESH)],
    "AcquireLease/Catch/0/Assign/payload_version": VERSIONS,
    "AcquireLease/Catch/0/Assign/match_id": [states(each["match"], input=each) for each in INPUTS],
    "AcquireLease/Catch/0/Assign/due_seq": DUE,
    "AcquireLease/Catch/0/Assign/owner": [states(EXECUTION, input=FRESH), states("old", input=HANDED)],
    "AcquireLease/Catch/0/Assign/broadcast": BROADCAST,
    "AcquireLease/Catch/0/Assign/round_number": ROUND_NUMBER,
    "AcquireLease/Catch/0/Assign/hand_over_at": [states(NOW, input=FRESH)],
    "AcquireLease/Catch/0/Output": [states(each, input=each) for each in INPUTS],
    "LeaseLostInHandOver?/Choices/0/Condition": [
        states(False, input=FRESH),
        states(True, input=HANDED),
        states(False, input=UNICODE),
    ],
    "LeaseLostInHandOver?/Choices/0/Output": [
        states([{**each, **LOST} for each in batches], input={**HANDED, "batches": batches}) for batches in [[], *LISTS]
    ],
    "Announce/Arguments/Item/sk/S": MATCH,
    "Announce/Arguments/Item/owner/S": OWNER,
    "Announce/Arguments/Item/batches/N": [given(count, batches=batches) for count, batches in [*COUNTS, ("0", [])]],
    "Announce/Arguments/Item/ttl/N": [given(str(SECONDS + LEASE))],
    "Round/Items": [given(each, batches=each) for each in [[], *LISTS]],
    "AlreadyDone?/Choices/0/Condition": [
        states(False, input=batch()),
        states(False, input=WALKING),
        states(True, input=DONE),
        states(True, input=ASIDE),
    ],
    "Send/Arguments/Payload/v": [given(each, payload_version=each) for each in (1, 2)],
    "Send/Arguments/Payload/match": MATCH,
    "Send/Arguments/Payload/owner": OWNER,
    "Send/Arguments/Payload/broadcast": [given("b", broadcast="b")],
    "Send/Arguments/Payload/round": [given(7, round_number=7)],
    "Send/Arguments/Payload/batch": SENT,
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
    "RenewLease/Output": [states(ASIDE, input=ASIDE)],
    "RenewLease/Catch/0/Output": [states(ASIDE, input=ASIDE)],
    "Round/Output": [states(each, result=each) for each in LISTS],
    "Round/Assign/batches": [states(each, result=each) for each in LISTS],
    "NeedsHandOver?/Choices/0/Condition": [states(value, input=batches) for value, batches in WAITING],
    "HandOver/Arguments/StateMachineArn": [given(MACHINE)],
    "HandOver/Arguments/Input/v": [given(each, payload_version=each) for each in (1, 2)],
    "HandOver/Arguments/Input/match": MATCH,
    "HandOver/Arguments/Input/due_seq": SEQS,
    "HandOver/Arguments/Input/previous_owner": OWNER,
    "HandOver/Arguments/Input/broadcast": [given("b", broadcast="b")],
    "HandOver/Arguments/Input/round": [given(7, round_number=7)],
    "HandOver/Arguments/Input/batches": [given(each, batches=each) for each in LISTS],
    "Finish/Arguments/Payload/match": MATCH,
    "Finish/Arguments/Payload/owner": OWNER,
    "Finish/Arguments/Payload/broadcast": [given("b", broadcast="b")],
    "Finish/Arguments/Payload/round": [given(7, round_number=7)],
    "Finish/Arguments/Payload/due_seq": SEQS,
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
