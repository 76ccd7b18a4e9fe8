"""Goals that another operator posted meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from matches.events import EVENT
from matches.unseen_goals import needs_check, newest_unseen, refusal_reason

GOAL: Any = {"seq": 12, "kind": "goal", "team": "home", "minute": 45, "stoppage": 2, "player": "Messi"}
KICK: Any = {"seq": 13, "kind": "shootout_kick", "team": "away", "scored": True}
PRESS = EVENT.validate_python({"kind": "goal", "event_id": "g", "team": "home", "minute": 46, "seen": 11})


@pytest.mark.parametrize(
    ("event", "careful"),
    [
        ({"kind": "goal", "team": "home", "seen": 3}, True),
        ({"kind": "shootout_kick", "team": "home", "scored": False, "seen": 3}, True),
        ({"kind": "goal", "team": "home"}, False),
        ({"kind": "yellow_card", "team": "home", "seen": 3}, False),
    ],
)
def test_only_goals_with_seen_are_compared(event: dict[str, Any], careful: bool) -> None:
    """A goal or a kick that states the newest seq that its operator saw is compared with later goals."""
    assert needs_check(EVENT.validate_python({"event_id": "e", **event})) is careful


@pytest.mark.parametrize(
    ("later", "conflict"),
    [
        ([(GOAL, "ann")], GOAL),
        ([(KICK, "ann"), (GOAL, "ann")], GOAL),
        ([(GOAL, "ben")], None),
        ([({**GOAL, "cancelled_by": 13}, "ann")], None),
        ([(GOAL, "ann"), ({**GOAL, "seq": 11}, "ann")], GOAL),
        ([({**GOAL, "cancelled_by": 14}, "ann"), ({**GOAL, "seq": 11}, "ann")], {**GOAL, "seq": 11}),
        ([], None),
    ],
)
def test_a_goal_of_another_operator_conflicts(later: list[Any], conflict: dict[str, Any] | None) -> None:
    """The newest standing goal of another operator is in the way of Ben's; his own and cancelled ones are not."""
    assert newest_unseen(PRESS, "ben", later) == conflict


def test_kicks_conflict_with_kicks() -> None:
    """A kick of the shoot-out is compared with kicks, not with goals."""
    kick = EVENT.validate_python({"kind": "shootout_kick", "event_id": "k", "team": "home", "scored": True, "seen": 11})
    assert newest_unseen(kick, "ben", [(GOAL, "ann"), (KICK, "ann")]) == KICK


@pytest.mark.parametrize(
    ("goal", "sentence"),
    [
        (GOAL, "another operator posted a goal meanwhile: seq 12, home, 45+2', Messi"),
        (
            {"seq": 3, "kind": "own_goal", "team": "away", "minute": 7},
            "another operator posted a goal meanwhile: seq 3, away, 7'",
        ),
        (KICK, "another operator posted a shoot-out kick meanwhile: seq 13, away"),
    ],
)
def test_the_operator_is_told_of_that_goal(goal: Any, sentence: str) -> None:
    """The reason of the refusal names the other goal as far as it is known."""
    assert refusal_reason(goal) == sentence
