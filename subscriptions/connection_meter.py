"""Pure: how much one connection may send, counted in units.

Messages, bytes and wrong requests draw on one bucket of units, so that there is one rate to understand: a message
costs a unit for every 256 bytes it begins, and one that is refused costs ten more.

The counts live in the process that serves the message. A Lambda function runs in many, and API Gateway chooses among
them, so a connection may be allowed this much by each: it stops one client that floods a quiet system, and is no
ceiling. The ceilings are API Gateway's throttles for each route (terraform/system.json) and its sizes of messages.
"""

from __future__ import annotations

from threading import Lock

MESSAGE_BYTES = 4096
"""A larger message is refused and its connection closed. The longest request that means anything has 200 bytes."""

UNIT_BYTES = 256
OFFENCE_UNITS = 10
"""Units that a wrong request costs in addition to those for its size."""

UNITS_PER_SECOND = 20.0
SHUT_UNITS = 10_000.0
BURST_UNITS = 150.0
"""A viewer that comes back subscribes to its 50 matches at once, and may have to ask a second time."""

SHUT_SECONDS = 5.0
"""For so long after a connection was shut nothing more is done about it: its close takes effect meanwhile."""

REMEMBERED = 10_000
"""Connections that one process keeps counts of; the one not heard of for longest is forgotten first."""


class ConnectionMeter:
    """The units left in each connection's bucket, as far as this process knows. Thread-safe."""

    def __init__(
        self, rate: float = UNITS_PER_SECOND, burst: float = BURST_UNITS, remembered: int = REMEMBERED
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._remembered = remembered
        self._left: dict[str, tuple[float, float]] = {}
        """Units left and when that was so (seconds of the caller's clock), those heard of last at the end."""
        self._shut: dict[str, float] = {}
        """When connections were shut, the latest at the end."""
        self._lock = Lock()

    def pay_for_message(self, connection: str, size: int, now: float) -> bool:
        """Pay for a message of ``size`` bytes at ``now`` (seconds, never going back); whether there was enough.

        A connection may owe units: one that floods stays refused until it has paused for as long as it was too fast.
        """
        return self._pay(connection, 1 + max(0, size - 1) // UNIT_BYTES, now)

    def pay_for_error(self, connection: str, now: float) -> None:
        """Pay for a message that was wrong."""
        self._pay(connection, OFFENCE_UNITS, now)

    def close(self, connection: str, now: float) -> bool:
        """Nothing more passes of a connection that is being closed, though messages of it may be on their way.

        Returns whether it was shut within the last ``SHUT_SECONDS`` already, so that closing it again is a waste.
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
        """The connection has ended."""
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
