"""Durations in words."""

from __future__ import annotations

from forecast.wording import duration


def test_a_duration_has_the_unit_that_fits_its_length() -> None:
    """Below ten seconds hundredths count, below three minutes seconds, below two hours minutes."""
    times = [1.149, 9.99, 133.5, 180, 7_199, 7_200, 20_160, 4_000_000]
    assert [*map(duration, times)] == ["1.15 s", "9.99 s", "134 s", "3 min", "120 min", "2.0 h", "5.6 h", "1,111.1 h"]
