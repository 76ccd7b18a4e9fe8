"""The times of a viewer whose transport fans out itself, against the times for which answers are kept."""

from __future__ import annotations

from client.broadcast_times import BROADCAST_TIMES
from runtime import brief_cache

ADDRESS_SECONDS = 1.0
"""The readers of one second share an address (docs/protocol.md)."""


def test_a_settled_answer_is_not_older_than_its_request() -> None:
    """The wait before a sync's read is longer than any process of the API and any cache keep a match together."""
    assert BROADCAST_TIMES.settle > brief_cache.SECONDS + ADDRESS_SECONDS


LATE_SECONDS = 1.0
"""A subscription may begin so long after the service has acknowledged it, and nothing is missed."""


def test_the_second_look_has_every_event_of_a_subscription_that_begins_late() -> None:
    """However old the answer is, it is not older than the late beginning: what comes later, the channel brings."""
    least, most = BROADCAST_TIMES.second_read
    assert BROADCAST_TIMES.settle + LATE_SECONDS <= least < most
