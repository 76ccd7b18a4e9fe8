"""Pure: the times of a viewer whose transport fans out itself (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastTimes:
    """In seconds. Tests shorten them."""

    second_read: tuple[float, float] = (3.1, 4.1)
    """A viewer reads a second time after a random time between these, because a subscription that the service has
    acknowledged may begin late. It is ``settle`` and one to two seconds: whatever happened in the first second after
    the acknowledgement is in the answer, however old the answer is."""
    joined: float = 10.0
    """A viewer that changes to a match's new channel ends its connection if the service does not answer for so long."""
    begun: float = 0.3
    """A poll of Momento's that has not been refused for so long has begun: Momento does not say it."""
    settle: float = 2.1
    """An answer over HTTP that was asked for so much later is not older than the moment before. A process of the API
    keeps a match for one second, and the readers of one second share an address."""


BROADCAST_TIMES = BroadcastTimes()
