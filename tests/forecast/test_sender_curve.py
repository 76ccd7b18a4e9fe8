"""The seconds in which senders send a frame."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadcaster.send.pacing import BURST_SECONDS
from forecast.account import CONNECTIONS
from forecast.sender_curve import Polls, SenderCurve, batch_seconds

CALLS: dict[str, Any] = {"open_s": 0.02, "post_s": 0.03, "call_s": 0.01}


def test_the_rate_is_kept() -> None:
    """A sender that its rate limits sends the burst at most, and the rest at its rate."""
    curve = SenderCurve(100_000, 3_000, 0.02, 0.03)
    assert curve.seconds(100_000) == pytest.approx((100_000 - 3_000 * BURST_SECONDS) / 3_000, rel=0.01)


def test_connections_limit_a_sender() -> None:
    """A higher rate than its connections carry makes a sender no faster."""
    most = CONNECTIONS / 0.1
    slow, fast = SenderCurve(50_000, most, 0.02, 0.1), SenderCurve(50_000, 10 * most, 0.02, 0.1)
    assert fast.seconds(50_000) == pytest.approx(50_000 / most, rel=0.05)
    assert fast.seconds(50_000) <= slow.seconds(50_000)


@given(st.integers(1, 20_000), st.floats(1, 20_000))
@example(20_000, 10_346.0)
def test_posts_and_seconds_are_two_readings_of_one_curve(rows: int, rate: float) -> None:
    """After the seconds that some posts take, so many posts have left, in the beginning and later."""
    curve = SenderCurve(rows, rate, 0.02, 0.03)
    for posts in (1, (rows + 1) // 2, rows):
        assert curve.posts(curve.seconds(posts) + 1e-9) >= posts * (1 - 1e-6) - 1


def test_a_done_sender_leaves_its_part_to_the_others() -> None:
    """Uneven batches end later than even ones of the same sum, and earlier than the largest at its own part."""
    even = batch_seconds([20_000, 20_000], 6_000, **CALLS)
    uneven = batch_seconds([10_000, 30_000], 6_000, **CALLS)
    alone = batch_seconds([30_000, 30_000], 6_000, **CALLS)
    assert even[2] < uneven[2] < alone[2]
    assert even[0] <= even[1] <= even[2]


def test_a_small_difference_is_over_before_the_others_learn_it() -> None:
    """The largest batch ends at its own part if it ends before its sender's next poll."""
    assert batch_seconds([1_000, 1_010], 2_000, **CALLS) == batch_seconds([1_010, 1_010], 2_000, **CALLS)


def test_matches_that_end_together_leave_each_other_their_rest() -> None:
    """Short broadcasts beside rivals end earlier than at an equal part; at most 600 steps of a long one are counted."""
    equal = batch_seconds([350], 625, **CALLS)
    beside = batch_seconds([350], 625, rivals=2, **CALLS)
    assert beside[0] == equal[0]
    assert beside[2] < 0.95 * equal[2]
    assert batch_seconds([60_000], 625, rivals=2, **CALLS)[2] == pytest.approx(60_000 / 625, rel=0.01)


def test_a_sender_learns_of_its_rivals_at_polls_only() -> None:
    """Until it has announced its need, and the others have read it, a sender keeps an equal part."""
    rivals = Polls(1_000, 2, 0.01, rivals=1)
    assert rivals.rate == 500
    assert not rivals.poll(0.05, 100)  # before the first poll
    assert not rivals.poll(0.06, 100)  # announces
    assert not rivals.poll(0.30, 60)  # before the second poll
    assert rivals.poll(0.34, 40)
    # The rival's two senders have announced 100 each, which need 400 of 2,000 a second; two senders share the rest.
    assert rivals.rate == (2_000 - 2 * 100 / 0.5) / 2
    assert not rivals.poll(0.60, 0)
