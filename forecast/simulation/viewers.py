"""Pure: the viewers of one match in one cell: which event each has, and when the events came."""

from __future__ import annotations

from array import array
from collections import Counter

GOLDEN = 0.6180339887
"""Multiples of this, without their whole part, are spread evenly between 0 and 1."""


class Viewers:
    """``count`` viewers, numbered from ``first``. The number, with eight digits, is the id of a viewer's connection."""

    def __init__(
        self, match: str, count: int, *, first: int, gone: float, slow: float, tick: float, came_s: float | None = None
    ) -> None:
        """``gone``, ``slow``: shares of viewers that have left or read nothing. ``tick``: seconds of the histogram.

        ``came_s``: the viewers subscribed within so many seconds before the beginning, evenly. Without it nothing is
        known of their silences, which takes 8 bytes less for each viewer.
        """
        self.match = match
        self.count = count
        self.first = first
        self.tick = tick
        self.newest = array("H", bytes(2 * count))
        """The newest event of each viewer."""
        self.gone = gone
        self.slow = slow
        self.gaps = 0
        """Frames that came with a gap before them: the viewer reads the missing events over HTTP."""
        self.deleted: set[str] = set()
        """Connections whose rows are deleted."""
        self.marks: dict[str, int] = {}
        """By connection: the broadcasts in which its viewer took no frame, as its row says."""
        self._parcels: dict[tuple[int, int], Parcel] = {}
        self._came_s = came_s
        self._last = array("f", bytes(4 * count) if came_s is not None else b"")
        """When each viewer's last message came (seconds); 0 if none has come since its subscription."""
        self._longest = array("f", bytes(4 * count) if came_s is not None else b"")
        """The longest silence that a message has ended, of each viewer (seconds)."""

    def parcel(self, prev: int, seq: int) -> Parcel:
        """The frame with the events after ``prev`` up to ``seq``."""
        return self._parcels.setdefault((prev, seq), Parcel(self, prev, seq))

    def has(self, viewer: int) -> bool:
        """Whether the viewer is one of these."""
        return self.first <= viewer < self.first + self.count

    def is_gone(self, viewer: int) -> bool:
        """Whether a viewer has left without a word."""
        return int((viewer + 1) * self.gone) > int(viewer * self.gone)

    def is_slow(self, viewer: int) -> bool:
        """Whether a viewer reads nothing."""
        return int((viewer + 1) * self.slow + 0.5) > int(viewer * self.slow + 0.5)

    def close(self, connection: str) -> None:
        """The connection was closed: ``$disconnect`` deletes its row."""
        self.deleted.add(connection)

    def subscribed_at(self, viewer: int) -> float:
        """When the viewer subscribed, and got its snapshot: seconds, none of them above 0."""
        return -(viewer * GOLDEN % 1) * (self._came_s or 0.0)

    def silence(self, viewer: int) -> tuple[float, float]:
        """When the viewer's last message came, and the seconds of the longest silence that a message has ended."""
        if self._came_s is None:
            return 0.0, 0.0
        index = viewer - self.first
        return self._last[index] or self.subscribed_at(viewer), self._longest[index]

    def heard(self, viewer: int, last: float, longest: float) -> None:
        """Note both."""
        if self._came_s is not None:
            index = viewer - self.first
            self._last[index], self._longest[index] = last, longest

    def hear(self, viewer: int, at: float) -> None:
        """A message came at ``at`` (seconds). It may have ended the longest silence so far."""
        if self._came_s is None:
            return
        index = viewer - self.first
        self._longest[index] = max(self._longest[index], at - (self._last[index] or self.subscribed_at(viewer)))
        self._last[index] = at

    def missed(self, newest: int) -> int:
        """Events up to ``newest`` that viewers who are there and read do not have."""
        return sum(
            newest - seq
            for viewer, seq in enumerate(self.newest, self.first)
            if seq < newest and not self.is_gone(viewer) and not self.is_slow(viewer)
        )

    def arrivals(self) -> dict[int, Counter[float]]:
        """By event: how many viewers had it at which time (seconds)."""
        found: dict[int, Counter[float]] = {}
        for parcel in self._parcels.values():
            for (before, tick), viewers in parcel.came.items():
                for seq in range(before + 1, parcel.seq + 1):
                    found.setdefault(seq, Counter())[tick * self.tick] += viewers
        return found


class Parcel:
    """A frame on its way to all viewers."""

    __slots__ = ("came", "frame", "prev", "seq", "viewers")

    def __init__(self, viewers: Viewers, prev: int, seq: int) -> None:
        self.viewers = viewers
        self.prev = prev
        self.seq = seq
        self.frame = b""
        """Its JSON."""
        self.came: dict[tuple[int, int], int] = {}
        """By the viewer's newest event before, and the tick: the number of viewers."""

    def deliver(self, viewer: int, at: float) -> bool:
        """The frame reaches a viewer at ``at`` (seconds); False if events are missing before it.

        Then nothing has changed: the viewer itself has to find and read what is missing.
        """
        viewers = self.viewers
        index = viewer - viewers.first
        before = viewers.newest[index]
        if before < self.prev:
            return False
        if viewers._came_s is not None:  # noqa: SLF001 - of the same file, and called for each POST
            viewers.hear(viewer, at)
        if before >= self.seq:
            return True
        viewers.newest[index] = self.seq
        key = (before, int(at / viewers.tick + 0.5))
        came = self.came
        came[key] = came.get(key, 0) + 1
        return True
