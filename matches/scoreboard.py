"""Pure rules of the game: (board, event) -> board, or the reason why not.

The order of events is the order in which operators' posts were accepted, and posts come late: a goal of minute 45 is
often entered after the half-time whistle. So a goal, a card or a substitution is taken at any time between kick-off
and the final whistle; only what cannot be true is refused. Corrections are taken at any time, also after full time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from matches.amending import why_not

if TYPE_CHECKING:
    from matches.events import Event

Side = Literal["home", "away"]
Pair = tuple[int, int]

SCHEDULED, FIRST_HALF, HALF_TIME = "scheduled", "first_half", "half_time"
SECOND_HALF, EXTRA_TIME, SHOOTOUT, FULL_TIME = "second_half", "extra_time", "shootout", "full_time"

GOALS: Final = frozenset({"goal", "own_goal", "penalty_goal"})

_PHASES: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "kick_off": (FIRST_HALF, frozenset({SCHEDULED})),
    "half_time": (HALF_TIME, frozenset({FIRST_HALF})),
    "second_half": (SECOND_HALF, frozenset({HALF_TIME})),
    "extra_time": (EXTRA_TIME, frozenset({SECOND_HALF})),
    "full_time": (FULL_TIME, frozenset({SECOND_HALF, EXTRA_TIME, SHOOTOUT})),
}
"""Phase -> (the status it begins, the statuses it may follow)."""

_CLOCK_AT: Final = {FIRST_HALF: 0, HALF_TIME: 45, SECOND_HALF: 45, EXTRA_TIME: 90}
"""Minute on the clock when a status begins; other statuses leave the clock alone."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The last minute that was stated, and when (milliseconds since the epoch, the API's clock)."""

    minute: int
    stoppage: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Board:
    """What a scoreboard shows, and what is needed to take events back."""

    status: str = SCHEDULED
    score: Pair = (0, 0)
    shootout: Pair | None = None
    kicks: int = 0
    """Shoot-out kicks taken and not taken back, scored or not."""
    clock: Clock | None = None
    phases: tuple[tuple[str, str], ...] = ()
    """(event id, the status before it) of each phase entered and not taken back, oldest first."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The board after an event, and whether one who follows only the score is told of it."""

    board: Board
    scores: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The rules forbid the event; the reason is a sentence for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """An event that was applied before: its content as it stands now, and whether it has been taken back."""

    event: dict[str, Any]
    cancelled: bool


def apply(board: Board, event: Event, at: int, earlier: Earlier | None = None) -> Applied | Refused:
    """Apply one event that was accepted at ``at`` (ms since the epoch).

    ``earlier`` is the event that a cancellation or an amendment names, None if the match has applied no such event.
    """
    if event.kind == "cancellation":
        return _cancel(board, earlier)
    if event.kind == "amendment":
        return _amend(board, event.changes(), earlier)
    if event.kind in _PHASES:
        return _enter(board, event, at)
    if board.status == SCHEDULED:
        return Refused("the match has not kicked off")
    if board.status == FULL_TIME and event.kind != "var_decision":
        return Refused("the match is over")
    if event.kind == "shootout_kick":
        return _kick(board, event)
    if board.status == SHOOTOUT and event.kind in GOALS:
        return Refused("in a shoot-out goals are shootout_kick events")
    clock = Clock(event.minute, event.stoppage, at)  # type: ignore[union-attr]  # kinds without a minute returned above
    if event.kind in GOALS:
        return Applied(replace(board, score=_add(board.score, event.team, 1), clock=clock), scores=True)  # type: ignore[union-attr]
    return Applied(replace(board, clock=clock), scores=False)


def _enter(board: Board, event: Event, at: int) -> Applied | Refused:
    status, after = _PHASES[event.kind]
    if board.status not in after:
        return Refused(f"{event.kind} cannot follow {board.status}")
    clock = Clock(_CLOCK_AT[status], None, at) if status in _CLOCK_AT else board.clock
    return Applied(_begin(board, status, event.event_id or "", clock), scores=True)


def _kick(board: Board, event: Event) -> Applied | Refused:
    # The score need not be level: in a tie over two legs the shoot-out may follow a match that one side won.
    if board.status not in (SECOND_HALF, EXTRA_TIME, SHOOTOUT):
        return Refused(f"a shoot-out cannot follow {board.status}")
    if board.status != SHOOTOUT:
        board = _begin(board, SHOOTOUT, event.event_id or "", board.clock)
    shootout = _add(board.shootout or (0, 0), event.team, 1 if event.scored else 0)  # type: ignore[union-attr]
    return Applied(replace(board, shootout=shootout, kicks=board.kicks + 1), scores=True)


def _cancel(board: Board, earlier: Earlier | None) -> Applied | Refused:
    if earlier is None:
        return Refused("there is no such event to cancel")
    if earlier.cancelled:
        return Refused("the event has already been cancelled")
    event = earlier.event
    kind = event["kind"]
    if kind == "cancellation":
        return Refused("a cancellation cannot be cancelled; post the event again")
    if kind == "amendment":
        return Refused("an amendment cannot be cancelled; amend the event again")
    if kind in GOALS:
        return Applied(replace(board, score=_add(board.score, event["team"], -1)), scores=True)
    if kind == "shootout_kick":
        return Applied(_cancel_kick(board, event), scores=True)
    if kind in _PHASES:
        if not board.phases or board.phases[-1][0] != event["event_id"]:
            return Refused("only the latest phase of the match can be cancelled")
        return Applied(_end(board), scores=True)
    return Applied(board, scores=False)


def _amend(board: Board, changes: dict[str, Any], earlier: Earlier | None) -> Applied | Refused:
    """Only the clock may move: a minute that was wrong must not go on running.

    Followers of the score only are not told: a plain scoreboard shows neither scorers nor minutes of goals.
    """
    if earlier is None:
        return Refused("there is no such event to amend")
    if earlier.cancelled:
        return Refused("the event has been cancelled")
    event = earlier.event
    reason = why_not(event, changes)
    if reason is not None:
        return Refused(reason)
    stated = Clock(event["minute"], event.get("stoppage"), event["at"]) if "minute" in changes else None
    if stated is not None and board.clock == stated:
        board = replace(board, clock=Clock(changes["minute"], changes["stoppage"], stated.at))
    return Applied(board, scores=False)


def _cancel_kick(board: Board, event: dict[str, Any]) -> Board:
    if board.kicks > 1:
        shootout = _add(board.shootout or (0, 0), event["team"], -1 if event["scored"] else 0)
        return replace(board, shootout=shootout, kicks=board.kicks - 1)
    # With its only kick the shoot-out is gone too.
    board = replace(board, shootout=None, kicks=0)
    return _end(board) if board.status == SHOOTOUT else board


def _begin(board: Board, status: str, event_id: str, clock: Clock | None) -> Board:
    return replace(board, status=status, clock=clock, phases=(*board.phases, (event_id, board.status)))


def _end(board: Board) -> Board:
    return replace(board, status=board.phases[-1][1], phases=board.phases[:-1])


def _add(pair: Pair, side: str | None, count: int) -> Pair:
    home, away = pair
    return (home + count, away) if side == "home" else (home, away + count)
