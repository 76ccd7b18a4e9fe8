"""Pure: what an amendment makes of an earlier event.

An amendment corrects fields that viewers read and nobody counts: names and the minute. So it can never change the
score, the status of the match or an event's side; for those the event is cancelled and posted again.

Senders and routes read events too: nothing here loads pydantic, which they do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matches.event_types import EventChanges, StoredEvent

E = TypeVar("E", bound="Mapping[str, Any]")

AMENDABLE: Final = ("player", "assist", "player_on", "player_off", "minute", "stoppage")
"""Fields that an amendment may correct, in the events that have them."""

_TIME: Final = frozenset({"minute", "stoppage"})

FIELDS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("goal", "own_goal", "penalty_goal"), _TIME | {"player", "assist"}),
    **dict.fromkeys(("penalty_missed", "yellow_card", "second_yellow_card", "red_card"), _TIME | {"player"}),
    "substitution": _TIME | {"player_on", "player_off"},
    "shootout_kick": frozenset({"player"}),
    "var_decision": _TIME,
}
"""Kind of event -> the fields of it that can be amended. Kinds that are not here have none."""

_NO_STOPPAGE: Final = ("stoppage", None)


def with_changes(event: E, changes: EventChanges) -> E:
    """The event with the right values of ``changes``, and without the fields that they take away."""
    return cast("E", {name: value for name, value in {**event, **changes}.items() if value is not None})


def changes_of(amendment: Mapping[str, Any]) -> EventChanges:
    """The changes that an amendment states, from the amendment as viewers get it."""
    changes = cast("EventChanges", {name: amendment[name] for name in AMENDABLE if name in amendment})
    if "minute" in changes:
        changes["stoppage"] = changes.get("stoppage")
    return changes


def refusal_reason(event: StoredEvent, changes: EventChanges) -> str | None:
    """Why an event, as it stands now, cannot be amended so: a sentence for the operator. None if it can."""
    kind = event["kind"]
    if kind == "amendment":
        return "an amendment cannot be amended; amend the event again"
    if kind not in FIELDS:
        return f"a {kind} cannot be amended"
    foreign = sorted(
        name for name, value in changes.items() if name not in FIELDS[kind] and (name, value) != _NO_STOPPAGE
    )
    if foreign:
        return f"a {kind} has no {' and no '.join(foreign)}"
    after = with_changes(event, changes)
    if after == with_changes(event, {}):
        return "the event already has these values"
    if kind == "substitution" and after.get("player_on") is not None:
        if after["player_on"] == after.get("player_off"):
            return "a player cannot come on for himself"
        if after.get("no_replacement"):
            return "the substitution states that nobody comes on"
    return None
