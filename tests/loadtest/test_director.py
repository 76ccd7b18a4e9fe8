"""A run, from phase to phase."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from loadtest.director import Director
from tests.loadtest.test_swarm_results import report

if TYPE_CHECKING:
    from pathlib import Path


class Run:
    """A director, what it has sent, and where it writes."""

    def __init__(self, folder: Path) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.file = folder / "results.json"
        options = Namespace(
            shape="goal-storm", viewers=3, goals=2, matches=1, pace=1.0, join_rate=10.0, api="http://x",
            websocket="ws://x", cell="", site="", results=str(self.file),
        )  # fmt: skip
        self.director = Director(options, lambda message, data: self.sent.append((message, data)))

    def reports(self, **status: Any) -> None:
        """The only swarm reports."""
        self.director.take("a", report(status=status))
        self.director.step()

    def finish(self) -> tuple[int, dict[str, Any]]:
        """The exit status, and what was written."""
        return self.director.finish(), orjson.loads(self.file.read_bytes())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of three viewers and two goals."""
    return Run(tmp_path)


def test_goals_wait_for_the_viewers_and_the_end_for_the_last_of_them(run: Run) -> None:
    """A run plays when all viewers are there, counts when all goals are posted, and ends when none is missing."""
    run.reports(ready=2, settled=False)
    assert (run.director.phase, run.sent) == ("joining", [])
    run.reports(ready=3, settled=False)
    assert run.sent == [("play", None)]
    run.director.heard(2, None)
    run.reports(ready=3, settled=False)
    assert run.director.phase == "playing"
    run.director.heard(2, {"m": 3})
    run.reports(ready=3, settled=False)
    assert run.sent[1:] == [("settle", {"m": 3})]
    run.reports(ready=3, missed=1)
    assert not run.director.over
    run.reports(ready=3)
    assert run.director.over
    status, written = run.finish()
    assert (status, written["passed"], written["about"]["trouble"]) == (0, True, None)


def test_those_who_leave_at_the_end_change_nothing(run: Run) -> None:
    """Reports after the end of a run, when viewers leave, do not change the result."""
    run.director.phase = "settling"
    run.director.heard(2, {"m": 3})
    run.reports(ready=3)
    run.reports(ready=3, stayed=0)
    assert run.finish()[1]["stayed"] == 2


def test_a_run_that_is_cut_short_failed(run: Run) -> None:
    """A run that is cut short has its reason in the result."""
    run.reports(ready=3, settled=False)
    run.director.give_up("a swarm has ended by itself")
    assert run.director.over
    status, written = run.finish()
    assert (status, written["about"]["trouble"]) == (1, "a swarm has ended by itself")


def test_an_interrupted_run_failed(run: Run) -> None:
    """After Ctrl-C the result so far is written, and it has not passed."""
    run.reports(ready=3, settled=False)
    status, written = run.finish()
    assert (status, written["passed"], written["missed"]) == (1, False, None)
