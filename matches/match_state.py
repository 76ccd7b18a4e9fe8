"""Pure: a match as the ledger has it, and what became of an event."""

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
    """Whether the ground is nobody's home."""
    leg: int | None = None
    """1 or 2 in a tie over two legs."""
    first_leg: Pair | None = None
    """Of a second leg: the goals of this match's home and away side in the first."""
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
    """Of a goal that was refused for another operator's goal: the seq of that goal."""
    again: Literal[True] | None = field(default=None, compare=False)
    """Of ``Ledger.apply_event``: it was settled before, so the record was delivered again."""
