"""Compares the planner with storms: how long an audience takes to connect, on each transport."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecast.simulation.arrivals import LONGEST_SECONDS, Storm, play
from forecast.times import join_rates, joining

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from forecast.account import Account

SETTINGS = 25

LAST_SECONDS, FIRST_SECONDS = 30.0, 1.0
"""The planner counts neither the longest back-off of the last viewers, nor the second's worth of viewers that the
limits' buckets let in at once."""


@dataclass(frozen=True, slots=True)
class StormSetting:
    """An audience that lost its connections, and comes back."""

    transport: str
    viewers: int
    matches: int
    cells: int
    seed: int


@dataclass(frozen=True, slots=True)
class StormAgreement:
    """The seconds until the audience of one setting is connected."""

    setting: StormSetting
    binds: str
    planned_s: float
    simulated_s: float

    @property
    def apart(self) -> float:
        """The difference beyond what the planner does not count, as a part of the simulated seconds."""
        more = self.simulated_s - self.planned_s
        return max(-more - FIRST_SECONDS, more - LAST_SECONDS, 0.0) / self.simulated_s

    def report(self) -> dict[str, Any]:
        """For JSON."""
        setting = self.setting
        return {
            "transport": setting.transport, "viewers": setting.viewers, "matches": setting.matches,
            "cells": setting.cells, "binds": self.binds, "planned_s": round(self.planned_s, 1),
            "simulated_s": round(self.simulated_s, 1), "apart": round(self.apart, 4),
        }  # fmt: skip


def settings(transports: Sequence[str], count: int = SETTINGS, seed: int = 0) -> Iterator[StormSetting]:
    """This many settings, evenly spread over the transports and over the orders of size up to ten million viewers.

    The same seed gives the same settings.
    """
    chance = random.Random(seed)
    for number in range(count):
        matches, cells = chance.choice((1, 1, 3, 20)), chance.choice((1, 1, 4, 10, 40))
        yield StormSetting(transports[number % len(transports)], int(10 ** chance.uniform(5, 7)), matches, cells, seed)


def compare(setting: StormSetting, account: Account) -> StormAgreement | None:
    """Both answers to one setting; None for a storm that lasts too long to be played."""
    rates = join_rates(setting.transport, account, matches=setting.matches, cells=setting.cells, opens_page=False)
    planned, binds = joining(setting.transport, setting.viewers / setting.cells, rates)
    if planned > LONGEST_SECONDS:
        return None
    played = play(Storm(setting.viewers, list(rates.values()), cells=setting.cells, seed=setting.seed))
    return StormAgreement(setting, binds, planned, played.all_s)
