"""What it takes to schedule a match, and the ids that matches get."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from matches.events import MatchId, Name


def _text(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError("must be an RFC 3339 time")  # noqa: TRY004  # pydantic turns only this into a validation error
    return value


def _within_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None
    return value


def _plain_day(value: object) -> object:
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        raise ValueError("must be a day like 2022-12-18")
    return value


Kickoff = Annotated[
    AwareDatetime, BeforeValidator(_text), AfterValidator(_within_utc), Field(description="RFC 3339 with an offset.")
]

Day = Annotated[date, BeforeValidator(_plain_day)]
"""A day as ``2022-12-18``; pydantic would take other forms as well."""


class NewMatch(BaseModel):
    """A match to be played."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: MatchId | None = Field(None, description="Made from the date and the teams when absent.")
    home: Name
    away: Name
    kickoff: Kickoff
    competition: Name | None = None
    audience: int | None = Field(
        None, ge=1, le=20_000_000, strict=True, description="Viewers expected; decides the first number of shards."
    )

    @model_validator(mode="after")
    def _two_teams(self) -> NewMatch:
        if self.home.casefold() == self.away.casefold():
            raise ValueError("a team cannot play itself")
        if {self.home.casefold(), self.away.casefold()} & {"home", "away"}:
            raise ValueError("home and away are sides, not teams' names")
        return self

    @property
    def match_id(self) -> str:
        """The given id, or one like ``221218-arg-fra``."""
        return self.match or default_match_id(self.home, self.away, self.kickoff)


class Reschedule(BaseModel):
    """A new kick-off time for a match that has not begun."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kickoff: Kickoff


def default_match_id(home: str, away: str, kickoff: datetime) -> str:
    """The id of a match for which nobody chose one: date and teams, ``221218-arg-fra``."""
    return f"{kickoff:%y%m%d}-{_code(home)}-{_code(away)}"


def _code(team: str) -> str:
    """Three letters of a team's name, as scoreboards show it: ``arg`` for Argentina."""
    plain = unicodedata.normalize("NFKD", team).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain)[:3] or "xxx"
