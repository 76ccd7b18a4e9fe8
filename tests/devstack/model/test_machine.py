"""The model of the whole, as long as CI has time for it."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from devstack.model.machine import Machine, Totals


def test_nothing_is_lost_whatever_happens() -> None:
    """Promises 1 to 4 and 8: in any order of side effects, comings and goings and deaths, everyone ends with the list."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, database=None,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert Totals.steps > 2_000
    print(Totals.runs, Totals.steps, Totals.effects, Totals.faults)
