"""Fuzzes the rules with histories of a match: events in any order, then cancellations in any order.

A cancelled event leaves the match as if it had never been posted (matches/scoreboard.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from matches.amendments import FIELDS
from matches.events import EVENT, AcceptedEvent
from matches.scoreboard import CARDS, GOALS, PHASES, Applied, Board, apply
from trials.fuzz.fuzz_target import hold
from trials.fuzz.mutate import as_json
from trials.model.reference import add

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from matches.event_types import StoredEvent

_USUAL = ("kick_off", "half_time", "second_half", "extra_time", "extra_half_time", "extra_second_half", "full_time")
_PLAY = (*sorted(GOALS), *sorted(CARDS), "penalty_missed", "substitution", "shootout_kick", "var_decision")
_START = 1_766_080_000_000


def history(chance: Random) -> list[dict[str, Any]]:
    """Events as an operator might post them, each with the time ``at``; some of them the rules refuse."""
    events: list[dict[str, Any]] = []
    ahead = list(_USUAL) if chance.random() < 0.7 else [chance.choice(list(PHASES)) for _ in range(8)]
    at = _START
    for _ in range(chance.randrange(4, 40)):
        at += chance.choice((0, 1_000, 60_000, 400_000, 1_500_000))
        turn = chance.random()
        if turn < 0.25 and ahead:
            kind = ahead.pop(0)
        elif turn < 0.35:
            kind = chance.choice(list(PHASES))
        else:
            kind = chance.choice(_PLAY)
        events.append({"event_id": f"e{len(events)}", "at": at, **_event(kind, chance)})
        if events[-1]["kind"] in FIELDS and chance.random() < 0.1:
            minute = chance.randrange(1, 121)
            events.append({
                "event_id": f"e{len(events)}", "at": at, "kind": "amendment", "amends": events[-1]["event_id"],
                **({"player": "B"} if kind in ("shootout_kick", "penalty_missed") else {"minute": minute}),
            })  # fmt: skip
    posted = [event["event_id"] for event in events]
    taken_back = chance.sample(posted, chance.randrange(len(posted) + 1)) * 2
    for name in taken_back:
        at += 1_000
        events.append({"event_id": f"e{len(events)}", "at": at, "kind": "cancellation", "cancels": name})
    return events


def _event(kind: str, chance: Random) -> dict[str, Any]:
    event: dict[str, Any] = {"kind": kind}
    if kind == "awarded":
        event["score"] = [chance.randrange(4), chance.randrange(4)]
    if kind in PHASES:
        return event
    if kind == "var_decision":
        event["decision"] = chance.choice(("checking", "goal_confirmed", "penalty_overturned"))
    else:
        event["team"] = chance.choice(("home", "away"))
    if kind == "shootout_kick":
        return event | {"scored": chance.random() < 0.7}
    if chance.random() < 0.9:
        if chance.random() < 0.1:
            event["late"] = True
        event["minute"] = chance.choice((1, 12, 44, 45, 46, 60, 89, 90, 91, 105, 106, 119, 120))
        if event["minute"] in (45, 90, 105, 120) and chance.random() < 0.5:
            event["stoppage"] = chance.randrange(1, 8)
    return event


def played(events: list[dict[str, Any]]) -> tuple[Board, list[StoredEvent]]:
    """The board after these posts, and the history of the applied ones."""
    end: tuple[Board, list[StoredEvent]] = (Board(), [])
    for step in steps(events):
        end = step
    return end


def steps(events: list[dict[str, Any]]) -> Iterator[tuple[Board, list[StoredEvent]]]:
    """The board and the history after each post that is applied; the history is one list that grows."""
    board = Board()
    applied: list[StoredEvent] = []
    for event in events:
        fields = {name: value for name, value in event.items() if name != "at"}
        accepted = AcceptedEvent("m", event["at"], EVENT.validate_python(fields))
        ruling = apply(board, accepted.event, accepted.at, applied)
        if isinstance(ruling, Applied):
            board = ruling.board
            add(applied, accepted, ruling)
            yield board, applied


class CorrectionTarget:
    """Histories of a match."""

    name = "corrections"

    def make(self, chance: Random) -> bytes:
        """A history as JSON."""
        return as_json(history(chance))

    def check(self, data: bytes) -> bool:
        """The board is that of a match without the cancelled events. Returns True if a phase was cancelled."""
        board, applied = played(orjson.loads(data))
        standing: list[dict[str, Any]] = [
            {name: value for name, value in each.items() if name not in ("seq", "amended_by")}
            for each in applied
            if "cancelled_by" not in each and each["kind"] not in ("cancellation", "amendment")
        ]
        without, replayed = played(standing)
        hold("every standing event is applied without the others", true=len(replayed) == len(standing))
        hold("the board is that without the cancelled events", true=without == board)
        # Counted without the rules, because a replay by the same rules would share their errors.
        kicks = [each for each in standing if each["kind"] == "shootout_kick"]
        hold("the shoot-out is its scored kicks", true=board.shootout == (_count(kicks, "scored") if kicks else None))
        if board.status != "awarded":
            goals = [each for each in standing if each["kind"] in GOALS]
            hold("the score is the goals that stand", true=board.score == _count(goals))
        return any(each["kind"] in PHASES and "cancelled_by" in each for each in applied)


def _count(events: list[dict[str, Any]], only: str | None = None) -> tuple[int, int]:
    """The number of events of the home and the away side; with ``only``, of those in which that field is true."""
    teams = [each["team"] for each in events if only is None or each[only]]
    return teams.count("home"), teams.count("away")
