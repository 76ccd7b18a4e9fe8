"""The kept-alive connections to the gateway: opened as needed, reused, and dropped when they are stale."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from broadcaster.send.connection import Connection, ConnectionState
from broadcaster.send.pacing import backoff
from broadcaster.send.wire import SYSTEM
from runtime.thaw import IDLE_SECONDS

if TYPE_CHECKING:
    import select
    import ssl
    from collections.abc import Callable

    from broadcaster.send.addresses import Address
    from broadcaster.send.wire import Wire

MOST_OPENING = 32
"""Connections that are being opened at the same time, at most."""

CONNECT_SECONDS = 3.0
"""Seconds for the TCP connection, and again for the TLS handshake."""

REQUEST_SECONDS = 5.0
"""Seconds that a request may wait for its answer."""

UNREACHABLE_SECONDS = 10.0
"""The gateway counts as unreachable when no connection could be opened for this many seconds."""

_PATIENCE = {ConnectionState.BUSY: REQUEST_SECONDS, ConnectionState.IDLE: IDLE_SECONDS}
"""Seconds for which a connection may be in a state; CONNECT_SECONDS in the others."""


class ConnectionPool:
    """The connections on one epoll. ``now`` is always in seconds of the loop's clock.

    ``elapsed`` tells seconds of a clock that also runs while the function is frozen; the loop's clock may stand still
    then. ``tls_name`` is the host's name for TLS.
    """

    def __init__(
        self,
        epoll: select.epoll,
        *,
        limit: int,
        tls: ssl.SSLContext | None,
        tls_name: str,
        elapsed: Callable[[], float],
        now: float,
        wire: Wire = SYSTEM,
    ) -> None:
        self._epoll = epoll
        self._wire = wire
        self._limit = limit
        self._tls = tls
        self._tls_name = tls_name if tls else None
        self._elapsed = elapsed
        self._ahead = elapsed() - now
        """Seconds by which ``elapsed`` was ahead of the loop's clock when the pool was used last."""
        self.connections: dict[int, Connection] = {}
        """All connections by file descriptor."""
        self.idle: list[Connection] = []
        self.busy = 0
        """The number of connections with a request on its way."""
        self._opening = 0
        self._failures = 0
        """Failures to open a connection, one after the other."""
        self._failing_since: float | None = None
        self._open_after = 0.0
        """No connection is opened before this time."""

    def begin(self, now: float) -> None:
        """Before a delivery: drop connections that have been idle for long, the seconds of a freeze included.

        The network may have forgotten such a connection without a word.
        """
        self._forget_failures()
        frozen = max(0.0, self._elapsed() - now - self._ahead)
        for connection in list(self.idle):
            connection.since -= frozen
            if now - connection.since > IDLE_SECONDS:
                self.drop(connection)

    def end(self, now: float) -> None:
        """After a delivery: keep only idle connections.

        A half-open connection would be dead when a frozen function thaws, and would count as a failure then.
        """
        self._ahead = self._elapsed() - now
        for connection in [each for each in self.connections.values() if each.state is not ConnectionState.IDLE]:
            self.drop(connection)

    def open_more(self, wanted: int, addresses: list[Address], now: float) -> bool:
        """Begin to open connections until ``wanted`` are being opened, within the limits.

        Returns False if one of them failed at once.
        """
        if now < self._open_after or len(self.connections) >= self._limit:
            return True
        room = min(wanted - self._opening, MOST_OPENING - self._opening, self._limit - len(self.connections))
        for _ in range(room):
            address = addresses[random.randrange(len(addresses))]
            try:
                connection = Connection(self._epoll, address, self._tls_name, now, self._wire)
            except OSError:
                self.note_failure(now)
                return False
            self.connections[connection.fd] = connection
            self._opening += 1
        return True

    def open_further(self, connection: Connection, now: float) -> None:
        """The socket of an opening connection is ready: go on, and keep the connection as idle once it is open.

        Raises OSError if the connection cannot be opened.
        """
        if connection.open_further(self._tls, now):
            self._opening -= 1
            self._forget_failures()
            self.idle.append(connection)

    def note_failure(self, now: float) -> None:
        """A connection could not be opened. The pause before the next try grows with each failure."""
        self._failing_since = self._failing_since or now
        if now >= self._open_after:  # connections that were opened together fail together
            self._failures += 1
            self._open_after = now + backoff(self._failures, random.random())

    def is_unreachable(self, now: float) -> bool:
        """Whether no connection is left, and none could be opened for ``UNREACHABLE_SECONDS``."""
        failing = now - self._failing_since if self._failing_since is not None else 0.0
        return not self.idle and self.busy == 0 and failing > UNREACHABLE_SECONDS

    def free(self, connection: Connection, now: float) -> None:
        """The request of a busy connection has been answered, and the connection can take another."""
        self.busy -= 1
        connection.finished(now)
        self.idle.append(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection, whatever its state."""
        if connection.state is ConnectionState.IDLE:
            self.idle.remove(connection)
        elif connection.state is ConnectionState.BUSY:
            self.busy -= 1
        elif connection.state is not ConnectionState.CLOSED:
            self._opening -= 1
        self.connections.pop(connection.fd, None)
        connection.close()

    def overdue(self, now: float) -> list[Connection]:
        """The connections that have been in their state for too long."""
        return [
            each for each in self.connections.values() if now - each.since > _PATIENCE.get(each.state, CONNECT_SECONDS)
        ]

    def waiting_for_answers(self) -> list[Connection]:
        """The connections with a request on its way."""
        return [each for each in self.connections.values() if each.state is ConnectionState.BUSY]

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self.connections.values()):
            self.drop(connection)

    def _forget_failures(self) -> None:
        self._failures, self._failing_since, self._open_after = 0, None, 0.0
