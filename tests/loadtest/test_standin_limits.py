"""Limits and the bucket, without a socket."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.standin.limits import Bucket, LimitError, Limits, changed


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
    """Whoever is refused has not taken a token from the next."""
    bucket = Bucket(10, 2, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, False, False]
    assert [bucket.take(0.15), bucket.take(0.15)] == [True, False]
    assert [bucket.take(9.0) for _ in range(3)] == [True, True, False]


def test_the_defaults_are_those_of_aws() -> None:
    """limits.html and apigateway-execution-service-websocket-limits-table.html."""
    assert asdict(Limits()) == {
        "account_rate": 10_000, "account_burst": 5_000, "connects_per_second": 500, "message_bytes": 131_072,
        "frame_bytes": 32_768, "idle_seconds": 600, "age_seconds": 7_200, "buffer_bytes": 131_072, "latency_ms": 0,
        "lose_disconnect": 0, "check_every": 100,
    }  # fmt: skip


def test_limits_change_by_name() -> None:
    """What is not named stays."""
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
    """With a sentence."""
    with pytest.raises(LimitError, match=r"\.$"):
        changed(Limits(), wish)
