"""Cells: two regions with viewers of their own, one ledger at home."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broadcaster.control.cell_state import CellState, CellStates
from client.viewer import Viewer
from devstack.deployment.frame_posting import Posting
from devstack.deployment.running_system import reset as of_devstack
from devstack.operator.api_client import ApiError, Operator
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.stack.whole_stack import running
from devstack.stack_cells import REGION, StackCell
from tests.support import eventually
from trials.faults.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from devstack.system import System

AWAY = "eu-west-1"
CELLS = (StackCell(), StackCell(AWAY, AWAY))
SECONDS = 90


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    """Between the functions and all they call."""
    with FaultProxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def cells(proxy: FaultProxy) -> Iterator[System]:
    """A system of two cells, whose watchdog checks soon."""

    def through(system: System) -> System:
        changed = proxy.before(system)
        # Frames go past the proxy: each cell's gateway is MiniStack's own of that region.
        overrides = {
            name: {each: value for each, value in more.items() if each != "CONNECTIONS_URL"}
            for name, more in changed.overrides.items()
        }
        return replace(changed, overrides=overrides, services_through={})

    settings = {"watchdog_seconds": 2, "watchdog_visibility": 2}
    with running(free_port(), settings, cells=CELLS, through=through) as (system, _):
        yield system


@pytest.fixture
def operator(cells: System) -> Iterator[Operator]:
    """An operator at home."""
    with Operator(cells.api_url) as operator:
        yield operator


@asynccontextmanager
async def watching(system: System, match: str) -> AsyncIterator[list[int]]:
    """A viewer of one cell, who takes what is told and looks for nothing by itself; what it has been shown."""
    seqs: list[int] = []
    viewer = Viewer(
        system.websocket_url, [match], on_event=lambda _, event, __: seqs.append(event["seq"]), silence_seconds=3600
    )
    task = asyncio.create_task(viewer.run())
    try:
        await asyncio.wait_for(viewer.subscribed.wait(), SECONDS)
        yield seqs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(cells: System) -> list[str]:
    """The names of the cells."""
    return [each.name for each in cells.cells]


def cell_state(system: System, match: str) -> CellState:
    """The progress of the cell with a match."""
    return CellStates(system.name("broadcasts"), client(system, "dynamodb")).read(match)


async def told(cells: System, match: str, seq: int) -> None:
    """Wait until every cell has told everyone the seq."""
    every = cells.each_cell()
    await eventually(lambda: all(cell_state(each, match).told_seq == seq for each in every), seconds=SECONDS)


async def test_a_goal_is_told_in_every_cell(cells: System, operator: Operator, match_id: str) -> None:
    """One event, numbered once at home, reaches the viewers of both regions; each cell has its rows and its receipt."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    async with AsyncExitStack() as stack:
        seen = [await stack.enter_async_context(watching(each, match_id)) for each in cells.each_cell()]
        for event in ({"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3}):
            await asyncio.to_thread(operator.post_event, match_id, event)
        await eventually(lambda: seen == [[1, 2], [1, 2]], seconds=SECONDS)
        await told(cells, match_id, 2)
    receipts = operator.receipts(match_id)
    assert {each["cell"] for each in receipts} == set(names(cells))
    assert all(sum(each["accepted"] for each in receipts if each["cell"] == cell) >= 1 for cell in names(cells))


async def test_one_cell_down_does_not_hold_up_the_other(
    cells: System, proxy: FaultProxy, operator: Operator, match_id: str
) -> None:
    """While nothing answers in a region the other one's viewers are told; when it is back, it catches up by itself."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    async with watching(cells, match_id) as here, watching(cells.at(AWAY), match_id) as there:
        proxy.silent = frozenset({AWAY})
        try:
            for number, kind in enumerate(("kick_off", "half_time", "second_half"), 1):
                await asyncio.to_thread(operator.post_event, match_id, {"kind": kind})
                await eventually(lambda number=number: here[-1:] == [number], seconds=SECONDS)
            assert (here, there) == ([1, 2, 3], [])
            progress = await asyncio.to_thread(operator.progress, match_id)
            assert (progress["seq"], progress["cells"][AWAY]) == (3, {"unreached": True})
            assert progress["cells"][REGION]["seq"] == 3
        finally:
            proxy.silent = frozenset()
        # No other event comes.
        await eventually(lambda: there == [1, 2, 3], seconds=SECONDS)
        await eventually(lambda: cell_state(cells.at(AWAY), match_id).told_seq == 3, seconds=SECONDS)


async def test_a_stop_ends_the_broadcast_in_every_cell(
    cells: System, proxy: FaultProxy, operator: Operator, match_id: str
) -> None:
    """An operator's stop reaches every cell, and the answer names each cell; a silent cell is named too."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    epoch = operator.snapshot(match_id)["epoch"]
    for each in cells.each_cell():
        CellStates(each.name("broadcasts"), client(each, "dynamodb")).mark_due(match_id, 1, epoch)
    ended = await asyncio.to_thread(operator.stop, match_id)
    assert ended["cells"] == {region: {"stopped": True, "told": 0} for region in names(cells)}
    assert all(cell_state(each, match_id).stopped_seq == 1 for each in cells.each_cell())
    CellStates(cells.name("broadcasts"), client(cells, "dynamodb")).mark_due(match_id, 2, epoch)
    proxy.silent = frozenset({AWAY})
    try:
        with pytest.raises(ApiError, match=f"No answer from {AWAY}; the broadcasts of the other cells are stopped"):
            await asyncio.to_thread(operator.stop, match_id)
    finally:
        proxy.silent = frozenset()
    assert cell_state(cells, match_id).stopped_seq == 2


def test_a_test_of_a_deployment_finds_the_table_of_each_cell(cells: System) -> None:
    """``livescore smoke`` posts frames with the region and the rows of the cell whose WebSocket it was given."""
    for number, each in enumerate(cells.each_cell()):
        target = Posting(cells.api_url).target(number, each.websocket_url)
        assert (target.region, target.table) == (each.region, each.name("subscriptions"))
    strange = Posting(cells.api_url).target(0, "ws://127.0.0.1:1/live")
    assert (strange.region, strange.table) == (REGION, "livescore-subscriptions")


async def test_a_reset_match_is_told_again_in_every_cell(cells: System, operator: Operator, match_id: str) -> None:
    """A match that was played, reset and created again is told from its first event to the viewers of both regions."""
    for events in (3, 1):
        operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
        expected = list(range(1, events + 1))
        async with AsyncExitStack() as stack:
            seen = [await stack.enter_async_context(watching(each, match_id)) for each in cells.each_cell()]
            for kind in ("kick_off", "half_time", "second_half")[:events]:
                await asyncio.to_thread(operator.post_event, match_id, {"kind": kind})
            await eventually(lambda expected=expected, seen=seen: seen == [expected] * 2, seconds=SECONDS)
            await told(cells, match_id, events)
            # The second match goes while its viewers are there.
            removed = await asyncio.to_thread(of_devstack(cells.api_url, aws=False).run, match_id)
        assert removed.unreached == {}
        assert removed.home["event"] == events
        assert all(counts["subscription"] == 1 for counts in removed.cells.values())
        assert all(cell_state(each, match_id) == CellState(match_id) for each in cells.each_cell())


async def test_a_cell_that_a_reset_did_not_reach_is_not_silent(
    cells: System, operator: Operator, match_id: str
) -> None:
    """Promise 2: rows of the old match that are left in a cell do not keep the new match from its viewers there."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    away = CellStates(cells.name("broadcasts"), client(cells.at(AWAY), "dynamodb"))
    away.mark_due(match_id, 31, "old")
    away.stop(match_id, 31, "old")
    async with watching(cells.at(AWAY), match_id) as seen:
        await asyncio.to_thread(operator.post_event, match_id, {"kind": "kick_off"})
        await eventually(lambda: seen == [1], seconds=SECONDS)
