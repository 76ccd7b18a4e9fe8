"""Topics of the stand-in for Momento: what a poll gets."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.standin.momento_topics import Topic


def topic(messages: int, kept: int = 3, page: int = 7) -> Topic:
    """A topic with so many messages: 1, 2, and so on."""
    made = Topic(page, kept)
    for number in range(1, messages + 1):
        made.publish({"text": str(number)})
    return made


def said(items: list[dict[str, Any]]) -> list[Any]:
    """The numbers of the items; a discontinuity as its three numbers."""
    return [
        each["item"]["topic_sequence_number"] if "item" in each else tuple(each["discontinuity"].values())
        for each in items
    ]


@pytest.mark.parametrize(
    ("sequence", "page", "expected"),
    [
        (0, 0, []),
        (0, 7, []),
        (6, 7, []),
        (5, 7, [5]),
        (3, 7, [3, 4, 5]),
        (4, 0, [4, 5]),
        (1, 7, [(0, 3, 7), 3, 4, 5]),
        (9, 7, [(8, 6, 7)]),
        (6, 6, [(5, 3, 7), 3, 4, 5]),
    ],
)
def test_a_poll_gets_what_follows(sequence: int, page: int, expected: list[Any]) -> None:
    """A poll gets what follows its place; where something is missing, a discontinuity stands before it."""
    assert said(topic(5).since(sequence, page)) == expected


def test_a_topic_that_begins_again_has_another_page() -> None:
    """After a new beginning the numbers start from 1 on another page, and an old place is a discontinuity."""
    made = topic(5)
    made.begin_again(8)
    assert said(made.since(6, 7)) == [(5, 1, 8)]
    made.publish({"text": "again"})
    assert said(made.since(6, 7)) == [(5, 1, 8), 1]
    assert said(made.since(2, 8)) == []
