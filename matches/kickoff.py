"""Pure: the kick-off of a match: a time, or only a day while the time is not known.

This is not in schedule.py, because the reading of the ledger must not load pydantic in a cold start.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_AFTER_ALL_TIMES = "T24:00:00"
"""Sorts matches without a known time last."""


def is_day(kickoff: str) -> bool:
    """Whether only the day of the kick-off is known: ``2026-11-28``."""
    return _DAY.fullmatch(kickoff) is not None


def in_utc(kickoff: str) -> datetime:
    """The kick-off of a match in UTC. A kick-off that is only a day gives midnight of that day in UTC.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(kickoff)
    return moment.replace(tzinfo=UTC) if is_day(kickoff) else moment.astimezone(UTC)


def calendar_entry(kickoff: str) -> dict[str, str]:
    """The keys of the match in the calendar: its ``day`` in UTC, and ``starts``, which orders the day.

    A kick-off that is only a day belongs to that day in every time zone. Raises ValueError.
    """
    starts = in_utc(kickoff)
    day = starts.date().isoformat()
    return {"day": day, "starts": day + _AFTER_ALL_TIMES if is_day(kickoff) else starts.isoformat(timespec="seconds")}
