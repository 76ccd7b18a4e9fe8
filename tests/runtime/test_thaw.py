"""The clock that goes on while Lambda has the process frozen."""

from __future__ import annotations

from runtime.thaw import IDLE_SECONDS, Clock, Usage


class Readings:
    """Wall clock and monotonic clock of the test."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_766_000_000.0, 100.0

    def __call__(self) -> tuple[float, ...]:
        """Both."""
        return self.wall, self.steady


def test_a_freeze_counts_whichever_clock_stood_still() -> None:
    """Promise: an hour that only one of the clocks has seen is an hour."""
    readings = Readings()
    clock = Clock(readings)
    readings.wall += 3600
    assert clock() == 3600
    readings.steady += 60
    assert clock() == 3660


def test_time_that_all_clocks_have_seen_counts_once() -> None:
    """Promise: without a freeze the clock shows the seconds that have passed."""
    readings = Readings()
    clock = Clock(readings)
    for _ in range(10):
        readings.wall += 1
        readings.steady += 1
        clock()
    assert clock() == 10


def test_a_wall_clock_that_is_set_back_does_not_set_the_clock_back() -> None:
    """Promise: the clock never goes back, and goes on from where it is."""
    readings = Readings()
    clock = Clock(readings)
    readings.wall -= 86_400
    assert clock() == 0
    readings.steady += 5
    assert clock() == 5


def test_connections_are_old_after_fifty_seconds_without_use() -> None:
    """Promise: the age of connections counts from their last use."""
    now = [0.0]
    usage = Usage(lambda: now[0])
    now[0] = IDLE_SECONDS
    assert not usage.is_long_ago
    usage.note()
    now[0] += IDLE_SECONDS
    assert not usage.is_long_ago
    now[0] += 1
    assert usage.is_long_ago
