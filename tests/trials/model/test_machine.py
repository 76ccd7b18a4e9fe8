"""The model of the whole, 50 runs of it; `make soak` plays 2,000, `livescore model` as long as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.follower import Follower
from tests.support import soak
from trials.model.machine import Totals
from trials.model.model_runner import play

if TYPE_CHECKING:
    import pytest

RUNS = soak(50, 2_000)


def test_nothing_is_lost_whatever_happens() -> None:
    """Promises 1 to 4 and 8: whatever comes between two side effects, everyone who stayed ends with the exact list."""
    before = Totals.steps
    failure = play(RUNS, 0, shorten=False)
    assert failure is None, failure
    assert Totals.steps - before > 25 * RUNS


def test_what_does_not_hold_is_found_and_can_be_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With duplicates shown, a few runs find it, and the failure names the viewer, the schedule and the seed."""

    def advance(follower: Follower, frame: dict[str, Any]) -> list[dict[str, Any]]:
        follower.seq = frame["seq"]
        return list(frame["events"])

    monkeypatch.setattr(Follower, "_advance", advance)
    failure = play(20, 3, shorten=False)
    assert failure is not None
    assert "viewer" in failure.sentence
    assert "state.begins(" in failure.schedule
    assert failure.seed == 3
