"""Pacing: the token bucket, the pace and the back-off, on a virtual clock."""

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
    """Promise 5: in any span from the start, at most burst + rate times span go out, however often tokens are read."""
    bucket = TokenBucket(rate, burst, start)
    now, sent = start, 0
    for pause in pauses:
        now += pause
        tokens = bucket.tokens(now)
        bucket.spend(tokens)
        sent += tokens
        assert sent <= burst + rate * (now - start) + 1e-6 * sent


def test_a_token_is_there_after_the_wait() -> None:
    """A token is there after the wait that the bucket tells, and not before."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    bucket.spend(bucket.tokens(0))
    assert bucket.tokens(bucket.wait() * 0.99) == 0
    assert bucket.tokens(0.1) == 1


def test_a_pause_earns_a_burst_and_no_more() -> None:
    """Unused tokens are kept up to the burst."""
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert bucket.tokens(60) == 2


def test_a_smaller_share_counts_from_now_on() -> None:
    """Promise 5: when another match comes, tokens beyond the new burst are lost."""
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
    """If a tenth of all viewers never reads, their second tries fail too, so the pace stays."""
    pace = Pace(1_000, now=0)
    assert windows(pace, *[(225, 25, 0, 12)] * 20) == [1_000] * 20
    assert not pace.throttled


def test_the_end_of_a_lap_is_no_throttle() -> None:
    """At the end of a lap only slow viewers are left and every answer is a 429, which does not lower the pace."""
    pace = Pace(1_000, now=0)
    windows(pace, (250, 5, 0, 5), (0, 0, 0, 80), (0, 0, 0, 80))
    assert (pace.throttled, pace.bucket.rate) == (False, 1_000)


def test_the_accounts_throttle_slows_down_and_lets_go() -> None:
    """If second tries pass as often as first ones, the account throttles: the pace drops, and comes back later."""
    pace = Pace(1_000, now=0)
    down = windows(pace, (150, 100, 15, 10), (50, 100, 10, 20), (3, 4, 30, 60))
    assert 1_000 > down[0] > down[1] > down[2] >= 1_000 * SLOWEST
    assert pace.throttled
    up = windows(Pace(1_000, now=0), (125, 125, 10, 10), *[(100, 0, 20, 0)] * 20)
    assert up[0] < 1_000
    assert up[-1] == 1_000


def test_without_second_tries_it_counts_as_the_account() -> None:
    """Before the first second try a 429 counts as the account's, and the pace drops by the share of 429 at most."""
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
    """Viewers that read at times look like a throttle: the pace becomes full again if a lower one does not help."""
    rates = windows(Pace(1_000, now=0), *[(200, 50, 5, 5)] * 12)
    assert min(rates) < 1_000
    assert rates[-5:] == [1_000] * 5


def test_a_throttle_is_over_when_what_it_refused_is_taken() -> None:
    """If only further tries are left, the throttle is over when they pass."""
    pace = Pace(1_000, now=0)
    windows(pace, (100, 150, 0, 0), (0, 0, 0, 50))
    assert pace.throttled
    pace.adjust(AnswerCounts(100, 150, 15, 50), now=10)
    assert not pace.throttled


def test_a_throttle_never_stops_a_sender() -> None:
    """Some posts go out under the hardest throttle, so that the sender notices its end."""
    assert windows(Pace(1_000, now=0), *[(0, 100, 0, 100)] * 30)[-1] == pytest.approx(1_000 * SLOWEST)


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_backoff_is_jittered_and_capped(attempt: int, chance: float) -> None:
    """The pause has full jitter: from 0 to a limit that grows with the attempts, up to the cap."""
    wait = backoff(attempt, chance, base=0.05, cap=2.0)
    assert 0 <= wait <= min(2.0, 0.05 * 2**attempt)


@given(st.lists(st.tuples(st.floats(0.001, 5), st.floats(1, 10_000)), min_size=1, max_size=20), st.floats(0, 10))
def test_the_permitted_requests_are_the_sum_of_the_share_over_time(
    spans: list[tuple[float, float]], start: float
) -> None:
    """The sum counts the whole share, however often it changes and however far a throttle lowers the pace."""
    pace, now, expected = Pace(spans[0][1], start), start, 0.0
    for seconds, share in spans:
        pace.set_rate(share, now)
        pace.adjust(AnswerCounts(0, 100), now)
        now += seconds
        expected += seconds * share
    assert pace.earned(now) == pytest.approx(expected)


def test_the_sent_requests_are_counted() -> None:
    """Every request sent is in the sum, also after changes of the rate."""
    bucket = TokenBucket(rate=10, burst=5, now=0)
    bucket.spend(3)
    bucket.change(100, 10, now=1)
    bucket.spend(4)
    assert bucket.spent == 7


def test_a_post_that_fails_for_ever_waits_the_longest_pause() -> None:
    """A very large number of attempts gives the cap, and no overflow."""
    assert backoff(10**9, 0.5, cap=2.0) == 1.0
