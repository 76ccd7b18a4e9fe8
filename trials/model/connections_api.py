"""@connections of the model: real HTTP on loopback, but the answer to each POST waits for its turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from loadtest.standin import http_answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from trials.model.virtual_time import Loop

FAULTS = ("throttled", "broken", "reset", "answer lost")
"""The wrong outcomes of a POST: 429; 500; the connection breaks before the delivery of the frame, or after it."""


@dataclass(slots=True)
class Post:
    """A POST without an answer yet."""

    caller: int
    connection: str
    frame: bytes
    transport: asyncio.Transport

    @property
    def alive(self) -> bool:
        """Whether the sender still waits for the answer."""
        return not self.transport.is_closing()


class Connections:
    """The server. ``deliver(post)`` gives a post's frame to its connection, and returns False if there is none."""

    def __init__(self, loop: Loop, deliver: Callable[[Post], bool]) -> None:
        self._deliver = deliver
        self.held: list[Post] = []
        self.accepted = 0
        """POSTs that were answered with 200."""
        self._open: set[asyncio.Transport] = set()
        self._server = loop.run_until_complete(loop.create_server(lambda: _Peer(self), "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def of(self, caller: int) -> list[Post]:
        """The POSTs of one sender that wait for an answer."""
        return [post for post in self.held if post.caller == caller and post.alive]

    def answer(self, post: Post, fault: str | None = None) -> None:
        """Answer one POST, correctly or with a fault."""
        self.held.remove(post)
        if fault == "throttled":
            post.transport.write(http_answers.THROTTLED)
        elif fault == "broken":
            post.transport.write(http_answers.answer(500, {"message": "Internal Server Error"}))
        elif fault == "reset":
            post.transport.abort()
        elif not self._deliver(post):
            post.transport.write(http_answers.GONE)
        elif fault == "answer lost":
            post.transport.abort()
        else:
            self.accepted += 1
            post.transport.write(http_answers.OK)

    def close(self) -> None:
        """Break all connections and stop listening."""
        self._server.close()
        for transport in list(self._open):
            transport.abort()

    def came(self, transport: asyncio.Transport) -> None:
        """A connection was opened."""
        self._open.add(transport)

    def went(self, transport: asyncio.Transport) -> None:
        """A connection was closed, and its POSTs need no answer."""
        self._open.discard(transport)
        self.held = [post for post in self.held if post.transport is not transport]


class _Peer(asyncio.Protocol):
    """One connection of a sender."""

    def __init__(self, server: Connections) -> None:
        self._server = server
        self._data = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that is what TCP gives
        self._transport = transport
        self._server.came(transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        if len(body) < length:
            return
        self._data = b""
        _, caller, _, connection = lines[0].split(" ")[1].split("/")
        self._server.held.append(Post(int(caller), unquote(connection), body[:length], self._transport))

    def connection_lost(self, _: Exception | None) -> None:
        self._server.went(self._transport)
