"""Pure: the events of a match as they stood when its newest event had a certain seq."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matches.event_types import StoredEvent

_MARKS = frozenset({"amended_by", "cancelled_by"})
"""Of an event: the seq of the later one that changed it."""


def events_as_of(seq: int, events: Iterable[StoredEvent]) -> list[StoredEvent]:
    """The events up to a seq as they stood at it: what a later one has cancelled is not cancelled yet.

    The state that they are told with may have been read before them, and its score is from then. An amended event has
    its corrected names all the same: they change no score, and the amendment that follows says them again.
    """
    then: list[Any] = [event for event in events if event["seq"] <= seq]
    stood = [{name: value for name, value in event.items() if name not in _MARKS or value <= seq} for event in then]
    return cast("list[StoredEvent]", stood)
