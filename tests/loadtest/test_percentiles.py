"""Percentiles of a list of values."""

from __future__ import annotations

from loadtest.percentiles import percentile


def test_a_percentile_is_one_of_the_values() -> None:
    """The share counts from the least value; without values the percentile is 0."""
    assert [percentile([1, 2, 3, 4], share) for share in (0.0, 0.5, 1.0)] == [1, 3, 4]
    assert percentile([], 0.5) == 0
