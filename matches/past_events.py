"""Pure: the events of a match as they stood when its newest event had a certain seq."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matches.event_types import StoredEvent

_MARKS = frozenset({"amended_by", "cancelled_by"})
"""Fields of an event that hold the seq of a later event, which changed it."""


def events_as_of(seq: int, events: Iterable[StoredEvent]) -> list[StoredEvent]:
    """The events up to ``seq`` as they stood then: an event that a later one cancels is not cancelled yet.

    The state in the same answer may have been read earlier, and its score is from then. An amended event keeps its
    corrected names: they change no score, and the amendment that follows repeats them.
    """
    then: list[Any] = [event for event in events if event["seq"] <= seq]
    stood = [{name: value for name, value in event.items() if name not in _MARKS or value <= seq} for event in then]
    return cast("list[StoredEvent]", stood)
