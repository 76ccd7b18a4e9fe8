"""Pure: the state of a match in the ledger, and the outcome of an event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from matches.clock import USUAL, Periods
from matches.names import key as key_of

if TYPE_CHECKING:
    from matches.scoreboard import Board, Pair


@dataclass(frozen=True, slots=True)
class MatchState:
    """The ``state`` row of a match.

    ``newest_seq``: the number of the newest event. ``newest_score_seq``: that of the newest event that score-only
    followers are told. ``audience``: the operator's guess of how many will watch.
    """

    match: str
    epoch: str
    newest_seq: int
    board: Board
    home: str
    away: str
    competition: str | None
    kickoff: str
    audience: int | None
    newest_score_seq: int
    neutral: bool = False
    """Whether the ground is neither side's home."""
    leg: int | None = None
    """1 or 2 in a tie over two legs."""
    first_leg: Pair | None = None
    """In a second leg: the goals of this match's home and away side in the first leg."""
    periods: Periods = USUAL

    def side(self, team: str) -> str | None:
        """``home`` or ``away`` for a side or a team's name, None for a team that is not playing."""
        name = key_of(team)
        if name in ("home", key_of(self.home)):
            return "home"
        return "away" if name in ("away", key_of(self.away)) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an event: ``pending``, ``applied`` as ``seq``, or ``refused`` with a ``reason``."""

    status: Literal["pending", "applied", "refused"]
    seq: int | None = None
    reason: str | None = None
    unseen: int | None = None
    """The seq of another operator's goal, because of which this goal was refused."""
    was_delivered_before: Literal[True] | None = field(default=None, compare=False)
    """True if ``Ledger.apply_event`` found this outcome already: the record was delivered before."""
