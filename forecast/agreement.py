"""Compares the planner with the simulation, setting by setting: cells of API Gateway, which the simulation plays."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from devstack.stack_cells import API_GATEWAY
from forecast.asking import ground
from forecast.bill import Options
from forecast.latencies import Latencies
from forecast.planner import check
from forecast.question import Question
from forecast.simulation.scenario import Gateway, Goal, Scenario
from forecast.simulation.simulator import simulate
from forecast.times import goal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.planner import Ground

ALLOWED = 0.05
"""The greatest difference between planned and simulated last viewer, as a part of the simulated seconds."""

SETTINGS = 200

LARGE = (Question(1_000_000, 1, 1.0, quotas={"requests": 10_000}),)
"""Audiences whose broadcast outlasts a sender and an execution: both hand over to the next."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that both halves answer."""

    question: Question
    post_s: float
    """Seconds of a POST."""
    together: bool
    """Whether a goal is scored in every match at once; otherwise only in the last match, which is the largest."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The last viewer of one setting, in seconds."""

    setting: Setting
    planned_s: float
    simulated_s: float

    @property
    def apart(self) -> float:
        """The difference as a part of the simulated seconds."""
        return abs(self.planned_s - self.simulated_s) / self.simulated_s

    def report(self) -> dict[str, Any]:
        """For JSON."""
        question = self.setting.question
        return {
            "viewers": question.viewers,
            "matches": question.matches,
            "cells": question.cells,
            "requests": question.quotas["requests"],
            "post_s": self.setting.post_s,
            "together": self.setting.together,
            "planned_s": round(self.planned_s, 3),
            "simulated_s": round(self.simulated_s, 3),
            "apart": round(self.apart, 4),
        }


def settings(count: int = SETTINGS, seed: int = 0) -> Iterator[Setting]:
    """This many settings, evenly spread over the orders of size up to 100,000 viewers, and the large ones.

    The same seed gives the same settings.
    """
    chance = random.Random(seed)
    yield from (Setting(each, 0.03, together=False) for each in LARGE[:count])
    for _ in range(count - len(LARGE)):
        matches, cells = chance.choice((1, 1, 2, 3, 5)), chance.choice((1, 1, 2, 4))
        viewers = max(matches * cells, int(10 ** chance.uniform(0, 5)))
        requests = chance.choice((2_500, 10_000, 10_000, 22_500, 60_000, 200_000))
        question = Question(viewers, 1, 1.0, matches, cells, quotas={"requests": requests})
        yield Setting(question, chance.choice((0.01, 0.03, 0.03, 0.1)), together=chance.random() < 0.5)


def compare(setting: Setting, facts: Ground | None = None) -> Agreement:
    """Both answers to one setting. ``facts``: those of the question's region, if they are at hand.

    Raises QuestionError and PriceFileError.
    """
    question = setting.question
    facts = facts or ground(question.region, Options())
    check(question, [API_GATEWAY], facts.quotas, frozenset({question.region}))
    facts = replace(facts, latencies=Latencies(post_s=setting.post_s))
    there, matches = facts.account(question.quotas), question.matches
    audience = question.viewers / matches
    planned = goal(
        API_GATEWAY,
        audience / question.cells,
        matches if setting.together else 1,
        there,
        facts.latencies,
        audience=audience,
    )
    whole = question.viewers
    scenario = Scenario(
        viewers=tuple(whole * (each + 1) // matches - whole * each // matches for each in range(matches)),
        goals=tuple(Goal(0, each) for each in range(0 if setting.together else matches - 1, matches)),
        cells=question.cells,
        send_rate=there.send_rate,
        sender_rate=there.sender_rate,
        gateway=Gateway(there.quotas["requests"], there.quotas["requests"] / 2, setting.post_s),
    )
    simulated = max(each.last_s for each in simulate(scenario).goals)
    return Agreement(setting, planned.last_s, simulated)
