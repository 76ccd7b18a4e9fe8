"""Viewers that lost a frame: each follows with the client's own follower and repairer from then on."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from client.follower import Follower
from client.repair_plan import looking
from client.repairer import Repairer
from client.viewer import SILENCE_MOST_SECONDS, SILENCE_SECONDS
from matches.snapshot import snapshot

if TYPE_CHECKING:
    import random

    from forecast.simulation.modelled_tables import Home
    from forecast.simulation.viewers import Parcel, Viewers
    from forecast.simulation.virtual_loop import VirtualLoop

CDN_AGE_SECONDS = 4.0
"""An answer through the site may be so many seconds old (docs/send-budget.md, "Readers")."""

READ_SECONDS = 0.05
"""Seconds of a read over HTTP, and of a question over the socket."""


class Repairs:
    """All viewers that lost a frame."""

    def __init__(self, home: Home, loop: VirtualLoop, chance: random.Random) -> None:
        self.reads = 0
        self.syncs = 0
        self.took_s: list[float] = []
        """Seconds from each lost frame until its viewer had the events."""
        self._home = home
        self.loop = loop
        self.chance = chance
        self._seats: dict[tuple[str, int], _Seat] = {}

    def lose(self, parcel: Parcel, viewer: int) -> None:
        """A frame does not reach a viewer."""
        seat = self._seats.get((parcel.viewers.match, viewer))
        if seat is None:
            seat = self._seats[parcel.viewers.match, viewer] = _Seat(self, parcel.viewers, viewer)
        seat.lost(parcel.seq)

    def follows(self, match: str, viewer: int) -> _Seat | None:
        """The seat of a viewer that lost a frame earlier."""
        return self._seats.get((match, viewer))

    @property
    def behind(self) -> int:
        """Viewers that lack an event."""
        return sum(each.follower.seq < each.lost_seq for each in self._seats.values())

    async def read(self, path: str) -> dict[str, Any]:
        """A read over HTTP: an answer that may be some seconds old."""
        self.reads += 1
        await asyncio.sleep(READ_SECONDS)
        return self.answer(path, self.loop.time() - self.chance.random() * CDN_AGE_SECONDS)

    def answer(self, path: str, at: float) -> dict[str, Any]:
        """The snapshot of a match as it stood at ``at``, after the position in the path."""
        split = urlsplit(path)
        match = split.path.split("/")[2]
        since = int(parse_qs(split.query).get("after", ["0"])[0])
        numbered = self._home.numbered[match]
        state = self._home.history[match][bisect_right(numbered, at)]
        events = [each.event for each in self._home.events[match]]
        return orjson.loads(orjson.dumps(snapshot(state, events, since)))  # type: ignore[no-any-return]

    async def close(self) -> None:
        """End all repairs."""
        for seat in self._seats.values():
            await seat.close()


class _Reader:
    """In place of ``client.http_reader.HttpReader``."""

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON of an answer."""
        return await self._repairs.read(path)


class _Seat:
    """One viewer."""

    def __init__(self, repairs: Repairs, viewers: Viewers, viewer: int) -> None:
        seq = viewers.newest[viewer - viewers.first]
        self.follower = Follower(viewers.match, epoch="e", seq=seq)
        self.lost_seq = 0
        self._lost_at: dict[int, float] = {}
        self._viewer = viewer
        self._viewers = viewers
        self._repairs = repairs
        self._loop = repairs.loop
        self._last_frame_at = self._loop.time()
        self._silence: asyncio.TimerHandle | None = None
        self._repairer = Repairer(
            _Reader(repairs),  # type: ignore[arg-type]
            self._show,
            self._ask,
            self._fail,
            http_is_ahead=lambda _: None,
        )

    def lost(self, seq: int) -> None:
        """A frame up to ``seq`` was lost."""
        self.lost_seq = max(self.lost_seq, seq)
        self._lost_at.setdefault(seq, self._loop.time())
        self._wait()

    def deliver(self, frame: bytes) -> None:
        """A later frame comes."""
        self._last_frame_at = self._loop.time()
        self._show(self.follower, self.follower.take(orjson.loads(frame)))
        if self.follower.gap:
            self._repairer.begin(self.follower)
        self._wait()

    def _wait(self) -> None:
        """Check after a silence: a model, which does not know the longest silence on the viewer's connection."""
        if self._silence is not None:
            self._silence.cancel()
        chance = self._repairs.chance.random()
        proven = self._loop.time() - self._last_frame_at
        pause = looking(SILENCE_SECONDS, SILENCE_MOST_SECONDS, proven, chance)
        self._silence = self._loop.call_later(pause, self._look)

    def _look(self) -> None:
        if self.follower.seq < self.lost_seq:
            self._repairer.begin(self.follower)
            self._wait()

    def _show(self, follower: Follower, events: list[Any]) -> None:
        if not events:
            return
        now, viewers = self._loop.time(), self._viewers
        viewers.parcel(follower.seq - len(events), follower.seq).deliver(self._viewer, now)
        for seq in [each for each in self._lost_at if each <= follower.seq]:
            self._repairs.took_s.append(now - self._lost_at.pop(seq))

    def _ask(self, follower: Follower) -> None:
        """Ask over the socket, whose answer is never older than the question."""
        self._repairs.syncs += 1
        path = f"/matches/{follower.match}?after={follower.seq}"
        self._loop.call_later(READ_SECONDS, self._answered, path)

    def _answered(self, path: str) -> None:
        answer = self._repairs.answer(path, self._loop.time())
        self._show(self.follower, self.follower.take(answer))

    def _fail(self, error: BaseException) -> None:
        raise error

    async def close(self) -> None:
        """End its timer and its repair."""
        if self._silence is not None:
            self._silence.cancel()
        await self._repairer.close()
