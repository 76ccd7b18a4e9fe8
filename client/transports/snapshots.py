"""The snapshots that a connection reads over HTTP, checked before it relies on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..http_reader import ReadError

if TYPE_CHECKING:
    from ..frame_types import RawFrame

_CHANNEL = re.compile(r"[A-Za-z0-9-]{1,50}(/[A-Za-z0-9-]{1,50}){2}")


def checked(answer: RawFrame, match: str) -> RawFrame:
    """The answer, if it is a snapshot of the match with an epoch and a seq. Raises ReadError for any other."""
    is_snapshot = answer.get("type") == "snapshot" and answer.get("match") == match
    if not (is_snapshot and type(answer.get("epoch")) is str and type(answer.get("seq")) is int):
        raise ReadError("no snapshot of this match")
    return answer


def channel_of(snapshot: RawFrame) -> str | None:
    """The match's channel, such as ``livescore/open/wc22-final``; None if the snapshot names none of that form."""
    channel = snapshot.get("channel")
    return channel if isinstance(channel, str) and _CHANNEL.fullmatch(channel) else None


def as_update(snapshot: RawFrame) -> RawFrame:
    """A snapshot as an update, which claims no event that it does not have: it begins where its events begin."""
    events: Any = snapshot.get("events")
    first = events[0].get("seq") if isinstance(events, list) and events and isinstance(events[0], dict) else None
    return {**snapshot, "type": "update", "prev": first - 1 if type(first) is int else snapshot["seq"]}


def is_news(snapshot: RawFrame, before: RawFrame) -> bool:
    """Whether a snapshot has another position than an earlier one."""
    return bool((snapshot["epoch"], snapshot["seq"]) != (before["epoch"], before["seq"]))
