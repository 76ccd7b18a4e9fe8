"""Slow viewers for benches and faults: they subscribe, read nothing more, and their buffers are full.

Their sockets are real. The kernel's buffers of a connection hold megabytes, so these sockets have small ones, and
``fill`` posts noise to them until the gateway answers 429.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from broadcaster.send.gateway import Gateway
from broadcaster.send.pacing import Pace
from broadcaster.send.post_queue import PostQueue
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broadcaster.send.post_queue import Post, PreparedRequest
    from broadcaster.send.signing import Credentials, Endpoint

CONNECTS_AT_ONCE = 16
SMALL_BUFFER = 4_096
SMALL_SEGMENT = 536
"""Bytes. With these the kernel's buffers of a connection hold about 100 KB, else megabytes."""

NOISE = b'{"type":"noise","x":"%s"}' % (b"x" * 16_000)
"""A frame of a type that followers ignore."""

FILL_SECONDS = 60.0
SETTLED, SETTLE_SECONDS = 8, 0.5
"""This many rounds, this long apart, in which no connection takes anything: then the buffers are full."""


class NotSlowError(ProgramError):
    """The buffers could not be filled; the text is for people."""


@asynccontextmanager
async def slow_viewers(url: str, match: str, count: int) -> AsyncIterator[None]:
    """Viewers of a match at the WebSocket ``url`` that read nothing after their snapshot, while the block lasts.

    No code reads their sockets, not even a library that reads ahead.
    """
    turns = asyncio.Semaphore(CONNECTS_AT_ONCE)
    sockets: list[socket.socket] = []

    async def come() -> None:
        async with turns:
            sock = socket.socket()
            sockets.append(sock)
            await _subscribe(sock, url, match)

    try:
        await asyncio.gather(*(come() for _ in range(count)))
        yield
    finally:
        for sock in sockets:
            # A reset without a close frame, because nothing would read the answer.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()


async def _subscribe(sock: socket.socket, url: str, match: str) -> None:
    """Connect, shake hands (RFC 6455, 4.1), subscribe, and wait for the beginning of the snapshot."""
    loop, address = asyncio.get_running_loop(), urlsplit(url)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
    sock.setblocking(False)
    await loop.sock_connect(sock, (address.hostname, address.port))
    headers = (
        f"GET {address.path}?v=1 HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13", "", "",
    )  # fmt: skip
    await loop.sock_sendall(sock, "\r\n".join(headers).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += await _some(sock)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionRefusedError(answer.partition(b"\r\n")[0].decode(errors="replace"))
    request = orjson.dumps({"action": "subscribe", "match": match})
    # A text frame of less than 126 bytes, masked with zeros (RFC 6455, 5.2).
    await loop.sock_sendall(sock, bytes([0x81, 0x80 | len(request), 0, 0, 0, 0]) + request)
    await _some(sock)


async def _some(sock: socket.socket) -> bytes:
    data = await asyncio.get_running_loop().sock_recv(sock, 1024)
    if not data:
        raise ConnectionResetError("the gateway closed the connection of a slow viewer")
    return data


async def fill(endpoint: Endpoint, keys: Credentials, connections: list[str]) -> None:
    """Post noise to connections until each answers 429, and still does so a moment later.

    The kernel takes the gateway's waiting bytes step by step, so a full buffer may have room again.

    Raises NotSlowError if that takes too long, and the errors of ``Gateway``.
    """
    until = asyncio.get_running_loop().time() + FILL_SECONDS
    full: set[str] = set()
    gateway = await Gateway.open(endpoint, lambda: keys, connections=32)

    def took_nothing(post: Post) -> None:
        full.add(post[0])

    try:
        request = gateway.requests.for_post(NOISE)
        settled = 0
        while settled < SETTLED:
            now = asyncio.get_running_loop().time()
            if now > until:
                raise NotSlowError(f"Only {len(full)} of {len(connections)} slow viewers have full buffers.")
            full.clear()
            rows = _Once(request, list(connections))
            pace = Pace(1e9, now)
            posts = PostQueue(rows, pace, until=until, on_gone=lambda _: None, on_slow=took_nothing, chance=lambda: 0.0)
            await gateway.deliver(posts, until + 1)
            settled = settled + 1 if not posts.tally.accepted_posts else 0
            await asyncio.sleep(SETTLE_SECONDS)
    finally:
        await gateway.close()


class _Once:
    """Gives each connection once, as ``post_queue.Rows``."""

    def __init__(self, request: PreparedRequest, connections: list[str]) -> None:
        self._request, self._left = request, connections

    def next_row(self) -> Post | None:
        """The next one."""
        return (self._left.pop(), self._request, "noise#0", 0) if self._left else None

    @property
    def waiting_rows(self) -> int:
        """The number of posts left."""
        return len(self._left)

    @property
    def fresh(self) -> bool:
        """Whether there is one."""
        return bool(self._left)

    @property
    def exhausted(self) -> bool:
        """Whether there is none."""
        return not self._left
