"""The amounts that a match day uses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from forecast import usage
from forecast.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable

    from forecast.usage import Use

DAY = Question(100_000, 25, 2.0, matches=4, cells=2)


def amount(uses: Iterable[Use], text: str) -> float:
    """The amount of the one line that begins with a text."""
    [found] = [each.amount for each in uses if each.text.startswith(text)]
    return found


@pytest.mark.parametrize(("sending_s", "executions"), [(0.5, 1), (160, 1), (161, 2), (480, 3)])
def test_a_long_broadcast_has_several_executions(sending_s: float, executions: int) -> None:
    """Each event of each match begins an execution in each cell, and a further one after each 160 seconds."""
    assert amount(usage.api_gateway(DAY, sending_s, 3), "executions") == 25 * 4 * 2 * executions


def test_viewers_are_counted_while_they_come_and_leave() -> None:
    """Two cells let the audience in twice as fast, and each counts for half the time: the writes are the same."""
    one = usage.api_gateway(replace(DAY, cells=1), 1, 3)
    assert amount(usage.api_gateway(DAY, 1, 3), "counts") == pytest.approx(amount(one, "counts"))
    assert amount(one, "counts") == pytest.approx(50 / 3 * 200_000 / 500)


def test_the_shield_is_asked_for_each_match() -> None:
    """Twelve caches read two positions of each match, once a second; a page of one's own reads nothing there."""
    assert amount(usage.site(DAY, "match"), "requests to Origin Shield") == 12 * 2 * 2 * 3600 * 4
    assert usage.site(DAY, "none") == []


def test_idle_parts_cost_by_the_hour() -> None:
    """Shards and their consumer count for each hour; alarms for each cell."""
    idle = usage.idle(DAY, 3)
    assert [amount(idle, text) for text in ("shards", "its consumer")] == [6, 6]
    assert amount(idle, "alarms") == 60 * 2 * 2 / 730


def test_events_are_written_once_for_each_cell() -> None:
    """An event costs eight writes, four calls and three messages of the watchdog in each cell, and one request."""
    home = usage.home(DAY)
    found = [amount(home, text) for text in ("calls", "rows", "the watchdog", "requests")]
    assert found == [25 * 4 * 2 * each for each in (4, 8, 3)] + [100]


@pytest.mark.parametrize(("hours", "connections"), [(1.8, 1), (1.9, 2), (3.7, 3)])
def test_a_viewer_renews_its_connection(hours: float, connections: int) -> None:
    """A connection is renewed after 110 minutes."""
    assert usage.connections(replace(DAY, hours=hours)) == connections
