"""Pure: the outcome of a simulation, as the benches report it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class GoalTimes:
    """When the viewers of one goal had it, in seconds after the operator's POST."""

    match: int
    viewers: int
    first_s: float
    median_s: float
    last_s: float


def goal_times(match: int, posted: float, came: Iterable[Counter[float]]) -> GoalTimes | None:
    """The times of a goal, from the histograms of all cells; None if no viewer had it."""
    times: dict[float, int] = {}
    for histogram in came:
        for at, viewers in histogram.items():
            times[at] = times.get(at, 0) + viewers
    viewers = sum(times.values())
    if not viewers:
        return None
    ordered = sorted(times)
    so_far = accumulate(times[at] for at in ordered)
    middle = next(at for at, had in zip(ordered, so_far, strict=True) if had * 2 >= viewers)
    first, last = ordered[0], ordered[-1]
    return GoalTimes(match, viewers, round(first - posted, 4), round(middle - posted, 4), round(last - posted, 4))


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """The counts of one cell."""

    name: str
    posts: int
    accepted: int
    throttled: int
    gone: int
    errors: int
    refused_slow: int
    closed: int
    gaps: int
    executions: int
    rounds: int
    invocations: int
    sender_s: float
    set_aside: int
    restarts: int
    reads: int
    writes: int
    share_reads: int
    """Read units of the queries for the rate shares."""
    shards: int
    """The most shards of a match at the end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a simulation."""

    viewers: int
    goals: tuple[GoalTimes, ...]
    missed: int
    """Events that viewers who were there and read do not have at the end."""
    virtual_s: float
    """Seconds of the simulated time."""
    cells: tuple[CellOutcome, ...]
    lost: int = 0
    """Frames that did not reach their viewer."""
    reads_over_http: int = 0
    asked_over_the_socket: int = 0
    given_up: int = 0
    """Events of a cell whose message the watchdog has set aside, after it had started their broadcast ten times."""
    repair_s: Sequence[float] = ()
    """Seconds from each lost frame until its viewer had the events, in order."""

    @property
    def posts(self) -> int:
        """POSTs of all cells."""
        return sum(each.posts for each in self.cells)

    def report(self) -> dict[str, Any]:
        """For JSON: medians over the goals, sums over the cells."""
        summed = ("posts", "accepted", "throttled", "gone", "errors", "refused_slow", "closed", "gaps", "executions",
                  "rounds", "invocations", "set_aside", "restarts", "reads", "writes")  # fmt: skip
        return {
            "viewers": self.viewers,
            "goals": len(self.goals),
            "missed": self.missed,
            "first_viewer_s": self._middle("first_s"),
            "median_viewer_s": self._middle("median_s"),
            "last_viewer_s": self._middle("last_s"),
            "slowest_goal_s": max((each.last_s for each in self.goals), default=None),
            **{name: sum(getattr(each, name) for each in self.cells) for name in summed},
            "sender_s": round(sum(each.sender_s for each in self.cells), 1),
            "lost": self.lost,
            "reads_over_http": self.reads_over_http,
            "asked_over_the_socket": self.asked_over_the_socket,
            "given_up": self.given_up,
            "repair_p50_s": round(median(self.repair_s), 2) if self.repair_s else None,
            "repair_max_s": round(self.repair_s[-1], 2) if self.repair_s else None,
            "virtual_s": round(self.virtual_s, 1),
            "cells": [asdict(each) for each in self.cells],
        }

    def _middle(self, name: str) -> float | None:
        return round(median(getattr(each, name) for each in self.goals), 3) if self.goals else None
