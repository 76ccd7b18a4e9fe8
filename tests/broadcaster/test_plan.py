"""A plan covers all shards, within the send budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.plan import (
    MAX_SENDERS,
    ROWS_PER_SENDER,
    Budget,
    plan,
    shards_of,
)

SHARDS = st.sampled_from([2**power for power in range(13)])
BUDGETS = st.builds(Budget, st.integers(1, 100_000), st.integers(1, 5_000))


@given(SHARDS, st.none() | st.integers(0, 5_000_000), BUDGETS)
def test_every_shard_is_in_one_batch(shards: int, rows: int | None, budget: Budget) -> None:
    """Promise 2: the batches cover each shard exactly once, whatever the estimate of the rows."""
    batches = plan(shards, rows, budget)
    assert [shard for batch in batches for shard in range(batch.first, batch.end)] == list(range(shards))
    assert [batch.number for batch in batches] == list(range(len(batches)))


@given(SHARDS, st.integers(0, 5_000_000), BUDGETS)
def test_no_more_senders_than_the_budget_feeds(shards: int, rows: int, budget: Budget) -> None:
    """There are no more senders than the send rate feeds, and no more than an inline Map runs at once."""
    senders = len(plan(shards, rows, budget))
    assert senders <= min(shards, MAX_SENDERS)
    assert (senders - 1) * budget.sender_rate < budget.rate
    assert (senders - 1) * ROWS_PER_SENDER < max(rows, 1)


@given(SHARDS, st.integers(0, 4), BUDGETS)
def test_an_old_plan_covers_a_match_that_has_grown(shards: int, doublings: int, budget: Budget) -> None:
    """Promise 2: together the batches of a plan cover each shard of any later count exactly once."""
    grown = shards * 2**doublings
    walked = [shard for batch in plan(shards, None, budget)
              for shard in shards_of(batch.first, batch.end, batch.planned_shards, grown)]  # fmt: skip
    assert sorted(walked) == list(range(grown))


def test_a_million_viewers_get_the_senders_that_the_default_budget_feeds() -> None:
    """128 shards at 9,000 posts a second and 3,000 a sender need three senders, which have 42 or 43 shards each."""
    batches = plan(128, 1_000_000, Budget(9_000, 3_000))
    assert [batch.senders for batch in batches] == [3] * 3
    assert {batch.end - batch.first for batch in batches} == {42, 43}
