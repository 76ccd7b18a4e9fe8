"""Storms of viewers that come at kick-off, or all come back at once, against the limits of connecting.

Every refused viewer waits by the client's own back-off. A simulated viewer may stand for many, so that ten million end
within seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil
from typing import TYPE_CHECKING

from client.repair_plan import backoff
from forecast.question import QuestionError
from loadtest.standin.gateway_limits import Bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PLAYED = 20_000
"""The most viewers that are played one by one; above that, each stands for several."""

LEAST_PLAYED = 100
"""With so many viewers, one of them changes the seconds by a hundredth."""

LEAST_BURST = 2.0
"""A bucket of a single token would lose parts of a token between two limits that pass viewers at different moments."""

MOST_TRIES = 300_000
"""About the most attempts that are played. A limit of 10 a second keeps a million viewers trying for 28 hours."""

LONGEST_SECONDS = 7 * 24 * 3600.0
"""A storm that lasts longer is refused: nobody waits for a match for a week."""

TRY_SECONDS = 15.0
"""The mean pause between two attempts of a viewer that was refused often: half of the client's longest."""


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm.

    ``rates``: viewers a second that each limit of one cell lets pass, in the order in which a viewer meets the limits.
    Each limit has a bucket of one second.
    """

    viewers: int
    rates: Sequence[float]
    spread_s: float = 0.0
    """Seconds within which the viewers try for the first time; 0: all connections broke at once."""
    cells: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class StormOutcome:
    """The seconds from the beginning until so many viewers were connected."""

    viewers: int
    half_s: float
    most_s: float
    """Until 99 % are connected."""
    all_s: float
    refused: int
    """Attempts that were refused."""

    def report(self) -> dict[str, float | int]:
        """For JSON."""
        return {
            "viewers": self.viewers, "half_s": round(self.half_s, 1), "most_s": round(self.most_s, 1),
            "all_s": round(self.all_s, 1), "refused": self.refused,
        }  # fmt: skip


def check(storm: Storm, binds: str) -> None:
    """Raises QuestionError for a storm that lasts longer than ``LONGEST_SECONDS``. ``binds``: the narrowest limit."""
    rate = min(storm.rates)
    if (seconds := storm.viewers / storm.cells / rate) > LONGEST_SECONDS:
        raise QuestionError(
            f"The storm would last {seconds / 86_400:,.0f} days, because {binds} lets {rate:,.6g} viewers a second "
            f"into a cell; a storm lasts at most {LONGEST_SECONDS / 86_400:.0f} days."
        )


def play(storm: Storm) -> StormOutcome:
    """Play a storm. The same storm has the same outcome each time."""
    chance = random.Random(storm.seed)
    in_cell = ceil(storm.viewers / storm.cells)
    weight = ceil(in_cell / min(MOST_PLAYED, _most_played(in_cell, min(storm.rates))))
    played = ceil(in_cell / weight)
    limits = [Bucket(rate / weight, max(LEAST_BURST, rate / weight), 0.0) for rate in storm.rates]
    tries = [
        (chance.random() * storm.spread_s if storm.spread_s else backoff(1, chance.random()), 1) for _ in range(played)
    ]
    heapify(tries)
    came: list[float] = []
    refused = 0
    while tries:
        at, attempt = heappop(tries)
        if all(limit.take(at) for limit in limits):
            came.append(at)
        else:
            refused += 1
            heappush(tries, (at + backoff(attempt + 1, chance.random()), attempt + 1))
    return StormOutcome(storm.viewers, _at(came, 0.5), _at(came, 0.99), came[-1], refused * weight * storm.cells)


def _most_played(viewers: int, rate: float) -> int:
    """The most viewers for about ``MOST_TRIES`` attempts if each is played alone, but at least ``LEAST_PLAYED``.

    On the average half of the viewers wait, each of them with an attempt every ``TRY_SECONDS``.
    """
    return max(LEAST_PLAYED, int(MOST_TRIES * 2 * TRY_SECONDS * rate / viewers))


def _at(came: Sequence[float], share: float) -> float:
    return came[min(len(came) - 1, ceil(len(came) * share) - 1)]
