"""The state machine carries the payloads of broadcaster/control/payload.py: from the starter to the end, key for key.

Each test runs the definition from a payload that ``dump`` has written, and reads with ``parse`` whatever the state
machine hands to a sender, to the receipt and to the next execution.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from broadcaster.control.cell_state import CellState
from broadcaster.control.payload import VERSION, Batch, Counts, Cursor, ExecutionInput, RoundEnd, SenderTask
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter
from matches.match_state import MatchState
from matches.scoreboard import Board
from tests.terraform.expressions import HAND_OVER, LEASE, NOW
from tests.terraform.interpreter import Interpreter, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.interpreter import Jsonata

MATCH = "wc22-final"
CURSOR = Cursor(7, 16, 3, None, 1, "L0SM9cOFvHcCIhw=", 400)


def _sent(task: SenderTask) -> Batch:
    """A batch that is done."""
    counts = replace(task.batch.counts, rows=500, invocations=task.batch.counts.invocations + 1)
    return replace(task.batch, done=True, reached_seq=7, cursor=None, counts=counts)


def _out_of_time(task: SenderTask) -> Batch:
    """A batch whose lap is not done yet."""
    counts = replace(task.batch.counts, invocations=task.batch.counts.invocations + 1)
    return replace(task.batch, done=False, reached_seq=None, cursor=CURSOR, counts=counts)


@dataclass
class Services:
    """The services around the state machine. ``sends`` is a sender, ``refuses`` the tasks that fail with an error."""

    sends: Callable[[SenderTask], Batch] = _sent
    refuses: dict[str, str] = field(default_factory=dict)
    again: int = 0
    """Rounds that another one follows."""
    tasks: list[SenderTask] = field(default_factory=list)
    ends: list[RoundEnd] = field(default_factory=list)
    handed_over: list[ExecutionInput] = field(default_factory=list)
    calls: dict[str, list[Any]] = field(default_factory=dict)
    """By the name of a state: the arguments of its calls."""

    def __call__(self, name: str, arguments: Any) -> Any:
        """A service's answer."""
        self.calls.setdefault(name, []).append(arguments)
        if name in self.refuses:
            raise TaskError(self.refuses[name])
        match name:
            case "Send":
                self.tasks.append(SenderTask.parse(arguments["Payload"]))
                return {"StatusCode": 200, "Payload": self.sends(self.tasks[-1]).dump()}
            case "Finish":
                self.ends.append(RoundEnd.parse(arguments["Payload"]))
                another_round = len(self.ends) <= self.again
                return {"StatusCode": 200, "Payload": self.ends[-1].answer(another_round=another_round).dump()}
            case "HandOver":
                self.handed_over.append(ExecutionInput.parse(arguments["Input"]))
        return {}


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

    stepfunctions: Any = SimpleNamespace(start_execution=start_execution)
    state = MatchState(MATCH, "e1", 7, Board(), "Argentina", "France", None, "2022-12-18T15:00:00Z", 6_000, 0)
    Starter(stepfunctions, "a-machine", Budget(4_000, 2_000)).start(state, CellState(MATCH, shards=16))
    [given] = inputs
    return given


def test_the_starter_writes_a_complete_payload(started: dict[str, Any]) -> None:
    """The starter's JSON is an ExecutionInput with all keys and no previous owner."""
    given = ExecutionInput.parse(started)
    assert given.dump() == started
    assert (given.match, given.due_seq, given.previous_owner, given.round) == (MATCH, 7, None, 1)
    assert given.batches == (Batch(0, 0, 8, 16, 2), Batch(1, 8, 16, 16, 2))


def test_a_broadcast_of_two_rounds(execution: Callable[..., Interpreter], started: dict[str, Any]) -> None:
    """Senders and receipt get what payload.py defines: first the plan, then cursors, then the next round."""
    services = Services(
        sends=lambda task: _sent(task) if task.batch.cursor or task.batch.number else _out_of_time(task), again=1
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
    assert [(each.round, each.receipt_seq, each.unreached_batches, each.rows) for each in services.ends] == [
        (1, 7, 0, 1000), (2, 7, 0, 1000)
    ]  # fmt: skip
    [lease] = services.calls["AcquireLease"]
    values = lease["ExpressionAttributeValues"]
    assert (values[":owner"], values[":previous"]) == ({"S": machine.owner}, {"S": "nobody"})
    assert values[":round"] == {"S": f"{started['broadcast']}#1"}
    assert values[":until"] == {"N": str(NOW // 1000 + LEASE)}


def test_a_hand_over_is_the_input_of_the_next_execution(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """After 100 s the batches go to another execution with their cursors; it sends only what is not done."""
    services = Services()
    machine = execution(services)

    def late(task: SenderTask) -> Batch:
        machine.now = NOW + HAND_OVER * 1000 + 1
        return _out_of_time(task) if task.batch.number else _sent(task)

    services.sends = late
    machine.run(started)
    [handed] = services.handed_over
    assert (handed.previous_owner, handed.round, handed.due_seq) == (machine.owner, 1, 7)
    assert [(each.done, each.cursor) for each in handed.batches] == [(True, None), (False, CURSOR)]
    following = Services()
    second = execution(following, "another-name")
    second.run(handed.dump())
    assert [(each.batch, each.owner) for each in following.tasks] == [(handed.batches[1], second.owner)]
    assert following.tasks[0].broadcast == started["broadcast"]
    assert following.calls["AcquireLease"][0]["ExpressionAttributeValues"][":previous"] == {"S": machine.owner}
    assert following.calls["Announce"][0]["Item"]["batches"] == {"N": "1"}
    assert following.ends[0].receipt_seq == 7


def test_an_execution_hands_over_between_two_rounds(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """If a round ends after 100 s and an event is due, the next execution begins with the next round."""
    services = Services(again=1)
    machine = execution(services)

    def late(task: SenderTask) -> Batch:
        machine.now = NOW + HAND_OVER * 1000 + 1
        return _sent(task)

    services.sends = late
    machine.run(started)
    [handed] = services.handed_over
    assert (handed.round, [each.reached_seq for each in handed.batches]) == (2, [7, 7])


def test_a_lease_that_is_lost_in_a_hand_over_ends_the_round(execution: Callable[..., Interpreter]) -> None:
    """The receipt gets a round that has lost its lease, in the name of the execution that handed over."""
    batches = (Batch(0, 0, 8, 16, 2, reached_seq=7, done=True), Batch(1, 8, 16, 16, 2, cursor=CURSOR))
    given = ExecutionInput(MATCH, 7, "the-one-before", "m-7-0a1b2c3d", 3, batches)
    services = Services(refuses={"AcquireLease": "DynamoDB.ConditionalCheckFailedException"})
    execution(services).run(given.dump())
    [end] = services.ends
    assert (end.owner, end.round, end.lease_lost, end.reached_seqs) == ("the-one-before", 3, True, [])
    assert services.tasks == []


def test_an_execution_without_the_lease_ends(execution: Callable[..., Interpreter], started: dict[str, Any]) -> None:
    """The starter's execution that does not get the lease calls nobody."""
    services = Services(refuses={"AcquireLease": "DynamoDB.ConditionalCheckFailedException"})
    machine = execution(services)
    machine.run(started)
    assert (machine.states[-1], list(services.calls)) == ("NothingToDo", ["AcquireLease"])


@pytest.mark.parametrize("refused", [{}, {"SetAside": "SQS.SqsException", "RenewLease": "States.TaskFailed"}])
def test_a_batch_that_fails_is_set_aside(
    execution: Callable[..., Interpreter], started: dict[str, Any], refused: dict[str, str]
) -> None:
    """The message has the batch as it was sent; the receipt counts it, and the next round has it again."""

    def fails(task: SenderTask) -> Batch:
        if task.batch.number:
            raise TaskError("PayloadError")
        return _sent(task)

    services = Services(sends=fails, refuses=refused, again=1)
    execution(services).run(started)
    message = services.calls["SetAside"][0]["MessageBody"]
    assert (message["kind"], message["match"], message["reason"]) == ("batch", MATCH, "PayloadError: a test")
    assert Batch.parse(message["batch"]) == services.tasks[1].batch
    assert (services.ends[0].unreached_batches, services.ends[0].receipt_seq) == (1, 7)
    assert services.tasks[3].batch == services.tasks[1].batch


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
    assert [each.unreached_batches for each in services.ends] == [2]


def test_counts_and_cursors_are_passed_on_as_they_are(
    execution: Callable[..., Interpreter], started: dict[str, Any]
) -> None:
    """JSONata changes no number, null, text or list of a batch on its way."""
    batch = Batch(
        0, 0, 1, 1, 1, previous_rows=10**12, cursor=replace(CURSOR, begin_after="fußball-⚽", after=None),
        counts=Counts(*range(10**12, 10**12 + 11)),
    )  # fmt: skip
    services = Services()
    execution(services).run({**started, "batches": [batch.dump()]})
    assert [each.batch for each in services.tasks] == [batch]
