"""Runs the model for a number of runs, steps or minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from trials.model.machine import Broken, Machine, Totals

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 50
"""The most steps of one run."""

PROGRESS_RUNS = 50
"""The number of runs between two lines of progress."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A broken promise, the shortest schedule that breaks it, and the seed that finds it again."""

    sentence: str
    schedule: str
    seed: int


def play(runs: int, number: int, *, shorten: bool = True) -> Failure | None:
    """Play ``runs`` runs of the seed ``number``; returns the first failure, shortened if wanted (some minutes)."""
    machine = seed(number)(type("Model", (Machine,), {}))
    phases = (Phase.generate, Phase.shrink) if shorten else (Phase.generate,)
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=phases,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (Broken, Flaky) as error:
        return Failure(str(error), "\n".join(getattr(error, "__notes__", [])), number)
    return None


def play_on(
    number: int, *, steps: int | None, minutes: float | None, say: Callable[[str], None], shorten: bool = True
) -> Failure | None:
    """Play runs from seed ``number`` on, until the number of steps or minutes is reached, or a promise is broken."""
    begun = time.monotonic()
    while True:
        if (failure := play(PROGRESS_RUNS, number, shorten=shorten)) is not None:
            return failure
        number += 1
        spent = (time.monotonic() - begun) / 60
        say(
            f"{Totals.runs} runs, {Totals.steps:,} steps, {Totals.effects:,} side effects, "
            f"{Totals.faults:,} faults, {spent:.1f} min; next seed {number}"
        )
        if (steps is not None and Totals.steps >= steps) or (minutes is not None and spent >= minutes):
            return None
