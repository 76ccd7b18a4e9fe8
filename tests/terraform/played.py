"""Plays executions of the state machine's definition, with the services around it.

``faults`` says what a definition does not carry as broadcaster/control/payload.py defines it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from broadcaster.control.payload import Batch, Cursor, ExecutionInput, RoundEnd, SenderTask
from broadcaster.control.payload_reader import PayloadError
from tests.terraform.expressions import HAND_OVER, NOW
from tests.terraform.interpreter import Interpreter, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.interpreter import Jsonata

CURSOR = Cursor(7, 16, 3, None, 1, "L0SM9cOFvHcCIhw=", 400)


def sent(task: SenderTask) -> Batch:
    """A batch that is done."""
    counts = replace(task.batch.counts, rows=500, invocations=task.batch.counts.invocations + 1)
    return replace(task.batch, done=True, reached_seq=7, cursor=None, counts=counts)


def out_of_time(task: SenderTask) -> Batch:
    """A batch whose lap is not done yet."""
    counts = replace(task.batch.counts, invocations=task.batch.counts.invocations + 1)
    return replace(task.batch, done=False, reached_seq=None, cursor=CURSOR, counts=counts)


def lost(task: SenderTask) -> Batch:
    """A batch whose sender finds that its execution does not have the lease."""
    return replace(task.batch, done=True, lease_lost=True, reached_seq=None, cursor=None)


@dataclass
class Services:
    """The services around the state machine. ``sends`` is a sender, ``refuses`` the tasks that fail with an error."""

    sends: Callable[[SenderTask], Batch] = sent
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


def late(machine: Interpreter, sends: Callable[[SenderTask], Batch]) -> Callable[[SenderTask], Batch]:
    """A sender that answers when the execution has to hand over."""

    def answer(task: SenderTask) -> Batch:
        machine.now = NOW + HAND_OVER * 1000 + 1
        return sends(task)

    return answer


def faults(jsonata: Jsonata, definition: dict[str, Any], started: dict[str, Any]) -> list[str]:
    """The faults of a definition, found by a broadcast of two rounds and by a hand-over, from the starter's input."""
    try:
        return _in_two_rounds(jsonata, definition, started) + _in_a_hand_over(jsonata, definition, started)
    except (PayloadError, AssertionError) as error:
        # A payload that cannot be read, or an expression without a value.
        return [str(error)]


def _in_two_rounds(jsonata: Jsonata, definition: dict[str, Any], started: dict[str, Any]) -> list[str]:
    given, services = ExecutionInput.parse(started), Services(again=1)
    machine = Interpreter(jsonata, "one", services, now=NOW, definition=definition)

    def slowly(task: SenderTask) -> Batch:
        machine.now += 1000
        return sent(task)

    services.sends = slowly
    machine.run(started)
    first, second = services.tasks[: len(given.batches)], services.tasks[len(given.batches) :]
    return [
        *_unlike("the events of the first round", [each.events for each in first], given.events),
        *_unlike("the events of the second round", [each.events for each in second], ()),
        *_unlike("a sender's previous owner", [each.previous_owner for each in services.tasks], given.previous_owner),
        *_unlike("a sender's owner", [each.owner for each in services.tasks], machine.owner),
        *_unlike("a sender's due_seq", [each.due_seq for each in services.tasks], given.due_seq),
        *_unlike("the receipt's due_at", [each.due_at for each in services.ends], given.due_at),
        *_unlike("the receipt's started_at", [each.started_at for each in services.ends], NOW),
    ]


def _in_a_hand_over(jsonata: Jsonata, definition: dict[str, Any], started: dict[str, Any]) -> list[str]:
    """The first execution hands over in its first round; the senders of the second one fail."""
    given, services = ExecutionInput.parse(started), Services()
    first = Interpreter(jsonata, "one", services, now=NOW, definition=definition)
    services.sends = late(first, out_of_time)
    first.run(started)
    following = Services(refuses={"Send": "Lambda.TooManyRequestsException"})
    second = Interpreter(jsonata, "two", following, now=first.now, definition=definition)
    second.run(services.calls["HandOver"][0]["Input"])
    renewals = following.calls["RenewLease"]
    renewed = [
        {name: each["ExpressionAttributeValues"].get(f":{name}", {}).get("S") for name in ("owner", "previous")}
        for each in renewals
    ]
    conditions = [set(each["ConditionExpression"].split(" OR ")) for each in renewals]
    return [
        *_unlike(
            "the next execution's previous owner", [each.previous_owner for each in services.handed_over], first.owner
        ),
        *_unlike("the next execution's events", [each.events for each in services.handed_over], ()),
        *_unlike("the next execution's due_at", [each.due_at for each in services.handed_over], given.due_at),
        *_unlike("RenewLease's owners", renewed, {"owner": second.owner, "previous": first.owner}),
        *_unlike("RenewLease's condition", conditions, {"lease_owner = :owner", "lease_owner = :previous"}),
    ]


def _unlike(what: str, found: list[Any], expected: Any) -> list[str]:
    """A sentence unless each value is as expected, and there is one."""
    wrong = next((each for each in found if each != expected), None)
    if wrong is None and found:
        return []
    return [f"{what} is {wrong!r}, not {expected!r}"]
