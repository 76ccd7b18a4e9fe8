"""The model of the whole, for as long as CI has time; `livescore model` plays it longer."""

from __future__ import annotations

from devstack.model.machine import Totals
from devstack.model.runner import play


def test_nothing_is_lost_whatever_happens() -> None:
    """Promises 1 to 4 and 8: whatever comes between two side effects, everyone who stayed ends with the exact list."""
    before = Totals.steps
    failure = play(120, 0, shorten=False)
    assert failure is None, failure
    assert Totals.steps - before > 3_000
