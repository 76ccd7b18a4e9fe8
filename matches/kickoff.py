"""Pure: the kick-off of a match, which is a time, or only a day while the time is not known.

Not in schedule.py: who reads the ledger needs no pydantic for it in a cold start.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_AFTER_ALL_TIMES = "T24:00:00"
"""The matches of a day whose time is not known come last."""


def is_day(kickoff: str) -> bool:
    """Whether only the day of the kick-off is known: ``2026-11-28``."""
    return _DAY.fullmatch(kickoff) is not None


def in_utc(kickoff: str) -> datetime:
    """The kick-off of a match, which is stored with the offset it was given with; of a day alone, its midnight in UTC.

    Raises ValueError.
    """
    moment = datetime.fromisoformat(kickoff)
    return moment.replace(tzinfo=UTC) if is_day(kickoff) else moment.astimezone(UTC)


def calendar_entry(kickoff: str) -> dict[str, str]:
    """Where the calendar has a match that kicks off then: its ``day`` in UTC, and ``starts`` to order the day.

    A day alone is that day in every time zone. Raises ValueError.
    """
    starts = in_utc(kickoff)
    day = starts.date().isoformat()
    return {"day": day, "starts": day + _AFTER_ALL_TIMES if is_day(kickoff) else starts.isoformat(timespec="seconds")}
