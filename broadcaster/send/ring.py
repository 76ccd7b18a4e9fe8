"""Pure: the ring of rows that a sender goes round.

The stages of the ring are the sender's shards, in order; within one the rows lie in the order of their connection ids.
A lap begins at any spot and ends there: every row once, first those after the spot. A newer frame begins a new lap
where the sender stands, so nothing is begun again from the front, and nobody waits longer than one round.
"""

from __future__ import annotations

from typing import NamedTuple


class Spot(NamedTuple):
    """A place between two rows: in shard number ``stage``, after the row ``after`` (None: before the first)."""

    stage: int = 0
    after: str | None = None


class Stretch(NamedTuple):
    """A part of a lap within one shard: the rows after ``after``, up to and with ``to`` (None: to the end)."""

    stage: int
    after: str | None = None
    to: str | None = None


def lap(stages: int, begin: Spot) -> list[Stretch]:
    """The stretches of one lap round ``stages`` shards from ``begin``."""
    stretches = [Stretch(begin.stage, begin.after)]
    stretches += [Stretch((begin.stage + step) % stages) for step in range(1, stages)]
    if begin.after is not None:
        stretches.append(Stretch(begin.stage, None, begin.after))
    return stretches
