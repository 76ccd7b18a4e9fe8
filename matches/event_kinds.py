"""Pure: the names of the kinds of event, and of a video assistant's decisions. events.py has the fields of each kind.

Nothing here imports pydantic, because the help of the commands shows these names and must be fast.
"""

from __future__ import annotations

from typing import Literal, get_args

GoalKind = Literal["goal", "own_goal", "penalty_goal"]
PenaltyKind = Literal["penalty_missed"]
CardKind = Literal["yellow_card", "second_yellow_card", "red_card"]
SubstitutionKind = Literal["substitution"]
PhaseKind = Literal[
    "kick_off",
    "half_time",
    "second_half",
    "extra_time",
    "extra_half_time",
    "extra_second_half",
    "full_time",
    "resumed",
]
InterruptionKind = Literal["postponed", "called_off", "suspended", "abandoned"]
AwardKind = Literal["awarded"]
ShootoutKind = Literal["shootout_kick"]
VarKind = Literal["var_decision"]
CancellationKind = Literal["cancellation"]
AmendmentKind = Literal["amendment"]

Decision = Literal[
    "checking",
    "goal_confirmed",
    "goal_disallowed",
    "penalty_awarded",
    "penalty_overturned",
    "red_card",
    "card_overturned",
]

KINDS: tuple[str, ...] = tuple(
    kind
    for kinds in (
        GoalKind,
        PenaltyKind,
        CardKind,
        SubstitutionKind,
        PhaseKind,
        InterruptionKind,
        AwardKind,
        ShootoutKind,
        VarKind,
        CancellationKind,
        AmendmentKind,
    )
    for kind in get_args(kinds)
)
"""Every kind of event."""

DECISIONS: tuple[str, ...] = get_args(Decision)
"""Every decision of a video assistant."""
