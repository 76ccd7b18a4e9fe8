"""The place where a sender begins its first lap."""

from __future__ import annotations

from broadcaster.control.payload import Batch, Cursor
from broadcaster.send.lap import LapPosition, LapStart, lap_start

CURSOR = Cursor(lap_seq=7, shards=16, begin_shard_index=2, begin_after="b", range_index=3, after="c", rows_read=40)


def batch(cursor: Cursor | None) -> Batch:
    """A batch of the shards 0 to 7 of 16."""
    return Batch(0, 0, 8, 16, 1, cursor=cursor)


def test_a_batch_without_a_cursor_begins_at_its_first_row() -> None:
    """The first sender of a batch begins before the first row of the first shard."""
    assert lap_start(batch(None), 7, 16) == LapStart()


def test_an_unfinished_lap_goes_on() -> None:
    """A sender that finds nothing newer goes on with the lap of the sender before, where that one stopped."""
    assert lap_start(batch(CURSOR), 7, 16) == LapStart(LapPosition(2, "b"), 3, "c", 40)


def test_a_newer_event_begins_a_lap_at_the_cursor() -> None:
    """A newer event begins a new lap at the row where the sender before stopped, not at the first row."""
    assert lap_start(batch(CURSOR), 8, 16) == LapStart(LapPosition(5, "c"))


def test_more_shards_begin_a_lap_at_the_cursor() -> None:
    """The position is a place among the shards that the cursor knew, also where its lap has passed the last of them."""
    past_the_end = Cursor(7, 16, 6, None, 3, "c", 40)
    assert lap_start(batch(past_the_end), 7, 32) == LapStart(LapPosition(1, "c"))
