"""Pure: which events an update frame carries, and for whom.

A frame carries every event in (prev, seq], prev being what every row of the match is known to have been sent. A
follower of the score only gets a frame of its own: the events that change what a plain scoreboard shows (goals,
shoot-out kicks, phases, and what takes those back), with the prev of that thinner chain. If more events have piled up
than fit, the frame begins later and its prev says so. It begins after an event that is missing, too, because its row is
damaged: viewers see the gap, read the match over HTTP, and know that something is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from matches.snapshot import FRAME_BYTES, newest_that_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matches.event_types import StoredEvent
    from matches.match_state import MatchState


_LATEST = 9_999_999_999_999
"""As long as a time in milliseconds gets (until the year 2286)."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The frame for those who follow everything, and for those who follow the score (None: nothing for them)."""

    seq: int
    everything: bytes
    score: bytes | None
    at: int
    """When the operator posted the newest event that they carry, in milliseconds since the epoch; 0 without one."""
    event_id: str | None
    """Of that event."""


def build(state: MatchState, told: int, events: Sequence[tuple[StoredEvent, int | None]]) -> Frames | None:
    """The frames that bring every viewer from ``told`` to ``state.newest_seq``; None if there is nothing to tell.

    ``events``: those after ``told``, oldest first, each with the seq of the score event before it if it is one
    itself. The frame begins after the last one that is missing, and has no events if that is the newest.
    """
    if told >= state.newest_seq:
        return None
    rows = _unbroken([each for each in events if told < each[0]["seq"] <= state.newest_seq], state.newest_seq)
    everything = [event for event, _ in rows]
    scores = [(event, before) for event, before in rows if before is not None]
    kept = _fit(state, [event for event, _ in scores])
    before = {event["seq"]: before for event, before in scores}
    every = _fit(state, everything)
    score = None
    if kept:
        score = _frame(state, before[kept[0]["seq"]] or 0, kept)
    elif state.newest_score_seq > told:
        score = _frame(state, state.newest_score_seq, [])
    return Frames(
        seq=state.newest_seq,
        everything=_frame(state, every[0]["seq"] - 1 if every else state.newest_seq, every),
        score=score,
        at=everything[-1]["at"] if everything else 0,
        event_id=everything[-1].get("event_id") if everything else None,
    )


def _unbroken(rows: list[tuple[StoredEvent, int | None]], seq: int) -> list[tuple[StoredEvent, int | None]]:
    """The rows at the end that lead to ``seq`` without a hole."""
    begin = len(rows)
    while begin > 0 and rows[begin - 1][0]["seq"] == seq - (len(rows) - begin):
        begin -= 1
    return rows[begin:]


def _fit(state: MatchState, events: list[StoredEvent]) -> list[StoredEvent]:
    return newest_that_fit(events, FRAME_BYTES - len(_frame(state, state.newest_seq, [], _LATEST)))


def _frame(state: MatchState, prev: int, events: list[StoredEvent], at: int | None = None) -> bytes:
    return orjson.dumps(
        {
            "type": "update",
            "match": state.match,
            "epoch": state.epoch,
            "prev": prev,
            "seq": state.newest_seq,
            "status": state.board.status,
            "score": state.board.score,
            "shootout": state.board.shootout,
            "clock": state.board.clock,
            "events": events,
            "at": events[-1]["at"] if events else at,
        }
    )
