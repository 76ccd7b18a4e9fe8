"""Pure: the day of a kick-off. Not in schedule.py: who reads the ledger needs no pydantic for it in a cold start."""

from __future__ import annotations

from datetime import UTC, datetime


def in_utc(kickoff: str) -> datetime:
    """The kick-off of a match, which is stored with the offset it was given with."""
    return datetime.fromisoformat(kickoff).astimezone(UTC)


def entry(kickoff: str) -> dict[str, str]:
    """Where the calendar has a match that kicks off then: its ``day``, and ``starts`` to order the day, both in UTC."""
    starts = in_utc(kickoff)
    return {"day": starts.date().isoformat(), "starts": starts.isoformat(timespec="seconds")}
