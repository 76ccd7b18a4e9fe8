"""A cell whose service does not take a frame, beside another cell and before the watchdog."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.cell_state import CellStates
from broadcaster.home.cells import Cell, Cells, InvalidCallError
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.transports.description import CellDescription
from broadcaster.transports.publisher import Publisher
from broadcaster.transports.registry import DEFAULT
from devstack.stack.provision import client
from devstack.system import REGION
from devstack.tables import arguments
from tests.broadcaster.conftest import THREADS, make_starter
from tests.broadcaster.transports.publishing import DESCRIPTION, GOAL, KICK_OFF, FakeService, Play, refusal
from tests.channel_names import CHANNELS
from tests.support import until

if TYPE_CHECKING:
    from devstack.system import System
    from matches.ledger import Ledger


@pytest.fixture(scope="module")
def other_states(system: System, dynamodb: Any) -> CellStates:
    """The table of a second cell in the region of the first."""
    name = system.name("broadcasts") + "-events"
    dynamodb.create_table(**arguments(name, system.raw["tables"]["broadcasts"]))
    return CellStates(name, dynamodb)


def test_a_service_that_does_not_answer_delays_no_other_cell(
    system: System, cell_states: CellStates, other_states: CellStates, ledger: Ledger, service: FakeService, play: Play,
    match_id: str,
) -> None:  # fmt: skip
    """While the service is silent, the other cell has its event, and the silent cell is not asked for the next one."""
    answer = Event()
    service.before = lambda: answer.wait(60.0)
    publisher = Publisher(DESCRIPTION, other_states, ledger, service, THREADS, CHANNELS)
    other = Cell(CellDescription(REGION, REGION, DEFAULT), cell_states, make_starter(system, cell_states))
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    cells = Cells({"events": Cell(DESCRIPTION, other_states, publisher), REGION: other}, queue, THREADS)
    try:
        for seq, event in enumerate((KICK_OFF, GOAL), 1):
            assert cells.broadcast(*play(event)) == ["events"]
            assert cell_states.read(match_id).due_seq == seq
        # The thread of the first call asks once for each feed; the next event waits with the watchdog.
        assert sum(service.calls.values()) == 2
        assert other_states.read(match_id).told_seq == 0
    finally:
        answer.set()
    until(lambda: other_states.read(match_id).told_seq == 1)


@pytest.mark.parametrize("error", [refusal("AccessDenied", 403), refusal("Slow", 429), TimeoutError()])
def test_the_watchdog_tells_what_the_service_did_not_take(
    system: System, cell_states: CellStates, publisher: Publisher, service: FakeService, play: Play, match_id: str,
    error: Exception,
) -> None:  # fmt: skip
    """A cell whose service fails is unreached; a later check of the watchdog publishes, and the next one finds it."""
    state, events = play(KICK_OFF)
    service.errors = [error] * 2
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    now = [0.0]
    cells = Cells({"events": Cell(DESCRIPTION, cell_states, publisher)}, queue, THREADS, lambda: now[0])
    assert cells.broadcast(state, events) == ["events"]
    now[0] += 60.0
    checks = [cells.check(match_id, 1, "events", state.epoch, lambda: state) for _ in range(2)]
    assert checks == ["restarted", "ended"]
    assert service.seqs(match_id) == [(0, 1)]


@pytest.mark.parametrize(
    ("code", "outcome"), [("ValidationException", InvalidCallError), ("AccessDenied", "unreached")]
)
def test_only_a_frame_that_is_blamed_itself_is_given_up(
    system: System, cell_states: CellStates, publisher: Publisher, service: FakeService, play: Play, code: str,
    outcome: Any,
) -> None:  # fmt: skip
    """A frame that the service calls invalid fails again; a refusal stays until a person changes the deployment."""
    state, _ = play(KICK_OFF, GOAL)
    service.errors = [refusal(code, 400)] * 4
    queue = WatchdogQueue(client(system, "sqs"), system.resolve("queue.watchdog"), 900)
    cells = Cells({"events": Cell(DESCRIPTION, cell_states, publisher)}, queue, THREADS)
    cells.broadcast(state)
    check = partial(cells.check, state.match, 2, "events", state.epoch, lambda: state)
    if outcome == "unreached":
        assert check() == outcome
    else:
        with pytest.raises(outcome):
            check()
    assert check() == "restarted"
