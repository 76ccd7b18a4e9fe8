"""Pure: a viewer's half of the protocol, for one match.

A follower takes frames and returns the events to show. Frames may come twice, late, or before the snapshot, and a frame
may be missing. The follower drops duplicates. An update that begins after the follower's position is a gap. A snapshot
from the position closes the gap; if it does not reach back so far, pages of the history come first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .frame_checks import is_page, is_whole

if TYPE_CHECKING:
    from .event import Event
    from .frame_types import Position, RawFrame, Snapshot, Update

_BUFFER_FRAMES = 64
"""Updates that wait in the buffer for a snapshot. If more come, the oldest is dropped, which is a gap again."""


@dataclass(slots=True)
class Follower:
    """One viewer's knowledge of one match."""

    match: str
    epoch: str | None = None
    seq: int = 0
    score: tuple[int, int] = (0, 0)
    shootout: tuple[int, int] | None = None
    status: str = "scheduled"
    home: str = ""
    away: str = ""
    gap: bool = False
    """A frame was missed: ask for a snapshot ``since`` the position."""
    lost: int = 0
    """Events that no snapshot could bring back, because it did not reach back far enough."""
    junk: int = 0
    """Frames that were no whole snapshot or update; they change nothing."""
    _buffer: list[Update] = field(default_factory=list)
    _gap_end: int = 0
    """The seq of the newest snapshot of this epoch that was refused: the gap stays open below it."""

    def since(self) -> Position | None:
        """The position to subscribe from, None before the first snapshot."""
        return {"epoch": self.epoch, "seq": self.seq} if self.epoch else None

    def reaches(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot of this epoch has every event after the position."""
        missing = snapshot["seq"] - self.seq
        return len([event for event in snapshot["events"] if event["seq"] > self.seq]) >= missing

    def take(self, frame: RawFrame, *, patient: bool = False) -> list[Event]:
        """Take one frame of this match; returns the events that are new, in order.

        A ``patient`` follower refuses a snapshot that does not reach back to its position. That is a gap, which
        ``read`` closes. Otherwise the follower takes the snapshot and counts the missing events as ``lost``.
        """
        if not is_whole(frame):
            self.junk += frame.get("type") in ("snapshot", "update")
            return []
        return self._take(frame, patient=patient)

    def read(self, page: RawFrame) -> list[Event]:
        """Take a page of the history after the position; returns the events that are new, in order.

        Returns none if the page is not whole, is of another epoch, or begins after the position. The next snapshot
        closes the gap.
        """
        if not is_page(page):
            self.junk += 1
            return []
        new = [event for event in page["events"] if event["seq"] > self.seq]
        if page["epoch"] != self.epoch or not new or new[0]["seq"] != self.seq + 1:
            return []
        self.seq = new[-1]["seq"]
        self.score = (new[-1]["score"][0], new[-1]["score"][1])
        return new

    def _take(self, frame: Snapshot | Update, *, patient: bool) -> list[Event]:
        if frame["type"] == "snapshot":
            if patient and frame["epoch"] == self.epoch and not self.reaches(frame):
                self.gap, self._gap_end = True, max(self._gap_end, frame["seq"])
                return []
            return self._snapshot(frame, patient=patient)
        if self.epoch is None:
            self._add_to_buffer(frame)
            return []
        if frame["epoch"] != self.epoch or frame["prev"] > self.seq:
            # The buffer has it until the snapshot comes, which may be older than this frame.
            self.gap = True
            self._add_to_buffer(frame)
            return []
        return self._advance(frame)

    def _add_to_buffer(self, frame: Update) -> None:
        self._buffer = [*self._buffer[1 - _BUFFER_FRAMES :], frame]

    def _snapshot(self, frame: Snapshot, *, patient: bool) -> list[Event]:
        self.home, self.away = frame["home"], frame["away"]
        is_new_epoch = frame["epoch"] != self.epoch
        if is_new_epoch:
            self.epoch, self.seq, self._gap_end = frame["epoch"], 0, 0
        new = self._advance(frame)
        buffer, self._buffer, self.gap = self._buffer, [], self.seq < self._gap_end
        for update in buffer:
            # After a change of epoch, updates of any other epoch are stale: drop them. Drop them too when the socket
            # confirms this epoch, because its answers are never older than the request. An answer over HTTP (patient)
            # may be older: it drops nothing. A stale update in the buffer would look like a gap for ever.
            if (patient and not is_new_epoch) or update["epoch"] == self.epoch:
                new += self._take(update, patient=False)
        return new

    def _advance(self, frame: Snapshot | Update) -> list[Event]:
        if frame["seq"] < self.seq:
            return []
        new = [event for event in frame["events"] if event["seq"] > self.seq]
        if frame["type"] == "snapshot" and frame["seq"] - self.seq > len(new):
            self.lost += frame["seq"] - self.seq - len(new)
        self.seq = frame["seq"]
        self.score = (frame["score"][0], frame["score"][1])
        self.status = frame["status"]
        shootout = frame.get("shootout")
        self.shootout = (shootout[0], shootout[1]) if shootout else None
        return new
