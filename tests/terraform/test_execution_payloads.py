"""The state machine carries the payloads of broadcaster/control/payload.py: from the starter to the end, key for key.

Each test runs the definition from a payload that ``dump`` has written, and reads with ``parse`` whatever the state
machine hands to a sender, to the receipt and to the next execution.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import Batch, CarriedEvent, Counts, ExecutionInput
from broadcaster.control.payload_reader import VERSION
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter
from matches.match_state import MatchState
from matches.scoreboard import Board
from tests.terraform.expressions import LEASE, NOW
from tests.terraform.interpreter import DEFINITION, Interpreter, TaskError
from tests.terraform.mistakes import definition
from tests.terraform.played import CURSOR, Services, faults, late, lost, out_of_time, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.payload import SenderTask
    from tests.terraform.interpreter import Jsonata
    from tests.terraform.mistakes.definition import MistakeInTheDefinition

MATCH = "wc22-final"
EVENTS = (
    CarriedEvent(cast("Any", {"seq": 6, "id": "y", "kind": "yellow_card", "at": NOW - 200}), None),
    CarriedEvent(cast("Any", {"seq": 7, "id": "g", "kind": "goal", "at": NOW - 100, "player": "Müller ⚽"}), 3),
)


@pytest.fixture
def execution(jsonata: Jsonata) -> Callable[..., Interpreter]:
    """Makes an execution."""

    def execution(services: Services, name: str = "m-7-0a1b2c3d") -> Interpreter:
        return Interpreter(jsonata, name, services, now=NOW)

    return execution


@pytest.fixture
def started() -> dict[str, Any]:
    """The input of an execution, as the starter writes it for a match with two batches."""
    inputs: list[dict[str, Any]] = []

    def start_execution(**arguments: Any) -> None:
        inputs.append(json.loads(arguments["input"]))
        assert arguments["name"] == inputs[-1]["broadcast"]

    def update_item(**arguments: Any) -> dict[str, Any]:
        """The row that the lease is acquired on, as the write leaves it."""
        values = arguments["ExpressionAttributeValues"]
        row = {"due_seq": ":seq", "due_at": ":now_ms", "epoch": ":epoch", "lease_owner": ":owner", "v": ":v"}
        return {"Attributes": {**{name: values[value] for name, value in row.items()}, "shards": {"N": "16"}}}

    db = SimpleNamespace(
        update_item=update_item,
        put_item=lambda **_: {},
        exceptions=SimpleNamespace(ConditionalCheckFailedException=KeyError),
    )
    cell_states: Any = SimpleNamespace(table="broadcasts", db=db)
    stepfunctions: Any = SimpleNamespace(start_execution=start_execution)
    state = MatchState(MATCH, "e1", 7, Board(), "Argentina", "France", None, "2022-12-18T15:00:00Z", 6_000, 0)
    with ThreadPoolExecutor(1) as threads:
        Starter(cell_states, stepfunctions, "a-machine", Budget(4_000, 2_000), 20, threads).begin(state, EVENTS)
    [given] = inputs
    return given


def test_the_starter_writes_a_complete_payload(started: dict[str, Any]) -> None:
    """The starter's JSON has all keys of an ExecutionInput, the start as previous owner, and the events."""
    given = ExecutionInput.parse(started)
    assert given.dump() == started
    assert (given.match, given.due_seq, given.round) == (MATCH, 7, 1)
    assert given.previous_owner == start_owner(given.broadcast)
    assert given.due_at > 0
    assert given.events == EVENTS
    assert given.batches == (Batch(0, 0, 8, 16, 2), Batch(1, 8, 16, 16, 2))


def test_a_broadcast_of_two_rounds(execution: Callable[..., Interpreter], started: dict[str, Any]) -> None:
    """Senders and receipt get what payload.py defines: first the plan, then cursors, then the next round."""
    services = Services(
        sends=lambda task: sent(task) if task.batch.cursor or task.batch.number else out_of_time(task), again=1
    )
    machine = execution(services)
    machine.run(started)
    assert machine.states[-1] == "Ended"
    assert [(each.match, each.owner, each.broadcast) for each in services.tasks] == [
        (MATCH, machine.owner, started["broadcast"])
    ] * 6
    first, cursor, other, *_ = services.tasks
    assert [first.batch, other.batch] == list(ExecutionInput.parse(started).batches)
    assert (cursor.batch.cursor, cursor.batch.counts.invocations) == (CURSOR, 1)
    assert [each.round for each in services.tasks] == [1, 1, 1, 2, 2, 2]
    again = services.tasks[3].batch
    assert again == Batch(0, 0, 8, 16, 2, previous_rows=500, reached_seq=7)
    assert [(each.round, each.receipt_seq, each.failed_batches, each.rows) for each in services.ends] == [
        (1, 7, 0, 1000), (2, 7, 0, 1000)
    ]  # fmt: skip
    assert {each.previous_owner for each in services.tasks} == {started["previous_owner"]}
    assert [each.events for each in services.tasks] == [EVENTS] * 3 + [()] * 3
    assert set(services.calls) == {"Send", "Finish"}


def test_the_receipt_gets_the_times_of_the_broadcast(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """``due_at`` is the starter's, and ``started_at`` is when the execution began, in every round."""
    services = Services(again=1)
    machine = execution(services)

    def slowly(task: SenderTask) -> Batch:
        machine.now += 5_000
        return sent(task)

    services.sends = slowly
    machine.run(started)
    assert [(each.due_at, each.started_at) for each in services.ends] == [(started["due_at"], NOW)] * 2


def test_a_hand_over_is_the_input_of_the_next_execution(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """After 100 s the batches go to another execution with their cursors; it sends only what is not done."""
    services = Services()
    machine = execution(services)
    services.sends = late(machine, lambda task: out_of_time(task) if task.batch.number else sent(task))
    machine.run(started)
    [handed] = services.handed_over
    assert (handed.previous_owner, handed.round, handed.due_seq) == (machine.owner, 1, 7)
    assert (handed.due_at, handed.events) == (started["due_at"], ())
    assert [(each.done, each.cursor) for each in handed.batches] == [(True, None), (False, CURSOR)]
    following = Services()
    second = execution(following, "another-name")
    second.now = machine.now
    second.run(handed.dump())
    [task] = following.tasks
    assert (task.batch, task.owner, task.previous_owner) == (handed.batches[1], second.owner, machine.owner)
    assert (task.broadcast, task.events) == (started["broadcast"], ())
    [end] = following.ends
    assert (end.receipt_seq, end.due_at, end.started_at) == (7, started["due_at"], machine.now)


def test_each_execution_takes_the_lease_over_from_the_one_before(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """The senders of a third execution know the second one, and not the first one or the starter."""
    given, owners = started, [started["previous_owner"]]
    for name in ("one", "two", "three"):
        services = Services()
        machine = execution(services, name)
        services.sends = late(machine, out_of_time)
        machine.run(given)
        assert {each.previous_owner for each in services.tasks} == {owners[-1]}
        owners.append(machine.owner)
        given = services.handed_over[0].dump()
    assert len(set(owners)) == 4


def test_an_execution_hands_over_between_two_rounds(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """If a round ends after 100 s and an event is due, the next execution begins with the next round."""
    services = Services(again=1)
    machine = execution(services)
    services.sends = late(machine, sent)
    machine.run(started)
    [handed] = services.handed_over
    assert (handed.round, [each.reached_seq for each in handed.batches]) == (2, [7, 7])
    assert handed.previous_owner == machine.owner


def test_a_lease_that_is_lost_in_a_hand_over_ends_the_round(execution: Callable[..., Interpreter]) -> None:
    """The receipt gets a round that has lost its lease, in the name of the execution whose senders did not get it."""
    batches = (Batch(0, 0, 8, 16, 2, reached_seq=7, done=True), Batch(1, 8, 16, 16, 2, cursor=CURSOR))
    given = ExecutionInput(MATCH, 7, NOW - 90, "the-one-before", "m-7-0a1b2c3d", 3, batches)
    services = Services(sends=lost)
    machine = execution(services)
    machine.run(given.dump())
    [end] = services.ends
    assert (end.owner, end.round, end.lease_lost, end.reached_seqs) == (machine.owner, 3, True, [7])
    assert [each.batch for each in services.tasks] == [batches[1]]
    assert machine.states[-1] == "Ended"


def test_an_execution_that_runs_twice_sends_once(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """The second run asks each sender once; no sender gets the lease, and the receipt is told so."""
    services = Services(sends=lost)
    machine = execution(services)
    machine.run(started)
    assert (machine.states[-1], set(services.calls)) == ("Ended", {"Send", "Finish"})
    assert (len(services.tasks), services.ends[0].lease_lost) == (2, True)


@pytest.mark.parametrize("refused", [{}, {"SetAside": "SQS.SqsException", "RenewLease": "States.TaskFailed"}])
def test_a_batch_that_fails_is_set_aside(
    execution: Callable[..., Interpreter], started: dict[str, Any], refused: dict[str, str]
) -> None:
    """The message has the batch as it was sent; the receipt counts it, and the next round has it again."""

    def fails(task: SenderTask) -> Batch:
        if task.batch.number:
            raise TaskError("PayloadError")
        return sent(task)

    services = Services(sends=fails, refuses=refused, again=1)
    machine = execution(services)
    machine.run(started)
    message = services.calls["SetAside"][0]["MessageBody"]
    assert (message["kind"], message["match"], message["reason"]) == ("batch", MATCH, "PayloadError: a test")
    assert Batch.parse(message["batch"]) == services.tasks[1].batch
    assert (services.ends[0].failed_batches, services.ends[0].receipt_seq) == (1, 7)
    assert services.tasks[3].batch == services.tasks[1].batch
    values = services.calls["RenewLease"][0]["ExpressionAttributeValues"]
    assert values[":owner"] == {"S": machine.owner}
    assert values[":previous"] == {"S": started["previous_owner"]}
    assert values[":until"] == {"N": str(NOW // 1000 + LEASE)}


def test_batches_of_another_release_keep_their_version(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """A sender that does not know the version of a payload is told that version; the receipt still ends the round."""
    services = Services()
    versions: list[int] = []

    def call(name: str, arguments: Any) -> Any:
        if name == "Send":
            versions.append(arguments["Payload"]["v"])
            raise TaskError("UnknownVersionError")
        return services(name, arguments)

    execution(cast("Any", call)).run({**started, "v": VERSION + 1})
    assert versions == [VERSION + 1] * 2
    assert [each.failed_batches for each in services.ends] == [2]


def test_counts_and_cursors_are_passed_on_as_they_are(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """JSONata changes no number, null, text or list of a batch on its way."""
    batch = Batch(
        0, 0, 1, 1, 1, previous_rows=10**12, cursor=replace(CURSOR, begin_after="fußball-⚽", after=None),
        counts=Counts(*range(10**12, 10**12 + len(fields(Counts)))),
    )  # fmt: skip
    services = Services()
    execution(services).run({**started, "batches": [batch.dump()]})
    assert [each.batch for each in services.tasks] == [batch]


def test_the_definition_has_no_fault(jsonata: Jsonata, started: dict[str, Any]) -> None:
    """Lease, events and times go from the starter to senders, receipt and the next execution."""
    assert faults(jsonata, DEFINITION, started) == []


@pytest.mark.parametrize("mistake", definition.MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_the_definition_is_found(
    jsonata: Jsonata, started: dict[str, Any], mistake: MistakeInTheDefinition
) -> None:
    """A definition that loses an owner, the events or a time on the way is found by playing it."""
    text = json.dumps(DEFINITION)
    assert text.count(mistake.old) == 1
    found = faults(jsonata, json.loads(text.replace(mistake.old, mistake.new)), started)
    assert any(mistake.says in sentence for sentence in found), found
