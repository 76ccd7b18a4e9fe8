"""One cell of API Gateway as a model: the starter, the state machine's rounds, and the end of a round.

The plan, the senders and their gateway client, the rounds' payloads and the growth of shards are our own code. The way
from state to state of broadcast.asl.json, the starter's writes and the receipt's are written again here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from broadcaster.control.lease import START_SECONDS, start_owner
from broadcaster.control.payload import Batch, ExecutionInput, RoundEnd, SenderTask, carried
from broadcaster.control.plan import Budget, plan
from broadcaster.control.progress import round_name
from broadcaster.control.rate_share import RateShare
from broadcaster.send.carousel import Carousel, Tools
from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.sender import MARGIN_SECONDS
from broadcaster.send.signing import Credentials, Endpoint
from devstack.system import System
from forecast.simulation.modelled_gateway import ModelledGateway
from forecast.simulation.modelled_tables import ModelledRows, ModelledStore, Tables
from forecast.simulation.state_machine import pauses
from forecast.simulation.viewers import Viewers
from subscriptions.shards import grown_shards, initial_shards, shard_count

if TYPE_CHECKING:
    from broadcaster.control.payload import CarriedEvent
    from forecast.simulation.modelled_tables import Home
    from forecast.simulation.repairs import Repairs
    from forecast.simulation.scenario import Scenario
    from matches.match_state import MatchState

_ENDPOINT = Endpoint.parse("http://127.0.0.1:1/live", "us-east-1")
_KEYS = Credentials("model", "model")


@dataclass(slots=True)
class Counted:
    """Counts of the executions of a cell."""

    executions: int = 0
    rounds: int = 0
    invocations: int = 0
    sender_s: float = 0.0
    set_aside: int = 0
    restarts: int = 0


class ModelledCell:
    """A cell, its tables, its @connections and its viewers."""

    def __init__(self, name: str, scenario: Scenario, home: Home, repairs: Repairs) -> None:
        loop = repairs.loop
        self.name = name
        self.counted = Counted()
        self.tables = Tables()
        self.gateway = ModelledGateway(scenario.gateway, scenario.latencies.open_s, repairs)
        self.rows = ModelledRows(self.tables, scenario.latencies.call_s, scenario.latencies.page_s)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.unreached_until = 0.0
        """Until then no call from home is answered."""
        self._scenario = scenario
        self._home = home
        self._loop = loop
        self._chance = repairs.chance
        described = System(1).raw
        self._lease_seconds = int(described["settings"]["lease_seconds"]["default"])
        self._rows_per_shard = int(described["settings"]["rows_per_shard"]["default"])
        self._hand_over_s = float(described["settings"]["hand_over_seconds"]["default"])
        self._sender_s = described["functions"]["sender"]["timeout"] - MARGIN_SECONDS
        self._store = ModelledStore(home, self.tables, loop, scenario.latencies.call_s, self._lease_seconds)
        self._budget = Budget(scenario.send_rate, scenario.sender_rate)
        self._idle: list[Gateway] = []
        self._numbers = count(1)

    def admit(self, match: str, viewers: int, first: int) -> Viewers:
        """Subscribe viewers of a match."""
        settings = self._scenario.gateway
        came_s = self._scenario.came_s if settings.lost else None
        found = Viewers(
            match, viewers, first=first, gone=settings.gone, slow=settings.slow, tick=self._loop.grid, came_s=came_s
        )
        self.rows.viewers[match] = self.gateway.viewers[match] = found
        self.rows.shards[match] = initial_shards(self._home.states[match].audience)
        return found

    def begin(self, work: Any) -> None:
        """Run a task beside the others; its error ends the simulation."""
        task = self._loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    # The starter.

    def tell(self, match_state: MatchState, events: tuple[CarriedEvent, ...] = ()) -> None:
        """Make the match's newest event due, and start a broadcast if none is running."""
        match, seq, audience = match_state.match, match_state.newest_seq, match_state.audience
        self.tables.writes += 1
        state = self.tables.state(match)
        state = replace(state, due_seq=max(state.due_seq, seq), epoch=match_state.epoch)
        self.tables.states[match] = state
        if state.is_running(self._loop.date()) or state.ended_seq >= seq:
            return
        broadcast = f"{match}-{seq}-{next(self._numbers)}"
        owner, now = start_owner(broadcast), self._loop.date()
        self.tables.states[match] = replace(
            state, owner=owner, lease_until=int(now) + START_SECONDS, due_at=int(now * 1000),
            round_name=round_name(broadcast, 1),
        )  # fmt: skip
        rows = state.rows if state.told_seq else audience
        batches = plan(shard_count(state.shards, audience), rows, self._budget)
        self.tables.shares[match] = self._share(match, broadcast, len(batches))
        given = ExecutionInput(match, seq, int(now * 1000), owner, broadcast, 1, batches, carried(events))
        self.begin(self._execution(given))

    # The state machine.

    async def _execution(self, given: ExecutionInput) -> None:
        latencies = self._scenario.latencies
        await asyncio.sleep(latencies.start_s)
        self.counted.executions += 1
        owner, hand_over_at = f"execution:{next(self._numbers)}", self._loop.time() + self._hand_over_s
        batches: tuple[Any, ...] = given.batches
        number, events = given.round, given.events
        while True:
            task = SenderTask(
                given.match, given.due_seq, owner, given.previous_owner, given.broadcast, number, batches[0], events
            )
            # The Map runs at most 40 iterations at once; the plan has no more batches.
            batches = tuple(
                await asyncio.gather(*(self._send(replace(task, batch=each), hand_over_at) for each in batches))
            )
            if any(not each.done for each in batches):
                break
            end = RoundEnd(given.match, owner, given.broadcast, number, given.due_seq, given.due_at, 0, batches)
            another = await self._finish(end)
            batches = tuple(each.for_next_round() for each in batches)
            number, events = number + 1, ()
            if not another:
                return
            if self._loop.time() > hand_over_at:
                break
        self.begin(self._execution(replace(given, previous_owner=owner, round=number, batches=batches, events=())))

    async def _send(self, task: SenderTask, hand_over_at: float) -> Batch:
        batch, left = task.batch, pauses("Send")
        while not batch.done:
            try:
                batch, left = await self._invoke(replace(task, batch=batch)), pauses("Send")
            except GatewayError:
                if not left:
                    self.counted.set_aside += 1
                    self._renew_lease(task)
                    return replace(batch, done=True, reached_seq=None, cursor=None, set_aside=True)
                await asyncio.sleep(left[0] * self._chance.random())
                left = left[1:]
                continue
            if self._loop.time() > hand_over_at:
                break
        return batch

    def _renew_lease(self, task: SenderTask) -> None:
        """The state RenewLease."""
        state = self.tables.state(task.match)
        if state.owner in (task.owner, task.previous_owner):
            self.tables.writes += 1
            until = int(self._loop.date()) + self._lease_seconds
            self.tables.states[task.match] = replace(state, owner=task.owner, lease_until=until)

    async def _invoke(self, task: SenderTask) -> Batch:
        loop, counted, model = self._loop, self.counted, self.gateway
        await asyncio.sleep(self._scenario.latencies.invoke_s)
        gateway = (
            self._idle.pop()
            if self._idle
            else Gateway(
                _ENDPOINT,
                lambda: _KEYS,
                clock=loop.date,
                elapsed=loop.time,
                wire=model.wire(),
                make_signer=model.make_signer,
            )
        )
        counted.invocations += 1
        begun = loop.time()
        tools = Tools(
            self.rows,
            gateway,
            self._store,  # type: ignore[arg-type]
            "subscriptions",
            self._scenario.send_rate,
            loop.date,
            self.rows.read_page,
        )
        try:
            return await Carousel(tools, task, begun + self._sender_s).run()
        finally:
            counted.sender_s += loop.time() - begun
            self._idle.append(gateway)

    # The receipt.

    async def _finish(self, end: RoundEnd) -> bool:
        await asyncio.sleep(self._scenario.latencies.invoke_s + 2 * self._scenario.latencies.call_s)
        self.counted.rounds += 1
        tables, match = self.tables, end.match
        tables.reads += 2
        tables.writes += 3
        state = tables.state(match)
        if end.lease_lost or state.owner != end.owner:
            return False
        if not end.reached_seqs:
            tables.states[match] = replace(state, owner=None, lease_until=0)
            tables.shares.pop(match, None)
            return False
        changes: dict[str, Any] = {"ended_seq": end.receipt_seq}
        if not end.failed_batches and end.receipt_seq >= state.told_seq:
            shards = shard_count(state.shards, self._home.states[match].audience)
            changes |= {
                "told_seq": end.receipt_seq, "rows": end.rows,
                "shards": grown_shards(shards, end.rows, self._rows_per_shard),
            }  # fmt: skip
        if state.due_seq <= end.receipt_seq:
            tables.states[match] = replace(state, **changes, owner=None, lease_until=0)
            tables.shares.pop(match, None)
            return False
        until = int(self._loop.date()) + self._lease_seconds
        name = round_name(end.broadcast, end.round + 1)
        tables.states[match] = replace(state, **changes, lease_until=until, round_name=name)
        tables.shares[match] = self._share(match, end.broadcast, len(end.batches))
        return True

    def _share(self, match: str, broadcast: str, batches: int) -> RateShare:
        until = int(self._loop.date()) + self._lease_seconds
        return RateShare(match, broadcast, batches, frozenset(), until)
