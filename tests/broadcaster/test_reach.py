"""Home's calls to the cells: a slow or silent cell holds up no other, and catches up later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError

from broadcaster.control.cell_state import CellStates
from broadcaster.home.cells import Cell, Cells
from broadcaster.home.watchdog_queue import WatchdogQueue, Watched
from broadcaster.send.sender_store import SenderStore
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.stack.provision import client
from devstack.system import ACCOUNT, REGION, SECRET
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from tests.broadcaster.conftest import THREADS, make_starter
from tests.refusing_service import refusing_service
from tests.silent_service import silent_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from matches.ledger import Ledger
    from tests.silent_service import SilentService

AWAY = "eu-west-1"


@pytest.fixture
def silent() -> Iterator[SilentService]:
    """A region, or a service, that does not answer."""
    with silent_service() as made:
        yield made


@pytest.fixture
def begun(ledger: Ledger, match_id: str) -> str:
    """A match with one event, of which no cell knows."""
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )
    ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    return match_id


def cell(system: System, region: str, cell_states: CellStates) -> Cell:
    """A cell that starts executions of the running system's state machine."""
    return Cell(CellDescription(region, region, DEFAULT), cell_states, make_starter(system, cell_states))


def watch(system: System, sqs: Any = None) -> WatchdogQueue:
    """The running system's watchdog queue; the first check would come long after these tests."""
    return WatchdogQueue(sqs or client(system, "sqs"), system.resolve("queue.watchdog"), 900)


def test_a_cell_that_does_not_answer_holds_up_nobody(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str, silent: SilentService
) -> None:
    """The fan-out goes on while the silent cell's call still waits, and does not ask it again for the next event."""
    dead = cell(system, AWAY, CellStates(system.name("broadcasts"), silent.client("dynamodb")))
    cells = Cells({AWAY: dead, REGION: cell(system, REGION, cell_states)}, watch(system), THREADS)
    assert cells.broadcast(ledger.state(begun)) == [AWAY]
    assert silent.waiting == 1
    assert cell_states.read(begun).due_seq == 1
    ledger.apply_event(AcceptedEvent(begun, 1, EVENT.validate_python({"kind": "half_time", "event_id": "h"})))
    assert cells.broadcast(ledger.state(begun)) == [AWAY]
    assert (silent.waiting, silent.calls) == (1, 1)
    assert cell_states.read(begun).due_seq == 2
    now = ledger.state(begun)
    assert cells.check(begun, 2, AWAY, now.epoch, lambda: now) == "unreached"
    assert silent.calls == 1


def test_a_silent_cell_is_asked_again_after_a_freeze(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str, silent: SilentService
) -> None:
    """Promise: fifteen seconds of silence are over after a freeze that the monotonic clock has not seen."""
    gone, asked, now = silent.client("dynamodb"), list[str](), [0.0]
    silent.close()
    gone.meta.events.register("before-send", lambda request, **_: asked.append(request.url))
    dead = cell(system, AWAY, CellStates(system.name("broadcasts"), gone))
    both = {AWAY: dead, REGION: cell(system, REGION, cell_states)}
    cells = Cells(both, watch(system), THREADS, lambda: now[0])
    for _ in range(2):
        assert cells.broadcast(ledger.state(begun)) == [AWAY]
    assert len(asked) == 1
    now[0] += 3600
    assert cells.broadcast(ledger.state(begun)) == [AWAY]
    assert len(asked) == 2


def test_a_cell_that_refuses_holds_up_nobody_and_is_loud(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A cell that denies access is an error of the log; the others are told, and its event waits with the watchdog."""
    delays: list[int] = []
    sqs = client(system, "sqs")
    sqs.meta.events.register(
        "provide-client-params.sqs.SendMessage", lambda params, **_: delays.append(params["DelaySeconds"])
    )
    with refusing_service("AccessDeniedException") as service:
        denied = cell(system, AWAY, CellStates(system.name("broadcasts"), service.client("dynamodb")))
        both = {AWAY: denied, REGION: cell(system, REGION, cell_states)}
        cells = Cells(both, watch(system, sqs), THREADS)
        assert cells.broadcast(ledger.state(begun)) == [AWAY]
        # Tried once, without a pause; and it has answered, so the next event asks it again.
        assert service.calls == 1
        assert cells.broadcast(ledger.state(begun)) == [AWAY]
        assert service.calls == 2
        now = ledger.state(begun)
        assert cells.check(begun, 1, AWAY, now.epoch, lambda: now) == "unreached"
    assert cell_states.read(begun).due_seq == 1
    assert sorted(delays) == [1, 1, 900, 900, 900, 900]
    assert [each.levelname for each in caplog.records if each.message == "cell_refused"] == ["ERROR"] * 3


def test_a_watchdog_that_cannot_be_told_is_no_silent_cell(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str, silent: SilentService
) -> None:
    """With a silent queue the viewers are told all the same; the record comes again for the watchdog's message."""
    both = {region: cell(system, region, cell_states) for region in (REGION, AWAY)}
    cells = Cells(both, watch(system, silent.client("sqs")), THREADS)
    with pytest.raises(TimeoutError):
        cells.broadcast(ledger.state(begun))
    assert cell_states.read(begun).due_seq == 1
    now = ledger.state(begun)
    assert cells.check(begun, 1, AWAY, now.epoch, lambda: now) != "unreached"


def test_one_cell_alone_fails_with_what_its_queue_says(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str, silent: SilentService
) -> None:
    """The error of a queue that is gone is raised after the event became due: Lambda delivers the record again."""
    queue = silent.client("sqs")
    silent.close()
    cells = Cells({REGION: cell(system, REGION, cell_states)}, watch(system, queue), THREADS)
    with pytest.raises(BotoCoreError):
        cells.broadcast(ledger.state(begun))
    assert cell_states.read(begun).due_seq == 1


def test_a_stop_holds_in_a_cell_that_is_behind(
    system: System, ledger: Ledger, cell_states: CellStates, begun: str
) -> None:
    """A stop covers events that are not due yet in the cell: when they become due later, they begin no broadcast."""
    ledger.apply_event(AcceptedEvent(begun, 1, EVENT.validate_python({"kind": "half_time", "event_id": "h"})))
    cell_states.mark_due(begun, 1, ledger.state(begun).epoch)
    cell_state, stopped = cell_states.stop(begun, 2, ledger.state(begun).epoch)
    assert (cell_state.stopped_seq, stopped) == (2, True)
    cells = Cells({REGION: cell(system, REGION, cell_states)}, watch(system), THREADS)
    now = ledger.state(begun)
    assert [cells.check(begun, seq, REGION, now.epoch, lambda: now) for seq in (1, 2)] == ["ended", "ended"]


def test_an_older_event_does_not_take_a_cell_back(cell_states: CellStates, match_id: str) -> None:
    """An older event that is marked as due after a newer one changes nothing."""
    cell_states.mark_due(match_id, 5, "e")
    assert cell_states.mark_due(match_id, 3, "e").due_seq == 5
    assert cell_states.read(match_id).due_seq == 5


def test_an_unreached_cell_is_checked_again_ever_later(system: System, cell_states: CellStates, match_id: str) -> None:
    """The message goes back with the number of tries, so the pause grows, and it is never counted as a failure."""
    sqs = client(system, "sqs")
    queue = sqs.create_queue(QueueName=f"watch-{match_id}")["QueueUrl"]
    try:
        cells = Cells({REGION: cell(system, REGION, cell_states)}, WatchdogQueue(sqs, queue, 900), THREADS)
        delays: list[int] = []
        sqs.meta.events.register(
            "provide-client-params.sqs.SendMessage", lambda params, **_: delays.append(params["DelaySeconds"])
        )
        for tries in (1, 2, 5, 6, 50):
            cells.check_later(Watched(match_id, 1, REGION, "e", tries))
        assert delays == [2, 4, 32, 60, 60]
    finally:
        sqs.delete_queue(QueueUrl=queue)


async def test_a_poll_goes_on_without_home(system: System, ledger: Ledger, begun: str, silent: SilentService) -> None:
    """A sender that knows the match sees its cell's lease while home is silent; one that does not know it fails."""
    given: dict[str, Any] = {
        "region_name": REGION, "aws_access_key_id": ACCOUNT, "aws_secret_access_key": SECRET,
        "config": AioConfig(read_timeout=5, retries={"total_max_attempts": 1}),
    }  # fmt: skip
    known = ledger.state(begun)
    session = get_session()
    async with (
        session.create_client("dynamodb", endpoint_url=silent.url, **given) as home,
        session.create_client("dynamodb", endpoint_url=system.endpoint, **given) as cell,
    ):
        store = SenderStore(home, cell, system.name("matches"), system.name("broadcasts"), 60)
        poll = await store.poll(begun, known)
        assert (poll.match_state, poll.cell_state.match) == (known, begun)
        with pytest.raises(BotoCoreError):
            await store.poll(begun)
