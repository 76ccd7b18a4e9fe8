"""Pure: the lengths of a match's periods, and the minute of play that its clock shows.

A minute is the one being played: the first minute begins with the kick-off, so a goal after 22 minutes and 30 seconds
falls in minute 23. Stoppage time follows the last minute of a period: 45+1, 45+2.

The clock of a match is one statement: "at that time, this minute was being played". A whistle states the first minute
of its period. An event states its own minute, if that minute lies in the period being played. The latest statement
wins, so an event also corrects a whistle that was entered too late or too soon. While play stands (half-time, a
suspension, after full time), the clock keeps the minute at which play stopped. web/clock.js has the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MINUTE = 60_000
"""Milliseconds."""

MOST_STOPPAGE = 30
"""The most minutes of stoppage time that an event can state and that a clock shows."""


class Minute(NamedTuple):
    """A minute of play: ``45+2`` is ``Minute(45, 2)``."""

    minute: int
    stoppage: int | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """A statement: at ``at`` (milliseconds since 1970, the API's clock), this minute was being played.

    ``minute`` is 0 or a period's last minute when a whistle has just begun the period after it.
    """

    minute: int
    stoppage: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Periods:
    """The lengths of a match's periods in minutes: ``Periods(35)`` for two halves of 35 minutes.

    Stoppage time may follow the last minute of each (IFAB Laws of the Game, law 7).
    """

    half: int = 45
    extra_half: int = 15

    @property
    def ends(self) -> tuple[int, int, int, int]:
        """The last minutes of the first half, the second half and both halves of extra time."""
        normal = 2 * self.half
        return self.half, normal, normal + self.extra_half, normal + 2 * self.extra_half

    def span(self, status: str, minute: int = 0) -> tuple[int, int] | None:
        """The minutes after which the period of a status begins and ends; None while play stands.

        Some operators enter no whistle between the halves of extra time. A stated ``minute`` then says which it is.
        """
        half, full, extra, end = self.ends
        if status == "extra_time" and minute > extra:
            status = "extra_second_half"
        return {
            "first_half": (0, half),
            "second_half": (half, full),
            "extra_time": (full, extra),
            "extra_second_half": (extra, end),
        }.get(status)

    def refusal_reason(self, minute: int | None, stoppage: int | None) -> str | None:
        """The reason why no event can state this minute: a clause. None if an event can."""
        ends = self.ends
        if stoppage is not None and minute not in ends:
            return f"stoppage time is possible only after minute {', '.join(map(str, ends))}"
        if minute is not None and minute > ends[-1]:
            return f"this match has {ends[-1]} minutes at most; write later ones as {ends[-1]}+1"
        return None


USUAL = Periods()
"""Two halves of 45 minutes, and two of 15 in extra time."""


def running(status: str, clock: Clock | None, now: int, periods: Periods) -> Minute | None:
    """The minute of play at ``now`` (milliseconds since 1970); None before the match has begun.

    While play stands it is the minute at which play stopped.
    """
    if clock is None:
        return None
    span = periods.span(status, clock.minute)
    if span is None:
        return Minute(clock.minute, clock.stoppage)
    start, end = span
    stated = max(0, clock.minute + (clock.stoppage or 0) - 1 - start)
    minute = start + 1 + stated + max(0, now - clock.at) // MINUTE
    return Minute(minute) if minute <= end else Minute(end, min(minute - end, MOST_STOPPAGE))
