"""The small machine: what is pure, over a wire that drops and reorders."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.trials.model.follow_model import Following


def test_a_follower_shows_each_event_once_and_in_order() -> None:
    """Promises 2 and 8: whatever the wire does, the list is in order, and only what no frame could carry is missing."""
    before = Following.steps
    run_state_machine_as_test(Following, settings=settings(max_examples=300, stateful_step_count=50, database=None))
    assert Following.steps - before > 8_000
