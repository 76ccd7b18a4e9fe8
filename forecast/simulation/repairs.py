"""Viewers that lost a frame, or got one with a gap before it: each is the client's own viewer until it has everything.

All other viewers are some numbers each (viewers.py).
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from forecast.simulation.woken_viewer import WokenViewer
from matches.snapshot import snapshot

if TYPE_CHECKING:
    import random

    from forecast.simulation.modelled_tables import Home
    from forecast.simulation.viewers import Parcel, Viewers
    from forecast.simulation.virtual_loop import VirtualLoop

CDN_AGE_SECONDS = 4.0
"""An answer through the site may be so many seconds old (docs/send-budget.md, "Readers")."""

READ_SECONDS = 0.05
"""Seconds of a read over HTTP."""


class Repairs:
    """All viewers that are awake, and the answers of the API to them."""

    def __init__(self, home: Home, loop: VirtualLoop, chance: random.Random) -> None:
        self.reads = 0
        self.syncs = 0
        """Requests ``sync`` over the socket."""
        self.took_s = array("d")
        """Seconds from each lost frame until its viewer had the events."""
        self.most_awake = 0
        """The most viewers that were awake at one moment."""
        self._home = home
        self.loop = loop
        self.chance = chance
        self._awake: dict[tuple[str, int], WokenViewer] = {}
        self.snapshot = lru_cache(64)(self._snapshot)

    def lose(self, parcel: Parcel, viewer: int) -> None:
        """A frame does not reach a viewer."""
        self._wake(parcel.viewers, viewer).lose(parcel.seq)

    def bring(self, parcel: Parcel, viewer: int, after_s: float) -> None:
        """A frame reaches a viewer after so many seconds."""
        if self._awake and (parcel.viewers.match, viewer) in self._awake:
            self.loop.call_later(after_s, self._bring_late, parcel, viewer)
        elif not parcel.deliver(viewer, self.loop.time() + after_s):
            parcel.viewers.gaps += 1
            self._wake(parcel.viewers, viewer).deliver(parcel.frame)

    def _bring_late(self, parcel: Parcel, viewer: int) -> None:
        viewers = parcel.viewers
        awake = self._awake.get((viewers.match, viewer))
        if awake is None:
            self.bring(parcel, viewer, 0.0)
            return
        viewers.gaps += viewers.newest[viewer - viewers.first] < parcel.prev
        awake.deliver(parcel.frame)

    def let_rest(self, viewers: Viewers, viewer: int) -> bool:
        """A viewer that has everything becomes some numbers again; returns False if it has become that already."""
        return self._awake.pop((viewers.match, viewer), None) is not None

    def _wake(self, viewers: Viewers, viewer: int) -> WokenViewer:
        awake = self._awake.get((viewers.match, viewer))
        if awake is None:
            awake = self._awake[viewers.match, viewer] = WokenViewer(self, viewers, viewer)
            self.most_awake = max(self.most_awake, len(self._awake))
        return awake

    @property
    def behind(self) -> int:
        """Viewers that lack an event."""
        return sum(each.is_behind for each in self._awake.values())

    async def read(self, path: str) -> dict[str, Any]:
        """A read over HTTP: an answer that may be some seconds old."""
        self.reads += 1
        await asyncio.sleep(READ_SECONDS)
        split = urlsplit(path)
        match, since = split.path.split("/")[2], int(parse_qs(split.query).get("after", ["0"])[0])
        then = self.loop.time() - self.chance.random() * CDN_AGE_SECONDS
        return orjson.loads(self.snapshot(match, since, bisect_right(self._home.numbered[match], then)))  # type: ignore[no-any-return]

    def newest(self, match: str) -> int:
        """The newest event of a match."""
        return self._home.states[match].newest_seq

    def _snapshot(self, match: str, since: int, seq: int) -> bytes:
        """The snapshot of a match as it stood after event ``seq``, for a viewer that has everything up to ``since``."""
        events = [each.event for each in self._home.events[match]]
        return orjson.dumps(snapshot(self._home.history[match][seq], events, since))

    async def close(self) -> None:
        """End all viewers that are awake."""
        for each in self._awake.values():
            await each.close()
