"""A viewer's decisions about repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.follower import Follower
from client.repair_plan import (
    LONGEST_SECONDS,
    backoff,
    delay,
    grace,
    history_path,
    judge,
    looking,
    patience,
    quiet,
    snapshot_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

HISTORY = [{"seq": seq, "kind": "goal", "score": [seq, 0]} for seq in range(1, 41)]
CHANCES = st.floats(0, 1, exclude_max=True)


def snapshot(seq: int, since: int = 0, holds: int = 40, epoch: str = "k3") -> dict[str, Any]:
    """The snapshot at ``seq`` for one who has ``since``, with at most so many events."""
    return {
        "type": "snapshot", "match": "m", "epoch": epoch, "seq": seq, "status": "first_half", "score": [seq, 0],
        "home": "A", "away": "B", "events": HISTORY[since:seq][-holds:],
    }  # fmt: skip


def page(seq: int, after: int, size: int, epoch: str = "k3") -> dict[str, Any]:
    """A page of the history of a match at ``seq``."""
    return {"match": "m", "epoch": epoch, "seq": seq, "events": HISTORY[after:seq][:size]}


def at(seq: int) -> Follower:
    """A follower that stands at ``seq``."""
    follower = Follower("m")
    follower.take(snapshot(seq))
    return follower


@given(CHANCES, st.integers(1, 50))
def test_every_wait_is_bounded_and_any_moment_of_it_may_be_the_one(chance: float, attempt: int) -> None:
    """The pause has full jitter, from 0 to the longest pause, which more failures do not exceed."""
    assert 0 <= delay(attempt, chance) <= LONGEST_SECONDS
    assert delay(attempt, 0.0) == 0
    assert delay(attempt + 1, 0.5) >= delay(attempt, 0.5) > 0


@given(CHANCES)
def test_silences_end_at_different_moments(chance: float) -> None:
    """The next reads after a silence are spread over half of its time."""
    assert 45 <= patience(60, chance) <= 75
    assert patience(60, 0.0) < patience(60, 0.5) < patience(60, 0.9)


def test_all_who_miss_the_same_read_the_same() -> None:
    """A URL holds the position and nothing of the viewer, so that one answer of a cache serves all of them."""
    assert snapshot_path(at(7)) == snapshot_path(at(7)) == "/matches/m?after=7&epoch=k3"
    assert history_path(at(7)) == "/matches/m/events?after=7"


def test_an_answer_of_another_epoch_is_not_believed() -> None:
    """After an answer of another epoch the viewer asks over the socket, because a cached answer may be old."""
    assert judge(at(7), snapshot(9, since=7, epoch="k4")) == "ask"


def test_a_patient_follower_takes_nothing_that_leaves_a_hole() -> None:
    """A snapshot that does not reach back is a gap for a patient follower, and a loss for any other."""
    patient, other = at(2), at(2)
    assert judge(patient, snapshot(20, since=2, holds=18)) == "take"
    assert judge(patient, snapshot(20, since=2, holds=17)) == "pages"
    assert patient.take(snapshot(20, since=2, holds=5), patient=True) == []
    assert (patient.seq, patient.gap, patient.lost) == (2, True, 0)
    assert len(other.take(snapshot(20, since=2, holds=5))) == 5
    assert (other.seq, other.gap, other.lost) == (20, False, 13)


def test_a_gap_reaches_as_far_as_the_snapshot_that_showed_it() -> None:
    """An answer from a cache that is older than what the viewer has seen of the match does not close the gap."""
    follower = at(2)
    follower.take(snapshot(20, since=2, holds=5), patient=True)
    follower.read(page(19, 2, 17))
    assert follower.take(snapshot(19, since=19), patient=True) == []
    assert follower.gap
    assert len(follower.take(snapshot(20, since=19), patient=True)) == 1
    assert not follower.gap


def test_a_new_epoch_is_taken_from_its_beginning_however_patient() -> None:
    """A reset is no hole: the follower begins again with what the snapshot has."""
    follower = at(30)
    assert len(follower.take(snapshot(6, epoch="k4"), patient=True)) == 6
    assert (follower.epoch, follower.seq, follower.gap) == ("k4", 6, False)


def test_a_page_of_another_epoch_or_beyond_the_position_is_not_shown() -> None:
    """A page of another epoch, after a hole, or without scores changes nothing."""
    follower = at(7)
    assert follower.read(page(20, 7, 5, epoch="k4")) == []
    assert follower.read(page(20, 9, 5)) == []
    assert follower.read({**page(20, 7, 5), "events": [{"seq": 8}]}) == []
    assert follower.read({"message": "Too Many Requests"}) == []
    assert judge(follower, {"type": "snapshot", "epoch": "k3", "seq": 9}) == "ask"
    assert follower.seq == 7
    assert [event["seq"] for event in follower.read(page(20, 5, 5))] == [8, 9, 10]


@given(st.data())
def test_any_hole_is_closed_in_steps(data: st.DataObject) -> None:
    """Pages and snapshots of any size close any gap: each event is shown once and in order, and none is lost."""
    begin, holds, size = data.draw(st.integers(0, 39)), data.draw(st.integers(1, 10)), data.draw(st.integers(1, 10))
    follower, seq = at(begin), begin
    shown: list[Mapping[str, object]] = [*HISTORY[:begin]]
    while follower.seq < len(HISTORY):
        seq = data.draw(st.integers(max(seq, follower.seq), len(HISTORY)))
        answer = snapshot(seq, since=follower.seq, holds=holds)
        if judge(follower, answer) == "pages":
            shown += follower.read(page(seq, follower.seq, size))
        else:
            shown += follower.take(answer, patient=True)
            seq = min(len(HISTORY), seq + 1)
    assert shown == HISTORY
    assert follower.lost == 0


@given(CHANCES)
def test_a_proven_silence_makes_the_next_look_later(chance: float) -> None:
    """A viewer looks after the longest silence that a message has ended, between the least and the most seconds."""
    for proven, seconds in ((1, 20), (60, 60), (900, 150)):
        assert seconds * 0.75 <= looking(20, 150, proven, chance) <= seconds * 1.25


@given(CHANCES)
def test_a_quiet_connection_is_asked_a_few_times(chance: float) -> None:
    """The server is asked after twice the longest silence that a frame has ended, and not before the least."""
    assert 20 * 0.75 <= quiet(20, 1, chance) <= 20 * 1.25
    assert 400 * 0.75 <= quiet(20, 200, chance) <= 400 * 1.25


def test_a_slow_server_is_given_more_time() -> None:
    """The first frame of a connection may take twice as long after each connection that brought none, up to a limit."""
    assert [grace(10, mutes) for mutes in (0, 1, 2, 3, 500)] == [10, 20, 40, 60, 60]
    assert grace(90, 5) == 90


@pytest.mark.parametrize("attempt", [31, 1_024, 10**9])
def test_a_viewer_that_is_refused_for_hours_goes_on_trying(attempt: int) -> None:
    """However often a connection or a read has failed, the next pause is the longest one, and no error."""
    assert backoff(attempt, 0.5) == 15.0
    assert delay(attempt, 0.5) == LONGEST_SECONDS / 2
