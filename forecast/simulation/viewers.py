"""Pure: the viewers of one match in one cell: which event each has, and when the events came."""

from __future__ import annotations

from array import array
from collections import Counter


class Viewers:
    """``count`` viewers, numbered from ``first``. The number, with eight digits, is the id of a viewer's connection."""

    def __init__(self, match: str, count: int, *, first: int, gone: float, slow: float, tick: float) -> None:
        """``gone``, ``slow``: shares of viewers that have left or read nothing. ``tick``: seconds of the histogram."""
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

    def deliver(self, viewer: int, at: float) -> None:
        """The frame reaches a viewer at ``at`` (seconds)."""
        viewers = self.viewers
        index = viewer - viewers.first
        before = viewers.newest[index]
        if before >= self.seq:
            return
        if before < self.prev:
            viewers.gaps += 1
        viewers.newest[index] = self.seq
        key = (before, int(at / viewers.tick + 0.5))
        came = self.came
        came[key] = came.get(key, 0) + 1
