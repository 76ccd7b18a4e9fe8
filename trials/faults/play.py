"""One match under faults: posts its events, connects its viewers, and waits until the events have arrived."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devstack.operator.api_client import ApiError, Operator
from devstack.stack.provision import client
from devstack.system import REGION
from runtime.errors import ProgramError
from trials.faults.crowd import Watcher, enter, leave
from trials.faults.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from broadcaster.control.cell_state import CellStates
    from client.cell_address import CellAddress
    from client.http_reader import HttpReader
    from devstack.stack.ministack import MiniStack
    from devstack.system import System
    from matches.ledger import Ledger
    from trials.faults.checks import Seen
    from trials.faults.proxy import FaultProxy
    from trials.faults.set_aside_reader import SetAsideReader

PRUNED_SECONDS = 20.0
MOST_EVENTS = 1_000
POST_SECONDS = 90.0
"""The most seconds for which an operator repeats the POST of an event."""

SETTLE_SECONDS = 75.0
"""The most seconds by which a fault may delay an event or the end of a broadcast."""

AGAIN = frozenset({"unavailable", "internal"})
"""Codes of the API after which the same event is posted again with the same id (docs/api.md)."""


class FaultError(ProgramError):
    """A promise was broken; the text is for people."""


@dataclass(frozen=True, slots=True)
class World:
    """The parts that all matches share."""

    system: System
    ministack: MiniStack
    proxy: FaultProxy
    operator: Operator
    reader: HttpReader
    """The HTTP reader with which all viewers repair."""

    ledger: Ledger
    cell_states: CellStates
    """The rows of the cell with API Gateway."""
    broadcasting: Mapping[str, BroadcastingCell]
    """The other cells by name."""
    set_aside: SetAsideReader
    clocks: str
    """The folder with the wrong clocks: a file for each function, with the seconds to add."""

    one_at_a_time: asyncio.Lock
    """The lock for acts that change parts which all matches share."""

    def client(self, service: str) -> Any:
        """A client of MiniStack, without the proxy."""
        return client(self.system, service)

    @property
    def states(self) -> dict[str, CellStates]:
        """The rows of each cell, by the cell's name."""
        return {REGION: self.cell_states, **{name: each.cell_states for name, each in self.broadcasting.items()}}


@dataclass(frozen=True, slots=True)
class BroadcastingCell:
    """A cell whose service carries the frames to the viewers itself."""

    address: CellAddress
    cell_states: CellStates


@dataclass(slots=True)
class Play:
    """A match, its viewers and its posted events."""

    world: World
    match: str
    watchers: list[Watcher] = field(default_factory=list)
    passing: list[Watcher] = field(default_factory=list)
    """Viewers that joined during a fault. Their events are compared with the history too."""
    accepted: list[str] = field(default_factory=list)
    """Ids of events that the API answered with 202."""
    posted: dict[str, int] = field(default_factory=dict)
    """Event id -> time of the first POST in milliseconds since 1970."""
    reposted: int = 0
    unwatched: int = 0
    """The number of groups of matches without viewers that were created beside this match."""
    slack: int = 0
    """The number of dead rows that the receipts need not count, because their pruning may fail."""
    script: Script = field(init=False)

    def __post_init__(self) -> None:
        self.script = Script(self.match)

    async def begin(self, told: int, quick: int, on_ministack: int) -> None:
        """Create the match and connect its viewers.

        Each broadcasting cell has ``told + quick`` of its own, and one that follows the score: that is another channel.
        """
        await asyncio.to_thread(
            lambda: self.world.operator.create_match(
                match=self.match, home="Argentina", away="France", kickoff="2022-12-18T15:00:00Z"
            )
        )
        urls = [self.world.system.websocket_url] * (told + quick) + [self.ministack_url] * on_ministack
        self.watchers = [
            Watcher(url, self.match, self.world.reader, quick=told <= number < told + quick)
            for number, url in enumerate(urls)
        ]
        self.watchers += [
            Watcher(cell.address, self.match, self.world.reader, quick=number >= told)
            for cell in self.world.broadcasting.values()
            for number in range(told + quick)
        ]
        self.watchers += [
            Watcher(cell.address, self.match, self.world.reader, only="score")
            for cell in self.world.broadcasting.values()
        ]
        await enter(each for each in self.watchers if each.has_row)
        for watcher in self.watchers:
            if not watcher.has_row:
                await watcher.enter()

    async def end(self) -> None:
        """Disconnect all viewers."""
        await leave([*self.watchers, *self.passing])

    async def pruned(self) -> str | None:
        """Wait until there is a row for each viewer of API Gateway; returns a sentence if that does not happen."""
        until, there = time.monotonic() + PRUNED_SECONDS, sum(each.has_row for each in (*self.watchers, *self.passing))
        while (rows := await asyncio.to_thread(self._rows)) != there:
            if time.monotonic() > until:
                return f"{there} viewers are connected, but there are {rows} rows"
            await asyncio.sleep(0.2)
        return None

    def _rows(self) -> int:
        pages = self.world.client("dynamodb").get_paginator("scan").paginate(
            TableName=self.world.system.name("subscriptions"), Select="COUNT",
            FilterExpression="begins_with(pk, :match)", ExpressionAttributeValues={":match": {"S": f"{self.match}#"}},
        )  # fmt: skip
        return sum(page["Count"] for page in pages)

    @property
    def ministack_url(self) -> str:
        """The URL of MiniStack's own WebSocket API. Its routes run in separate processes that can be killed."""
        system = self.world.system
        return type(system)(system.port).websocket_url

    async def post(self, event: dict[str, Any]) -> str:
        """Post an event, and repeat it with the same id while the API cannot say whether it has the event.

        Raises FaultError if the API gives no decision in time, and ApiError for a refusal.
        """
        event_id: str = event["event_id"]
        self.posted[event_id] = time.time_ns() // 1_000_000
        until = time.monotonic() + POST_SECONDS
        while True:
            try:
                await asyncio.to_thread(self.world.operator.post_event, self.match, event)
            except ApiError as error:
                if error.code not in AGAIN and not error.code.startswith("5"):
                    raise
                if time.monotonic() > until:
                    raise FaultError(f"{event_id} could not be posted within {POST_SECONDS:.0f} s: {error}") from None
                self.reposted += 1
                await asyncio.sleep(0.2)
            else:
                self.accepted.append(event_id)
                return event_id

    async def settled(self) -> int:
        """Wait until every accepted event is applied or refused; returns the newest seq."""
        for event_id in self.accepted:

            def decided(event_id: str = event_id) -> bool:
                outcome = self.world.ledger.outcome(self.match, event_id)
                return outcome is not None and outcome.status != "pending"

            await self.until(decided, f"{event_id} was answered 202 and is neither applied nor refused")
        return (await asyncio.to_thread(self.world.ledger.state, self.match)).newest_seq

    async def score_events(self) -> list[Seen]:
        """The events that change the score: those that a follower of the score must have."""
        events = await asyncio.to_thread(self.world.ledger.events_with_score_prev, self.match, 0, MOST_EVENTS)
        return [(event["seq"], event["event_id"]) for event, before in events if before is not None]

    async def reached(self, seq: int, watchers: Iterable[Watcher] | None = None) -> None:
        """Wait until viewers have every event up to ``seq``, and followers of the score every one that changes it."""
        expected = self.watchers if watchers is None else list(watchers)
        until = time.monotonic() + SETTLE_SECONDS
        score_seq = min(seq, (await asyncio.to_thread(self.world.ledger.state, self.match)).newest_score_seq)
        while behind := [each for each in expected if each.seq < (score_seq if each.only else seq)]:
            if time.monotonic() > until:
                stand = sorted({each.seq for each in behind})
                raise FaultError(f"{len(behind)} of {len(expected)} viewers are at seq {stand}, not at {seq}")
            await asyncio.sleep(0.02)

    async def ended(self, seq: int) -> None:
        """Wait until a broadcast of ``seq`` has ended in each cell."""
        for name, states in self.world.states.items():

            def has_ended(states: CellStates = states) -> bool:
                return states.read(self.match).ended_seq >= seq

            await self.until(has_ended, f"no broadcast of seq {seq} has ended in {name}")

    async def told(self, seq: int) -> None:
        """Wait until each cell has told ``seq``."""
        for name, states in self.world.states.items():

            def is_told(states: CellStates = states) -> bool:
                return states.read(self.match).told_seq >= seq

            await self.until(is_told, f"told_seq of {name} does not reach {seq}")

    async def until(self, what: Callable[[], Any], otherwise: str) -> None:
        """Wait until the blocking call ``what`` returns a true value. Raises FaultError with ``otherwise``."""
        until = time.monotonic() + SETTLE_SECONDS
        while not await asyncio.to_thread(what):
            if time.monotonic() > until:
                raise FaultError(f"{otherwise} after {SETTLE_SECONDS:.0f} s")
            await asyncio.sleep(0.05)
