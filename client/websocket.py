"""One WebSocket of a viewer on picows: messages in and out, without a task of its own."""

from __future__ import annotations

import asyncio
import logging
import math
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
"""First size of a connection's read buffer, which grows with the frames. picows's default of 16 KB is 160 MB for 10,000
viewers."""

_logger = logging.getLogger("livescore.websocket")
_logger.setLevel(logging.CRITICAL + 1)
# An adapter, because picows derives a logger for each connection from a plain logger. Errors are raised, not logged.
_QUIET = logging.LoggerAdapter(_logger)


class LostError(ConnectionError):
    """The connection could not be opened, or has been lost."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of a handshake that the server refused, None if there was no such answer."""


class ViewerSocket(WSListener):
    """An open connection; ``dial`` makes it."""

    ends_at = math.inf
    """API Gateway checks a token once, when the connection opens (docs/security.md)."""

    def __init__(self, on_message: Callable[[bytes | memoryview], None], *, binary: bool = False) -> None:
        self._on_message = on_message
        self._kind = WSMsgType.BINARY if binary else WSMsgType.TEXT
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._failure: Exception | None = None
        self.last_frame_at = self.last_use_at = time.monotonic()
        """When the last frame came, and when the last frame came or went (``time.monotonic``)."""
        self.last_message_at = self.last_frame_at
        """When the last message came. A proxy may answer pings itself and pass no message on."""
        self.longest_frame_silence = 0.0
        """Seconds of the longest silence that a frame has ended."""
        self.longest_message_silence = 0.0
        """Seconds of the longest silence that a message has ended."""

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        transport = self._transport
        return transport is not None and not (transport.is_disconnected or transport.is_close_frame_sent)

    def send(self, message: bytes) -> None:
        """Send a message, if the connection is open."""
        if self._transport is not None and self.open:
            self.last_use_at = time.monotonic()
            self._transport.send(self._kind, message)

    def ping(self) -> None:
        """Send a ping, if the connection is open; the pong counts as a frame."""
        if self._transport is not None and self.open:
            self.last_use_at = time.monotonic()
            self._transport.send_ping()

    def close(self) -> None:
        """Send a close frame and close, without waiting for the other side."""
        if self._transport is not None and self.open:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()

    def abort(self) -> None:
        """Abort the TCP connection, without a close frame."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def closed(self) -> None:
        """Wait for the end of the connection. Raises the error of ``on_message``, if that ended the connection."""
        if self._transport is not None:
            with suppress(WSError, OSError):
                await self._transport.wait_disconnected()
        if self._failure is not None:
            raise self._failure

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows: the handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """picows: a frame has come. picows has answered pings itself."""
        now = time.monotonic()
        self.longest_frame_silence = max(self.longest_frame_silence, now - self.last_frame_at)
        self.last_frame_at = self.last_use_at = now
        kind = frame.msg_type
        if kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        elif kind in (self._kind, WSMsgType.CONTINUATION):
            self.longest_message_silence = max(self.longest_message_silence, now - self.last_message_at)
            self.last_message_at = now
            try:
                if frame.fin and not self._parts:
                    # The callee reads the message in the buffer, and may not keep it.
                    self._on_message(frame.get_payload_as_memoryview())
                    return
                self._parts.append(frame.get_payload_as_bytes())
                if frame.fin:
                    message, self._parts = b"".join(self._parts), []
                    self._on_message(message)
            except Exception as error:  # noqa: BLE001  # ``closed`` raises it
                self._failure = error
                self.abort()


async def dial(
    url: str,
    on_message: Callable[[bytes | memoryview], None],
    headers: Mapping[str, str] | None = None,
    *,
    binary: bool = False,
) -> ViewerSocket:
    """Open a connection. ``on_message`` gets each text message, or with ``binary`` each binary one.

    ``headers`` are added to those of the handshake.

    Raises LostError if the server does not answer within ``OPEN_SECONDS``, if it refuses, or if the URL is not valid.
    """
    sockets: list[socket.socket] = []

    async def connected(to: WSParsedURL) -> socket.socket:
        sockets.append(await _connect(to.host, to.port))
        return sockets[0]

    try:
        async with asyncio.timeout(OPEN_SECONDS):
            _, viewer_socket = await ws_connect(
                lambda: ViewerSocket(on_message, binary=binary),
                url,
                socket_factory=connected,
                logger_name=_QUIET,
                read_buffer_init_size=BUFFER_BYTES,
                websocket_handshake_timeout=OPEN_SECONDS,
                max_redirects=0,
                extra_headers=headers,
            )
    except BaseException as error:
        # picows would leave a connection open that waits for its handshake.
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        if isinstance(error, (WSError, OSError)):
            answer = error.response if isinstance(error, WSHandshakeError) else None
            raise LostError(str(error), int(answer.status) if answer is not None else None) from error
        raise
    if not isinstance(viewer_socket, ViewerSocket):
        raise LostError("The server hung up during the handshake.")
    return viewer_socket


async def _connect(host: str, port: int) -> socket.socket:
    """A socket that is connected to the first address that answers.

    Names below ``.localhost`` mean this machine (https://www.rfc-editor.org/rfc/rfc6761#section-6.3). Browsers know
    that, and not every resolver does; MiniStack gives AppSync's APIs such names.
    """
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    host = "localhost" if host.endswith(".localhost") else host
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
