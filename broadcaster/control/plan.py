"""Pure: from the shards of a match and the send budget to batches for the senders.

The account's send rate is the scarce thing (10,000 requests a second by default, shared with all that viewers send:
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
More senders than the rate feeds only make 429s, so their number
follows from the rate. The share of each sender is decided while the senders run (``rate_share.share``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SENDERS = 40
"""An inline Map runs 40 iterations at once
(https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html)."""

ROWS_PER_SENDER = 2_000
"""Fewer rows than this are not worth another sender."""


VERSION = 1
"""Of what the state machine carries: functions of two releases meet while one is deployed in the middle of a match."""


class UnknownVersionError(Exception):
    """A payload of another release. It is tried again, by a newer function perhaps, and then set aside."""


def check_version(payload: Mapping[str, Any]) -> None:
    """Refuse a payload that this release does not know, before anything is made of it.

    Raises UnknownVersionError.
    """
    if payload.get("v") != VERSION:
        raise UnknownVersionError(f"a payload of version {payload.get('v')!r}; this release knows version {VERSION}")


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests a second: what all senders together may use, and what one sender can do at best."""

    rate: int
    sender_rate: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The shards ``first`` to ``last`` (not included) of ``of`` for one of ``senders`` senders."""

    batch: int
    first: int
    last: int
    of: int
    senders: int

    def to_task(self) -> dict[str, Any]:
        """The batch as the state machine carries it."""
        return {
            "v": VERSION, "batch": self.batch, "first": self.first, "last": self.last, "of": self.of,
            "senders": self.senders,
        }  # fmt: skip


def plan(shards: int, rows: int | None, budget: Budget) -> list[Batch]:
    """Batches that cover every shard once, for no more senders than the budget feeds.

    ``rows`` is how many rows the match is thought to have, None if nobody knows: then as many senders as the budget
    feeds. The plan is right for any true number of rows; only its speed depends on the guess.
    """
    fed = ceil(budget.rate / budget.sender_rate)
    worth = fed if rows is None else max(1, ceil(rows / ROWS_PER_SENDER))
    senders = min(shards, MAX_SENDERS, fed, worth, budget.rate)
    return [
        Batch(number, shards * number // senders, shards * (number + 1) // senders, shards, senders)
        for number in range(senders)
    ]


def shards_of(first: int, last: int, of: int, shards: int) -> list[int]:
    """The shards that a batch planned for ``of`` shards walks when the match has ``shards`` by now.

    Shards only double, so each batch takes the same slice of every doubling: between them the batches of an old plan
    still cover every shard, and what an earlier count gave them stays in front.
    """
    return [shard + shift for shift in range(0, max(of, shards), of) for shard in range(first, last)]
