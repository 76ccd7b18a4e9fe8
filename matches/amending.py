"""Pure: what an amendment makes of an earlier event.

An amendment corrects fields that viewers read and nobody counts: names and the minute. So it can never change the
score, the status of the match or an event's side; for those the event is cancelled and posted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from matches.events import AMENDABLE, EVENT, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = {
    kind: frozenset(model.model_fields)
    for model in get_args(get_args(Event)[0])
    for kind in get_args(model.model_fields["kind"].annotation)
}
"""Kind of event -> all its fields."""


def amended(event: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The event with ``changes`` (field -> right value, None to take the field away)."""
    return {name: value for name, value in {**event, **changes}.items() if value is not None}


def changes_of(amendment: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that an amendment states, from the amendment as viewers get it."""
    changes = {name: amendment[name] for name in AMENDABLE if name in amendment}
    return {**changes, "stoppage": changes.get("stoppage")} if "minute" in changes else changes


def why_not(event: Mapping[str, Any], changes: Mapping[str, Any]) -> str | None:
    """Why an event, as it stands now, cannot be amended so: a sentence for the operator. None if it can."""
    kind = event["kind"]
    fields = _FIELDS[kind] & set(AMENDABLE)
    if kind == "amendment":
        return "an amendment cannot be amended; amend the event again"
    if not fields or kind == "cancellation":
        return f"a {kind} has nothing that can be amended"
    foreign = sorted(name for name, value in changes.items() if name not in fields and (name, value) != _NO_STOPPAGE)
    if foreign:
        return f"a {kind} has no {' and no '.join(foreign)}"
    after = amended(event, changes)
    if after == amended(event, {}):
        return "the event says that already"
    try:
        EVENT.validate_python({name: value for name, value in after.items() if name in _FIELDS[kind]})
    except ValidationError as error:
        return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
    return None


_NO_STOPPAGE = ("stoppage", None)
