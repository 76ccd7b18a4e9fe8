"""The stand-in and hostile peers: each is closed with the right code, or slowed down."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.loadtest.conftest import PATIENCE, Bench, ask
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

TEXT, CONTINUATION, BINARY, PING, PONG, CLOSE = 0x1, 0x0, 0x2, 0x9, 0xA, 0x8
FIN, COMPRESSED = 0x80, 0x40
MEGABYTE = 1024 * 1024


def masked(first: int, payload: bytes = b"") -> bytes:
    """A frame as a client sends it, under a mask of zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack("!H", size)
    return bytes([first]) + length + bytes(4) + payload


class Raw:
    """A WebSocket of which a test writes every byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def pour(self, data: bytes) -> bool:
        """Send all of it; whether it was taken in time, or the server has hung up."""
        try:
            async with asyncio.timeout(PATIENCE):
                self.writer.write(data)
                await self.writer.drain()
        except OSError:
            return False
        return True

    async def code(self) -> int | None:
        """The code with which the server closes; what comes before that is passed over."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    first, length = await self.reader.readexactly(2)
                    if length == 126:
                        length = struct.unpack("!H", await self.reader.readexactly(2))[0]
                    payload = await self.reader.readexactly(length)
                    if first & 0xF == CLOSE:
                        return int(struct.unpack("!H", payload[:2])[0])
        except (asyncio.IncompleteReadError, OSError):
            return None


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[Raw]:
    """A socket whose handshake is done."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"GET {parts.path}?v=1 HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    try:
        async with asyncio.timeout(PATIENCE):
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("hostile", "code"),
    [
        pytest.param(masked(TEXT) + masked(CONTINUATION) * (4 * MEGABYTE // 6), 1008, id="empty fragments"),
        pytest.param(masked(TEXT) + masked(CONTINUATION, b"x") * 200_000, 1008, id="fragments of one byte"),
        pytest.param(masked(FIN | PING) * 200_000, 1008, id="empty pings"),
        pytest.param(masked(FIN | PONG, b"x" * 125) * 20_000, 1008, id="pongs that nobody asked for"),
        pytest.param(masked(TEXT) + masked(FIN | PING) * 200_000, 1008, id="pings within a message"),
        pytest.param(masked(FIN | CONTINUATION, b"x"), 1002, id="a continuation of nothing"),
        pytest.param(masked(TEXT, b"x") * 2, 1002, id="a message within a message"),
        pytest.param(masked(FIN | COMPRESSED | TEXT, b"x"), 1002, id="compressed though nobody agreed to it"),
        pytest.param(masked(PING, b"x"), 1002, id="a ping in pieces"),
        pytest.param(masked(FIN | PING, b"x" * 126), 1002, id="a ping that is too long"),
        pytest.param(masked(FIN | 0x3, b"x"), 1002, id="an opcode that is none"),
        pytest.param(bytes([FIN | TEXT, 1]) + b"x", 1002, id="without a mask"),
        pytest.param(masked(FIN | TEXT, b"\xff"), 1007, id="no UTF-8"),
        pytest.param(
            bytes([FIN | BINARY, 0xFF]) + b"\x7f" + b"\xff" * 7 + bytes(4), 1009, id="a frame of eight exabytes"
        ),
    ],
)
async def test_hostile_frames_close_with_the_code_of_rfc_6455(
    bench: Bench, socket: ClientConnection, hostile: bytes, code: int
) -> None:
    """A viewer whose frames are endless, too many or wrong is closed with the code of RFC 6455; another is served."""
    async with raw(bench.url) as enemy:
        pouring = asyncio.create_task(enemy.pour(hostile))
        assert await enemy.code() == code
        assert await ask(socket, action="ask")
        pouring.cancel()


async def test_a_viewer_that_reads_no_answers_is_read_no_further(bench: Bench, socket: ClientConnection) -> None:
    """A viewer that sends and does not read fills no memory: its messages wait in its own buffers until it reads."""
    bench.limit(account_rate=0, account_burst=0)
    sent = 300_000
    async with raw(bench.url) as enemy:
        pouring = asyncio.create_task(enemy.pour(masked(FIN | TEXT, b'{"action":"ask"}') * sent))
        counts: list[int] = []
        await eventually(lambda: _steady(counts, bench.stats()["messages"]), seconds=PATIENCE)
        assert counts[-1] < sent
        assert not pouring.done()
        bench.limit(account_rate=10_000, account_burst=5_000)
        assert await ask(socket, action="ask")
        bench.limit(account_rate=0, account_burst=0)
        await enemy.reader.readexactly(8 * MEGABYTE)
        await eventually(lambda: bench.stats()["messages"] > counts[-1] + 1_000, seconds=PATIENCE)
        pouring.cancel()


def _steady(counts: list[int], now: int) -> bool:
    """Whether a count above zero has been the same ten times in a row."""
    counts.append(now)
    return now > 0 and len(counts) >= 10 and len(set(counts[-10:])) == 1


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"GET /live HTTP/1.1\r\nHost: ", id="a header"),
        pytest.param(b"GET /live HTTP/1.1\r\nx", id="the name of a header"),
        pytest.param(b"GET /", id="a target"),
    ],
)
async def test_a_head_without_an_end_is_refused(bench: Bench, endless: bytes) -> None:
    """A request whose head does not end is answered 400 and closed; its bytes are not kept."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    enemy = Raw(reader, writer)
    pouring = asyncio.create_task(enemy.pour(endless + b"a" * (8 * MEGABYTE)))
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    pouring.cancel()
    writer.transport.abort()


async def test_connections_that_never_finish_a_request_are_closed(bench: Bench) -> None:
    """A handshake that stays half-open is closed after some seconds, and so is silence; a kept connection stays."""
    half = [await asyncio.open_connection("127.0.0.1", bench.port) for _ in range(100)]
    reader, waiting = await asyncio.open_connection("127.0.0.1", bench.port)
    waiting.write(b"GET /_standin/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n")
    for number, (_, writer) in enumerate(half):
        writer.write(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n" if number % 2 else b"")
    async with asyncio.timeout(PATIENCE):
        for each, _ in half:
            with suppress(ConnectionResetError):
                assert await each.read() == b""
    assert not reader.at_eof()
    waiting.write(b"GET /_standin/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    for _, writer in [*half, (reader, waiting)]:
        writer.transport.abort()
