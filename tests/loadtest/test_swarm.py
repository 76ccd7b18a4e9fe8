"""The swarm as a process: orders in, reports out."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from loadtest.swarm_results import Results, event_id, posted_at
from tests.loadtest.fake_gateway import SECONDS, Gateway, frame, gateway, snapshot, welcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.asyncio.server import ServerConnection


class Process:
    """A swarm that runs, and what it has reported."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.results = Results()

    def tell(self, **order: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps(order) + b"\n")

    async def until(self, true: Callable[[Results], bool]) -> None:
        """Take reports until they show it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while not true(self.results):
                self.results.take("a", orjson.loads(await self.process.stdout.readline()))


@asynccontextmanager
async def swarm(url: str) -> AsyncIterator[Process]:
    """A swarm while the block runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.swarm", url, "http://127.0.0.1:1", "10", stdin=pipe, stdout=pipe
    )
    try:
        yield Process(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0


def test_the_time_of_a_post_is_in_the_id() -> None:
    """The time of a POST is in the event's id; for other events the API's time counts."""
    own = event_id(3, 1_766_080_000_123)
    assert posted_at({"event_id": own, "at": 5}) == 1_766_080_000_123
    assert posted_at({"event_id": "load-x", "at": 5}) == 5
    assert posted_at({"event_id": "goal-7", "at": 5}) == 5
    assert posted_at({"at": 5}) == 5


async def test_what_arrives_is_timed_and_what_is_missing_is_counted() -> None:
    """Events after the subscription count as goal to glass, older ones as catch up, absent ones as missed."""
    late, on_time = 1_000, 9_999_999_999_999

    async def play(here: Gateway, connection: ServerConnection) -> None:
        await welcome(here, connection)
        for seq, ms in ((2, late), (3, on_time)):
            event = {"seq": seq, "event_id": event_id(seq, ms), "at": 0}
            await connection.send(frame("update", seq, [event], prev=seq - 1))

    async with gateway(play) as here, swarm(here.url) as process:
        process.tell(do="join", viewer=1, stays=True, matches=["m"])
        await process.until(lambda results: bool(results.glass) and "catch_up" in results.times)
        assert sum(process.results.goal_to_glass.values()) == 1
        assert sum(process.results.times["subscribe"].values()) == 1
        process.tell(do="settle", seqs={"m": 5})
        await process.until(lambda results: results.status.settled)
        status = process.results.status
        assert (status.watching, status.ready, status.stayed, status.missed) == (1, 1, 1, 2)
        process.tell(do="leave", viewer=1)
        await process.until(lambda results: results.status.stayed == 0)
        assert process.results.status.missed == 0


async def test_a_dropped_viewer_comes_back_and_one_that_left_does_not() -> None:
    """A dropped viewer reconnects, a viewer that leaves does not, and viewers that do not stay miss nothing."""

    async def again(_: Gateway, connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(snapshot(1, [1]))

    async with gateway(again) as here, swarm(here.url) as process:
        for viewer in (1, 2):
            process.tell(do="join", viewer=viewer, stays=False, matches=["m"])
        await process.until(lambda results: results.status.watching == 2)
        process.tell(do="drop", viewer=1)
        await process.until(lambda results: results.counts["connects"] == 3)
        process.tell(do="leave", viewer=2)
        await process.until(lambda results: results.status.watching == 1)
        assert process.results.status.stayed == 0
        assert process.results.counts["connects"] == 3


async def test_all_are_cut_off_and_it_is_timed_until_each_is_back() -> None:
    """After a cut every connected viewer reconnects, and counts as away until then."""

    async def again(_: Gateway, connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(snapshot(1, [1]))

    async with gateway(again) as here, swarm(here.url) as process:
        for viewer in (1, 2, 3):
            process.tell(do="join", viewer=viewer, stays=True, matches=["m"])
        await process.until(lambda results: results.status.watching == 3)
        process.tell(do="cut")
        await process.until(lambda results: results.counts["cut"] == 3)
        await process.until(lambda results: results.status.away == 0)
        assert sum(process.results.times["back"].values()) == 3
        assert process.results.counts["connects"] == 6


async def test_the_swarm_measures_its_own_lag() -> None:
    """The swarm measures its lag several times a second, also while nothing happens."""
    async with swarm("ws://127.0.0.1:1") as process:
        await process.until(lambda results: sum(map(len, results.lag.values())) > 0)


@pytest.mark.parametrize("order", [b"not JSON\n", b'{"do":"join"}\n'])
async def test_an_order_that_makes_no_sense_ends_the_swarm(order: bytes) -> None:
    """A swarm ends with an exit status other than 0 after an order that it does not know."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.swarm", "ws://127.0.0.1:1", "http://127.0.0.1:1", "10",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(order)
    assert await asyncio.wait_for(process.wait(), SECONDS) != 0
