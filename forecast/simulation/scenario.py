"""Pure: the setting of one simulation."""

from __future__ import annotations

from dataclasses import dataclass, field

from forecast.latencies import Latencies

MOST_AWAKE = 100_000
"""The most viewers without a frame that they lost, at one moment: each takes 16 KB in a simulation."""

AWAKE_SECONDS = 206.0
"""Seconds after which a viewer that lost a frame has it at the latest, and is forgotten: the longest silence before its
check, a quarter more, the pause between two looks at the clock, and the answers (client/viewer.py)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """An operator's POST. ``at_s``: seconds after the beginning. ``match``: index of the match."""

    at_s: float
    match: int = 0


@dataclass(frozen=True, slots=True)
class Gateway:
    """The modelled @connections of one cell."""

    rate: float = 10_000
    """POSTs a second that the account passes."""
    burst: float = 5_000
    """Size of that bucket."""
    latency_s: float = 0.030
    """Mean seconds from a POST to its answer."""
    jitter_s: float = 0.0
    """Standard deviation of those seconds."""
    delivered: float = 0.5
    """The part of the latency after which the viewer has the frame."""
    gone: float = 0.0
    """Share of connections that answer 410."""
    slow: float = 0.0
    """Share of viewers that read nothing: each POST to them is answered 429."""
    errors: float = 0.0
    """Share of POSTs that are answered 500."""
    lost: float = 0.0
    """Share of accepted frames that do not reach their viewer."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The figures from which a simulation models all that is not the product's own code."""

    viewers: tuple[int, ...]
    """Viewers of each match, in all cells together. They are spread equally over the cells."""
    goals: tuple[Goal, ...]
    cells: int = 1
    down_cell: int | None = None
    """A cell that answers neither home nor POSTs between ``down_from_s`` and ``down_until_s``; its tables go on."""
    down_from_s: float = 0.0
    down_until_s: float = 0.0
    down_for_posts_only: bool = False
    """Meanwhile the cell answers home, and so broadcasts begin."""
    send_rate: int = 7_500
    """The setting of a cell: POSTs a second of all senders together."""
    sender_rate: int = 3_000
    """The setting: the most POSTs a second of one sender."""
    gateway: Gateway = Gateway()
    latencies: Latencies = field(default_factory=Latencies)
    expected: tuple[int | None, ...] = field(default=())
    """The audience that the operator expects of each match; empty: as many as there are viewers."""
    came_s: float = 600.0
    """The viewers subscribed within so many seconds before the beginning, evenly."""
    seed: int = 0

    @property
    def awake(self) -> int:
        """The most viewers that may be without a frame that they lost, at one moment."""
        goals = max((sum(goal.match == each for goal in self.goals) for each in range(len(self.viewers))), default=0)
        losses = sum(self.viewers) * min(1.0, goals * self.gateway.lost)
        return int(min(losses, self.cells * self.send_rate * self.gateway.lost * AWAKE_SECONDS))
