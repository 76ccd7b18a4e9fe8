"""Pure: the seconds for which a CDN may keep the list of a day. Without a match in play the list hardly changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.kickoff import in_utc, is_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matches.event_types import MatchSummary

LIST_SECONDS = 30
"""Seconds that a CDN may keep a quiet list; ``terraform/site.json`` has it as ``most_seconds``."""

SOON_SECONDS = 120.0
"""Seconds before the kick-off from which the list may change: operators are early."""

OVER = frozenset({"full_time", "abandoned", "awarded", "called_off"})
"""Statuses of a match that has ended, and the kinds of event that lead to them."""


def list_max_age(matches: Sequence[MatchSummary], now: float) -> int:
    """Seconds that a CDN may keep these matches of a day, each as its ``summary``; ``now`` in seconds since 1970.

    ``LIST_SECONDS`` if each is over, will not be played, or kicks off later than ``SOON_SECONDS`` from now; else 1.
    """
    return LIST_SECONDS if all(_rests(each, now) for each in matches) else 1


def _rests(match: MatchSummary, now: float) -> bool:
    if match["status"] != "scheduled":
        return match["status"] in OVER or match["status"] == "postponed"
    kickoff = match["kickoff"]
    if is_day(kickoff):
        # The match may begin at any time of that day. The day ends everywhere only at noon of the next day in UTC.
        return abs(in_utc(kickoff).timestamp() + 43_200 - now) > 86_400
    return bool(in_utc(kickoff).timestamp() - now > SOON_SECONDS)
