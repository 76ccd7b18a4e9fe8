"""Pure: the ring of rows that a sender goes round.

The stages of the ring are the sender's shards, in order; within one the rows lie in the order of their connection ids.
A lap begins at any spot and ends there: every row once, first those after the spot. A newer frame begins a new lap
where the sender stands, so nothing is begun again from the front, and nobody waits longer than one round.
"""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A place between two rows: in shard number ``shard_index``, after the row ``after`` (None: before the first)."""

    shard_index: int = 0
    after: str | None = None


class RowRange(NamedTuple):
    """A part of a lap within one shard: the rows after ``after``, up to and with ``up_to`` (None: to the end)."""

    shard_index: int
    after: str | None = None
    up_to: str | None = None


def lap_ranges(shards: int, begin: Position) -> list[RowRange]:
    """The ranges of one lap round ``shards`` shards from ``begin``."""
    ranges = [RowRange(begin.shard_index, begin.after)]
    ranges += [RowRange((begin.shard_index + step) % shards) for step in range(1, shards)]
    if begin.after is not None:
        ranges.append(RowRange(begin.shard_index, None, begin.after))
    return ranges
