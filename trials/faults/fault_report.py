"""Pure: the result of a run, in numbers and sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Score:
    """The results of one kind."""

    injected: int = 0
    repaired: int = 0
    ms: list[int] = field(default_factory=list)
    """Milliseconds from the fault until every required viewer had the events that were posted under it."""


@dataclass(slots=True)
class Report:
    """The result of a run."""

    seed: int
    kinds: dict[str, Score] = field(default_factory=dict)
    events: int = 0
    refused: int = 0
    reposted: int = 0
    viewers: int = 0
    lost: int = 0
    duplicated: int = 0
    repairs_ms: list[int] = field(default_factory=list)
    """Milliseconds from the operator's first POST of an event until a viewer that had missed it repaired it."""
    trouble: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    """The reasons of records and batches that were set aside."""
    seconds: float = 0.0

    @property
    def injected(self) -> int:
        """Faults that took effect."""
        return sum(score.injected for score in self.kinds.values())

    @property
    def passed(self) -> bool:
        """Whether nothing was lost, nothing came twice, and every fault took effect."""
        return not (self.lost or self.duplicated or self.trouble) and self.injected > 0

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; times in milliseconds."""
        return {
            "kinds": len(self.kinds),
            "injected": self.injected,
            "events": self.events,
            "viewers": self.viewers,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "repaired": len(self.repairs_ms),
            "repair_ms": percentiles(self.repairs_ms),
            "refused": self.refused,
            "reposted": self.reposted,
            "set_aside": dict(Counter(self.set_aside).most_common()),
            "passed": self.passed,
            "trouble": self.trouble,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "by_kind": {
                name: {"injected": score.injected, "repaired": score.repaired, "worst_ms": max(score.ms, default=0)}
                for name, score in sorted(self.kinds.items())
            },
        }


def percentiles(values: list[int]) -> dict[str, int]:
    """The percentiles of the report; zeros without a value."""
    ordered = sorted(values) or [0]
    return {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * share))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }
