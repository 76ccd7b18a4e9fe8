"""Viewers that bring back over HTTP what they missed: the real API, and a gateway that does what each test says."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.http_reader import FRESH_SECONDS, HttpReader, ReadError
from client.repair_plan import TRIES
from client.viewer import Viewer
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from tests.loadtest.fake_gateway import Gateway, frame, gateway
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.asyncio.server import ServerConnection

    from client.event import Event
    from devstack.system import System
    from matches.ledger import Ledger

SECONDS = 20.0
LONG = 320
"""Events of a long match: more than fit a frame, and more than a page of the history."""


class Match:
    """A match in the ledger that nobody broadcasts."""

    def __init__(self, ledger: Ledger, match: str) -> None:
        self.id = match
        self._ledger = ledger
        when = "2022-12-18T15:00:00Z"
        made = ledger.create(NewMatch.model_validate({"match": match, "home": "A", "away": "B", "kickoff": when}))
        self.epoch = made.epoch

    def plays(self, events: int) -> None:
        """So many events happen."""
        at = self._ledger.state(self.id).newest_seq
        for number in range(at, at + events):
            event = {"kind": "goal", "team": "home", "minute": 1} if number else {"kind": "kick_off"}
            self._ledger.apply_event(
                AcceptedEvent(self.id, 1, EVENT.validate_python({**event, "event_id": f"e{number}"}))
            )

    def frame(self, kind: str, seq: int, events: list[int], epoch: str | None = None, **more: Any) -> str:
        """A frame of this match."""
        about = {"home": "A", "away": "B"} if kind == "snapshot" else {}
        return frame(kind, seq, events, match=self.id, epoch=epoch or self.epoch, **about, **more)


@pytest.fixture
def played(ledger: Ledger, match_id: str) -> Match:
    """A match with three events."""
    match = Match(ledger, match_id)
    match.plays(3)
    return match


@pytest.fixture(scope="module")
def long(ledger: Ledger) -> Match:
    """A long match."""
    match = Match(ledger, "long-history")
    match.plays(LONG)
    return match


def telling(*frames: str) -> Callable[[Gateway, ServerConnection], Any]:
    """A gateway that answers subscribe with these frames, and keeps what else it is asked."""

    async def script(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        for each in frames:
            await connection.send(each)
        async for request in connection:
            here.requests.put_nowait(httpx.Response(200, content=request).json())

    return script


@asynccontextmanager
async def viewing(
    here: Gateway, match: Match, api_url: str, count: int = 1, **options: Any
) -> AsyncIterator[tuple[list[Viewer], HttpReader, Callable[[int], Any]]]:
    """Viewers that share a reader; and a wait until each has shown the events up to one, once and in order."""
    shown: list[list[int]] = [[] for _ in range(count)]
    async with HttpReader(api_url) as reader:

        def viewer(mine: list[int]) -> Viewer:
            given: dict[str, Any] = {"spread_seconds": 0.05, **options}
            return Viewer(
                here.url, [match.id], reader=reader, on_event=lambda _, event, __: mine.append(event["seq"]), **given
            )

        viewers = [viewer(mine) for mine in shown]
        tasks = [asyncio.create_task(each.run()) for each in viewers]

        async def reached(seq: int) -> None:
            await eventually(lambda: all(mine[-1:] == [seq] for mine in shown), seconds=SECONDS)
            assert all(mine == list(range(1, seq + 1)) for mine in shown)

        try:
            yield viewers, reader, reached
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_gap_is_closed_over_http(system: System, played: Match) -> None:
    """Missed events come from the readers' API; the socket is asked nothing; the repair is counted."""
    script = telling(played.frame("snapshot", 1, [1]), played.frame("update", 3, [3], prev=2))
    async with gateway(script) as here, viewing(here, played, system.api_url) as ([viewer], _, reached):
        await reached(3)
        assert (viewer.gaps, viewer.repaired, viewer.syncs) == (1, 1, 0)
        assert len(viewer.repair_ms) == 1
        assert here.requests.empty()


async def test_those_who_miss_the_same_cost_one_request(system: System, played: Match) -> None:
    """One or two answers serve a hundred viewers that miss a frame within a second."""
    script = telling(played.frame("snapshot", 1, [1]), played.frame("update", 3, [3], prev=2))
    async with gateway(script) as here, viewing(here, played, system.api_url, 100) as (viewers, reader, reached):
        await reached(3)
        assert sum(viewer.repaired for viewer in viewers) == 100
        assert reader.reads >= 100
        # As many as there were different seconds in which somebody asked.
        assert reader.requests <= 10


@pytest.mark.parametrize("frames", [1, 2])
async def test_a_hole_longer_than_a_frame_is_closed_in_steps(system: System, long: Match, frames: int) -> None:
    """Neither a frame nor a page holds what is missing, on an update or on coming back: nothing is lost."""
    new = list(range(LONG - 20, LONG + 1))
    told = [long.frame("update", LONG, new, prev=new[0] - 1), long.frame("snapshot", LONG, new, recovered=False)]
    script = telling(long.frame("snapshot", 1, [1]), told[frames - 1])
    async with gateway(script) as here, viewing(here, long, system.api_url) as ([viewer], _, reached):
        await reached(LONG)
        assert viewer.followers[long.id].lost == 0
        assert viewer.syncs == 0


async def test_silence_is_looked_into_over_http(system: System, played: Match) -> None:
    """An event that no later frame would have shown is found over HTTP; then the socket is asked whether it is dead."""
    async with (
        gateway(telling(played.frame("snapshot", 1, [1]))) as here,
        viewing(here, played, system.api_url, care_seconds=0.05, silence_seconds=0.2) as ([viewer], _, reached),
    ):
        await reached(3)
        assert (viewer.gaps, viewer.repaired, viewer.syncs) == (0, 1, 0)
        assert viewer.checks > 0
        async with asyncio.timeout(SECONDS):
            assert (await here.requests.get())["action"] == "sync"


async def test_who_waits_for_an_answer_reads_meanwhile(system: System, played: Match) -> None:
    """A viewer that is back, and whose subscribe nobody answers, asks again; HTTP has what it missed until then."""

    async def then_break(here: Gateway, connection: ServerConnection) -> None:
        await here.asked(connection)
        await connection.send(played.frame("snapshot", 1, [1]))
        connection.transport.abort()

    async with (
        gateway(then_break, telling()) as here,
        viewing(here, played, system.api_url, care_seconds=0.05) as ([viewer], _, reached),
    ):
        await reached(3)
        again = await asyncio.wait_for(here.requests.get(), SECONDS)
        assert (again["action"], again["since"]["epoch"]) == ("subscribe", played.epoch)
        assert viewer.syncs == 0


async def test_without_http_the_socket_is_asked(played: Match) -> None:
    """After a bounded number of failed reads the viewer asks over the socket."""
    script = telling(played.frame("snapshot", 1, [1]), played.frame("update", 3, [3], prev=2))
    async with (
        gateway(script) as here,
        viewing(here, played, "http://127.0.0.1:1", care_seconds=1000) as ([viewer], reader, _),
    ):
        asked = await asyncio.wait_for(here.requests.get(), SECONDS)
        assert asked == {"action": "sync", "match": played.id, "epoch": played.epoch, "seq": 1}
        assert (reader.reads, viewer.syncs) == (TRIES, 1)
        await here.connections[0].send(played.frame("snapshot", 3, [2, 3]))
        await eventually(lambda: viewer.repaired, seconds=SECONDS)
        assert viewer.followers[played.id].seq == 3


async def test_what_the_socket_cannot_bring_back_is_counted_as_lost(played: Match) -> None:
    """Without HTTP a snapshot that does not reach is the best there is: shown, and what is missing is said."""
    script = telling(played.frame("snapshot", 1, [1]), played.frame("update", 9, [9], prev=8))
    async with (
        gateway(script) as here,
        viewing(here, played, "http://127.0.0.1:1", care_seconds=1000) as ([viewer], _, __),
    ):
        await asyncio.wait_for(here.requests.get(), SECONDS)
        await here.connections[0].send(played.frame("snapshot", 9, [7, 8, 9], recovered=False))
        async with asyncio.timeout(SECONDS):
            while viewer.followers[played.id].seq != 9:
                await asyncio.sleep(0.01)
        assert viewer.followers[played.id].lost == 5


async def test_a_new_epoch_is_asked_for_over_the_socket(system: System, played: Match) -> None:
    """A match that was reset: HTTP may still show the old one for a second, so the socket says which is the new."""
    script = telling(
        played.frame("snapshot", 2, [1, 2], epoch="old"), played.frame("update", 3, [3], epoch="new", prev=2)
    )
    async with gateway(script) as here, viewing(here, played, system.api_url) as ([viewer], _, __):
        asked = await asyncio.wait_for(here.requests.get(), SECONDS)
        assert asked == {"action": "sync", "match": played.id, "epoch": "old", "seq": 2}
        await here.connections[0].send(played.frame("snapshot", 3, [1, 2, 3], epoch="new"))
        async with asyncio.timeout(SECONDS):
            while viewer.followers[played.id].epoch != "new":
                await asyncio.sleep(0.01)
        follower = viewer.followers[played.id]
        assert (follower.seq, follower.gap, follower.lost) == (3, False, 0)


async def test_what_a_callback_raises_during_a_repair_ends_the_viewer(system: System, played: Match) -> None:
    """An error of a callback during a repair ends the viewer with that error."""

    def fail(_: str, event: Event, __: int) -> None:
        if event["seq"] > 1:
            raise ValueError("mine")

    script = telling(played.frame("snapshot", 1, [1]), played.frame("update", 3, [3], prev=2))
    async with gateway(script) as here, HttpReader(system.api_url) as reader:
        viewer = Viewer(here.url, [played.id], reader=reader, on_event=fail)
        with pytest.raises(ValueError, match="mine"):
            await asyncio.wait_for(viewer.run(), SECONDS)


async def test_an_answer_is_kept_for_a_second_and_no_longer(system: System, played: Match) -> None:
    """A repair that came too early finds what happened since; an error is an error to all who share it."""
    path = f"/matches/{played.id}?after=0"
    async with HttpReader(system.api_url) as reader:
        begun = time.monotonic()
        first = await reader.get(path)
        await asyncio.to_thread(played.plays, 1)
        async with asyncio.timeout(SECONDS):
            while (await reader.get(path))["seq"] == first["seq"]:
                await asyncio.sleep(0.01)
        # The API keeps an answer for a second as well, so the first one that comes after it may be old.
        fetched, seconds = reader.requests, time.monotonic() - begun
        assert 2 <= fetched <= 1 + seconds / FRESH_SECONDS
        gone = await asyncio.gather(*(reader.get("/matches/nobody") for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in gone] == [ReadError] * 3
        assert reader.requests == fetched + 1


async def test_jitter_lets_the_lucky_in_at_once(played: Match) -> None:
    """After many refusals the next try may come at any moment from now on, not only when everyone else's comes."""
    refusals = [429] * 8
    async with (
        gateway(telling(played.frame("snapshot", 1, [1])), refusals=refusals) as here,
        viewing(here, played, "http://127.0.0.1:1", chance=lambda: 0.0) as ([viewer], _, reached),
    ):
        await reached(1)
        assert viewer.failed == 8
