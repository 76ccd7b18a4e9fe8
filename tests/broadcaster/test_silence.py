"""For how long home does not call a cell that did not answer, and for which matches."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellState
from broadcaster.home import watchdog
from broadcaster.home.cells import SILENCE_SECONDS, Cell, Cells
from broadcaster.home.watchdog_queue import WatchdogQueue, Watched
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.system import REGION
from matches.match_state import MatchState
from matches.scoreboard import Board
from tests.broadcaster.conftest import THREADS

if TYPE_CHECKING:
    from collections.abc import Sequence

STORM = MatchState("storm", "e", 1, Board(), "A", "B", None, "2022-12-18", None, 1)
GOAL = replace(STORM, match="goal")
THIRD = replace(STORM, match="third")
LATE = ClientError({"Error": {"Code": "ThrottlingException", "Message": "later"}}, "Publish")


@dataclass
class World:
    """Cells with fake transports. A publish for a match in ``slow`` takes three seconds, and then fails."""

    transport: str
    alone: bool = False
    """Whether the deployment has only the cell ``events``."""
    slow: set[str] = field(default_factory=lambda: {"storm"})
    now: float = 0.0
    asked: list[str] = field(default_factory=list)
    """The matches that the cell ``events`` was asked to tell."""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events = Cell(CellDescription("events", REGION, self.transport), self, self)  # type: ignore[arg-type]
        other = Cell(CellDescription(REGION, REGION, DEFAULT), self, Fine())  # type: ignore[arg-type]
        queue = WatchdogQueue(self, "queue", 900)  # type: ignore[arg-type]
        cells = {"events": events} if self.alone else {"events": events, REGION: other}
        self.cells = Cells(cells, queue, THREADS, lambda: self.now)

    def send_message(self, **message: Any) -> None:
        """Keep a message to the watchdog."""
        self.messages.append(message | json.loads(message["MessageBody"]))

    def read(self, match: str) -> CellState:
        """The row of a match with an event that is due and not told."""
        return CellState(match, due_seq=1, epoch="e")

    def begin(self, match_state: MatchState, _: Sequence[Any] = (), **__: Any) -> CellState:
        """Tell a match."""
        self.asked.append(match_state.match)
        if match_state.match in self.slow:
            self.now += 3.0
            raise LATE
        return CellState(match_state.match)


class Fine:
    """Tells every match."""

    def begin(self, match_state: MatchState, _: Sequence[Any] = (), **__: Any) -> CellState:
        """Tell a match."""
        return CellState(match_state.match)


@pytest.fixture
def warm() -> World:
    """A cell that broadcasts, and to which the process has a connection."""
    world = World("appsync-events")
    assert world.cells.broadcast(GOAL) == []
    world.asked.clear()
    return world


def test_a_match_whose_publishes_fail_slowly_delays_no_other_match(warm: World) -> None:
    """Promise 7: the goal of another match goes out at once, and the storm itself waits for the silence's end."""
    assert warm.cells.broadcast(STORM) == ["events"]
    assert warm.cells.broadcast(GOAL) == []
    assert warm.cells.broadcast(STORM) == ["events"]
    assert warm.asked == ["storm", "goal"]


def test_a_second_match_that_fails_slowly_makes_the_cell_silent(warm: World) -> None:
    """A service that is down is not asked for each match: every call would delay the other cells."""
    warm.slow.add("goal")
    assert [warm.cells.broadcast(each) for each in (STORM, GOAL, THIRD)] == [["events"]] * 3
    assert warm.asked == ["storm", "goal"]
    warm.slow.clear()
    warm.now += SILENCE_SECONDS
    assert warm.cells.broadcast(THIRD) == []


def test_trouble_of_two_matches_far_apart_keeps_no_third_one_waiting(warm: World) -> None:
    """A silence that is over does not count, and neither does a second late error of the same match."""
    warm.cells.broadcast(STORM)
    warm.cells._silence("events", "storm")  # noqa: SLF001 - two calls for one match were under way at once
    assert warm.cells.broadcast(THIRD) == []
    warm.now += SILENCE_SECONDS
    warm.slow = {"goal"}
    assert [warm.cells.broadcast(each) for each in (GOAL, THIRD)] == [["events"], []]


def test_a_cell_with_rows_of_viewers_is_silent_for_all_matches_at_once() -> None:
    """The calls to such a cell are the same for every match, so one late error speaks for all."""
    world = World(DEFAULT)
    world.cells.broadcast(GOAL)
    assert [world.cells.broadcast(each) for each in (STORM, GOAL)] == [["events"]] * 2
    assert world.asked == ["goal", "storm"]


@pytest.mark.parametrize(
    ("transport", "asked"), [("iot-core", ["storm", "goal"]), (DEFAULT, ["storm", "goal", "storm"])]
)
def test_the_only_cell_is_silent_if_it_broadcasts(transport: str, asked: list[str]) -> None:
    """Promise 7: there a match in trouble leaves its events to the watchdog, so other matches do not wait for it."""
    world = World(transport, alone=True)
    for each in (STORM, GOAL, STORM):
        world.cells.broadcast(each)
    assert world.asked == asked


def test_an_event_that_waits_for_the_end_of_a_silence_waits_no_longer(warm: World) -> None:
    """The watchdog tries it when the silence is over: other events' failures do not make its pauses longer."""
    assert not warm.cells.check_after_silence(Watched("goal", 1, "events", "e", 5))
    warm.slow.add("goal")
    for each in (STORM, GOAL):
        warm.cells.broadcast(each)
    warm.messages.clear()
    warm.now += 1.5
    assert warm.cells.check_after_silence(Watched("third", 1, "events", "e", 5))
    [message] = warm.messages
    assert (message["match"], message["DelaySeconds"], message["tries"]) == ("third", 14, 5)
    assert not warm.cells.check_after_silence(Watched("third", 1, REGION, "e", 5))
    warm.now += SILENCE_SECONDS
    assert not warm.cells.check_after_silence(Watched("third", 1, "events", "e", 5))


def test_the_watchdog_asks_no_silent_cell(warm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message about a match for which a cell is silent comes again after the silence, and counts as done."""
    monkeypatch.setattr(watchdog, "cells", lambda: warm.cells)
    monkeypatch.setattr(watchdog, "_ledger", lambda: None)
    warm.cells.broadcast(STORM)
    warm.messages.clear()
    watchdog._check(Watched("storm", 1, "events", "e", 2, 3))  # noqa: SLF001 - the handler needs a deployment
    assert [(each["DelaySeconds"], each["tries"], each["restarts"]) for each in warm.messages] == [(15, 2, 3)]
    assert warm.asked == ["storm"]


@pytest.mark.parametrize(("transport", "alone"), [(DEFAULT, True), (DEFAULT, False), ("iot-core", True)])
def test_a_deployment_knows_whether_a_cell_publishes(transport: str, alone: bool) -> None:
    """Only where a cell broadcasts may a publish hang for one match, so only there are matches told side by side."""
    assert World(transport, alone=alone).cells.publishes is (transport != DEFAULT)
