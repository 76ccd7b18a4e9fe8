"""Pure: the rules of the game. (board, event) -> the next board, or the reason of a refusal.

Events are ordered by the time of their acceptance, and operators post late: a goal of minute 45 often comes after the
half-time whistle, and a card after full time. So the rules accept an event of play at any time after the kick-off, and
refuse only impossible events.

The board always equals a replay of the standing events in order: the events that were applied and not cancelled, as
amended. A cancellation or an amendment makes such a replay. It is refused if a later event becomes impossible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, cast

from matches.amendments import refusal_reason, with_changes
from matches.clock import USUAL, Clock, Periods, running

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matches.event_types import EventBody, EventChanges, StoredEvent
    from matches.events import Event

Side = Literal["home", "away"]
Pair = tuple[int, int]

SCHEDULED, POSTPONED, CALLED_OFF = "scheduled", "postponed", "called_off"
FIRST_HALF, HALF_TIME, SECOND_HALF = "first_half", "half_time", "second_half"
EXTRA_TIME, EXTRA_HALF_TIME, EXTRA_SECOND_HALF = "extra_time", "extra_half_time", "extra_second_half"
SHOOTOUT, SUSPENDED, ABANDONED, FULL_TIME, AWARDED = "shootout", "suspended", "abandoned", "full_time", "awarded"

GOALS: Final = frozenset({"goal", "own_goal", "penalty_goal"})
CARDS: Final = frozenset({"yellow_card", "second_yellow_card", "red_card"})

AHEAD: Final = frozenset({SCHEDULED, POSTPONED})
"""Statuses of a match that has not kicked off but still may."""

_IN_PLAY: Final = frozenset(
    {FIRST_HALF, HALF_TIME, SECOND_HALF, EXTRA_TIME, EXTRA_HALF_TIME, EXTRA_SECOND_HALF, SHOOTOUT}
)
_BEFORE_SHOOTOUT: Final = frozenset({SECOND_HALF, EXTRA_TIME, EXTRA_SECOND_HALF, SHOOTOUT})

PHASES: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "kick_off": (FIRST_HALF, AHEAD),
    "half_time": (HALF_TIME, frozenset({FIRST_HALF})),
    "second_half": (SECOND_HALF, frozenset({HALF_TIME})),
    "extra_time": (EXTRA_TIME, frozenset({SECOND_HALF})),
    "extra_half_time": (EXTRA_HALF_TIME, frozenset({EXTRA_TIME})),
    "extra_second_half": (EXTRA_SECOND_HALF, frozenset({EXTRA_TIME, EXTRA_HALF_TIME})),
    "full_time": (FULL_TIME, _BEFORE_SHOOTOUT),
    "postponed": (POSTPONED, frozenset({SCHEDULED})),
    "called_off": (CALLED_OFF, AHEAD),
    "suspended": (SUSPENDED, _IN_PLAY),
    "resumed": ("", frozenset({SUSPENDED})),
    "abandoned": (ABANDONED, _IN_PLAY),
    "awarded": (AWARDED, AHEAD | _IN_PLAY | {ABANDONED, FULL_TIME}),
}
"""Phase -> (the status it begins, the statuses it may follow).

``resumed`` begins the status that the suspension interrupted. Any phase that may follow that status may follow the
suspension too: play has resumed, though nobody entered it.
"""

_NOT_PLAYED: Final = {
    SCHEDULED: "the match has not kicked off",
    POSTPONED: "the match is postponed",
    CALLED_OFF: "the match is called off",
}


@dataclass(frozen=True, slots=True)
class Board:
    """The state of a match: the values that a scoreboard shows and that the rules need for the next event."""

    status: str = SCHEDULED
    score: Pair = (0, 0)
    shootout: Pair | None = None
    clock: Clock | None = None
    interrupted: str | None = None
    """While the match is suspended: the status before the suspension."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The board after an event. ``scores`` says whether a score-only follower is told of the event.

    ``target``: the earlier event that a cancellation or an amendment changes, as it stood before.
    """

    board: Board
    scores: bool
    target: StoredEvent | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The rules forbid the event. ``reason`` is a clause for the operator."""

    reason: str


def refers_to_earlier(event: Event) -> bool:
    """Whether an event changes an earlier one, so that ``apply`` needs the match's history."""
    return event.kind in ("cancellation", "amendment")


def apply(
    board: Board, event: Event, at: int, history: Sequence[StoredEvent] = (), periods: Periods = USUAL
) -> Applied | Refused:
    """Apply one event that was accepted at ``at`` (ms since 1970).

    ``history``: all events of the match so far, oldest first, as amended; a cancelled one has ``cancelled_by``. Only
    a cancellation and an amendment need it. ``periods``: 2 × 45 minutes unless given.
    """
    if event.kind == "cancellation":
        return _cancel(board, event.cancels, history, periods)
    if event.kind == "amendment":
        return _amend(board, event.amends, event.changes(), history, periods)
    return _step(board, cast("EventBody", {**event.content(), "at": at}), periods)


def replay(events: Iterable[StoredEvent], periods: Periods = USUAL) -> Board | Refused:
    """The board after these events, oldest first. Cancelled events, cancellations and amendments are skipped.

    ``Refused`` names the first event that is impossible.
    """
    board = Board()
    for event in events:
        if "cancelled_by" in event or event["kind"] in ("cancellation", "amendment"):
            continue
        ruling = _step(board, event, periods)
        if isinstance(ruling, Refused):
            return Refused(f"{event['kind']} (seq {event['seq']}) would be impossible: {ruling.reason}")
        board = ruling.board
    return board


def _step(board: Board, event: EventBody | StoredEvent, periods: Periods) -> Applied | Refused:
    """Apply an event that changes no earlier one."""
    kind = event["kind"]
    if kind in PHASES:
        return _enter(board, event, periods)
    if kind == "shootout_kick":
        return _kick(board, event, periods)
    minute, stoppage = event.get("minute"), event.get("stoppage")
    reason = periods.refusal_reason(minute, stoppage) or _why_not_now(board, kind, minute)
    if reason is not None:
        return Refused(reason)
    span = periods.span(board.status)
    if minute is not None and not event.get("late") and span is not None and minute > span[0]:
        board = replace(board, clock=Clock(minute, stoppage, event["at"]))
    if kind in GOALS:
        return Applied(replace(board, score=_add(board.score, event["team"])), scores=True)
    return Applied(board, scores=False)


def _why_not_now(board: Board, kind: str, minute: int | None) -> str | None:
    status = board.status
    if kind in CARDS and status in (SCHEDULED, POSTPONED):
        return None
    if status in _NOT_PLAYED:
        return _NOT_PLAYED[status]
    if kind in GOALS and status == AWARDED:
        return "the match is awarded, and its score stands"
    if kind in GOALS and _in_play(board) == SHOOTOUT and minute is None:
        return "during a shoot-out, post a shootout_kick; a goal from before the shoot-out needs its minute"
    return None


def _enter(board: Board, event: EventBody | StoredEvent, periods: Periods) -> Applied | Refused:
    kind = event["kind"]
    status, after = PHASES[kind]
    if board.status not in after and (board.status != SUSPENDED or kind == "suspended" or _in_play(board) not in after):
        return Refused(f"{kind} cannot follow {board.status}")
    if kind == "resumed":
        status = _in_play(board)
    board = _begin(board, status, event["at"], periods, resumes=kind == "resumed")
    if kind == "awarded":
        home, away = event["score"]
        board = replace(board, score=(home, away))
    return Applied(board, scores=True)


def _kick(board: Board, event: EventBody | StoredEvent, periods: Periods) -> Applied | Refused:
    # The score need not be level: in a tie over two legs a shoot-out may follow a match that one side won.
    if _in_play(board) not in _BEFORE_SHOOTOUT:
        return Refused(f"a shoot-out cannot follow {board.status}")
    if board.status != SHOOTOUT:
        board = replace(_begin(board, SHOOTOUT, event["at"], periods), shootout=board.shootout or (0, 0))
    if event["scored"]:
        board = replace(board, shootout=_add(board.shootout or (0, 0), event["team"]))
    return Applied(board, scores=True)


def _in_play(board: Board) -> str:
    """The status. While the match is suspended: the status before the suspension."""
    return board.interrupted or board.status


def _begin(board: Board, status: str, at: int, periods: Periods, *, resumes: bool = False) -> Board:
    clock, span = board.clock, periods.span(status)
    if span is not None and not resumes:
        clock = Clock(span[0], None, at)
    elif clock is not None and (resumes or periods.span(board.status) is not None):
        # Play stops or resumes at the minute that the clock shows now.
        shown = running(board.status, clock, at, periods) or clock
        clock = Clock(shown.minute, shown.stoppage, at)
    return replace(board, status=status, clock=clock, interrupted=_in_play(board) if status == SUSPENDED else None)


def _cancel(board: Board, name: str, history: Sequence[StoredEvent], periods: Periods) -> Applied | Refused:
    target = _named(name, history)
    if target is None:
        return Refused("there is no such event to cancel")
    if "cancelled_by" in target:
        return Refused("the event has already been cancelled")
    kind = target["kind"]
    if kind == "cancellation":
        return Refused("a cancellation cannot be cancelled; post the event again")
    if kind == "amendment":
        return Refused("an amendment cannot be cancelled; amend the event again")
    after = replay((each for each in history if each is not target), periods)
    if isinstance(after, Refused):
        return Refused(f"without this {kind}, {after.reason}; cancel that first")
    scores = kind in GOALS or kind in PHASES or kind == "shootout_kick"
    return Applied(after, scores=scores or _shown(after) != _shown(board), target=target)


def _amend(
    board: Board, name: str, changes: EventChanges, history: Sequence[StoredEvent], periods: Periods
) -> Applied | Refused:
    """Apply an amendment. It may move only the clock, because the clock may rest on the wrong minute.

    Score-only followers are not told: a plain scoreboard shows neither scorers nor minutes of goals.
    """
    target = _named(name, history)
    if target is None:
        return Refused("there is no such event to amend")
    if "cancelled_by" in target:
        return Refused("the event has been cancelled")
    reason = refusal_reason(target, changes)
    if reason is not None:
        return Refused(reason)
    after = replay((with_changes(each, changes) if each is target else each for each in history), periods)
    if isinstance(after, Refused):
        return Refused(after.reason)
    return Applied(after, scores=_shown(after) != _shown(board), target=target)


def _named(name: str, history: Sequence[StoredEvent]) -> StoredEvent | None:
    return next((each for each in history if each["event_id"] == name), None)


def _shown(board: Board) -> tuple[str, Pair, Pair | None]:
    return board.status, board.score, board.shootout


def _add(pair: Pair, side: str) -> Pair:
    home, away = pair
    return (home + 1, away) if side == "home" else (home, away + 1)
