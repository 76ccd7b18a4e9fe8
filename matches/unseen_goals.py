"""Pure: a goal that another operator posted before this operator saw it.

Two operators at one match often post the same goal. Each of them sees the board as it was a moment ago, so each post
may state the newest seq that its operator saw. Only the ledger, which numbers events, knows their order. It refuses a
goal that would count beside another operator's goal which this operator had not seen. Then the operator decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matches.scoreboard import GOALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matches.event_types import StoredEvent
    from matches.events import Event

SCORING = GOALS | {"shootout_kick"}
"""Kinds that two operators must not count twice. Phases are not among them: the rules refuse the second one. A doubled
card changes no score, and an operator cancels it like any mistake."""


def needs_check(event: Event) -> bool:
    """Whether the event must be compared with other operators' goals that its operator has not seen."""
    return event.seen is not None and event.kind in SCORING


def newest_unseen(event: Event, by: str | None, later: Iterable[tuple[StoredEvent, str | None]]) -> StoredEvent | None:
    """The newest goal or kick among ``later`` that another operator posted and that stands, or None.

    ``later``: the events above ``event.seen``, newest first, each with its operator's subject. One subject is one
    person, at one device or two: a person's own events never conflict.
    """
    same = _kinds_like(event.kind)
    return next(
        (each for each, poster in later if each["kind"] in same and poster != by and "cancelled_by" not in each), None
    )


def refusal_reason(goal: StoredEvent) -> str:
    """A sentence for the operator: ``another operator posted a goal meanwhile: seq 12, home, 45+2', Lionel Messi``."""
    when = f"{goal['minute']}{'+' + str(goal['stoppage']) if 'stoppage' in goal else ''}'" if "minute" in goal else ""
    about = [f"seq {goal['seq']}", goal["team"], when, goal.get("player", "")]
    what = "a shoot-out kick" if goal["kind"] == "shootout_kick" else "a goal"
    return f"another operator posted {what} meanwhile: {', '.join(filter(None, about))}"


def _kinds_like(kind: str) -> frozenset[str]:
    return GOALS if kind in GOALS else SCORING - GOALS
