"""Pure: fuzzes the reader of the stream's records (matches/events.py); accepted events go to the rules."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from matches.events import STREAM_VERSION, PoisonRecordError, parse_record
from matches.names import clean
from matches.scoreboard import Refused, apply, replay
from trials.fuzz.fuzz_target import hold
from trials.fuzz.mutate import as_json, damaged_message

if TYPE_CHECKING:
    from random import Random

    from matches.scoreboard import Board

_TIMED = {"team": "home", "minute": 45, "stoppage": 2, "player": "Lionel Messi"}
_EVENTS: tuple[dict[str, Any], ...] = (
    {"kind": "goal", **_TIMED, "assist": "Ángel Di María"},
    {"kind": "own_goal", **_TIMED},
    {"kind": "penalty_missed", **_TIMED},
    {"kind": "red_card", **_TIMED},
    {"kind": "substitution", "team": "away", "minute": 90, "player_on": "A", "player_off": "B"},
    {"kind": "kick_off"},
    {"kind": "shootout_kick", "team": "home", "scored": True},
    {"kind": "var_decision", "minute": 3, "decision": "goal_disallowed", "about": "g1", "team": "home"},
    {"kind": "cancellation", "cancels": "g1", "reason": "offside"},
    {"kind": "amendment", "amends": "g1", "player": "Lionel Messi", "assist": None, "minute": 45, "stoppage": 3},
    {"kind": "own_goal", **_TIMED, "seen": 12},
    {"kind": "yellow_card", "team": "away", "bench": True},
    {"kind": "substitution", "team": "home", "player_off": "A", "no_replacement": True},
    {"kind": "suspended", "reason": "lightning"},
    {"kind": "awarded", "score": [3, 0], "reason": "ineligible player"},
)
VALID = tuple(
    {"v": STREAM_VERSION, "match": "wc22-final", "at": 1766080000123, "event": {"event_id": "e:1", **event}}
    for event in _EVENTS
)
_TEXTS = [as_json(each) for each in VALID]
_WORDS = [
    b'"kind"',
    b'"goal"',
    b'"team"',
    b'"home"',
    b'"minute"',
    b'"event_id"',
    b"121",
    b"true",
    b"\\u0000",
    b"\\ud800",
]
_REASON_CHARACTERS = 600
_HISTORY: tuple[Any, ...] = (
    {"kind": "kick_off", "event_id": "k1", "seq": 1, "at": 1766079000000},
    {**_EVENTS[0], "event_id": "g1", "seq": 2, "at": 1766080000000},
)
"""The board on which the rules judge events."""
_PLAYING = cast("Board", replay(_HISTORY))


class RecordTarget:
    """An input is a record of Kinesis."""

    name = "records"

    def make(self, chance: Random) -> bytes:
        """A record with one to three wrong values, or with wrong bytes."""
        return damaged_message(chance, VALID, _TEXTS, _WORDS)

    def check(self, data: bytes) -> bool:
        """An accepted record is whole, reads the same after it was written again, and the rules can judge it."""
        try:
            accepted = parse_record(data)
        except PoisonRecordError as poison:
            hold("a reason is a short sentence", true=0 < len(str(poison)) <= _REASON_CHARACTERS)
            return False
        given = json.loads(data)
        hold("a record of this version is an object", true=isinstance(given, dict) and given["v"] == STREAM_VERSION)
        hold("the match is an id", true=re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", accepted.match) is not None)
        hold("the match is that of the record", true=accepted.match == given["match"] and len(accepted.match) <= 20)
        hold("the time is that of the record", true=type(given["at"]) is int and accepted.at == given["at"])
        hold("the event has an id", true=re.fullmatch(r"[A-Za-z0-9_.:\-]{1,64}", accepted.event_id) is not None)
        hold("what is written again is the same", true=parse_record(accepted.to_record()) == accepted)
        hold("there is nothing that no event has", true=set(given["event"]) <= set(type(accepted.event).model_fields))
        for value in accepted.event.model_dump(exclude_none=True).values():
            hold("every text is as names.py cleans it", true=not isinstance(value, str) or clean(value) == value)
        ruling = apply(_PLAYING, accepted.event, accepted.at, _HISTORY)
        if isinstance(ruling, Refused):
            return True
        if accepted.event.kind == "amendment":
            hold("an amendment counts nothing", true=replace(ruling.board, clock=_PLAYING.clock) == _PLAYING)
        if accepted.event.kind != "awarded":
            change = sum(ruling.board.score) - sum(_PLAYING.score)
            hold("one event changes a score by one at most", true=abs(change) <= 1)
        return True
