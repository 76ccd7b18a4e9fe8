"""Limits and the bucket, without a socket."""

from __future__ import annotations

import heapq
import random
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.repair_plan import backoff
from loadtest.standin.gateway_limits import Bucket, LimitError, Limits, changed

if TYPE_CHECKING:
    from collections.abc import Callable


@given(
    rate=st.floats(0, 1e5),
    burst=st.floats(0, 1e4),
    pauses=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_a_bucket_never_lets_more_pass_than_rate_and_burst(rate: float, burst: float, pauses: list[float]) -> None:
    """In any stretch of time: at most the burst and what has flowed in."""
    bucket, now, passed = Bucket(rate, burst, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now)
        assert passed <= burst + rate * now + 1e-6


def test_a_bucket_fills_again_and_a_refusal_costs_nothing() -> None:
    """A refused request has not taken a token from the next."""
    bucket = Bucket(10, 2, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, False, False]
    assert [bucket.take(0.15), bucket.take(0.15)] == [True, False]
    assert [bucket.take(9.0) for _ in range(3)] == [True, True, False]


def test_the_defaults_are_those_of_aws() -> None:
    """The stand-in's defaults are the quotas of AWS.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    assert asdict(Limits()) == {
        "account_rate": 10_000, "account_burst": 5_000, "stage_rate": 0, "stage_burst": 0, "connects_per_second": 500,
        "message_bytes": 131_072, "frame_bytes": 32_768, "idle_seconds": 600, "age_seconds": 7_200,
        "buffer_bytes": 131_072, "latency_ms": 0, "lose_disconnect": 0, "check_every": 100,
    }  # fmt: skip


def test_limits_change_by_name() -> None:
    """Limits that are not named stay."""
    assert changed(Limits(), {"idle_seconds": 0.5, "frame_bytes": 7}) == replace(
        Limits(), idle_seconds=0.5, frame_bytes=7
    )
    assert changed(Limits(), {}) == Limits()


@pytest.mark.parametrize(
    "wish",
    [[], None, 3, {"x": 1}, {"check_every": 1.5}, {"check_every": True}, {"latency_ms": None}, {"age_seconds": -0.1},
     {"account_rate": float("inf")}, {"account_rate": float("nan")}, {"lose_disconnect": 1.1}],
)  # fmt: skip
def test_what_is_no_limit_is_refused(wish: Any) -> None:
    """An API that cannot be served is refused with a sentence."""
    with pytest.raises(LimitError, match=r"\.$"):
        changed(Limits(), wish)


def _storm(viewers: int, chance: Callable[[], float]) -> tuple[float, int]:
    """Viewers cut off at once, at a limit of 500 a second: when the last is in (by their clock), and refusals."""
    limit, refused, last = Bucket(500, 500, 0.0), 0, 0.0
    tries = [(backoff(1, chance(), base=0.25, cap=30), number, 1) for number in range(viewers)]
    heapq.heapify(tries)
    while tries:
        last, number, attempt = heapq.heappop(tries)
        if not limit.take(last):
            refused += 1
            again = last + backoff(attempt + 1, chance(), base=0.25, cap=30)
            heapq.heappush(tries, (again, number, attempt + 1))
    return last, refused


def test_with_jitter_a_storm_settles_sooner_and_with_fewer_refusals() -> None:
    """Without it the refused come back together, find the limit as low as before, and wait together again."""
    with_jitter, without = _storm(5000, random.Random(1).random), _storm(5000, lambda: 1.0)
    assert with_jitter < without
    assert with_jitter[1] < without[1]
