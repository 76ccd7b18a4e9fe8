"""Many viewers in this process, and when each event reached each of them."""

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

    from client.event import Event

CONNECTS_AT_ONCE = 16
PATIENCE_SECONDS = 60.0


class TooFewError(ProgramError):
    """Not every viewer could subscribe; the text is for a person."""


@dataclass(slots=True)
class Member:
    """A viewer and what it applied: seqs in the order they came, and when (ms since the epoch)."""

    match: str
    viewer: Viewer = field(init=False)
    seqs: list[int] = field(default_factory=list)
    at: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class Audience:
    """So many viewers for each match.

    With an ``api_url`` they bring back over HTTP what they miss; ``close`` ends what they share for that. Arrivals are
    counted as they come, so that ten thousand need not be asked whether they know.
    """

    def __init__(
        self, url: str, matches: dict[str, int], silence_seconds: float = 60.0, *, api_url: str | None = None
    ) -> None:
        self._arrived: Counter[tuple[str, int]] = Counter()
        self._awaited: tuple[tuple[str, int], int] = (("", 0), 0)
        self._there = asyncio.Event()
        self.members: list[Member] = []
        self.reader = HttpReader(api_url) if api_url is not None else None
        for match, count in matches.items():
            for _ in range(count):
                member = Member(match)
                take = self._taker(member)
                member.viewer = Viewer(url, [match], reader=self.reader, on_event=take, silence_seconds=silence_seconds)
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
        """Let everybody in.

        Raises TooFewError when it takes too long; nobody is left connected then.
        """
        door, inside, count = asyncio.Semaphore(CONNECTS_AT_ONCE), 0, len(self.members)

        async def enter(member: Member) -> None:
            nonlocal inside
            async with door:
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
        """Everybody goes."""
        await leave(self.members)
        if self.reader is not None:
            await self.reader.close()

    def arrived(self, match: str, seq: int) -> int:
        """The number of viewers that have applied an event."""
        return self._arrived[match, seq]

    async def wait(self, match: str, seq: int, count: int, seconds: float) -> bool:
        """Wait until ``count`` have an event, ``seconds`` at most; returns whether they have."""
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
    """These viewers go."""
    tasks = [member.task for member in members if member.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
