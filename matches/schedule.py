"""Pure: the scheduling of a match, changes of it before it is played, and the ids of matches."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic import model_validator as _model_validator

from matches.clock import USUAL, Periods
from matches.events import LONGEST_EXTRA_HALF, LONGEST_HALF, Goals, MatchId, Name
from matches.kickoff import is_day
from matches.names import key

if TYPE_CHECKING:
    from matches.event_types import LineupNames
    from matches.match_state import MatchState

UNKNOWN_TEAM = "To be decided"
"""The name of a team while it is not known."""

LINEUP = 40
"""The most names in one side's line-up."""

_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def _kickoff(value: object) -> str:
    """A time with its offset, or a day, in their ISO forms."""
    if not isinstance(value, str | datetime):
        raise ValueError("must be a time such as 2022-12-18T18:00:00+03:00, or a day such as 2022-12-18")  # noqa: TRY004  # pydantic turns only this into a validation error
    if isinstance(value, str) and is_day(value):
        return date.fromisoformat(value).isoformat()
    try:
        moment = _TIME.validate_python(value)
    except ValidationError:
        raise ValueError("must be a time such as 2022-12-18T18:00:00+03:00, or a day such as 2022-12-18") from None
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None
    return moment.isoformat()


def _plain_day(value: object) -> object:
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        raise ValueError("must be a day like 2022-12-18")
    return value


Kickoff = Annotated[
    str,
    BeforeValidator(_kickoff),
    Field(description="An RFC 3339 time with an offset, or a day as ``2022-12-18`` while the time is not known."),
]

Day = Annotated[date, BeforeValidator(_plain_day)]
"""A day as ``2022-12-18``; pydantic would take other forms as well."""


Half = Annotated[int, Field(ge=1, le=LONGEST_HALF, strict=True, description="Minutes of each half.")]
ExtraHalf = Annotated[
    int, Field(ge=1, le=LONGEST_EXTRA_HALF, strict=True, description="Minutes of each half of extra time.")
]
Leg = Annotated[Literal[1, 2], Field(description="Of a tie over two legs.")]
FirstLeg = Annotated[
    tuple[Goals, Goals],
    Field(description="Of a second leg: the goals that this match's home and away side scored in the first."),
]


class Lineups(BaseModel):
    """The names of each side's players, so that an operator picks a scorer with one tap."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Annotated[list[Name], Field(max_length=LINEUP)] = []
    away: Annotated[list[Name], Field(max_length=LINEUP)] = []

    def names(self) -> LineupNames:
        """The names as the ledger keeps them."""
        return {"home": self.home, "away": self.away}


class NewMatch(BaseModel):
    """A match to be played."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: MatchId | None = Field(None, description="Made from the date and the teams when absent.")
    home: Name = Field(UNKNOWN_TEAM, description="Absent while the team is not known.")
    away: Name = Field(UNKNOWN_TEAM, description="Absent while the team is not known.")
    kickoff: Kickoff
    competition: Name | None = None
    audience: int | None = Field(
        None, ge=1, le=20_000_000, strict=True, description="Viewers expected; decides the first number of shards."
    )
    neutral: bool = Field(False, strict=True, description="Whether the ground is neither side's home.")
    leg: Leg | None = None
    first_leg: FirstLeg | None = None
    half_minutes: Half = USUAL.half
    extra_half_minutes: ExtraHalf = USUAL.extra_half
    lineups: Lineups | None = None

    @_model_validator(mode="after")
    def _can_be_played(self) -> Self:
        check_teams(self.home, self.away)
        _check_legs(self.leg, self.first_leg)
        return self

    @property
    def match_id(self) -> str:
        """The given id, or one like ``221218-arg-fra``."""
        return self.match or default_match_id(self.home, self.away, self.kickoff)


class MatchChange(BaseModel):
    """Changes to a match that has not kicked off; the line-ups may change at any time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kickoff: Kickoff | None = None
    home: Name | None = None
    away: Name | None = None
    neutral: bool | None = Field(None, strict=True)
    leg: Leg | None = Field(None, description="Null if it is no tie over two legs.")
    first_leg: FirstLeg | None = Field(None, description="Null if the first leg's score is not known.")
    half_minutes: Half | None = None
    extra_half_minutes: ExtraHalf | None = None
    lineups: Lineups | None = None

    @_model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        empty = sorted(name for name in self.model_fields_set - _REMOVABLE if getattr(self, name) is None)
        if empty:
            raise ValueError(f"{' and '.join(empty)} must not be null; leave out a field that stays")
        return self

    @property
    def only_lineups(self) -> bool:
        """Whether only the line-ups change."""
        return self.model_fields_set == {"lineups"}

    def apply_to(self, state: MatchState) -> MatchState:
        """The match with the changes. Raises ValueError with a sentence if they contradict each other."""
        given: dict[str, Any] = {
            name: value
            for name in ("kickoff", "home", "away", "neutral", "leg", "first_leg")
            if (value := getattr(self, name)) is not None or (name in _REMOVABLE and name in self.model_fields_set)
        }
        periods = Periods(self.half_minutes or state.periods.half, self.extra_half_minutes or state.periods.extra_half)
        after = replace(state, **given, periods=periods)
        check_teams(after.home, after.away)
        _check_legs(after.leg, after.first_leg)
        return after


_REMOVABLE = frozenset({"leg", "first_leg"})


def check_teams(home: str, away: str) -> None:
    """Raises ValueError unless two teams of these names can play each other."""
    names = [key(home), key(away)]
    if names[0] == names[1] != key(UNKNOWN_TEAM):
        raise ValueError("a team cannot play itself")
    if {*names} & {"home", "away"}:
        raise ValueError("home and away are sides, not teams' names")


def _check_legs(leg: int | None, first_leg: tuple[int, int] | None) -> None:
    if first_leg is not None and leg != 2:  # the second leg
        raise ValueError("the score of a first leg belongs to a match of leg 2")


def default_match_id(home: str, away: str, kickoff: str) -> str:
    """The id of a match without a chosen one: date and teams, ``221218-arg-fra``."""
    day = kickoff[2:10].replace("-", "")
    return f"{day}-{_code(home)}-{_code(away)}"


def _code(team: str) -> str:
    """Three letters of a team's name, as scoreboards show it: ``arg`` for Argentina."""
    plain = unicodedata.normalize("NFKD", team).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain)[:3] or "xxx"
