"""Acts in cells whose service carries the frames itself. acts.py describes an act."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from broadcaster.home.cells import SILENCE_SECONDS
from client.broadcast_times import BroadcastTimes
from trials.faults.checks import ViewerComparison
from trials.faults.crowd import Watcher, leave
from trials.faults.early_acknowledgement import acknowledging_early
from trials.faults.machinery import end_processes, happened
from trials.faults.play import MOST_EVENTS, FaultError, Play
from trials.faults.rules import Do, Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

DOWN_SECONDS = 60.0
SECOND_READ_SECONDS = (15.0, 16.0)
"""The second read of a viewer whose subscription begins late: after the event, also on a slow machine."""

GOALS_BESIDE = 5
BESIDE_SECONDS = 10.0
"""The most seconds that a goal takes while the publishes of another match hang, also on a slow machine. MiniStack hands
records over one invocation after another, so a goal may wait as long as the fan-out waits for a cell."""

PUBLISHES = 12
"""The most publishes for a telling that the broadcasting cells never answer: two cells, two frames, three tries."""

EARLY = "appsync-events"
"""The transport whose acknowledgements come early: its messages are JSON."""


@asynccontextmanager
async def service_down(play: Play) -> AsyncIterator[None]:
    """The services answer every publish for the match with 503, also the watchdog's, for a minute."""
    book = play.world.proxy.book
    async with play.world.one_at_a_time:
        first, again = (
            book.arm(Rule(function, "Publish", Do.REFUSE, times=1_000_000, status=503), play.match)
            for function in ("fanout", "watchdog")
        )
        until = asyncio.get_running_loop().time() + DOWN_SECONDS
        yield

        async def over() -> bool:
            # The fan-out leaves a cell that has just been silent to the watchdog.
            return first.fired + again.fired > 1 and asyncio.get_running_loop().time() > until

        await happened(over, "no publish was refused a second time", seconds=2 * DOWN_SECONDS)
        book.disarm(play.match)


@asynccontextmanager
async def acknowledged_early(play: Play) -> AsyncIterator[None]:
    """A viewer's subscription is acknowledged before the event, and begins after it: the second read has the event."""
    [address] = [each.address for each in play.world.broadcasting.values() if each.address.transport == EARLY]
    async with acknowledging_early(address.url) as relay:
        times = BroadcastTimes(second_read=SECOND_READ_SECONDS)
        late = Watcher(replace(address, url=relay.url), play.match, play.world.reader, broadcast_times=times)
        try:
            await late.enter()
            yield
            seq = await play.settled()
            await play.told(seq)
            if not relay.acknowledged or late.seq >= seq:
                raise FaultError("the viewer heard the event, so its subscription had begun")
            relay.begin.set()
            await play.reached(seq, [late])
        finally:
            await leave([late])
    await _check_viewers(play, [late])


@asynccontextmanager
async def slow_beside(play: Play) -> AsyncIterator[None]:
    """No publish for the match is answered, while another match of the same cells has goals.

    The other match's goals must come at once. The watchdog's publishes hang too, so the first match stays untold until
    the other one has had its goals.
    """
    book = play.world.proxy.book
    async with play.world.one_at_a_time:
        # A process that has met trouble of two matches calls the cell for none for a while. These begin afresh.
        for function in ("fanout", "watchdog"):
            end_processes(play, play.world.system.name(function))
        # Rules find calls by the match's id in them, so neither id is part of the other.
        beside = Play(play.world, f"beside-{play.match.rpartition('-')[2]}")
        try:
            await beside.begin(told=2, quick=0, on_ministack=0)
            await _goal(beside)
            hanging, _ = (
                book.arm(Rule(function, "Publish", Do.HANG, times=1_000_000), play.match)
                for function in ("fanout", "watchdog")
            )
            begun = time.monotonic()
            yield

            async def hung() -> bool:
                return hanging.fired > 0

            await happened(hung, "no publish hung")
            for _ in range(GOALS_BESIDE):
                await play.post(play.script.next())
                took = await _goal(beside)
                if took > BESIDE_SECONDS:
                    raise FaultError(f"a goal of the match beside took {took:.1f} s")
            await _check_untold(play)
            silences = 1 + int((time.monotonic() - begun) / SILENCE_SECONDS)
            if hanging.fired > PUBLISHES * silences:
                raise FaultError(f"the fan-out asked cells that did not answer for {hanging.fired} publishes")
            await _check_viewers(beside, beside.watchers)
        finally:
            book.disarm(play.match)
            await beside.end()


async def _goal(play: Play) -> float:
    """Post an event of a match; returns the seconds after which all its viewers have it."""
    begun = time.monotonic()
    await play.post(play.script.next())
    await play.reached(await play.settled())
    return time.monotonic() - begun


async def _check_untold(play: Play) -> None:
    """Raise FaultError if a broadcasting cell has told the newest event of a match whose publishes hang."""
    seq = await play.settled()
    for name, cell in play.world.broadcasting.items():
        if (await asyncio.to_thread(cell.cell_states.read, play.match)).told_seq >= seq:
            raise FaultError(f"{name} has told seq {seq}, though no publish was answered")


async def _check_viewers(play: Play, watchers: Iterable[Watcher]) -> None:
    """Raise FaultError if a viewer has another list of events than the ledger. A viewer may lack the newest ones."""
    history = await asyncio.to_thread(play.world.ledger.history, play.match, 0, MOST_EVENTS)
    numbered, scores = [(each["seq"], each["event_id"]) for each in history], await play.score_events()
    for watcher in watchers:
        needed = [each for each in scores if each[0] <= watcher.seq] if watcher.only else None
        shown = ViewerComparison.compare(watcher.seen, numbered[: watcher.seq], needed)
        if shown != ViewerComparison(0, 0):
            raise FaultError(f"a viewer lacks {shown.lost} events and has {shown.duplicated} too many")
