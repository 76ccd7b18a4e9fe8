"""The times of a viewer whose transport fans out itself, against the times for which answers are kept."""

from __future__ import annotations

from client.broadcast_times import BROADCAST_TIMES
from runtime import brief_cache

ADDRESS_SECONDS = 1.0
"""The readers of one second share an address (docs/protocol.md)."""


def test_a_settled_answer_is_not_older_than_its_request() -> None:
    """The wait before a sync's read is longer than any process of the API and any cache keep a match together."""
    assert BROADCAST_TIMES.settle > brief_cache.SECONDS + ADDRESS_SECONDS


def test_the_second_look_is_older_than_no_answer_of_the_first() -> None:
    """Answers of the first read have expired in the process when a viewer looks a second time."""
    least, most = BROADCAST_TIMES.second_read
    assert brief_cache.SECONDS <= least < most
