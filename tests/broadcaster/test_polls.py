"""The decision that follows from a poll."""

from __future__ import annotations

from dataclasses import replace

from broadcaster.control.cell_state import CellState
from broadcaster.send.polls import RENEW_SECONDS, Decision, Poll, decide
from tests.broadcaster.test_update_frames import STATE

NOW = 1_766_080_000.0
LEASE_SECONDS = 90
POLL = Poll(
    replace(STATE, newest_seq=3),
    CellState(STATE.match, due_seq=3, owner="us", lease_until=int(NOW) + LEASE_SECONDS),
    [],
)


def decision(poll: Poll, *, lap_seq: int = 3) -> Decision:
    """The decision for a sender of the execution ``us``."""
    return decide(poll, owner="us", lap_seq=lap_seq, now=NOW, lease_seconds=LEASE_SECONDS)


def test_a_sender_with_the_newest_event_and_a_new_lease_goes_on() -> None:
    """A poll that shows nothing new requires no write and no further read."""
    assert decision(POLL) == Decision(has_lease=True)


def test_a_sender_without_the_lease_does_nothing_else() -> None:
    """Promise 2: neither another execution's lease is renewed, nor a newer event sent under it."""
    for owner in ("another", None):
        poll = replace(POLL, cell_state=replace(POLL.cell_state, owner=owner, lease_until=0))
        assert decision(poll, lap_seq=1) == Decision(has_lease=False)


def test_a_lease_is_renewed_when_it_is_old() -> None:
    """A lease is renewed as soon as it was renewed more than RENEW_SECONDS ago, and not before."""
    for age, is_due in ((RENEW_SECONDS, False), (RENEW_SECONDS + 1, True)):
        poll = replace(POLL, cell_state=replace(POLL.cell_state, lease_until=int(NOW + LEASE_SECONDS - age)))
        assert decision(poll) == Decision(has_lease=True, renew_lease=is_due)


def test_a_newer_event_is_sent() -> None:
    """The frames are read if and only if the match has an event after the one that is being sent."""
    assert decision(POLL, lap_seq=2) == Decision(has_lease=True, read_frames=True)
    assert not decision(POLL, lap_seq=4).read_frames
