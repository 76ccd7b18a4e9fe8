"""Pacing: the token bucket and the back-off, by a clock of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.pacing import TokenBucket, backoff


@given(
    st.floats(1, 10_000), st.floats(1, 500), st.lists(st.floats(0, 0.01), min_size=1, max_size=300), st.floats(0, 10)
)
def test_no_more_than_rate_and_burst(rate: float, burst: float, pauses: list[float], start: float) -> None:
    """Promise 5: whoever asks however often, at most burst + rate times the span go out in any span from the start."""
    bucket = TokenBucket(rate, burst, start)
    now = start
    sent = []
    for pause in pauses:
        now += pause
        sent.append(now + bucket.take(now))
    for count, at in enumerate(sorted(sent), 1):
        assert count <= burst + rate * (at - start) + 1e-6 * count + 1


def test_waiting_takers_line_up() -> None:
    """Takers that come at the same moment are spread at the rate."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert [round(bucket.take(0), 3) for _ in range(5)] == [0, 0, 0.1, 0.2, 0.3]


def test_a_pause_earns_a_burst_and_no_more() -> None:
    """Unused tokens are kept up to the burst."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert [round(bucket.take(60), 3) for _ in range(3)] == [0, 0, 0.1]


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_backoff_is_jittered_and_capped(attempt: int, chance: float) -> None:
    """Full jitter: anything from nothing to the cap, growing with the attempts."""
    wait = backoff(attempt, chance, base=0.05, cap=2.0)
    assert 0 <= wait <= min(2.0, 0.05 * 2**attempt)
