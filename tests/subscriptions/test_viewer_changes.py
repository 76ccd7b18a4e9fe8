"""Changes of the number of viewers, before they are written."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.viewer_changes import FLUSH_SECONDS, WRITES_PER_INVOCATION, ViewerChanges


def test_the_first_is_written_at_once_and_the_rest_together() -> None:
    """A small audience is seen soon; in a rush many viewers share a write."""
    changes = ViewerChanges()
    changes.add("m", 1)
    assert changes.pop_due(100.0) == {"m": 1}
    for _ in range(50):
        changes.add("m", 1)
        assert changes.pop_due(100.0 + FLUSH_SECONDS - 0.1) == {}
    changes.add("m", -1)
    assert changes.unwritten("m") == 49
    assert changes.pop_due(100.0 + FLUSH_SECONDS) == {"m": 49}
    assert (changes.unwritten("m"), changes.pop_due(200.0)) == (0, {})


def test_who_came_and_went_again_is_no_write() -> None:
    """A change of nothing is not written."""
    changes = ViewerChanges()
    changes.add("m", 1)
    changes.add("m", -1)
    assert changes.pop_due(0.0) == {}


def test_one_invocation_writes_little() -> None:
    """A viewer of fifty matches leaves fifty changes: they are written by and by, those that wait longest first."""
    changes = ViewerChanges()
    for number in range(50):
        changes.add(f"m{number}", -1)
    first = changes.pop_due(0.0)
    assert list(first) == [f"m{number}" for number in range(WRITES_PER_INVOCATION)]
    written = [*first]
    for _ in range(50):
        written += changes.pop_due(0.0)
    assert written == [f"m{number}" for number in range(50)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2), st.floats(0, 2), st.booleans()), max_size=60))
def test_nothing_is_lost_or_written_too_often(steps: list[tuple[str, int, float, bool]]) -> None:
    """Each change, in any order, is written once or still waits, also after a write that failed."""
    changes, now = ViewerChanges(), 0.0
    noted: Counter[str] = Counter()
    written: Counter[str] = Counter()
    last: dict[str, float] = {}
    for match, change, pause, fails in steps:
        now += pause
        changes.add(match, change)
        noted[match] += change
        for due, net in changes.pop_due(now).items():
            assert net
            assert now - last.get(due, -FLUSH_SECONDS) >= FLUSH_SECONDS
            last[due] = now
            if fails:
                changes.add(due, net)
            else:
                written[due] += net
    assert all(noted[match] == written[match] + changes.unwritten(match) for match in "abc")
