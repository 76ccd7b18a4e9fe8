"""Viewers that subscribe and then read nothing, and whose buffers are full: for benches and faults.

Their sockets are real. The kernel's buffers of a connection take megabytes, so these have small ones, and noise is
posted to them until the gateway answers 429.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect

from broadcaster.delivery import Delivery
from broadcaster.gateway import Gateway
from broadcaster.pacing import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broadcaster.delivery import Job, Lane
    from broadcaster.signing import Credentials, Endpoint

CONNECTS_AT_ONCE = 16
SMALL_BUFFER = 4_096
SMALL_SEGMENT = 536
"""With these, in bytes, the kernel's buffers of a connection take some 100 KB, else megabytes."""

NOISE = b'{"type":"noise","x":"%s"}' % (b"x" * 16_000)
"""A frame that no follower knows."""

FILL_SECONDS = 60.0
SETTLED, SETTLE_SECONDS = 3, 0.2
"""So many rounds, so long apart, in which no connection takes anything: then the buffers are full."""


class NotSlowError(Exception):
    """The buffers could not be filled; the text is for a person."""


@asynccontextmanager
async def slow_viewers(url: str, match: str, count: int) -> AsyncIterator[None]:
    """Viewers of a match at the WebSocket ``url`` that read nothing after their snapshot, while the block lasts."""
    door = asyncio.Semaphore(CONNECTS_AT_ONCE)
    address = urlsplit(url)

    async def come() -> ClientConnection:
        async with door:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (address.hostname, address.port))
            viewer = await connect(f"{url}?v=1", sock=sock, max_queue=1, ping_interval=None, close_timeout=0)
            await viewer.send(orjson.dumps({"action": "subscribe", "match": match}).decode())
            await viewer.recv()
            viewer.transport.pause_reading()
            return viewer

    viewers = await asyncio.gather(*(come() for _ in range(count)))
    try:
        yield
    finally:
        for viewer in viewers:
            # Without a close frame: nobody would read the answer.
            viewer.transport.abort()
        await asyncio.gather(*(viewer.wait_closed() for viewer in viewers))


async def fill(endpoint: Endpoint, keys: Credentials, connections: list[str]) -> None:
    """Post noise to connections until each answers 429, and still does so a moment later.

    The kernel takes what waits in the gateway step by step, so a buffer that was full may have room again.

    Raises NotSlowError if that takes too long, and what ``Gateway`` raises.
    """
    until = asyncio.get_running_loop().time() + FILL_SECONDS
    full: set[str] = set()
    gateway = await Gateway.open(endpoint, lambda: keys, connections=32)

    def took_nothing(job: Job) -> None:
        full.add(job[0])

    try:
        lane = gateway.lane(NOISE)
        settled = 0
        while settled < SETTLED:
            now = asyncio.get_running_loop().time()
            if now > until:
                raise NotSlowError(f"Only {len(full)} of {len(connections)} slow viewers have full buffers.")
            full.clear()
            rows = _Once(lane, list(connections))
            pace = Pace(1e9, now)
            posts = Delivery(rows, pace, until=until, gone=lambda _: None, slow=took_nothing, chance=lambda: 0.0)
            await gateway.deliver(posts, until + 1)
            settled = settled + 1 if not posts.tally.accepted else 0
            await asyncio.sleep(SETTLE_SECONDS)
    finally:
        await gateway.close()


class _Once:
    """Each connection once; ``delivery.Rows``."""

    def __init__(self, lane: Lane, connections: list[str]) -> None:
        self._lane, self._left = lane, connections

    def take(self) -> Job | None:
        """The next one."""
        return (self._left.pop(), self._lane, "noise#0", 0) if self._left else None

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._left)

    @property
    def fresh(self) -> bool:
        """Whether there is one."""
        return bool(self._left)

    @property
    def exhausted(self) -> bool:
        """Whether there is none."""
        return not self._left
