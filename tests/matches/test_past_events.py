"""Events as they stood at an earlier seq."""

from __future__ import annotations

from typing import Any

from matches.past_events import events_as_of

EVENTS: list[Any] = [
    {"seq": 1, "kind": "kick_off"},
    {"seq": 2, "kind": "goal", "cancelled_by": 4},
    {"seq": 3, "kind": "goal", "player": "Messi", "amended_by": 5},
    {"seq": 4, "kind": "cancellation"},
]


def test_a_later_cancellation_has_not_been_made_yet() -> None:
    """At seq 3 the goal that event 4 cancels still stands, and event 4 is not there. Corrected names stay corrected."""
    assert events_as_of(3, EVENTS) == [
        {"seq": 1, "kind": "kick_off"}, {"seq": 2, "kind": "goal"}, {"seq": 3, "kind": "goal", "player": "Messi"},
    ]  # fmt: skip


def test_an_earlier_correction_has_been_made() -> None:
    """At seq 4 the goal is cancelled; the amendment by event 5 is still to come."""
    assert events_as_of(4, EVENTS) == [EVENTS[0], EVENTS[1], {"seq": 3, "kind": "goal", "player": "Messi"}, EVENTS[3]]
