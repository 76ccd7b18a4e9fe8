"""Shards: where a row lies."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.shards import (
    DEFAULT_SHARDS,
    MAX_SHARDS,
    ROWS_PER_SHARD,
    every_shard_of,
    grown_shards,
    initial_shards,
    shard_count,
    shard_of,
)

CONNECTIONS = st.text(min_size=1, max_size=20)
COUNTS = st.sampled_from([2**power for power in range(13)])


@given(st.integers(1, 20_000_000))
def test_the_first_count_holds_the_audience(audience: int) -> None:
    """A power of two, the smallest with room for everyone who is expected, up to the most there may be."""
    shards = initial_shards(audience)
    assert shards & (shards - 1) == 0
    assert shards * ROWS_PER_SHARD >= audience or shards == MAX_SHARDS
    assert shards == 1 or shards // 2 * ROWS_PER_SHARD < audience


def test_without_a_guess_there_are_sixteen() -> None:
    """An operator who does not know the audience gets the default."""
    assert initial_shards(None) == DEFAULT_SHARDS == 16


@given(COUNTS, st.integers(0, 50_000_000))
def test_shards_only_double(shards: int, rows: int) -> None:
    """After a broadcast the count has doubled as often as its rows need, and not more often."""
    grown = grown_shards(shards, rows)
    assert grown % shards == 0
    assert (grown // shards).bit_count() == 1
    assert rows <= grown * ROWS_PER_SHARD or grown == MAX_SHARDS
    assert grown == shards or rows > grown // 2 * ROWS_PER_SHARD


def test_one_broadcast_is_enough_to_fit_an_audience_that_nobody_expected() -> None:
    """Ten million viewers of a match without an estimate have enough shards after its first event."""
    assert grown_shards(DEFAULT_SHARDS, 10_000_000) == 2_048


@given(CONNECTIONS, COUNTS)
def test_a_row_written_with_an_old_count_is_still_read(connection: str, shards: int) -> None:
    """A stale count puts a row into a shard that a broadcast of the new count reads too."""
    assert shard_of(connection, shards) < shards * 2
    assert shard_of(connection, shards * 2) % shards == shard_of(connection, shards)


@given(CONNECTIONS, COUNTS)
def test_every_place_of_a_row_is_known(connection: str, shards: int) -> None:
    """Unsubscribe finds the row whichever count it was written with."""
    places = every_shard_of(connection, 1, shards)
    assert {shard_of(connection, 2**power) for power in range(shards.bit_length())} == set(places)


@pytest.mark.parametrize(("connection", "shard"), [("L0SM9cOFvHcCIhw=", 2), ("viewer", 5)])
def test_the_hash_is_stable(connection: str, shard: int) -> None:
    """Another process and another release find the same shard: CRC-32, as any other language computes it."""
    assert shard_of(connection, 16) == shard


def test_rows_spread_evenly() -> None:
    """No shard gets much more than its share, or it would be slower than the others."""
    counts = Counter(shard_of(f"L0SM9c{number:06d}CIhw=", 16) for number in range(16_000))
    assert set(counts) == set(range(16))
    assert max(counts.values()) < 1_200


def test_grown_shards_go_before_the_first_number() -> None:
    """A match that has grown has the number of shards that it grew to, else the one of its expected audience."""
    assert shard_count(64, 1) == 64
    assert shard_count(None, None) == DEFAULT_SHARDS
    assert shard_count(None, 600_000) == initial_shards(600_000) != DEFAULT_SHARDS
