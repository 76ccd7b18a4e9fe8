"""Changes of the number of viewers, before they are written."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.comings import AT_ONCE, FLUSH_SECONDS, Comings


def test_the_first_is_written_at_once_and_the_rest_together() -> None:
    """A small audience is seen soon; in a rush many viewers share a write."""
    comings = Comings()
    comings.note("m", 1)
    assert comings.due(100.0) == {"m": 1}
    for _ in range(50):
        comings.note("m", 1)
        assert comings.due(100.0 + FLUSH_SECONDS - 0.1) == {}
    comings.note("m", -1)
    assert comings.waiting("m") == 49
    assert comings.due(100.0 + FLUSH_SECONDS) == {"m": 49}
    assert (comings.waiting("m"), comings.due(200.0)) == (0, {})


def test_who_came_and_went_again_is_no_write() -> None:
    """A change of nothing is not written."""
    comings = Comings()
    comings.note("m", 1)
    comings.note("m", -1)
    assert comings.due(0.0) == {}


def test_one_invocation_writes_little() -> None:
    """A viewer of fifty matches leaves fifty changes: they are written by and by, those that wait longest first."""
    comings = Comings()
    for number in range(50):
        comings.note(f"m{number}", -1)
    first = comings.due(0.0)
    assert list(first) == [f"m{number}" for number in range(AT_ONCE)]
    written = [*first]
    for _ in range(50):
        written += comings.due(0.0)
    assert written == [f"m{number}" for number in range(50)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2), st.floats(0, 2), st.booleans()), max_size=60))
def test_nothing_is_lost_or_written_too_often(steps: list[tuple[str, int, float, bool]]) -> None:
    """Each change, in any order, is written once or still waits, also after a write that failed."""
    comings, now = Comings(), 0.0
    noted: Counter[str] = Counter()
    written: Counter[str] = Counter()
    last: dict[str, float] = {}
    for match, change, pause, fails in steps:
        now += pause
        comings.note(match, change)
        noted[match] += change
        for due, net in comings.due(now).items():
            assert net
            assert now - last.get(due, -FLUSH_SECONDS) >= FLUSH_SECONDS
            last[due] = now
            if fails:
                comings.note(due, net)
            else:
                written[due] += net
    assert all(noted[match] == written[match] + comings.waiting(match) for match in "abc")
