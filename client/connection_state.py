"""The state of a viewer's present connection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ConnectionState:
    """The state of a viewer's present connection. Times are of ``time.monotonic``."""

    leave_at: float = 0.0
    """When the viewer replaces the connection."""
    first_message_by: float = 0.0
    """The latest time for the first message."""
    read_unknown_at: float = 0.0
    """From then on matches without a snapshot are read over HTTP."""
    subscribe_pause: float = 0.0
    subscribe_again_at: float = 0.0
    quiet_chance: float = 0.0
    """A number in [0, 1): how much earlier or later the next ping of a quiet connection is."""
    pinged_at: float | None = None
    doubted_at: float | None = None
    """When the viewer sent a sync because a read over HTTP was ahead of the socket."""
    has_message: bool = False
    """A message has come."""
    answered: set[str] = field(default_factory=set)
    """Matches whose subscribe has been answered."""
    refused: set[str] = field(default_factory=set)
    """Matches whose subscribe was answered with an error."""
    pending_syncs: Counter[str] = field(default_factory=Counter)
    """By match: syncs without an answer yet. An answer over the socket is never older than its request."""
