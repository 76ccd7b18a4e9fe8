"""The setting of a simulation: the most viewers that may lack a frame at one moment."""

from __future__ import annotations

import pytest

from client.viewer import CARE_SECONDS, PONG_SECONDS, SILENCE_MOST_SECONDS
from forecast.simulation.scenario import AWAKE_SECONDS, Gateway, Goal, Scenario


@pytest.mark.parametrize(
    ("viewers", "lost", "cells", "awake"),
    [
        ((10_000_000,), 0.001, 1, 1_545), ((10_000_000,), 0.001, 2, 3_090), ((1_000, 1_000), 0.1, 1, 400),
        ((1_000,), 0.0, 1, 0), ((1_000,), 0.5, 1, 1_000),
    ],
)  # fmt: skip
def test_viewers_that_lack_a_frame(viewers: tuple[int, ...], lost: float, cells: int, awake: int) -> None:
    """Their number is bounded by the losses of all goals of a match, and by those within the longest wait."""
    goals = tuple(Goal(60.0 * number, match) for number in range(2) for match in range(len(viewers)))
    assert Scenario(viewers, goals, cells=cells, gateway=Gateway(lost=lost)).awake == awake


def test_the_longest_wait_is_the_clients() -> None:
    """It is the client's longest silence, a quarter more, with the pause between two looks and the wait for answers."""
    assert AWAKE_SECONDS == SILENCE_MOST_SECONDS * 1.25 + CARE_SECONDS * 1.5 + PONG_SECONDS + 1
