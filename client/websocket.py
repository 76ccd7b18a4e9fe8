"""One WebSocket of a viewer on picows: text in, text out, and no task of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from picows import WSCloseCode, WSError, WSHandshakeError, WSListener, WSMsgType, ws_connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from picows import WSFrame, WSTransport
    from picows.url import WSParsedURL

OPEN_SECONDS = 30.0
BUFFER_BYTES = 4096
"""Read buffer of a connection at first; it grows with the frames. picows's own 16 KB are 160 MB for 10,000 viewers."""

_logger = logging.getLogger("livescore.wire")
_logger.setLevel(logging.CRITICAL + 1)
# An adapter, because picows derives a logger per connection from a plain one. Errors are raised, not logged.
_QUIET = logging.LoggerAdapter(_logger)


class LostError(ConnectionError):
    """The connection could not be opened, or has been lost."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of a handshake that the server refused, None if there was no such answer."""


class Connection(WSListener):
    """An open connection; ``dial`` makes it."""

    def __init__(self, on_text: Callable[[bytes | memoryview], None]) -> None:
        self._on_text = on_text
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._failure: Exception | None = None
        self.heard = self.used = time.monotonic()
        """When a frame last came, and when one last came or went (``time.monotonic``)."""
        self.told = self.heard
        """When a message last came: a proxy may answer pings by itself, and pass no message on."""
        self.proven = 0.0
        """Seconds of the longest silence that a frame has ended."""
        self.trusted = 0.0
        """Seconds of the longest silence that a message has ended."""

    @property
    def open(self) -> bool:
        """Whether frames can go, as far as this end knows."""
        transport = self._transport
        return transport is not None and not (transport.is_disconnected or transport.is_close_frame_sent)

    def send(self, text: bytes) -> None:
        """Send a text frame; nothing happens on a connection that is not open."""
        if self._transport is not None and self.open:
            self.used = time.monotonic()
            self._transport.send(WSMsgType.TEXT, text)

    def ping(self) -> None:
        """Send a ping; the pong counts as heard."""
        if self._transport is not None and self.open:
            self.used = time.monotonic()
            self._transport.send_ping()

    def close(self) -> None:
        """Say goodbye and close, without waiting for the other end."""
        if self._transport is not None and self.open:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()

    def abort(self) -> None:
        """Vanish without a word: no close frame."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def closed(self) -> None:
        """Wait for the end of the connection; raises what ``on_text`` raised, if that ended it."""
        if self._transport is not None:
            with suppress(WSError, OSError):
                await self._transport.wait_disconnected()
        if self._failure is not None:
            raise self._failure

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows: the handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """picows: a frame has come. Pings are answered before it gets here."""
        now = time.monotonic()
        self.proven = max(self.proven, now - self.heard)
        self.heard = self.used = now
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self.trusted = max(self.trusted, now - self.told)
            self.told = now
            try:
                if frame.fin and not self._parts:
                    # Read where it lies: the callee may not keep it.
                    self._on_text(frame.get_payload_as_memoryview())
                    return
                self._parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    text, self._parts = b"".join(self._parts), []
                    self._on_text(text)
            except Exception as error:  # noqa: BLE001  # raised where the connection is waited for
                self._failure = error
                self.abort()


async def dial(
    url: str, on_text: Callable[[bytes | memoryview], None], headers: Mapping[str, str] | None = None
) -> Connection:
    """Open a connection; ``on_text`` gets each text message, the handshake has these ``headers`` too.

    Raises LostError if nobody answers within ``OPEN_SECONDS``, the server refuses, or the URL is none.
    """
    sockets: list[socket.socket] = []

    async def connected(to: WSParsedURL) -> socket.socket:
        sockets.append(await _connect(to.host, to.port))
        return sockets[0]

    try:
        async with asyncio.timeout(OPEN_SECONDS):
            _, wire = await ws_connect(
                lambda: Connection(on_text),
                url,
                socket_factory=connected,
                logger_name=_QUIET,
                read_buffer_init_size=BUFFER_BYTES,
                websocket_handshake_timeout=OPEN_SECONDS,
                max_redirects=0,
                extra_headers=headers,
            )
    except BaseException as error:
        # picows would let a connection wait for its handshake all by itself.
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        if isinstance(error, (WSError, OSError)):
            answer = error.response if isinstance(error, WSHandshakeError) else None
            raise LostError(str(error), int(answer.status) if answer is not None else None) from error
        raise
    if not isinstance(wire, Connection):
        raise LostError("The server hung up during the handshake.")
    return wire


async def _connect(host: str, port: int) -> socket.socket:
    """A connected socket to the first address that answers."""
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    for family, kind, proto, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        each = socket.socket(family, kind, proto)
        each.setblocking(False)
        try:
            await loop.sock_connect(each, address)
        except OSError as error:
            each.close()
            problem = error
        except BaseException:
            each.close()
            raise
        else:
            return each
    raise problem or OSError(f"{host} has no address")
