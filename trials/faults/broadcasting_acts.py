"""Acts in cells whose service carries the frames itself. acts.py describes an act."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from client.broadcast_times import BroadcastTimes
from trials.faults.checks import ViewerComparison
from trials.faults.crowd import Watcher, leave
from trials.faults.early_acknowledgement import acknowledging_early
from trials.faults.machinery import happened
from trials.faults.play import FaultError
from trials.faults.rules import Do, Rule

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trials.faults.play import Play

DOWN_SECONDS = 60.0
SECOND_READ_SECONDS = (15.0, 16.0)
"""The second read of a viewer whose subscription begins late: after the event, also on a slow machine."""

EARLY = "appsync-events"
"""The transport whose acknowledgements come early: its messages are JSON."""


@asynccontextmanager
async def service_down(play: Play) -> AsyncIterator[None]:
    """The services answer every publish for the match with 503, also the watchdog's, for a minute."""
    book = play.world.proxy.book
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
    history = await asyncio.to_thread(play.world.ledger.history, play.match, 0, 1_000)
    shown = ViewerComparison.compare(late.seen, [(each["seq"], each["event_id"]) for each in history][: len(late.seen)])
    if shown != ViewerComparison(0, 0):
        raise FaultError(f"a viewer lacks {shown.lost} events and has {shown.duplicated} too many")
