"""Viewers that lose a frame: each repairs it as the client's own viewer does."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from picows import WSMsgType

from client.http_reader import ReadError
from client.viewer import Viewer
from client.websocket import ViewerSocket
from forecast.simulation.repairs import Repairs
from forecast.simulation.scenario import Gateway, Goal, Scenario
from forecast.simulation.simulator import simulate
from forecast.simulation.viewers import Viewers

if TYPE_CHECKING:
    from forecast.simulation.viewers import Parcel

LOSSY = Scenario(viewers=(2_000,), goals=(Goal(0.0),), gateway=Gateway(lost=0.1))
FIRST_LOSER = 7


def test_a_viewer_of_a_quiet_connection_looks_as_often_as_the_client() -> None:
    """A viewer that has heard nothing since its snapshot reads after at most 37.5 s and a check's 7.5 s."""
    outcome = simulate(LOSSY)
    assert (outcome.missed, outcome.lost > 100) == (0, True)
    assert 10 < outcome.repair_s[len(outcome.repair_s) // 2] < 25
    assert 30 < outcome.repair_s[-1] < 37.5 + 7.5 + 1


def test_a_viewer_whose_connection_has_proven_a_long_silence_waits_as_long() -> None:
    """After a frame that ended a silence of minutes, the viewer waits for up to 150 s and a quarter more."""
    later = simulate(replace(LOSSY, goals=(Goal(1.0), Goal(60.0)), came_s=2_000, seed=3))
    assert 37.5 + 7.5 < later.repair_s[-1] < 150 * 1.25 + 7.5 + 1
    # Half of the repairs are of the second goal. Then nearly all viewers had the first one 59 s earlier, and have not
    # looked since: 150 s less 59, and the pause between two looks.
    assert 80 < later.repair_s[len(later.repair_s) * 3 // 4] < 115
    soon = simulate(replace(LOSSY, goals=(Goal(1.0), Goal(60.0)), came_s=1, seed=3))
    assert soon.repair_s[-1] < 60 * 1.25 + 7.5 + 1


def test_the_check_after_a_silence_is_the_clients_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the client's rule shows in the outcome."""
    monkeypatch.setattr(Viewer, "_patience", lambda _: 300.0)
    outcome = simulate(LOSSY)
    assert outcome.repair_s[-1] > 250


def test_a_read_that_was_ahead_asks_whether_the_socket_is_dead() -> None:
    """Each viewer that a read after a silence helped sends one ``sync``, as the client does."""
    outcome = simulate(LOSSY)
    assert outcome.asked_over_the_socket == outcome.lost <= outcome.reads_over_http


def test_a_connection_does_not_age() -> None:
    """A viewer that came two hours ago waits for its check too: in the model no connection is replaced."""
    outcome = simulate(replace(LOSSY, goals=(Goal(7_200.0),)))
    assert outcome.asked_over_the_socket == outcome.lost <= outcome.reads_over_http
    assert 10 < outcome.repair_s[len(outcome.repair_s) // 2] < 25


def test_each_lost_frame_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer that loses two goals 2 s apart, and reads both at once, had waited 2 s longer for the first."""
    monkeypatch.setattr(Repairs, "bring", _lose_both)
    outcome = simulate(replace(LOSSY, gateway=Gateway(), goals=(Goal(0.0), Goal(2.0))))
    assert outcome.missed == 0
    assert len(outcome.repair_s) == 2
    assert outcome.repair_s[1] - outcome.repair_s[0] == pytest.approx(2.0, abs=0.3)


def test_a_gap_is_read_without_a_sync() -> None:
    """A viewer that finds its loss by the next frame reads over HTTP, and has no doubt about its socket."""
    outcome = simulate(replace(LOSSY, goals=(Goal(0.0), Goal(2.0)), gateway=Gateway(lost=0.1), seed=2))
    [cell] = outcome.cells
    assert cell.gaps > 100
    assert outcome.asked_over_the_socket <= outcome.lost - cell.gaps
    # Some answers are too old to have the goal, so these viewers read again.
    assert outcome.reads_over_http > outcome.lost


def test_a_gap_without_a_lost_frame_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """If our senders leave a viewer out, the next frame shows the gap, and the viewer reads what it has missed."""
    monkeypatch.setattr(Repairs, "bring", _leave_out_the_first)
    outcome = simulate(replace(LOSSY, gateway=Gateway(), goals=(Goal(0.0), Goal(20.0))))
    assert (outcome.missed, outcome.lost, outcome.cells[0].gaps) == (0, 0, 1)
    assert outcome.reads_over_http >= 1
    assert 20 < outcome.goals[0].last_s < 25


def test_a_gap_that_nothing_closes_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The events that a viewer holds at the end count: it does not hold a frame after a gap that is still open."""
    monkeypatch.setattr(Repairs, "bring", _leave_out_the_first)
    monkeypatch.setattr(Repairs, "read", _unread)
    monkeypatch.setattr(Repairs, "newest", lambda *_: 0)
    outcome = simulate(replace(LOSSY, gateway=Gateway(), goals=(Goal(0.0), Goal(20.0))))
    assert (outcome.missed, outcome.cells[0].gaps) == (2, 1)


_bring = Repairs.bring


def _leave_out_the_first(repairs: Repairs, parcel: Parcel, viewer: int, after_s: float) -> None:
    if (parcel.seq, viewer) != (1, FIRST_LOSER):
        _bring(repairs, parcel, viewer, after_s)


def _lose_both(repairs: Repairs, parcel: Parcel, viewer: int, after_s: float) -> None:
    if viewer == FIRST_LOSER:
        repairs.lose(parcel, viewer)
    else:
        _bring(repairs, parcel, viewer, after_s)


async def _unread(*_: object) -> Any:
    raise ReadError("down")


def test_viewers_that_have_everything_are_numbers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer is an object only until it has everything: the losses of a long match do not add up in memory."""
    most: list[int] = []
    close = Repairs.close

    async def closing(repairs: Repairs) -> None:
        most.append(repairs.most_awake)
        await close(repairs)

    monkeypatch.setattr(Repairs, "close", closing)
    outcome = simulate(replace(LOSSY, goals=tuple(Goal(240.0 * each) for each in range(6))))
    assert outcome.lost > 1_000
    assert 100 < most[0] < 300


def test_a_viewer_rests_when_its_socket_has_proven_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the ``sync`` ends a silence of the connection. The viewer still knows that at its next loss."""
    heard: list[tuple[float, float]] = []
    monkeypatch.setattr(Viewers, "heard", lambda _viewers, _viewer, *about: heard.append(about))
    simulate(LOSSY)
    assert len(heard) > 100
    assert all(last > 1 and longest > 1 for last, longest in heard)


def test_a_silence_is_measured_as_the_clients_socket_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest silence that a message has ended is the same number in the client's socket and in the simulation."""
    viewers = Viewers("m", 10, first=0, gone=0, slow=0, tick=0.5, came_s=100.0)
    now = [viewers.subscribed_at(3)]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    socket = ViewerSocket(lambda _: None)
    frame: Any = SimpleNamespace(msg_type=WSMsgType.TEXT, fin=True, get_payload_as_memoryview=lambda: b"")
    for at in (2.0, 5.0, 90.0, 92.0, 100.0):
        now[0] = at
        socket.on_ws_frame(None, frame)  # type: ignore[arg-type]
        viewers.parcel(0, 1).deliver(3, at)
        assert viewers.silence(3) == pytest.approx((socket.last_message_at, socket.longest_message_silence), rel=1e-5)


def test_viewers_subscribe_within_the_time_before_the_beginning() -> None:
    """The viewers come evenly within that time, and none after the beginning."""
    viewers = Viewers("m", 1_000, first=0, gone=0, slow=0, tick=0.5, came_s=600.0)
    came = sorted(viewers.subscribed_at(each) for each in range(1_000))
    assert -600 <= came[0] < -590
    assert -310 < came[500] < -290
    assert -10 < came[-1] <= 0
