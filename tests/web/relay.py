"""A TCP relay before a server, which closes, cuts or blocks connections for a test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


Direction = Literal["up", "down"]
"""``up`` is from the client to the server."""

HEAD_END = b"\r\n\r\n"


class Relay:
    """A port of 127.0.0.1 whose connections go to ``upstream``, another port there."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asleep: set[asyncio.StreamWriter] = set()
        self._heads: set[asyncio.StreamWriter] = set()
        """Where only the head of the handshake, or of its answer, passes yet."""
        self.port = 0
        self.hung_up = 0
        """Connections that were not let through."""
        self.hanging_up = 0
        """The number of further connections to refuse."""
        self.swallows: tuple[Direction, ...] = ()
        """Of a new connection nothing passes in these directions but the handshake."""

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

    def sleep(self, *directions: Direction) -> None:
        """Block the present connections from now on, without telling either side.

        ``directions`` are both if none is named.
        """
        self._asleep |= {writer for pair in self._pairs for writer in _those(pair, directions or ("up", "down"))}

    def wake(self) -> None:
        """Unblock the present connections."""
        self._asleep.clear()
        self._heads.clear()

    async def stop(self) -> None:
        """Break all connections and stop listening."""
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
        self._heads.update(_those(pair, self.swallows))
        tasks = [asyncio.create_task(self._pump(reader, forth)), asyncio.create_task(self._pump(back, writer))]
        self._tasks.update(tasks)
        await asyncio.wait(tasks)
        self._tasks.difference_update(tasks)
        self._pairs.discard(pair)
        self._asleep.difference_update(pair)
        self._heads.difference_update(pair)
        for each in pair:
            each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if writer in self._asleep:
                    continue
                head, end, _ = data.partition(HEAD_END)
                if end and writer in self._heads:
                    self._heads.discard(writer)
                    self._asleep.add(writer)
                    data = head + end
                writer.write(data)
        # One side has closed: its last bytes must arrive before the other side is closed.
        if writer not in self._asleep:
            with suppress(OSError):
                writer.write_eof()


def _those(
    pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter], directions: tuple[Direction, ...]
) -> list[asyncio.StreamWriter]:
    """The writers of these directions."""
    return [pair[("down", "up").index(each)] for each in directions]


@asynccontextmanager
async def relay(upstream: int) -> AsyncIterator[Relay]:
    """A relay while the block runs."""
    relay = await Relay(upstream).start()
    try:
        yield relay
    finally:
        await relay.stop()
