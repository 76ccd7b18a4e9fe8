"""Counts the calls that lie one after the other on the way of a goal, in a running system behind a proxy.

The proxy delays every call by the same time. So calls that are sent at once overlap for certain, and a call that waits
for another one begins after the end of that one.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
from websockets.sync.client import connect

from devstack.measurements.calls_in_a_row import POST, Step, TimedCall, steps, tasks_before
from devstack.operator.api_client import Operator
from devstack.stack.call_proxy import CallProxy
from devstack.stack.ministack import StackError
from devstack.stack.provision import client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.stack.call_proxy import Recorded
    from devstack.system import System

DELAY_SECONDS = 0.15
"""Seconds that each call waits in the proxy: much longer than the time between two calls that are sent at once."""

ON_THE_WAY = ("api", "fanout", "sender")
"""The functions that a goal passes before its first frame."""

WAIT_SECONDS = 60.0


@contextmanager
def behind_a_proxy(system: System) -> Iterator[CallProxy]:
    """Put a proxy before the services of the functions on the way of a goal, in a system that is running.

    The functions start anew with the proxy's URLs, and after the block with their own.
    """
    with CallProxy() as proxy:
        overrides, functions, before = proxy.before(system).overrides, client(system, "lambda"), {}
        try:
            for function in ON_THE_WAY:
                name = system.name(function)
                before[name] = functions.get_function_configuration(FunctionName=name)["Environment"]
                variables = before[name]["Variables"] | overrides[function]
                functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
            yield proxy
        finally:
            for name, environment in before.items():
                functions.update_function_configuration(FunctionName=name, Environment=environment)


def steps_of_a_goal(system: System, proxy: CallProxy, match: str, event_id: str | None = None) -> list[Step]:
    """Create a match with one viewer, post its kick-off and a goal, and return the steps of the goal.

    ``proxy``: the proxy before the functions of the system. ``event_id``: the id that the operator gives the goal, if
    any. Raises StackError if the goal does not reach the viewer, and ApiError.
    """
    goal: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 1}
    if event_id is not None:
        goal["event_id"] = event_id
    with Operator(system.api_url) as operator, connect(system.websocket_url, open_timeout=WAIT_SECONDS) as viewer:
        operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=1)
        viewer.send(orjson.dumps({"action": "subscribe", "match": match}).decode())
        viewer.recv(timeout=WAIT_SECONDS)
        # The first event starts the functions' processes, and opens their connections.
        operator.post_event(match, {"kind": "kick_off"})
        _wait(lambda: _has_ended(operator, match, 1), "The broadcast of the kick-off has not ended.")
        recorded: list[Recorded] = []
        proxy.delay, proxy.record = DELAY_SECONDS, recorded
        try:
            operator.post_event(match, goal)
            _wait(lambda: any(each.call.operation == POST for each in recorded), "The goal has reached no viewer.")
        finally:
            proxy.delay, proxy.record = 0.0, None
        # Nothing of this goal may disturb another one.
        _wait(lambda: _has_ended(operator, match, 2), "The broadcast of the goal has not ended.")
    tasks = tasks_before(json.loads(system.state_machine()), system.name("sender"))
    calls = [TimedCall(each.call.function, each.call.operation, each.begun, each.ended) for each in recorded]
    return steps(calls, tasks)


def _has_ended(operator: Operator, match: str, seq: int) -> bool:
    """Whether the broadcast of an event has ended and given its lease back, so that the next event starts from rest."""
    cells = operator.progress(match)["cells"].values()
    return all(each.get("told", 0) >= seq and not each.get("running", True) for each in cells)


def _wait(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise StackError(otherwise)
        time.sleep(0.05)
