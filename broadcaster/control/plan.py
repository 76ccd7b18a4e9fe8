"""Pure: the plan splits the shards of a match into batches, one for each sender.

The account's send rate limits the number of senders: 10,000 requests a second by default, shared with the requests of
viewers (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html). More senders than that rate feeds
would only get 429s. The share of each sender is decided while the senders run (``rate_share.share``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from broadcaster.control.payload import Batch

MAX_SENDERS = 40
"""An inline Map runs at most 40 iterations at once
(https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html)."""

ROWS_PER_SENDER = 2_000
"""A match gets one more sender for each further 2,000 rows, as far as the rate feeds it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The send budget of a cell, in requests a second."""

    rate: int
    """For all senders of the cell together."""
    sender_rate: int
    """The most that one sender can send."""


def plan(shards: int, estimated_rows: int | None, budget: Budget) -> tuple[Batch, ...]:
    """Batches that cover every shard once, for no more senders than the budget feeds.

    ``estimated_rows``: of the match. With None there are as many senders as the budget feeds. A wrong estimate
    makes the broadcast slower, and never incomplete.
    """
    fed = ceil(budget.rate / budget.sender_rate)
    worth = fed if estimated_rows is None else max(1, ceil(estimated_rows / ROWS_PER_SENDER))
    senders = min(shards, MAX_SENDERS, fed, worth, budget.rate)
    return tuple(
        Batch(number, shards * number // senders, shards * (number + 1) // senders, shards, senders)
        for number in range(senders)
    )


def shards_of(first: int, end: int, planned_shards: int, shards: int) -> list[int]:
    """The shards of a batch that was planned for ``planned_shards`` shards, in a match that has ``shards`` now.

    The number of shards only doubles, so each batch takes the same slice of every doubling. Together the batches of an
    old plan still cover every shard. The shards of the plan come first.
    """
    return [
        shard + shift for shift in range(0, max(planned_shards, shards), planned_shards) for shard in range(first, end)
    ]
