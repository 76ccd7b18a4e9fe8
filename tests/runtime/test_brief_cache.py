"""Answers to readers, kept for a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime import brief_cache
from runtime.brief_cache import BriefCache

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Both clocks of the process."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.date = 1_766_000_000.0

    def monotonic(self) -> float:
        """Seconds since nothing in particular."""
        return self.steady

    def time(self) -> float:
        """Seconds since 1970."""
        return self.date

    def pass_time(self, seconds: float) -> None:
        """Let time pass on both."""
        self.steady += seconds
        self.date += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks that values are kept by."""
    clock = Clock()
    monkeypatch.setattr(brief_cache, "time", clock)
    return clock


def counter() -> tuple[list[int], Callable[[], int]]:
    """The reads so far, and a read that returns their number."""
    reads: list[int] = []

    def read() -> int:
        reads.append(len(reads) + 1)
        return len(reads)

    return reads, read


def test_a_value_is_read_once_a_second(clock: Clock) -> None:
    """A request within a second of the read gets the value that was read, marked as not fresh."""
    reads, read = counter()
    values = BriefCache[str, int](10)
    assert values.get_or_read("m", read).fresh
    clock.pass_time(0.99)
    again = values.get_or_read("m", read)
    assert (again.value, again.fresh) == (1, False)
    clock.pass_time(0.01)
    assert (values.get_or_read("m", read).value, values.get_or_read("m", read).fresh) == (2, False)
    assert reads == [1, 2]


def test_a_value_is_as_old_as_the_moment_before_its_read(clock: Clock) -> None:
    """A read that takes 0.6 seconds leaves 0.4 of the second."""

    def slow() -> int:
        clock.pass_time(0.6)
        return 1

    values = BriefCache[str, int](10)
    values.get_or_read("m", slow)
    clock.pass_time(0.5)
    assert values.get_or_read("m", lambda: 2).value == 2


@pytest.mark.parametrize(("steady", "date"), [(0.0, 60.0), (60.0, 0.0), (0.0, -5.0)])
def test_a_frozen_process_gives_out_nothing_old(clock: Clock, steady: float, date: float) -> None:
    """While Lambda freezes a process a clock may stand still, and the other may be set: then it reads again."""
    values = BriefCache[str, int](10)
    values.get_or_read("m", lambda: 1)
    clock.steady += steady
    clock.date += date
    assert values.get_or_read("m", lambda: 2).value == 2


def test_the_least_recently_used_value_goes_first(clock: Clock) -> None:
    """An attacker that makes up keys fills no memory; what is asked for meanwhile stays."""
    reads, read = counter()
    values = BriefCache[str, int](3)
    values.get_or_read("asked for", read)
    for number in range(100):
        values.get_or_read(str(number), lambda: 0)
        values.get_or_read("asked for", read)
    assert reads == [1]
    assert len(values._kept) == 3  # noqa: SLF001


def test_failures_and_rejected_values_are_not_cached(clock: Clock) -> None:
    """An error is not kept, nor what is about to change; what is dropped is read again."""

    def fail() -> int:
        raise TimeoutError

    values = BriefCache[str, int](3)
    with pytest.raises(TimeoutError):
        values.get_or_read("m", fail)
    assert values.get_or_read("m", lambda: 1, keep_if=lambda value: value > 1).value == 1
    assert values.get_or_read("m", lambda: 2, keep_if=lambda value: value > 1).value == 2
    assert values.get_or_read("m", lambda: 3).value == 2
    values.drop("m", when=lambda value: value > 2)
    assert values.get_or_read("m", lambda: 3).value == 2
    values.drop("m")
    values.drop("m")
    assert values.get_or_read("m", lambda: 4).value == 4
    values.clear()
    assert values.get_or_read("m", lambda: 5).value == 5
