"""A process that holds the viewers of one cell for ``bench crowd``: real WebSockets, each with a real follower.

The swarm of the load test (loadtest/swarm.py) has timers, repairs and reports twice a second, whose CPU would hide that
of the goals. A viewer here has a socket, a follower and nothing else. Nothing repairs a miss, so the bench sees it.

Orders are lines of JSON on stdin, each with one answer on stdout. The process ends with its stdin.

    {"do": "join", "count": 5000}                     {"watching": 5000}, with "failed" if some could not subscribe
    {"do": "wait", "seq": 3, "posted": MS, "seconds": 30}
                                                      {"ms": {"412": 17, ...}}: viewers by their time since ``posted``
    {"do": "missed", "seq": 12}                       {"missed": 0, "viewers_that_missed": 0}
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import uvloop

from client.follower import Follower
from client.websocket import LostError, ViewerSocket, dial
from loadtest.load_limits import allow_sockets

if TYPE_CHECKING:
    from client.frame_types import RawFrame

CONNECTS_AT_ONCE = 64
ANSWER_SECONDS = 60.0


class _Viewer:
    """One viewer: its socket, and the number of events that it has shown since its first snapshot."""

    __slots__ = ("_crowd", "begins", "follower", "ready", "shown", "socket")

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.follower = Follower(crowd.match)
        self.begins: int = 0
        self.shown = 0
        self.socket: ViewerSocket | None = None
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def heard(self, message: bytes | memoryview) -> None:
        frame: RawFrame = orjson.loads(message)
        events = self.follower.take(frame)
        if self.ready is not None:
            if self.follower.epoch is None:
                return
            # An update that came before the snapshot may have moved the follower further.
            self.begins = int(str(frame["seq"]))
            if not self.ready.done():
                self.ready.set_result(None)
            self.ready = None
        at = time.time_ns() // 1_000_000
        for event in events:
            if event["seq"] > self.begins:
                self.shown += 1
                self._crowd.came(event["seq"], at)


class Crowd:
    """All viewers of this process."""

    def __init__(self, url: str, match: str) -> None:
        self.match = match
        self._url = url
        self._request = orjson.dumps({"action": "subscribe", "match": match})
        self._viewers: list[_Viewer] = []
        self._came: dict[int, Counter[int]] = {}
        self._counts: Counter[int] = Counter()
        self._awaited = 0
        self._there = asyncio.Event()

    def came(self, seq: int, at: int) -> None:
        """A viewer has shown an event, ``at`` milliseconds since 1970."""
        times = self._came.setdefault(seq, Counter())
        times[at] += 1
        self._counts[seq] += 1
        if seq == self._awaited and self._counts[seq] >= len(self._viewers):
            self._there.set()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Carry out one order; returns the answer."""
        match order["do"]:
            case "join":
                return await self._join(order["count"])
            case "wait":
                return await self._wait(order["seq"], order["posted"], order["seconds"])
            case _:
                return self._missed(order["seq"])

    async def _join(self, count: int) -> dict[str, Any]:
        turns, failures = asyncio.Semaphore(CONNECTS_AT_ONCE), Counter[str]()

        async def enter() -> None:
            async with turns:
                viewer = _Viewer(self)
                ready = viewer.ready
                assert ready is not None  # noqa: S101
                try:
                    viewer.socket = await dial(self._url, viewer.heard)
                    viewer.socket.send(self._request)
                    await asyncio.wait_for(ready, ANSWER_SECONDS)
                except (LostError, TimeoutError) as error:
                    failures[str(error) or "no snapshot came"] += 1
                    if viewer.socket is not None:
                        viewer.socket.abort()
                else:
                    self._viewers.append(viewer)

        left = count
        while left and not failures:
            # Tasks of few viewers at a time, so that their memory is no part of the memory of a viewer.
            some = min(left, 4 * CONNECTS_AT_ONCE)
            await asyncio.gather(*(enter() for _ in range(some)))
            left -= some
        gc.collect()
        gc.freeze()
        return {"watching": len(self._viewers), "failed": next(iter(failures), None)}

    async def _wait(self, seq: int, posted: int, seconds: float) -> dict[str, Any]:
        self._there.clear()
        self._awaited = seq
        if self._counts[seq] < len(self._viewers):
            with suppress(TimeoutError):  # The answer has the viewers that came.
                await asyncio.wait_for(self._there.wait(), seconds)
        return {"ms": {str(at - posted): count for at, count in self._came.get(seq, Counter()).items()}}

    def _missed(self, seq: int) -> dict[str, Any]:
        missed = [seq - each.begins - each.shown for each in self._viewers]
        return {"missed": sum(missed), "viewers_that_missed": sum(map(bool, missed))}


async def _serve(url: str, match: str) -> None:
    loop, crowd = asyncio.get_running_loop(), Crowd(url, match)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print('{"ready": true}', flush=True)  # noqa: T201  # the answer on stdout
    answering: set[asyncio.Task[None]] = set()
    while line := await orders.readline():
        # An order is a task, so that the end of stdin is seen at once.
        task = asyncio.create_task(_answer(crowd, orjson.loads(line)))
        answering.add(task)
        task.add_done_callback(answering.discard)
    # The kernel closes the sockets faster than Python.
    os._exit(0)


async def _answer(crowd: Crowd, order: dict[str, Any]) -> None:
    print(orjson.dumps(await crowd.obey(order)).decode(), flush=True)  # noqa: T201


def main() -> None:
    """``python -m loadtest.bench.crowd_viewers URL MATCH VIEWERS``."""
    # Ctrl-C reaches the whole process group, but the bench decides when its viewers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (refusal := allow_sockets(int(sys.argv[3]))) is not None:
        sys.exit(f"livescore: {refusal}")
    gc.set_threshold(100_000, 50, 100)
    uvloop.run(_serve(sys.argv[1], sys.argv[2]))


if __name__ == "__main__":
    main()
