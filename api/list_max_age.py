"""Pure: how long shared caches may keep the list of a day. While nothing is played on it, it hardly changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.kickoff import in_utc, is_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matches.event_types import MatchSummary

LIST_SECONDS = 30
"""Seconds that a CDN may keep a quiet list; ``terraform/site.json`` has it as ``most_seconds``."""

SOON_SECONDS = 120.0
"""A match that kicks off within so many seconds is not quiet any more: operators are early."""

OVER = frozenset({"full_time", "abandoned", "awarded", "called_off"})
"""Statuses of a match that is not played on, and the kinds of event that lead to them."""


def list_max_age(matches: Sequence[MatchSummary], now: float) -> int:
    """Seconds that a CDN may keep these matches of a day, each as its ``summary``; ``now`` in seconds since the epoch.

    ``LIST_SECONDS`` if each is over, will not be played, or kicks off later than ``SOON_SECONDS`` from now; else 1.
    """
    return LIST_SECONDS if all(_rests(each, now) for each in matches) else 1


def _rests(match: MatchSummary, now: float) -> bool:
    if match["status"] != "scheduled":
        return match["status"] in OVER or match["status"] == "postponed"
    kickoff = match["kickoff"]
    if is_day(kickoff):
        # It may begin at any time of that day, which is not over everywhere before noon of the next one in UTC.
        return abs(in_utc(kickoff).timestamp() + 43_200 - now) > 86_400
    return bool(in_utc(kickoff).timestamp() - now > SOON_SECONDS)
