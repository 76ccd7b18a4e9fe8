"""Many viewers in this process, with the time at which each event reached each viewer."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client.http_reader import HttpReader
from client.viewer import Viewer
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from client.cell_address import CellAddress
    from client.event import Event
    from client.frame_types import RawFrame

CONNECTS_AT_ONCE = 16
FEW_AT_ONCE = 4
"""Viewers that connect at once if several transports run on this machine."""

PATIENCE_SECONDS = 60.0


class TooFewError(ProgramError):
    """Some viewers could not subscribe; the text is for people."""


@dataclass(slots=True)
class Member:
    """A viewer and its events: their seqs in the order of arrival, and their times (milliseconds since 1970)."""

    match: str
    viewer: Viewer = field(init=False)
    seqs: list[int] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class Audience:
    """A number of viewers for each match, in one cell: its address, or the URL of an API Gateway WebSocket.

    With an ``api_url`` they read missed events over HTTP, through one reader that ``close`` ends. Arrivals are counted
    as they come, so a wait need not ask ten thousand viewers.
    Raises ValueError for a cell whose transport needs ``api_url``, without one.
    """

    def __init__(
        self,
        cell: str | CellAddress,
        matches: dict[str, int],
        silence_seconds: float = 60.0,
        *,
        api_url: str | None = None,
        on_frame: Callable[[RawFrame], None] | None = None,
        connects_at_once: int = CONNECTS_AT_ONCE,
    ) -> None:
        """``on_frame`` gets every frame of every viewer.

        ``connects_at_once``: MiniStack starts a process of the authorizer for each viewer that connects at the same
        time. A second of CPU for each is much if several transports have authorizers.
        """
        self._connects_at_once = connects_at_once
        self._arrived: Counter[tuple[str, int]] = Counter()
        self._awaited: tuple[tuple[str, int], int] = (("", 0), 0)
        self._there = asyncio.Event()
        self.members: list[Member] = []
        self.reader = HttpReader(api_url) if api_url is not None else None
        for match, count in matches.items():
            for _ in range(count):
                member = Member(match)
                take = self._taker(member)
                member.viewer = Viewer(
                    cell, [match], reader=self.reader, on_event=take, on_frame=on_frame, silence_seconds=silence_seconds
                )
                self.members.append(member)

    def _taker(self, member: Member) -> Callable[[str, Event, int], None]:
        def take(match: str, event: Event, at: int) -> None:
            seq = event["seq"]
            member.seqs.append(seq)
            member.at[seq] = at
            self._arrived[match, seq] += 1
            self._look()

        return take

    async def enter(self, say: Callable[[str], None]) -> None:
        """Connect and subscribe all viewers.

        Raises TooFewError if that takes too long; then no viewer stays connected.
        """
        turns, inside, count = asyncio.Semaphore(self._connects_at_once), 0, len(self.members)

        async def enter(member: Member) -> None:
            nonlocal inside
            async with turns:
                member.task = asyncio.create_task(member.viewer.run())
                await member.viewer.subscribed.wait()
                inside += 1
                say(f"{inside} of {count} viewers are watching")

        try:
            async with asyncio.timeout(PATIENCE_SECONDS + count / 10):
                await asyncio.gather(*(enter(member) for member in self.members))
        except TimeoutError:
            await leave(self.members)
            raise TooFewError(f"Only {inside} of {count} viewers could subscribe.") from None

    async def close(self) -> None:
        """Disconnect all viewers."""
        await leave(self.members)
        if self.reader is not None:
            await self.reader.close()

    def arrived(self, match: str, seq: int) -> int:
        """The number of viewers that have applied an event."""
        return self._arrived[match, seq]

    async def wait(self, match: str, seq: int, count: int, seconds: float) -> bool:
        """Wait until ``count`` viewers have an event, for at most ``seconds``; returns whether they have it."""
        self._awaited = ((match, seq), count)
        self._there.clear()
        self._look()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._there.wait(), seconds)
        return self._arrived[match, seq] >= count

    def _look(self) -> None:
        event, count = self._awaited
        if self._arrived[event] >= count:
            self._there.set()


async def leave(members: Iterable[Member]) -> None:
    """Disconnect these viewers."""
    tasks = [member.task for member in members if member.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
