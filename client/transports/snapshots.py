"""The snapshots that a connection reads over HTTP, checked before it relies on them."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..http_reader import ReadError

if TYPE_CHECKING:
    from ..broadcast_times import BroadcastTimes
    from ..frame_types import Position, RawFrame
    from ..http_reader import HttpReader

_CHANNEL = re.compile(r"[A-Za-z0-9-]{1,50}(/[A-Za-z0-9-]{1,50}){2}")


class Snapshots:
    """Reads snapshots. All methods raise ReadError."""

    def __init__(self, reader: HttpReader, times: BroadcastTimes) -> None:
        self._reader = reader
        self._times = times

    async def channel(self, match: str) -> str:
        """The channel that a match has now."""
        if (channel := channel_of(await self._get(match, []))) is None:
            raise ReadError("no channel of this match")
        return channel

    async def read(self, match: str, since: Position | None, request: str = "") -> RawFrame:
        """The snapshot after a position.

        Viewers that give the same ``request`` in one second share an address that no earlier answer has.
        """
        query = [f"after={since['seq'] if since is not None else 0}"]
        if since is not None:
            query.append(f"epoch={since['epoch']}")
        if request:
            query.append(f"request={request}-{int(time.time())}")
        return await self._get(match, query)

    async def newest(self, match: str, since: Position | None) -> RawFrame:
        """A snapshot that is not older than this call."""
        await asyncio.sleep(self._times.settle)
        return await self.read(match, since, "sync")

    async def _get(self, match: str, query: list[str]) -> RawFrame:
        path = f"/matches/{quote(match, safe='')}"
        return checked(await self._reader.get(f"{path}?{'&'.join(query)}" if query else path), match)


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
