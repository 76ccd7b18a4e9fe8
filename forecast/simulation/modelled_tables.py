"""The tables of one cell as a model: the match's row with the lease, the rate shares, and the rows of viewers.

``ModelledStore`` has the methods of ``broadcaster.send.sender_store.SenderStore``, and ``ModelledRows`` is the client
for the table ``subscriptions``. Every call takes time. The decisions that follow from a row are our own code's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from broadcaster.control.cell_state import CellState
from broadcaster.control.progress import round_name
from broadcaster.send.polls import Poll
from broadcaster.send.row_pages import Page
from broadcaster.send.update_frames import build, covers
from forecast.latencies import PAGE_ROWS
from matches.ledger import UnknownMatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcaster.control.payload import CarriedEvent, Counts, SenderTask
    from broadcaster.control.rate_share import RateShare
    from broadcaster.send.update_frames import Frames
    from forecast.simulation.viewers import Viewers
    from forecast.simulation.virtual_loop import VirtualLoop
    from matches.match_state import MatchState


@dataclass(slots=True)
class Home:
    """The ledger: each match's state, and its events with the seq of the score event before each."""

    states: dict[str, MatchState] = field(default_factory=dict)
    events: dict[str, list[CarriedEvent]] = field(default_factory=dict)
    history: dict[str, list[MatchState]] = field(default_factory=dict)
    """By match: its states, the first one before any event."""
    numbered: dict[str, list[float]] = field(default_factory=dict)
    """By match: when each event was numbered (seconds)."""


@dataclass(slots=True)
class Tables:
    """The tables of a cell."""

    states: dict[str, CellState] = field(default_factory=dict)
    shares: dict[str, RateShare] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    share_reads: int = 0
    """Read units of the queries for the rate shares, whose rows lie in one partition."""

    def state(self, match: str) -> CellState:
        """The row of a match."""
        return self.states.get(match) or CellState(match)


class ModelledStore:
    """A sender's reads and writes of one cell."""

    def __init__(self, home: Home, tables: Tables, loop: VirtualLoop, call_s: float, lease_seconds: int) -> None:
        self.lease_seconds = lease_seconds
        self._home = home
        self._tables = tables
        self._loop = loop
        self._call_s = call_s

    async def first_poll(self, task: SenderTask) -> Poll | None:
        """Take the lease over for the task's execution, as ``SenderStore.first_poll`` does."""
        await asyncio.sleep(self._call_s)
        state, running = self._tables.state(task.match), round_name(task.broadcast, task.round)
        if state.owner not in (task.owner, task.previous_owner) or state.round_name != running:
            return None
        until = int(self._loop.date()) + self.lease_seconds
        self._tables.states[task.match] = replace(state, owner=task.owner, lease_until=until)
        self._tables.writes += 1
        return self._poll(task.match)

    async def poll(self, match: str, known: MatchState | None = None) -> Poll:
        """The rows that steer a sender."""
        del known
        await asyncio.sleep(self._call_s)
        return self._poll(match)

    def _poll(self, match: str) -> Poll:
        tables = self._tables
        shares = list(tables.shares.values())
        tables.reads += 2 + -(-len(shares) // 20)
        tables.share_reads += max(1, -(-len(shares) // 20))
        if match not in self._home.states:
            raise UnknownMatchError(match)
        return Poll(self._home.states[match], tables.state(match), shares)

    async def frames(self, state: MatchState, told_seq: int, events: Sequence[CarriedEvent] = ()) -> Frames | None:
        """The frames with the events after ``told_seq``."""
        if not covers(events, told_seq, state.newest_seq):
            await asyncio.sleep(self._call_s)
            self._tables.reads += 1
            events = [each for each in self._home.events[state.match] if told_seq < each.event["seq"]]
        return build(state, told_seq, [(each.event, each.score_prev) for each in events])

    async def renew(self, task: SenderTask) -> bool:
        """Renew the lease and the rate share."""
        await asyncio.sleep(self._call_s)
        state = self._tables.state(task.match)
        if state.owner != task.owner:
            return False
        self._tables.writes += 2
        until = int(self._loop.date()) + self.lease_seconds
        self._tables.states[task.match] = replace(state, lease_until=until)
        self._change_share(task.match, task.broadcast, until=until)
        return True

    async def announce_done(self, match: str, broadcast: str, batch: int, *, is_done: bool) -> RateShare | None:
        """Announce that a batch is done, or goes on after all."""
        await asyncio.sleep(self._call_s)
        self._tables.writes += 1
        share = self._tables.shares.get(match)
        if share is None or share.broadcast != broadcast:
            return None
        return self._change_share(match, broadcast, done=share.done | {batch} if is_done else share.done - {batch})

    async def announce_left(self, match: str, broadcast: str, batch: int, left: int) -> bool:
        """Announce the posts that a batch has left."""
        await asyncio.sleep(self._call_s)
        self._tables.writes += 1
        share = self._tables.shares.get(match)
        if share is None or share.broadcast != broadcast:
            return False
        self._change_share(match, broadcast, left={**share.left, batch: left})
        return True

    async def report(self, task: SenderTask, lap_seq: int, counts: Counts) -> None:
        """Write the progress of a batch. The model reads the counts from the batch itself."""
        del task, lap_seq, counts
        await asyncio.sleep(self._call_s)
        self._tables.writes += 1

    def _change_share(self, match: str, broadcast: str, **changes: Any) -> RateShare | None:
        share = self._tables.shares.get(match)
        if share is None or share.broadcast != broadcast:
            return None
        self._tables.shares[match] = replace(share, **changes)
        return self._tables.shares[match]


class ModelledRows:
    """The rows of viewers in one cell, made when they are read."""

    class exceptions:  # noqa: N801 - as the client of botocore calls it
        """The client's errors."""

        class ConditionalCheckFailedException(Exception):  # noqa: N818
            """The condition of a write does not hold."""

    def __init__(self, tables: Tables, call_s: float, page_s: float) -> None:
        self.viewers: dict[str, Viewers] = {}
        """By match."""
        self.shards: dict[str, int] = {}
        """By match: the shards when its viewers subscribed. Their rows stay in these shards."""
        self._tables = tables
        self._call_s = call_s
        self._page_s = page_s

    async def read_page(self, client: Any, table: str, pk: str, after: str | None, now: float) -> Page:
        """In place of ``broadcaster.send.row_pages.read_page``."""
        del client, table, now
        match, _, shard = pk.rpartition("#")
        viewers, shards = self.viewers[match], self.shards[match]
        rows: range = range(0)
        if int(shard) < shards:
            rows = range(viewers.first + int(shard), viewers.first + viewers.count, shards)
        begin = 0 if after is None else (int(after) - viewers.first) // shards + 1
        found = rows[begin : begin + PAGE_ROWS]
        await asyncio.sleep(self._call_s + self._page_s * len(found) / PAGE_ROWS)
        self._tables.reads += max(1, len(found) // 64)
        connections = [f"{each:08d}" for each in found]
        last = connections[-1] if begin + len(found) < len(rows) else None
        slow: dict[str, int] = {}
        if viewers.deleted:
            connections = [each for each in connections if each not in viewers.deleted]
        if viewers.marks:
            slow = {each: viewers.marks[each] for each in connections if each in viewers.marks}
        return Page(connections, frozenset(), last, slow)

    async def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803
        """Delete rows."""
        await asyncio.sleep(self._call_s)
        for deletion in next(iter(RequestItems.values())):
            key = deletion["DeleteRequest"]["Key"]
            self.viewers[key["pk"]["S"].rpartition("#")[0]].deleted.add(key["sk"]["S"])
            self._tables.writes += 2
        return {}

    async def update_item(self, **given: Any) -> None:
        """Mark the row of a slow viewer, or take its mark away."""
        await asyncio.sleep(self._call_s)
        self._tables.writes += 1
        connection = given["Key"]["sk"]["S"]
        marks = self.viewers[given["Key"]["pk"]["S"].rpartition("#")[0]].marks
        if "ExpressionAttributeValues" in given:
            marks[connection] = int(given["ExpressionAttributeValues"][":failed"]["N"])
        else:
            marks.pop(connection, None)
