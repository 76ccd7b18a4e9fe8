"""Pure: the order in which a sender takes the rows of its batch.

The shards of the batch form a circle, in order. Within one shard the rows lie in the order of their connection ids. A
lap begins at any position and ends there: it takes every row once, first the rows after the position. A newer frame
begins a new lap at the sender's position. So no lap begins again from the front, and no viewer waits longer than one
lap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from broadcaster.control.plan import shards_of

if TYPE_CHECKING:
    from broadcaster.control.payload import Batch


class LapPosition(NamedTuple):
    """A place between two rows."""

    shard_index: int = 0
    """The number of the shard among those of the batch, from 0."""
    after: str | None = None
    """The connection of the row before this place; None: the place is before the first row of the shard."""


class RowRange(NamedTuple):
    """A part of a lap within one shard: the rows after ``after``, up to and with ``up_to``."""

    shard_index: int
    after: str | None = None
    """None: from the first row of the shard."""
    up_to: str | None = None
    """None: to the last row of the shard."""


class LapStart(NamedTuple):
    """The place where a lap begins, or where another invocation goes on with it."""

    begin: LapPosition = LapPosition()
    """The lap began here, and ends here."""
    range_index: int = 0
    """Go on in this one of the lap's row ranges."""
    after: str | None = None
    """Go on after this connection; None: from the start of the row range."""
    rows: int = 0
    """Rows that the lap has taken so far."""


def lap_ranges(shards: int, begin: LapPosition) -> list[RowRange]:
    """The row ranges of one lap over ``shards`` shards from ``begin``, in order."""
    ranges = [RowRange(begin.shard_index, begin.after)]
    ranges += [RowRange((begin.shard_index + step) % shards) for step in range(1, shards)]
    if begin.after is not None:
        ranges.append(RowRange(begin.shard_index, None, begin.after))
    return ranges


def lap_start(batch: Batch, newest_seq: int, shards: int) -> LapStart:
    """The first lap of an invocation for a match of ``shards`` shards.

    It is the lap of the cursor that an earlier invocation left. If the match has a newer event or more shards since,
    it is a new lap that begins at the cursor.
    """
    cursor = batch.cursor
    if cursor is None:
        return LapStart()
    if (cursor.lap_seq, cursor.shards) == (newest_seq, shards):
        begin = LapPosition(cursor.begin_shard_index, cursor.begin_after)
        return LapStart(begin, cursor.range_index, cursor.after, cursor.rows_read)
    batch_shards = len(shards_of(batch.first, batch.end, batch.planned_shards, cursor.shards))
    return LapStart(LapPosition((cursor.begin_shard_index + cursor.range_index) % batch_shards, cursor.after))
