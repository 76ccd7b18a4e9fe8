"""Pure: a token bucket for each connection that limits what the connection may send, counted in units.

A message costs one unit for each started 256 bytes. A refused message costs ten units more. So one rate covers
messages, bytes and wrong requests.

Each process of the function counts on its own, and API Gateway chooses the process for each message. So a connection
may use this limit in each process. It stops one client that floods a quiet system. The hard limits are API Gateway's
throttles of the routes (terraform/system.json) and its greatest size of a message.
"""

from __future__ import annotations

from threading import Lock

MESSAGE_BYTES = 4096
"""A larger message is refused, and its connection is closed. The longest valid request has about 200 bytes."""

UNIT_BYTES = 256
OFFENCE_UNITS = 10
"""Units that a wrong request costs beside those for its size."""

UNITS_PER_SECOND = 20.0
SHUT_UNITS = 10_000.0
BURST_UNITS = 150.0
"""A viewer that comes back subscribes to its 50 matches at once, and may have to ask a second time."""

SHUT_SECONDS = 5.0
"""Seconds after a close in which the connection is not closed again: the first close takes effect meanwhile."""

REMEMBERED = 10_000
"""The most connections that one process counts. The one that was quiet for longest is forgotten first."""


class ConnectionMeter:
    """The units left in each connection's bucket, as far as this process knows. Thread-safe."""

    def __init__(
        self, rate: float = UNITS_PER_SECOND, burst: float = BURST_UNITS, remembered: int = REMEMBERED
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._remembered = remembered
        self._left: dict[str, tuple[float, float]] = {}
        """Connection -> units left, and the time of that (seconds of the caller's clock). The latest are at the end."""
        self._shut: dict[str, float] = {}
        """Connection -> the time of its close. The latest are at the end."""
        self._lock = Lock()

    def pay_for_message(self, connection: str, size: int, now: float) -> bool:
        """Pay for a message of ``size`` bytes. Returns whether the connection had enough units.

        ``now`` is in seconds and never goes back. A connection may owe units: a connection that floods is refused until
        it has paused for long enough.
        """
        return self._pay(connection, 1 + max(0, size - 1) // UNIT_BYTES, now)

    def pay_for_error(self, connection: str, now: float) -> None:
        """Pay for a message that was wrong."""
        self._pay(connection, OFFENCE_UNITS, now)

    def shut(self, connection: str, now: float) -> bool:
        """Refuse every further message of a connection that is being closed.

        Returns whether it was closed within the last ``SHUT_SECONDS``: then the caller need not close it again.
        """
        self._pay(connection, SHUT_UNITS, now)
        with self._lock:
            before = self._shut.get(connection)
            if before is not None and now - before < SHUT_SECONDS:
                return True
            self._shut.pop(connection, None)
            self._shut[connection] = now
            if len(self._shut) > self._remembered:
                del self._shut[next(iter(self._shut))]
        return False

    def forget(self, connection: str) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._left.pop(connection, None)
            self._shut.pop(connection, None)

    def _pay(self, connection: str, units: float, now: float) -> bool:
        with self._lock:
            left, at = self._left.pop(connection, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            self._left[connection] = (left - units, now)
            if len(self._left) > self._remembered:
                del self._left[next(iter(self._left))]
            return left >= units
