"""Pure: the snapshot of a match as viewers and readers get it, within the size of one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matches.event_types import MatchSummary, Snapshot, StoredEvent
    from matches.match_state import MatchState

FRAME_BYTES = 16 * 1024
"""The greatest size of a frame to a viewer in bytes. API Gateway bills by 32 KB, and a frame has at most 32 KB
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""

EVENTS_PER_FRAME = 150
"""More events than any frame can hold: each event takes more than 110 bytes."""

EXACT = 100
"""Counts of viewers below this are given exactly. Greater ones are rounded to two digits."""


def rounded(count: int | None) -> int | None:
    """A count of viewers for the public: from ``EXACT`` on rounded to two digits.

    The count is approximate anyway. Rounded, it leaves a snapshot without other changes the same for caches.
    """
    if count is None or count < EXACT:
        return count
    step: int = 10 ** (len(str(count)) - 2)
    return (count + step // 2) // step * step


def summary(state: MatchState, viewers: int | None) -> MatchSummary:
    """A match as it stands, without its events. ``viewers``: how many watch, or None if nobody has counted."""
    return {
        "match": state.match,
        "epoch": state.epoch,
        "seq": state.newest_seq,
        "status": state.board.status,
        "home": state.home,
        "away": state.away,
        "competition": state.competition,
        "kickoff": state.kickoff,
        "neutral": state.neutral,
        "leg": state.leg,
        "first_leg": state.first_leg,
        "half_minutes": state.periods.half,
        "extra_half_minutes": state.periods.extra_half,
        "score": state.board.score,
        "shootout": state.board.shootout,
        "clock": state.board.clock,
        "viewers": rounded(viewers),
    }


def snapshot(
    state: MatchState, events: Sequence[StoredEvent], since: int | None = None, *, viewers: int | None = None
) -> Snapshot:
    """The snapshot of a match for a viewer or reader with the position ``since`` (a seq, or None).

    ``events`` are the newest events up to ``state.newest_seq``, oldest first. Those that do not fit a frame are left
    out, oldest first; ``recovered`` is true only if none after ``since`` is missing.
    """
    body: Snapshot = {"type": "snapshot", **summary(state, viewers), "recovered": False, "events": []}
    wanted = [event for event in events if (since or 0) < event["seq"] <= state.newest_seq]
    kept = newest_that_fit(wanted, FRAME_BYTES - len(orjson.dumps(body)))
    if since is not None:
        body["recovered"] = since <= state.newest_seq and len(kept) == state.newest_seq - since
    body["events"] = kept
    return body


def newest_that_fit(events: Sequence[StoredEvent], room: int) -> list[StoredEvent]:
    """The newest of ``events`` (oldest first) whose JSON, commas included, takes at most ``room`` bytes."""
    start = len(events)
    while start > 0:
        room -= len(orjson.dumps(events[start - 1])) + 1
        if room < 0:
            break
        start -= 1
    return list(events[start:])
