"""Pure: a viewer's half of the protocol, for one match.

A follower takes frames and says which events to show. Frames may come twice, late, or before the snapshot; a frame
may be missing. Duplicates are dropped, an update that is ahead of what it builds on is a gap, and a gap is repaired
by a snapshot from the follower's position, or by pages of the history and then a snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .frame_checks import is_page, is_whole

_EARLY = 64
"""Frames kept while a snapshot is awaited; a frame lost beyond that is a gap again."""


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
    """Events that no snapshot could bring back, because it did not reach far enough."""
    junk: int = 0
    """Frames that were no whole snapshot or update; they change nothing."""
    _early: list[dict[str, Any]] = field(default_factory=list)
    _reach: int = 0
    """The seq of a snapshot of this epoch that was not taken: what ends before it closes no gap."""

    def since(self) -> dict[str, Any] | None:
        """The position to subscribe from, None before the first snapshot."""
        return {"epoch": self.epoch, "seq": self.seq} if self.epoch else None

    def reaches(self, snapshot: dict[str, Any]) -> bool:
        """Whether a snapshot of this epoch has every event after the position."""
        missing: int = snapshot["seq"] - self.seq
        return len([event for event in snapshot["events"] if event["seq"] > self.seq]) >= missing

    def take(self, frame: dict[str, Any], *, patient: bool = False) -> list[dict[str, Any]]:
        """Take one frame of this match; returns the events that are new, in order.

        A ``patient`` follower takes no snapshot that does not reach back to its position: that is a gap, to be closed
        by ``read``. Otherwise what it does not have is counted as ``lost``.
        """
        if not is_whole(frame):
            self.junk += frame.get("type") in ("snapshot", "update")
            return []
        if frame["type"] == "snapshot":
            if patient and frame["epoch"] == self.epoch and not self.reaches(frame):
                self.gap, self._reach = True, max(self._reach, frame["seq"])
                return []
            return self._snapshot(frame, patient=patient)
        if self.epoch is None:
            self._keep(frame)
            return []
        if frame["epoch"] != self.epoch or frame["prev"] > self.seq:
            # Kept until the snapshot: the answer may be older than this frame.
            self.gap = True
            self._keep(frame)
            return []
        return self._advance(frame)

    def _keep(self, frame: dict[str, Any]) -> None:
        self._early = [*self._early[1 - _EARLY :], frame]

    def read(self, page: dict[str, Any]) -> list[dict[str, Any]]:
        """Take a page of the history after the position; returns the events that are new, in order.

        None are if the page is not whole, is of another epoch, or begins beyond the position. A gap stays one until the
        snapshot.
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

    def _snapshot(self, frame: dict[str, Any], *, patient: bool) -> list[dict[str, Any]]:
        self.home, self.away = frame["home"], frame["away"]
        begins = frame["epoch"] != self.epoch
        if begins:
            self.epoch, self.seq, self._reach = frame["epoch"], 0, 0
        new = self._advance(frame)
        early, self._early, self.gap = self._early, [], self.seq < self._reach
        for update in early:
            # With a new epoch, frames of another are what it replaced. So they are when the socket, whose answers are
            # not older than the question, still states this one: kept, they would be a gap that nothing closes.
            if (patient and not begins) or update["epoch"] == self.epoch:
                new += self.take(update)
        return new

    def _advance(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
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
