"""Pure: adds up the swarms' reports and makes the result of a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Histogram = dict[int, int]
"""Milliseconds -> count."""

OWN_SHARE = 0.25
"""If the swarm's own lag has this share of the latency, the result is doubtful."""

OWN_MS = 5
"""Milliseconds of lag that are ignored, because no timer is exact."""

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def add(into: Histogram, more: dict[Any, int]) -> None:
    """Add a histogram; its keys may be text, as in JSON."""
    for ms, count in more.items():
        into[int(ms)] = into.get(int(ms), 0) + count


def percentile(histogram: Histogram, share: float) -> int:
    """The milliseconds that this share of the samples did not exceed; 0 without samples."""
    left = share * sum(histogram.values())
    for ms in sorted(histogram):
        left -= histogram[ms]
        if left <= 0:
            return ms
    return max(histogram, default=0)


def percentiles(histogram: Histogram) -> dict[str, int]:
    """``p50``, ``p95``, ``p99`` and ``max`` of a histogram, in milliseconds."""
    return {name: percentile(histogram, share) for name, share in SHARES.items()}


def event_id(number: int, ms: int) -> str:
    """The id of an event of the load test. It holds the time of its POST, in milliseconds since 1970."""
    return f"load-{number}-{ms}"


def posted_at(event: Mapping[str, Any]) -> int:
    """When an event was posted, by its id; for events of others, when the API accepted it. Milliseconds since 1970."""
    name, _, ms = str(event.get("event_id", "")).rpartition("-")
    if name.startswith("load-") and ms.isdigit():
        return int(ms)
    return int(event["at"])


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one swarm: the part of its latest report that is not added up."""

    watching: int = 0
    """Viewers whose socket is open and subscribed."""
    ready: int = 0
    """Viewers that have been subscribed at least once."""
    stayed: int = 0
    """Viewers of the kinds that stay, without those that the shape has sent away."""
    missed: int = 0
    """Events that these viewers have not shown, after the last event is known."""
    settled: bool = False
    """Whether ``missed`` counts up to the last event."""
    away: int = 0
    """Viewers of the kinds that stay whose connection was cut and that are not subscribed again yet."""
    cpu: int = 0
    """Percent of one core."""


@dataclass(slots=True)
class Results:
    """The sum of all reports. Seconds are those since 1970; durations are milliseconds."""

    times: dict[str, Histogram] = field(default_factory=lambda: defaultdict(dict))
    """Histograms by name: ``connect``, ``subscribe``, ``catch_up``, ``repair``, and ``back`` after a cut."""
    glass: dict[int, Histogram] = field(default_factory=lambda: defaultdict(dict))
    """Goal-to-glass by the second of arrival."""
    lag: dict[int, Histogram] = field(default_factory=lambda: defaultdict(dict))
    """By second: the lateness of the swarms' own timers."""
    counts: Counter[str] = field(default_factory=Counter)
    cpu_max: int = 0
    _swarms: dict[str, Status] = field(default_factory=dict)

    def take(self, swarm: str, report: dict[str, Any]) -> None:
        """Add one report of a swarm."""
        for name, histogram in report["times"].items():
            add(self.times[name], histogram)
        for kept, news in ((self.glass, report["glass"]), (self.lag, report["lag"])):
            for second, histogram in news.items():
                add(kept[int(second)], histogram)
        self.counts.update(report["counts"])
        self._swarms[swarm] = Status(**report["status"])
        self.cpu_max = max(self.cpu_max, self._swarms[swarm].cpu)

    @property
    def swarms(self) -> int:
        """Swarms that have reported."""
        return len(self._swarms)

    @property
    def status(self) -> Status:
        """All swarms together."""
        each = list(self._swarms.values())
        return Status(
            watching=sum(one.watching for one in each),
            ready=sum(one.ready for one in each),
            stayed=sum(one.stayed for one in each),
            missed=sum(one.missed for one in each),
            away=sum(one.away for one in each),
            settled=bool(each) and all(one.settled for one in each),
            cpu=max((one.cpu for one in each), default=0),
        )

    @property
    def goal_to_glass(self) -> Histogram:
        """All goal-to-glass times."""
        return _sum(self.glass.values())

    @property
    def own_lag(self) -> Histogram:
        """The swarms' lag in the seconds in which events arrived; idle seconds would make it look better."""
        return _sum(self.lag[second] for second in self.glass if second in self.lag)

    @property
    def bottleneck(self) -> str | None:
        """A sentence if the swarms' own lag is a large part of the latency, else None."""
        lag, glass = percentile(self.own_lag, 0.95), percentile(self.goal_to_glass, 0.95)
        if lag <= max(OWN_MS, OWN_SHARE * glass):
            return None
        return (
            f"The load test was the bottleneck: its own loop was up to {lag} ms late (95 %), of the {glass} ms that "
            "it measured. Take fewer viewers per process, or more processes and cores."
        )

    def to_dict(self, about: dict[str, Any], *, posted: int, wanted: int) -> dict[str, Any]:
        """The whole result for JSON. ``about`` describes the run; ``posted`` of the ``wanted`` goals were accepted."""
        status = self.status
        glass = self.goal_to_glass
        return {
            "about": about,
            "passed": status.settled and status.missed == 0 and status.stayed > 0 and posted == wanted,
            "goals": {"wanted": wanted, "posted": posted},
            "stayed": status.stayed,
            "missed": status.missed if status.settled else None,
            "deliveries": sum(glass.values()),
            "counts": dict(self.counts),
            "goal_to_glass_ms": percentiles(glass),
            "times_ms": {name: percentiles(histogram) for name, histogram in self.times.items()},
            "swarms": self.swarms,
            "own_lag_ms": percentiles(self.own_lag),
            "own_cpu_percent": self.cpu_max,
            "bottleneck": self.bottleneck,
            "histogram": {str(ms): glass[ms] for ms in sorted(glass)},
            "seconds": [
                {
                    "second": second,
                    "deliveries": sum(self.glass[second].values()) if second in self.glass else 0,
                    "goal_to_glass_ms": percentiles(self.glass[second]) if second in self.glass else None,
                    "own_lag_ms": percentiles(self.lag[second]) if second in self.lag else None,
                }
                for second in sorted({*self.glass, *self.lag})
            ],
        }


def _sum(histograms: Any) -> Histogram:
    total: Histogram = {}
    for histogram in histograms:
        add(total, histogram)
    return total
