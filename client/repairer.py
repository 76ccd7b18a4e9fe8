"""One viewer fetches the events that it missed: the decisions of ``client.repair_plan``, carried out over HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .http_reader import ReadError
from .repair_plan import PAGES, SPREAD_SECONDS, TRIES, delay, history_path, judge, snapshot_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .follower import Follower
    from .http_reader import HttpReader


class Repairer:
    """The repairs of one viewer, at most one for each match at a time.

    ``show(follower, events)`` gets what was brought back, ``ask(follower)`` asks over the socket when HTTP has not
    helped, ``failed(error)`` gets what ``show`` raises. ``found(since)`` is told that a check which began then
    (``time.monotonic``) has found what the socket had not said.
    """

    def __init__(
        self,
        reader: HttpReader,
        show: Callable[[Follower, list[dict[str, Any]]], None],
        ask: Callable[[Follower], None],
        failed: Callable[[BaseException], None],
        spread_seconds: float = SPREAD_SECONDS,
        *,
        found: Callable[[float], None] = lambda _since: None,
    ) -> None:
        self._reader = reader
        self._show = show
        self._ask = ask
        self._failed = failed
        self._found = found
        self._spread = spread_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, follower: Follower) -> None:
        """Bring back what is missing of a match, if anything, unless that is being done."""
        running = self._tasks.get(follower.match)
        if running is not None and not running.done():
            return
        task = asyncio.get_running_loop().create_task(self._repair(follower))
        self._tasks[follower.match] = task
        task.add_done_callback(lambda ended: self._ended(follower.match, ended))

    def look(self, follower: Follower) -> None:
        """Read a match of which nothing is known once: better what may be some seconds old than nothing."""
        if follower.match in self._tasks:
            return
        task = asyncio.get_running_loop().create_task(self._look(follower))
        self._tasks[follower.match] = task
        task.add_done_callback(lambda ended: self._ended(follower.match, ended))

    async def close(self) -> None:
        """Give up what is going on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, match: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(match) is task:
            del self._tasks[match]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def _repair(self, follower: Follower) -> None:
        had_gap, begun = follower.gap, time.monotonic()
        for attempt in range(1, TRIES + 1):
            await asyncio.sleep(delay(attempt, random.random(), self._spread))
            if had_gap and not follower.gap:
                return  # the socket was faster
            before = follower.seq
            try:
                if await self._read(follower):
                    if follower.seq > before and not had_gap:
                        self._found(begun)
                    return
            except ReadError:
                continue
        self._ask(follower)

    async def _look(self, follower: Follower) -> None:
        with suppress(ReadError):
            snapshot = await self._snapshot(follower)
            if follower.epoch is None:
                self._show(follower, follower.take(snapshot, patient=True))

    async def _read(self, follower: Follower) -> bool:
        """One try; returns whether it is done with, if only because the socket has been asked."""
        snapshot = await self._snapshot(follower)
        step = judge(follower, snapshot)
        if step == "pages":
            follower.gap = True
            await self._pages(follower)
            snapshot = await self._snapshot(follower)
            step = judge(follower, snapshot)
        if step == "ask":
            self._ask(follower)
            return True
        if step == "pages":
            return False
        # Patient: an answer that may be older than the match's new epoch is no reason to forget that one's frames.
        self._show(follower, follower.take(snapshot, patient=True))
        return not follower.gap

    async def _snapshot(self, follower: Follower) -> dict[str, Any]:
        answer = await self._reader.get(snapshot_path(follower))
        if answer.get("type") != "snapshot" or answer.get("match") != follower.match:
            raise ReadError("no snapshot of this match")
        return answer

    async def _pages(self, follower: Follower) -> None:
        """Read on in the history until it ends, or is of no use."""
        for _ in range(PAGES):
            page = await self._reader.get(history_path(follower))
            if page.get("match") != follower.match or "events" not in page:
                raise ReadError("no history of this match")
            events = follower.read(page)
            if not events:
                return
            self._show(follower, events)
            if follower.seq >= page["seq"]:
                return
