"""A viewer's half of the protocol: duplicates, disorder and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.follower import Follower

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HISTORY = [{"seq": seq, "kind": "goal", "score": [seq, 0]} for seq in range(1, 13)]


def snapshot(seq: int, since: int = 0, epoch: str = "k3") -> dict[str, Any]:
    """The snapshot of the match at ``seq`` for one who has ``since``."""
    return {
        "type": "snapshot", "match": "m", "epoch": epoch, "seq": seq, "status": "first_half", "score": [seq, 0],
        "home": "A", "away": "B", "events": HISTORY[since:seq],
    }  # fmt: skip


def update(prev: int, seq: int, epoch: str = "k3") -> dict[str, Any]:
    """The update that carries (prev, seq]."""
    return {
        "type": "update", "match": "m", "epoch": epoch, "prev": prev, "seq": seq, "status": "first_half",
        "score": [seq, 0], "events": HISTORY[prev:seq], "at": 1,
    }  # fmt: skip


def seqs(events: Iterable[Mapping[str, Any]]) -> list[int]:
    """The seqs of events."""
    return [event["seq"] for event in events]


def test_a_duplicate_shows_nothing() -> None:
    """A frame that comes twice is shown once."""
    follower = Follower("m")
    follower.take(snapshot(2))
    assert seqs(follower.take(update(2, 3))) == [3]
    assert follower.take(update(2, 3)) == []


def test_an_overlapping_frame_shows_what_is_new() -> None:
    """A frame that begins before the viewer's position is no gap."""
    follower = Follower("m")
    follower.take(snapshot(2))
    assert seqs(follower.take(update(0, 4))) == [3, 4]
    assert not follower.gap


def test_an_update_before_the_snapshot_waits_for_it() -> None:
    """An update that comes before the snapshot is applied after it."""
    follower = Follower("m")
    assert follower.take(update(3, 4)) == []
    assert seqs(follower.take(snapshot(3))) == [1, 2, 3, 4]


def test_a_missing_frame_is_a_gap_until_repaired() -> None:
    """An update ahead of the viewer shows nothing until a snapshot has closed the gap."""
    follower = Follower("m")
    follower.take(snapshot(2))
    assert follower.take(update(3, 4)) == []
    assert follower.gap
    assert seqs(follower.take(snapshot(4, since=2))) == [3, 4]
    assert not follower.gap


def test_a_new_epoch_begins_anew() -> None:
    """After a reset of the match the follower has nothing of the old epoch."""
    follower = Follower("m")
    follower.take(snapshot(5))
    assert follower.take(update(1, 2, epoch="k4")) == []
    assert follower.gap
    assert seqs(follower.take(snapshot(2, epoch="k4"))) == [1, 2]
    assert follower.seq == 2


def test_a_late_frame_of_an_old_epoch_is_repaired_once() -> None:
    """A frame of the old epoch that comes after a reset opens a gap, and the next snapshot drops it."""
    follower = Follower("m")
    follower.take(snapshot(5))
    follower.take(snapshot(2, epoch="k4"))
    assert follower.take(update(4, 6)) == []
    assert follower.gap
    assert follower.take(snapshot(2, since=2, epoch="k4")) == []
    assert not follower.gap
    assert seqs(follower.take(update(2, 3, epoch="k4"))) == [3]


def test_a_late_snapshot_does_not_turn_back_time() -> None:
    """A snapshot from before the newest update is ignored."""
    follower = Follower("m")
    follower.take(snapshot(2))
    follower.take(update(2, 5))
    assert follower.take(snapshot(3)) == []
    assert (follower.seq, follower.score) == (5, (5, 0))


def test_an_update_during_a_gap_is_not_forgotten() -> None:
    """The answer to a repair may be older than an update that came meanwhile: that update still counts."""
    follower = Follower("m")
    follower.take(snapshot(5))
    assert follower.take(update(6, 7)) == []
    assert follower.take(update(7, 8)) == []
    assert seqs(follower.take(snapshot(7, since=5))) == [6, 7, 8]
    assert not follower.gap


def test_a_snapshot_that_does_not_reach_leaves_the_gap() -> None:
    """A repair that was answered before the missing event existed has to be asked again."""
    follower = Follower("m")
    follower.take(snapshot(5))
    follower.take(update(7, 8))
    assert seqs(follower.take(snapshot(6, since=5))) == [6]
    assert follower.gap


@given(st.data())
def test_every_event_once_and_in_order(data: st.DataObject) -> None:
    """Promise 2: through loss, duplicates, disorder and late repairs, every event is shown once and in order."""
    follower = Follower("m")
    shown = follower.take(snapshot(data.draw(st.integers(0, 3))))
    frames = []
    for seq in range(1, len(HISTORY) + 1):
        frames += [update(data.draw(st.integers(0, seq - 1)), seq)] * data.draw(st.integers(0, 2))
    frames = data.draw(st.permutations(frames)) if data.draw(st.booleans()) else frames
    for frame in frames:
        shown += follower.take(frame)
        if follower.gap and data.draw(st.booleans()):
            shown += follower.take(snapshot(data.draw(st.integers(follower.seq, len(HISTORY))), since=follower.seq))
    for _ in range(2):
        shown += follower.take(snapshot(len(HISTORY), since=follower.seq))
    assert not follower.gap
    assert seqs(shown) == seqs(HISTORY)
    assert follower.lost == 0


@pytest.mark.parametrize(
    "change",
    [
        {"seq": "3"}, {"seq": True}, {"seq": -1}, {"epoch": None}, {"epoch": ""}, {"score": [1]}, {"score": [-1, 0]},
        {"shootout": 3}, {"status": 5}, {"events": None}, {"events": [3]}, {"events": HISTORY[:4]},
        {"events": HISTORY[1::-1]}, {"events": [HISTORY[0], HISTORY[0]]}, {"prev": 4}, {"prev": None},
        {"seq": 2**53}, {"score": [2**53, 0]},
    ],
)  # fmt: skip
def test_a_frame_that_is_not_whole_changes_nothing(change: dict[str, Any]) -> None:
    """A viewer shows nothing false from a gateway's damaged frames, and goes on."""
    follower = Follower("m")
    follower.take(snapshot(2))
    before = (follower.epoch, follower.seq, follower.score, follower.gap)
    assert follower.take(update(2, 3) | change) == []
    assert (follower.epoch, follower.seq, follower.score, follower.gap) == before
    assert follower.junk == 1
    assert seqs(follower.take(update(2, 3))) == [3]


def test_what_waits_for_a_snapshot_is_bounded() -> None:
    """Without a snapshot the buffer stays bounded, and the dropped frames are a gap."""
    follower = Follower("m")
    for seq in range(200):
        follower.take({**update(0, 1), "prev": seq, "seq": seq + 1, "events": [{"seq": seq + 1}]})
    assert len(follower._buffer) == 64  # noqa: SLF001
    follower.take(snapshot(2))
    assert follower.gap


def test_a_viewer_without_a_snapshot_has_no_position() -> None:
    """Before its first snapshot a viewer subscribes without a position, then with epoch and seq."""
    follower = Follower("m")
    assert follower.since() is None
