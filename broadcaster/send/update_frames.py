"""Pure: the update frames of a broadcast, and the events that they carry.

There are two frames, because some viewers follow only the score. Each is made once, for all viewers of the match.

- The frame for followers of everything carries every event in (``prev``, ``seq``]. ``prev`` is the event up to which
  every row of the match has been sent everything.
- The frame for followers of the score carries the events that change a plain scoreboard: goals, kicks of a shoot-out,
  phases, and their cancellations. Its ``prev`` is the score event before the first of them.

A frame has at most ``FRAME_BYTES`` bytes. If the events need more, the frame begins later, and its ``prev`` says so. If
the row of an event is missing or damaged, the frame begins after that event. Viewers then see a gap and read the match
over HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import orjson

from matches.snapshot import FRAME_BYTES, newest_that_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcaster.control.payload import CarriedEvent
    from matches.clock import Clock
    from matches.event_types import StoredEvent
    from matches.match_state import MatchState
    from matches.scoreboard import Pair

_LATEST = 9_999_999_999_999
"""The longest time in milliseconds since 1970; the year 2286."""


class UpdateFrame(TypedDict):
    """An update as a viewer receives it, as JSON (docs/protocol.md)."""

    type: Literal["update"]
    match: str
    epoch: str
    prev: int
    """The frame carries the events after this one."""
    seq: int
    """The newest event of the match."""
    status: str
    score: Pair
    shootout: Pair | None
    clock: Clock | None
    events: list[StoredEvent]
    """Oldest first."""
    at: int | None
    """When the operator posted the newest of the events, in milliseconds since 1970; None without events."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The two frames, as JSON."""

    seq: int
    everything_frame: bytes
    """For followers of everything."""
    score_frame: bytes | None
    """For followers of the score; None if there is nothing new for them."""
    at: int
    """When the operator posted the newest event in the frames, in milliseconds since 1970; 0 without events."""
    event_id: str | None
    """The id of that event."""
    events: int = 0
    """The number of events in the frame for followers of everything."""
    score_events: int = 0
    """The number of events in the frame for followers of the score."""


def covers(events: Sequence[CarriedEvent], told_seq: int, newest_seq: int) -> bool:
    """Whether ``events`` has every event after ``told_seq`` up to ``newest_seq``."""
    seqs = {each.event["seq"] for each in events}
    return bool(seqs) and seqs.issuperset(range(told_seq + 1, newest_seq + 1))


def build(
    state: MatchState, told_seq: int, events: Sequence[tuple[StoredEvent, int | None]], frame_bytes: int = FRAME_BYTES
) -> Frames | None:
    """The frames that bring every viewer from ``told_seq`` to ``state.newest_seq``; None if there is nothing to send.

    ``events`` are the events after ``told_seq``, oldest first. Each event that changes a plain scoreboard has the seq
    of the score event before it beside it, any other event None. The frames begin after the newest missing event.
    ``frame_bytes``: the most bytes of a frame.
    """
    newest_seq = state.newest_seq
    if told_seq >= newest_seq:
        return None
    rows = _without_gaps([each for each in events if told_seq < each[0]["seq"] <= newest_seq], newest_seq)
    all_events = [event for event, _ in rows]
    fitting = _that_fit(state, all_events, frame_bytes)
    before = {event["seq"]: score_seq for event, score_seq in rows if score_seq is not None}
    score_events = _that_fit(state, [event for event in all_events if event["seq"] in before], frame_bytes)
    score_frame = None
    if score_events:
        score_frame = _frame(state, before[score_events[0]["seq"]], score_events)
    elif state.newest_score_seq > told_seq:
        score_frame = _frame(state, state.newest_score_seq, [])
    return Frames(
        seq=newest_seq,
        everything_frame=_frame(state, fitting[0]["seq"] - 1 if fitting else newest_seq, fitting),
        score_frame=score_frame,
        at=all_events[-1]["at"] if all_events else 0,
        event_id=all_events[-1].get("event_id") if all_events else None,
        events=len(fitting),
        score_events=len(score_events),
    )


def _without_gaps(rows: list[tuple[StoredEvent, int | None]], seq: int) -> list[tuple[StoredEvent, int | None]]:
    """The longest end of ``rows`` that leads to the event ``seq`` without a missing event."""
    begin = len(rows)
    while begin > 0 and rows[begin - 1][0]["seq"] == seq - (len(rows) - begin):
        begin -= 1
    return rows[begin:]


def _that_fit(state: MatchState, events: list[StoredEvent], frame_bytes: int) -> list[StoredEvent]:
    return newest_that_fit(events, frame_bytes - len(_frame(state, state.newest_seq, [], _LATEST)))


def _frame(state: MatchState, prev: int, events: list[StoredEvent], at: int | None = None) -> bytes:
    frame: UpdateFrame = {
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
    return orjson.dumps(frame)
