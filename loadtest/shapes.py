"""Pure: the number of viewers at each moment of a run, and the conditions of its phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["joining", "playing", "settling", "over"]

JOIN_SECONDS = 120.0
SETTLE_SECONDS = 60.0
"""Seconds after which a late event counts as missed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a run, in shares of the viewers and of the goals."""

    name: str
    about: str
    early: float = 1.0
    """Share of the viewers that come before the first event."""
    rush_seconds: float = 1.0
    """Seconds in which the others come after the first event."""
    leave_after: float | None = None
    """Share of the goals after which most viewers leave, None if they stay to the end."""
    remain: float = 0.1
    """Share of the viewers that does not leave."""
    leave_seconds: float = 5.0
    cut_after: float | None = None
    """Share of the goals after which all connections break at once, None if they do not."""


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("goal-storm", "everyone is there, then goal after goal"),
        Shape("kick-off-storm", "a tenth is there at kick-off, the others come within seconds, goals from the start",
              early=0.1, rush_seconds=5.0),
        Shape("full-time-exodus", "after half of the goals nine in ten leave within seconds", leave_after=0.5),
        Shape("reconnect-storm", "after a third of the goals all connections break at once, and everyone comes back",
              cut_after=1 / 3),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a run."""

    shape: Shape
    viewers: int
    goals: int
    join_rate: float
    """Viewers that come each second before the first event."""

    def crowd(self, phase: Phase, posted: int) -> tuple[int, float]:
        """The wanted number of viewers, and the number that come or go each second until then."""
        shape, early = self.shape, max(1, round(self.shape.early * self.viewers))
        if phase == "joining" or (early == self.viewers and shape.leave_after is None):
            return early, self.join_rate
        if shape.leave_after is not None and posted >= shape.leave_after * self.goals:
            remain = max(1, round(shape.remain * self.viewers))
            return remain, max(1.0, (self.viewers - remain) / shape.leave_seconds)
        return self.viewers, max(1.0, (self.viewers - early) / shape.rush_seconds)

    def cuts(self, posted: int) -> bool:
        """Whether the connections break now or have broken."""
        return self.shape.cut_after is not None and posted >= self.shape.cut_after * self.goals

    def late(self, phase: Phase, seconds: float, pace: float) -> str | None:
        """A sentence if a phase has passed its time limit, else None."""
        if phase == "joining" and seconds > JOIN_SECONDS + self.viewers / min(self.join_rate, 20.0):
            return "the viewers could not join"
        if phase == "playing" and seconds > JOIN_SECONDS + self.goals * (pace + 5.0):
            return "the goals could not be posted"
        # Viewers whose connections broke must connect and subscribe again, which takes as long as joining.
        patience = SETTLE_SECONDS + (self.viewers / 20.0 if self.shape.cut_after is not None else 0.0)
        if phase == "settling" and seconds > patience:
            return "not everything has arrived"
        return None
