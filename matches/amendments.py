"""Pure: an amendment corrects an earlier event in place.

An amendment corrects only names and the minute, which count for nothing. So it never changes the score, the status of
the match or the side of an event. To change those, an operator cancels the event and posts it again.

Nothing here loads pydantic, because senders and routes read events without it.
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
"""Kind of event -> its fields that can be amended. No other kind can be amended."""

_NO_STOPPAGE: Final = ("stoppage", None)


def with_changes(event: E, changes: EventChanges) -> E:
    """The event with the right values of ``changes``, and without the fields that they take away."""
    return cast("E", {name: value for name, value in {**event, **changes}.items() if value is not None})


def changes_of(amendment: Mapping[str, Any]) -> EventChanges:
    """The changes of an amendment, which is given as viewers get it."""
    changes = cast("EventChanges", {name: amendment[name] for name in AMENDABLE if name in amendment})
    if "minute" in changes:
        changes["stoppage"] = changes.get("stoppage")
    return changes


def refusal_reason(event: StoredEvent, changes: EventChanges) -> str | None:
    """The reason why these changes of an event are refused: a sentence for the operator. None if they are possible."""
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
