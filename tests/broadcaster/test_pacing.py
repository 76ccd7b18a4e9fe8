"""Pacing: the token bucket and the back-off, by a clock of their own."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.send.pacing import SLOWEST, THROTTLE_SHARE, WINDOW_SECONDS, AnswerCounts, Pace, TokenBucket, backoff


@given(
    st.floats(1, 10_000), st.floats(1, 500), st.lists(st.floats(0, 0.01), min_size=1, max_size=300), st.floats(0, 10)
)
def test_no_more_than_rate_and_burst(rate: float, burst: float, pauses: list[float], start: float) -> None:
    """Promise 5: whoever looks however often, at most burst + rate times the span go out in any span from the start."""
    bucket = TokenBucket(rate, burst, start)
    now, sent = start, 0
    for pause in pauses:
        now += pause
        tokens = bucket.tokens(now)
        bucket.spend(tokens)
        sent += tokens
        assert sent <= burst + rate * (now - start) + 1e-6 * sent


def test_a_token_is_there_after_the_wait() -> None:
    """A sender can send after the stated wait, and not before."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    bucket.spend(bucket.tokens(0))
    assert bucket.tokens(bucket.wait() * 0.99) == 0
    assert bucket.tokens(0.1) == 1


def test_a_pause_earns_a_burst_and_no_more() -> None:
    """Unused tokens are kept up to the burst."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert bucket.tokens(60) == 2


def test_a_smaller_share_counts_from_now_on() -> None:
    """Promise 5: when another match comes, what had been earned beyond the new burst is given up."""
    bucket = TokenBucket(rate=1_000, burst=100, now=0)
    bucket.change(10, 1, now=60)
    assert bucket.tokens(60) == 1
    assert bucket.tokens(60.1) == 1


def windows(pace: Pace, *seen: tuple[int, int, int, int]) -> list[float]:
    """Feed a pace windows of (taken, refused, further tries taken, refused); returns its rate after each."""
    rates, sums, now = [], AnswerCounts(), 0.0
    for window in seen:
        now += WINDOW_SECONDS
        sums = AnswerCounts(*(before + new for before, new in zip(astuple(sums), window, strict=True)))
        pace.adjust(sums, now)
        rates.append(pace.bucket.rate)
    return rates


def test_slow_viewers_do_not_slow_the_others() -> None:
    """A tenth of all viewers never reads: second tries fail as well, so it is not the account, and the pace stays."""
    pace = Pace(1_000, now=0)
    assert windows(pace, *[(225, 25, 0, 12)] * 20) == [1_000] * 20
    assert not pace.throttled


def test_the_end_of_a_lap_is_no_throttle() -> None:
    """When only the slow viewers are left, every answer is a 429, and that says nothing of the account."""
    pace = Pace(1_000, now=0)
    windows(pace, (250, 5, 0, 5), (0, 0, 0, 80), (0, 0, 0, 80))
    assert (pace.throttled, pace.bucket.rate) == (False, 1_000)


def test_the_accounts_throttle_slows_down_and_lets_go() -> None:
    """Second tries that pass as often as first ones mean the account: slower at once, and back when it is over."""
    pace = Pace(1_000, now=0)
    down = windows(pace, (150, 100, 15, 10), (50, 100, 10, 20), (3, 4, 30, 60))
    assert 1_000 > down[0] > down[1] > down[2] >= 1_000 * SLOWEST
    assert pace.throttled
    up = windows(Pace(1_000, now=0), (125, 125, 10, 10), *[(100, 0, 20, 0)] * 20)
    assert up[0] < 1_000
    assert up[-1] == 1_000


def test_without_second_tries_it_counts_as_the_account() -> None:
    """Before anything has been tried again a 429 may be either, and the pace drops by their share at most."""
    assert windows(Pace(1_000, now=0), (225, 25, 0, 0)) == [900]


@pytest.mark.parametrize("slow", [0.04, 0.06, 0.2, 0.45])
@pytest.mark.parametrize("account", [0.0, 0.02, 0.1, 0.4, 0.9])
def test_the_share_of_the_account_is_found_behind_slow_viewers(slow: float, account: float) -> None:
    """The estimate finds the share that the account refuses, however many viewers are slow, unless most are refused."""
    passes = (1 - slow) * (1 - account)
    second = (1 - slow) * account / (1 - passes) * (1 - account)
    answers = AnswerCounts(1_000 * passes, 1_000 * (1 - passes), 100 * second, 100 * (1 - second))
    if passes < 0.5:
        assert answers.throttle_share > THROTTLE_SHARE
    else:
        assert answers.throttle_share == pytest.approx(account, abs=1e-9)


def test_a_lower_pace_that_does_not_help_is_taken_back() -> None:
    """Viewers that read at times look like the account; a lower pace with as many 429 is taken back."""
    rates = windows(Pace(1_000, now=0), *[(200, 50, 5, 5)] * 12)
    assert min(rates) < 1_000
    assert rates[-5:] == [1_000] * 5


def test_a_throttle_is_over_when_what_it_refused_is_taken() -> None:
    """With nothing left but what is tried again, that is what tells."""
    pace = Pace(1_000, now=0)
    windows(pace, (100, 150, 0, 0), (0, 0, 0, 50))
    assert pace.throttled
    pace.adjust(AnswerCounts(100, 150, 15, 50), now=10)
    assert not pace.throttled


def test_a_throttle_never_stops_it_altogether() -> None:
    """Some posts go on under the hardest throttle: they are what shows that it is over."""
    assert windows(Pace(1_000, now=0), *[(0, 100, 0, 100)] * 30)[-1] == pytest.approx(1_000 * SLOWEST)


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_backoff_is_jittered_and_capped(attempt: int, chance: float) -> None:
    """Full jitter: anything from nothing to the cap, growing with the attempts."""
    wait = backoff(attempt, chance, base=0.05, cap=2.0)
    assert 0 <= wait <= min(2.0, 0.05 * 2**attempt)


@given(st.lists(st.tuples(st.floats(0.001, 5), st.floats(1, 10_000)), min_size=1, max_size=20), st.floats(0, 10))
def test_what_the_share_came_to_is_its_sum_over_time(spans: list[tuple[float, float]], start: float) -> None:
    """However often the share changes, and whatever the throttle does to the pace, all of the share is counted."""
    pace, now, expected = Pace(spans[0][1], start), start, 0.0
    for seconds, share in spans:
        pace.set_share(share, now)
        pace.adjust(AnswerCounts(0, 100), now)
        now += seconds
        expected += seconds * share
    assert pace.earned(now) == pytest.approx(expected)


def test_what_has_gone_is_counted() -> None:
    """Every request that was spent is in the sum, whatever the rate was changed to."""
    bucket = TokenBucket(rate=10, burst=5, now=0)
    bucket.spend(3)
    bucket.change(100, 10, now=1)
    bucket.spend(4)
    assert bucket.spent == 7
