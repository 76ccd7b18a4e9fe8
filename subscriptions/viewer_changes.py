"""Pure: viewers that came and went, which one process of the routes has counted and not written yet."""

from __future__ import annotations

FLUSH_SECONDS = 3.0
"""Seconds between two writes of a match by one process: in a rush many viewers share a write."""

WRITES_PER_INVOCATION = 4
"""The most writes in one invocation, because a viewer waits for its answer."""


class ViewerChanges:
    """For each match: viewers that came less viewers that went, since the last write."""

    def __init__(self) -> None:
        self._net: dict[str, int] = {}
        self._written: dict[str, float] = {}

    def add(self, match: str, change: int) -> None:
        """Count ``change`` more viewers of a match, or fewer if it is negative."""
        self._net[match] = self._net.get(match, 0) + change

    def unwritten(self, match: str) -> int:
        """The change of a match that is not written yet."""
        return self._net.get(match, 0)

    def pop_due(self, now: float) -> dict[str, int]:
        """Remove and return the changes that are due at ``now`` (seconds), oldest first.

        Returns at most ``WRITES_PER_INVOCATION`` changes.
        """
        ripe = [match for match in self._net if now - self._written.get(match, -FLUSH_SECONDS) >= FLUSH_SECONDS]
        taken = {match: self._net.pop(match) for match in ripe[:WRITES_PER_INVOCATION]}
        self._written = {match: at for match, at in self._written.items() if now - at < FLUSH_SECONDS}
        self._written |= dict.fromkeys(taken, now)
        return {match: change for match, change in taken.items() if change}
