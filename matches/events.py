"""Pure: the kinds of event, their validation and their form on the stream.

An event says what an operator saw. ``team`` is always the side whose line the event belongs on: for every kind of
goal that is the side whose score goes up, so an own goal by a French defender against Argentina has
``team: "home"`` if Argentina is at home. On the wire to the stream ``team`` is ``home`` or ``away``; the API also
takes a team's name and translates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic import model_validator as _model_validator

from matches import names
from matches.amendments import AMENDABLE
from matches.clock import MOST_STOPPAGE
from matches.event_kinds import (
    KINDS,
    AmendmentKind,
    AwardKind,
    CancellationKind,
    CardKind,
    Decision,
    GoalKind,
    InterruptionKind,
    PenaltyKind,
    PhaseKind,
    ShootoutKind,
    SubstitutionKind,
    VarKind,
)
from matches.input_errors import describe_problems
from runtime.errors import PoisonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matches.event_types import EventChanges

STREAM_VERSION = 1
"""The version of the records on the stream. A reader sets aside records of other versions."""

LONGEST_HALF, LONGEST_EXTRA_HALF = 60, 20
"""Minutes of the longest half, and of the longest half of extra time, that a match can have (schedule.py)."""


EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$")]
"""The id of an event within its match: at most 64 letters, digits and ``_ . : -``."""

MATCH_ID_BYTES = 20
"""The longest match id. Every subscription row repeats it, and a row has at most 64 bytes (subscriptions/store.py)."""

MatchId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=MATCH_ID_BYTES)]
"""Lower-case letters, digits and single hyphens, at most 20: ``wc22-final``."""

Name = Annotated[
    str,
    AfterValidator(names.clean),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": names.LONGEST}),
]
"""A text that people type in, cleaned by names.py: a name or a reason of 1 to 80 characters."""

Minute = Annotated[int, Field(ge=0, le=2 * (LONGEST_HALF + LONGEST_EXTRA_HALF), strict=True)]
Stoppage = Annotated[int, Field(ge=1, le=MOST_STOPPAGE, strict=True)]
Goals = Annotated[int, Field(ge=0, le=99, strict=True)]


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: EventId | None = Field(None, description="Chosen by the caller so that a retry changes nothing.")
    seen: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None,
        description="The newest seq of the match that the operator saw. A goal or a shoot-out kick is refused if "
        "another operator's goal or kick has a higher seq (the outcome's `unseen`).",
    )

    def content(self) -> dict[str, Any]:
        """The event's fields for viewers, without ``seen``, which only the ledger needs."""
        return self.model_dump(exclude_none=True, exclude={"seen"})


class _Timed(_Event):
    """An event of play. The lengths of the match decide which minutes it has (clock.py)."""

    minute: Minute | None = Field(None, description="Minute of play; absent if it is not known.")
    stoppage: Stoppage | None = Field(None, description="Minutes of stoppage time after a period's last minute.")
    late: Literal[True] | None = Field(
        None, description="True if the event is entered late: its minute has passed, so the clock does not go by it."
    )

    @_model_validator(mode="after")
    def _stoppage_needs_a_minute(self) -> Self:
        if self.stoppage is not None and self.minute is None:
            raise ValueError("stoppage time needs its minute")
        return self


class Goal(_Timed):
    """A goal; ``team`` is the side whose score goes up, also for an own goal."""

    kind: GoalKind
    team: Name
    player: Name | None = None
    assist: Name | None = None


class PenaltyMissed(_Timed):
    """A penalty during play that was missed or saved."""

    kind: PenaltyKind
    team: Name
    player: Name | None = None


class Card(_Timed):
    """A yellow card, a second yellow or a straight red. It may be shown before, between and after the periods too."""

    kind: CardKind
    team: Name
    player: Name | None = None
    bench: Literal[True] | None = Field(None, description="True if the card is for a coach or a player on the bench.")


class Substitution(_Timed):
    """One player comes on for another."""

    kind: SubstitutionKind
    team: Name
    player_on: Name | None = Field(None, description="Absent if that player is not known.")
    player_off: Name | None = Field(None, description="Absent if that player is not known.")
    no_replacement: Literal[True] | None = Field(None, description="True if nobody comes on for ``player_off``.")

    @_model_validator(mode="after")
    def _two_players(self) -> Self:
        if self.player_on is not None and self.player_on == self.player_off:
            raise ValueError("a player cannot come on for himself")
        if self.player_on is not None and self.no_replacement:
            raise ValueError("leave out no_replacement when player_on comes on")
        return self


class Phase(_Event):
    """The whistle that begins or ends a part of the match, or has it go on after a suspension."""

    kind: PhaseKind


class Interruption(_Event):
    """The match is postponed, called off, suspended or abandoned."""

    kind: InterruptionKind
    reason: Name | None = None


class Award(_Event):
    """The match is decided off the pitch, before or after it was played."""

    kind: AwardKind
    score: tuple[Goals, Goals] = Field(description="The score that counts from now on: home, away.")
    reason: Name | None = None


class ShootoutKick(_Event):
    """One kick of the penalty shoot-out; it counts in ``shootout``, never in ``score``."""

    kind: ShootoutKind
    team: Name
    player: Name | None = None
    scored: bool = Field(strict=True)


class VarDecision(_Timed):
    """The video assistant checks, or has decided. The event changes no score: a cancellation takes a goal back."""

    kind: VarKind
    decision: Decision
    about: EventId | None = Field(None, description="Id of the event under review.")
    team: Name | None = None


class Cancellation(_Event):
    """Takes back an earlier event: a goal's score, a card, the latest phase entered by mistake."""

    kind: CancellationKind
    cancels: EventId = Field(description="Id of the event to take back.")
    reason: Name | None = None


class Amendment(_Event):
    """Corrects an earlier event in place: who took part, and when. Score, status and team stay (amendments.py)."""

    kind: AmendmentKind
    amends: EventId = Field(description="Id of the event to correct.")
    player: Name | None = Field(None, description="The right player; null if nobody is to be named.")
    assist: Name | None = Field(None, description="The right assist; null if there was none.")
    player_on: Name | None = Field(None, description="Of a substitution.")
    player_off: Name | None = Field(None, description="Of a substitution.")
    minute: Minute | None = Field(None, description="The right minute. It comes without stoppage time unless stated.")
    stoppage: Stoppage | None = Field(None, description="Stoppage time of the right minute.")

    @_model_validator(mode="after")
    def _says_something(self) -> Amendment:
        if not self.changes():
            raise ValueError("name at least one field to correct")
        if self.stoppage is not None and self.minute is None:
            raise ValueError("stoppage time needs its minute")
        return self

    def changes(self) -> EventChanges:
        """Field -> right value, None to take the field away. A minute comes with its stoppage time, or with None."""
        changes: EventChanges = {}
        for name in AMENDABLE:
            value = getattr(self, name)
            if value is not None or (name in _REMOVABLE and name in self.model_fields_set):
                changes[name] = value
        if self.minute is not None:
            changes["stoppage"] = self.stoppage
        return changes

    def content(self) -> dict[str, Any]:
        """The fields of the amendment, with null for a name that it takes away."""
        removed = {name: None for name, value in self.changes().items() if value is None and name in _REMOVABLE}
        return {**super().content(), **removed}


_REMOVABLE = frozenset({"player", "assist"})
"""The amendable fields that an event does not need."""


Event = Annotated[
    Goal
    | PenaltyMissed
    | Card
    | Substitution
    | Phase
    | Interruption
    | Award
    | ShootoutKick
    | VarDecision
    | Cancellation
    | Amendment,
    Field(discriminator="kind"),
]
"""Any event, told apart by ``kind``."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)


DIGEST = "^[0-9a-f]{16}$"
"""The form of ``AcceptedEvent.digest``."""

_REASON_LENGTH = 500

_MATCH_ID: TypeAdapter[str] = TypeAdapter(MatchId)


class PoisonRecordError(PoisonError):
    """A record on the stream can never be applied. The text is the reason."""


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An event that the API accepted, as the stream carries it.

    ``at`` is the time of acceptance in milliseconds since 1970, by the API's clock. ``by`` is the subject of the
    operator's token, if it is known. ``streamed`` is the time at which the stream took the record (milliseconds since
    1970, by Kinesis' clock), if it is known; the record itself does not have it.
    """

    match: str
    at: int
    event: Event
    by: str | None = None
    streamed: int | None = None

    @property
    def event_id(self) -> str:
        """The id of the event; every event on the stream has one."""
        return cast("str", self.event.event_id)

    @property
    def digest(self) -> str:
        """A hash of the event's content without its id: 16 hexadecimal digits."""
        content = {name: value for name, value in self.event.content().items() if name != "event_id"}
        return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def to_record(self) -> bytes:
        """The bytes of the Kinesis record."""
        event = self.event.content()
        if self.event.seen is not None:
            event["seen"] = self.event.seen
        by = {} if self.by is None else {"by": self.by}
        return orjson.dumps({"v": STREAM_VERSION, "match": self.match, "at": self.at, **by, "event": event})


def parse_record(data: bytes) -> AcceptedEvent:
    """Read one Kinesis record.

    Raises PoisonRecordError for a record that this version of the system did not write.
    """
    try:
        record: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise PoisonRecordError("not JSON") from error
    if not isinstance(record, dict) or record.get("v") != STREAM_VERSION:
        raise PoisonRecordError(f"not a record of version {STREAM_VERSION}")
    at = record.get("at")
    if type(at) is not int:
        raise PoisonRecordError("the record has no time")
    by = record.get("by")
    if by is not None and not isinstance(by, str):
        raise PoisonRecordError("by is not text")
    try:
        match = _MATCH_ID.validate_python(record.get("match"))
        event = EVENT.validate_python(record.get("event"))
    except ValidationError as error:
        raise PoisonRecordError(describe(error)) from error
    if event.event_id is None:
        raise PoisonRecordError("the event has no id")
    if getattr(event, "team", None) not in (None, "home", "away"):
        raise PoisonRecordError("team is neither home nor away")
    return AcceptedEvent(match, at, event, by)


def describe(error: ValidationError, named: Callable[[str], str] = str) -> str:
    """One line of at most 500 characters about the errors, without the values of the input.

    ``named`` gives the name of a field that the reader knows.
    """
    text = describe_problems(error.errors(include_input=False, include_url=False), KINDS, named)
    return text if len(text) <= _REASON_LENGTH else f"{text[:_REASON_LENGTH]} …"
