"""Pure: the setting of one simulation."""

from __future__ import annotations

from dataclasses import dataclass, field

from forecast.latencies import Latencies


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
    """A cell that answers nothing between ``down_from_s`` and ``down_until_s``."""
    down_from_s: float = 0.0
    down_until_s: float = 0.0
    send_rate: int = 7_500
    """The setting of a cell: POSTs a second of all senders together."""
    sender_rate: int = 3_000
    """The setting: the most POSTs a second of one sender."""
    gateway: Gateway = Gateway()
    latencies: Latencies = field(default_factory=Latencies)
    expected: tuple[int | None, ...] = field(default=())
    """The audience that the operator expects of each match; empty: as many as there are viewers."""
    seed: int = 0
