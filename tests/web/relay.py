"""A relay of TCP before a server, which hangs up, cuts or falls asleep when a test says so."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Relay:
    """A port of 127.0.0.1 whose connections go to ``upstream``, another port there."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asleep: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.hung_up = 0
        """Connections that were not let through."""
        self.hanging_up = 0
        """How many more are not to be."""

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self) -> None:
        """Break every connection, as a tunnel does."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    def sleep(self) -> None:
        """From now on nothing passes on the connections that there are, and neither end is told."""
        self._asleep |= {writer for pair in self._pairs for writer in pair}

    async def stop(self) -> None:
        """Break everything and listen no longer."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.hanging_up > 0:
            self.hanging_up -= 1
            self.hung_up += 1
            writer.transport.abort()
            return
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            self.hung_up += 1
            writer.transport.abort()
            return
        pair = (writer, forth)
        self._pairs.add(pair)
        tasks = [asyncio.create_task(self._pump(reader, forth)), asyncio.create_task(self._pump(back, writer))]
        self._tasks.update(tasks)
        await asyncio.wait(tasks)
        self._tasks.difference_update(tasks)
        self._pairs.discard(pair)
        self._asleep.difference_update(pair)
        for each in pair:
            each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if writer not in self._asleep:
                    writer.write(data)
        # One end has said all: what it said last has to arrive before the other end is closed.
        if writer not in self._asleep:
            with suppress(OSError):
                writer.write_eof()


@asynccontextmanager
async def relay(upstream: int) -> AsyncIterator[Relay]:
    """A relay while the block runs."""
    relay = await Relay(upstream).start()
    try:
        yield relay
    finally:
        await relay.stop()
