"""Pure: the remote calls that lie one after the other between an operator's POST and the first POST of a frame.

A goal passes three functions: ``api``, ``fanout`` and ``sender``. Each hands over to the next one by its last call. Of
each function, the calls before that last call make a chain: a call belongs to a new step if it began after the call
before it had ended. Calls that overlap are one step. MiniStack makes the calls of the state machine itself, so nobody
can record them: they are read from the state machine's definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

POST = "Post"
"""The operation of a POST to @connections."""

STATE_MACHINE = "state machine"
HAND_OVERS = (("api", "PutRecord"), ("fanout", "StartExecution"), ("sender", POST))
"""The functions on the way of a goal, each with the operation of its last call on that way."""


class TimedCall(NamedTuple):
    """A call that a function made; times in seconds of one clock. ``operation`` is AWS's name for it, or ``POST``."""

    function: str
    operation: str
    begun: float
    ended: float


class Step(NamedTuple):
    """Calls that one function, or the state machine, makes side by side; their operations in alphabetical order."""

    function: str
    operations: tuple[str, ...]


def steps(calls: Iterable[TimedCall], tasks: Iterable[str]) -> list[Step]:
    """The steps of the way, in their order.

    ``calls``: all calls from the operator's POST on, of one event of one match. ``tasks``: the calls of the state
    machine (``tasks_before``). Raises ValueError if a function on the way has not made its last call.
    """
    calls, way = list(calls), []
    for function, operation in HAND_OVERS:
        own = sorted((each for each in calls if each.function == function), key=lambda each: each.ended)
        last = min((each for each in own if each.operation == operation), key=lambda each: each.begun, default=None)
        if last is None:
            raise ValueError(f"{function} has not called {operation}.")
        way += [Step(function, operations) for operations in _chain(own, last)]
        if operation == "StartExecution":
            way += [Step(STATE_MACHINE, (task,)) for task in tasks]
    return way


def _chain(calls: list[TimedCall], last: TimedCall) -> list[tuple[str, ...]]:
    """The operations of each step of one function up to its ``last`` call; ``calls`` in the order of their ends."""
    ends: list[TimedCall] = []
    waited = [each for each in calls if each.ended <= last.begun]
    for call in waited:
        if not ends or call.begun >= ends[-1].ended:
            ends.append(call)
    beside: list[list[str]] = [[] for _ in ends]
    for call in waited:
        # The first step that had not ended when the call began.
        beside[next(number for number, end in enumerate(ends) if call.begun < end.ended)].append(call.operation)
    # The first frame waits for nothing that is sent beside it.
    at_last = [each for each in calls if each.ended > last.begun and each.begun < last.ended]
    beside.append([last.operation] if last.operation == POST else [each.operation for each in at_last])
    return [tuple(sorted(operations)) for operations in beside]


def tasks_before(definition: Mapping[str, Any], function: str) -> list[str]:
    """The calls of a state machine from its start to its first invocation of ``function``, as ``dynamodb:putItem``.

    The way is the one of a new broadcast: the ``Default`` of each Choice, and into each Map. Raises ValueError if that
    way does not reach the function.
    """
    states, name, found = definition["States"], definition["StartAt"], []
    while name is not None:
        state = states[name]
        if state["Type"] == "Task":
            found.append(state["Resource"].rpartition(":::")[2])
            if state["Arguments"].get("FunctionName") == function:
                return found
        if state["Type"] == "Map":
            states, name = state["ItemProcessor"]["States"], state["ItemProcessor"]["StartAt"]
        else:
            name = state.get("Default") or state.get("Next")
    raise ValueError(f"The state machine does not invoke {function}.")
