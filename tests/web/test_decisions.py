"""The pure rows of the table, run by the Python client; ``decisions.test.mjs`` runs them by the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client.follower import Follower
from client.repair_plan import backoff, delay, grace, history_path, judge, looking, patience, quiet, snapshot_path
from tests.web.table import TABLE, frame, seqs

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("row", TABLE["decisions"], ids=lambda row: row["name"])
def test_a_follower_decides_by_the_table(row: dict[str, Any]) -> None:
    """The Python client shows frames and repairs gaps as the table says for both clients."""
    follower = Follower("m")
    for number, step in enumerate(row["steps"]):
        if "take" in step:
            shown = follower.take(frame(step["take"]), patient=step.get("patient", False))
            assert [event["seq"] for event in shown] == seqs(step["shows"]), number
        elif "read" in step:
            assert [event["seq"] for event in follower.read(frame(step["read"]))] == seqs(step["shows"]), number
        elif "judge" in step:
            assert judge(follower, frame(step["judge"])) == step["step"], number
        elif "paths" in step:
            assert [snapshot_path(follower), history_path(follower)] == step["paths"], number
        else:
            for name, value in step["is"].items():
                found = getattr(follower, name)
                assert (list(found) if isinstance(found, tuple) else found) == value, (number, name)


@pytest.mark.parametrize("row", TABLE["numbers"], ids=str)
def test_every_wait_is_the_tables(row: dict[str, Any]) -> None:
    """The same chance makes both clients wait for the same time."""
    functions: dict[str, Callable[..., float]] = {
        "delay": delay, "patience": patience, "looking": looking, "backoff": backoff, "quiet": quiet, "grace": grace,
    }  # fmt: skip
    name = next(name for name in row if name != "is")
    assert functions[name](*row[name]) == pytest.approx(row["is"])
