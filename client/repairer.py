"""Fetches the events that one viewer missed: carries out the decisions of ``repair_plan`` over HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from .frame_checks import is_page
from .http_reader import ReadError
from .repair_plan import PAGES, SPREAD_SECONDS, TRIES, delay, history_path, judge, snapshot_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Event
    from .follower import Follower
    from .frame_types import RawFrame
    from .http_reader import HttpReader


class Repairer:
    """The repairs of one viewer, at most one for each match at a time.

    ``show(follower, events)`` gets the events that were brought back. ``ask(follower)`` asks over the socket if HTTP
    has not helped. ``failed(error)`` gets an error that ``show`` raises. ``http_is_ahead(since)`` is called if a read
    that began at ``since`` (of the ``clock``, in seconds) brought events that the socket had not brought.
    """

    def __init__(
        self,
        reader: HttpReader,
        show: Callable[[Follower, list[Event]], None],
        ask: Callable[[Follower], None],
        failed: Callable[[BaseException], None],
        spread_seconds: float = SPREAD_SECONDS,
        *,
        http_is_ahead: Callable[[float], None] = lambda _since: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._show = show
        self._ask = ask
        self._failed = failed
        self._http_is_ahead = http_is_ahead
        self._clock = clock
        self._spread = spread_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, follower: Follower) -> None:
        """Read what a match has after the follower's position, unless a repair of the match is running."""
        running = self._tasks.get(follower.match)
        if running is not None and not running.done():
            return
        task = asyncio.get_running_loop().create_task(self._repair(follower))
        self._tasks[follower.match] = task
        task.add_done_callback(lambda ended: self._ended(follower.match, ended))

    def read_first(self, follower: Follower) -> None:
        """Read once a match without a snapshot: a snapshot that is some seconds old is better than none."""
        if follower.match in self._tasks:
            return
        task = asyncio.get_running_loop().create_task(self._read_first(follower))
        self._tasks[follower.match] = task
        task.add_done_callback(lambda ended: self._ended(follower.match, ended))

    async def close(self) -> None:
        """Cancel all repairs."""
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
        had_gap, begun = follower.gap, self._clock()
        for attempt in range(1, TRIES + 1):
            await asyncio.sleep(delay(attempt, random.random(), self._spread))
            if had_gap and not follower.gap:
                return  # the socket was faster
            before = follower.seq
            try:
                if await self._read(follower):
                    if follower.seq > before and not had_gap:
                        self._http_is_ahead(begun)
                    return
            except ReadError:
                continue
        self._ask(follower)

    async def _read_first(self, follower: Follower) -> None:
        with suppress(ReadError):
            snapshot = await self._snapshot(follower)
            if follower.epoch is None:
                self._show(follower, follower.take(snapshot, patient=True))

    async def _read(self, follower: Follower) -> bool:
        """One try; returns whether the repair is done, or has asked over the socket."""
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
        # Patient: the answer may be older than the match's new epoch, so the follower keeps that epoch's frames.
        self._show(follower, follower.take(snapshot, patient=True))
        return not follower.gap

    async def _snapshot(self, follower: Follower) -> RawFrame:
        answer = await self._reader.get(snapshot_path(follower))
        if answer.get("type") != "snapshot" or answer.get("match") != follower.match:
            raise ReadError("no snapshot of this match")
        return answer

    async def _pages(self, follower: Follower) -> None:
        """Read pages of the history until it ends, or until a page brings no new event."""
        for _ in range(PAGES):
            page = await self._reader.get(history_path(follower))
            if page.get("match") != follower.match or "events" not in page:
                raise ReadError("no history of this match")
            events = follower.read(page)
            if not events:
                return
            self._show(follower, events)
            if is_page(page) and follower.seq >= page["seq"]:
                return
