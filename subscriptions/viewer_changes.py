"""Pure: who came and who went, as one process of the routes has noted it and not written yet."""

from __future__ import annotations

FLUSH_SECONDS = 3.0
"""A process writes a match's change so often at most: in a rush many viewers share a write."""

AT_ONCE = 4
"""Writes in one invocation at most: somebody waits for its answer."""


class ViewerChanges:
    """The changes per match."""

    def __init__(self) -> None:
        self._net: dict[str, int] = {}
        self._written: dict[str, float] = {}

    def add(self, match: str, change: int) -> None:
        """So many more watch the match, or fewer."""
        self._net[match] = self._net.get(match, 0) + change

    def unwritten(self, match: str) -> int:
        """Change of the number of viewers of a match that is not written yet."""
        return self._net.get(match, 0)

    def pop_due(self, now: float) -> dict[str, int]:
        """Take out the changes that are to be written ``now`` (seconds on any clock), those that wait longest first."""
        ripe = [match for match in self._net if now - self._written.get(match, -FLUSH_SECONDS) >= FLUSH_SECONDS]
        taken = {match: self._net.pop(match) for match in ripe[:AT_ONCE]}
        self._written = {match: at for match, at in self._written.items() if now - at < FLUSH_SECONDS}
        self._written |= dict.fromkeys(taken, now)
        return {match: change for match, change in taken.items() if change}
