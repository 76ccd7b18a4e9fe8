"""One kept-alive connection to the gateway, non-blocking, with at most one request on its way.

The sockets are plain ones under an epoll of our own. Protocols on uvloop were measured too: they need about a tenth
more CPU for a POST, more over TLS, and another event loop.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from broadcaster.send.wire import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.send.gateway_answers import AnswerReader
    from broadcaster.send.post_queue import Post
    from broadcaster.send.wire import Wire

READ = select.EPOLLIN | select.EPOLLRDHUP
WRITE = select.EPOLLOUT
CHUNK = 16 * 1024
"""Bytes of one read: the size of a TLS record."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionState(Enum):
    """The state of a connection."""

    OPENING = auto()
    HANDSHAKE = auto()
    IDLE = auto()
    BUSY = auto()
    CLOSED = auto()


class Connection:
    """Moves bytes, and keeps the request that is on its way. Its methods raise OSError when the connection breaks.

    ssl.SSLError is an OSError.
    """

    __slots__ = (
        "_epoll", "_sock", "_tls_name", "fd", "interest", "post", "reader", "recv", "reused", "send", "since", "state",
        "unsent",
    )  # fmt: skip

    def __init__(
        self, epoll: select.epoll, address: tuple[Any, ...], tls_name: str | None, now: float, wire: Wire = SYSTEM
    ) -> None:
        family, kind, protocol, _, where = address
        self._epoll = epoll
        self._tls_name = tls_name
        self._sock: socket.socket | ssl.SSLSocket = wire.socket(family, kind, protocol)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = self._sock.fileno()
        self.state = ConnectionState.OPENING
        self.since = now
        """When the connection came to its state, in seconds of the loop's clock."""
        self.post: Post | None = None
        self.reused = False
        """Whether a request has been answered on this connection. It may then break while idle, which is no fault."""
        self.reader: AnswerReader | None = None
        self.unsent = b""
        self.interest = WRITE
        self.send: Callable[[bytes], int] = self._sock.send
        self.recv: Callable[[int], bytes] = self._sock.recv
        """The socket's own methods, for the hot path."""
        error = self._sock.connect_ex(where)
        if error not in (0, errno.EINPROGRESS):
            self._sock.close()
            raise OSError(error, "cannot connect")
        self._epoll.register(self.fd, self.interest)

    def open_further(self, context: ssl.SSLContext | None, now: float) -> bool:
        """The socket is ready while the connection is being opened; returns whether the connection can be used now."""
        if self.state is ConnectionState.OPENING:
            if error := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "cannot connect")
            if context is None:
                self._ready(now)
                return True
            self._sock = context.wrap_socket(
                self._sock, server_hostname=self._tls_name, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
            self.state = ConnectionState.HANDSHAKE
        try:
            self._sock.do_handshake()  # type: ignore[union-attr]
        except ssl.SSLWantReadError:
            self._want(READ)
            return False
        except ssl.SSLWantWriteError:
            self._want(WRITE)
            return False
        self._ready(now)
        return True

    def _ready(self, now: float) -> None:
        self.state, self.since = ConnectionState.IDLE, now
        self.send, self.recv = self._sock.send, self._sock.recv
        self._want(READ)

    def start(self, post: Post, request: bytes, now: float) -> None:
        """Send the request of a post. ``send_further`` sends what the socket does not accept now."""
        self.state, self.since, self.post = ConnectionState.BUSY, now, post
        try:
            bytes_sent = self.send(request)
        except WOULD_BLOCK:
            bytes_sent = 0
        if bytes_sent != len(request):
            self.keep(request[bytes_sent:])

    def keep(self, rest: bytes) -> None:
        """Send the rest of a request when the socket takes more."""
        self.unsent = rest
        self._want(READ | WRITE)

    def send_further(self) -> None:
        """The socket takes bytes again."""
        try:
            self.unsent = self.unsent[self.send(self.unsent) :]
        except WOULD_BLOCK:
            return
        if not self.unsent:
            self._want(READ)

    def receive(self) -> bytes | None:
        """The bytes received: None if there are none yet, empty if the peer has closed."""
        try:
            return self.recv(CHUNK)
        except WOULD_BLOCK:
            return None

    def receive_rest(self, data: bytes) -> bytes | None:
        """More of the bytes that have come, None if there are no more.

        TLS may hold bytes that the epoll does not know of.
        """
        full = len(data) == CHUNK or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending())
        return self.receive() if full else None

    def finished(self, now: float) -> None:
        """The request has been answered, and the connection can take another."""
        self.state, self.since, self.post, self.reader, self.reused = ConnectionState.IDLE, now, None, None, True

    def close(self) -> None:
        """Close the socket. The kernel then removes it from the epoll."""
        if self.state is not ConnectionState.CLOSED:
            self.state = ConnectionState.CLOSED
            self._sock.close()

    def _want(self, interest: int) -> None:
        if interest != self.interest:
            self._epoll.modify(self.fd, interest)
            self.interest = interest
