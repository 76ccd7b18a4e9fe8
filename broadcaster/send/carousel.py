"""One invocation of a sender: round the ring of its rows, with whatever is the newest frame.

Four times a second it looks at the match. A newer event swaps the frame where the sender stands and begins a new lap
from there; the lease is kept; the share of the budget follows who else is sending. When its lap is done it waits a
little for the other batches of its broadcast: an event that comes meanwhile is told at once, not after the slowest.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control import rate_share
from broadcaster.control.payload import Counts, Cursor
from broadcaster.control.plan import shards_of
from broadcaster.send.errors import GatewayError
from broadcaster.send.lap import Position
from broadcaster.send.lap_rows import LapRows
from broadcaster.send.pacing import BURST_SECONDS, Pace
from broadcaster.send.post_queue import PostQueue, Tally
from broadcaster.send.pruning import Pruning
from broadcaster.send.row_pages import read_page
from broadcaster.send.slow_viewers import SlowViewers
from matches.ledger import UnknownMatchError
from runtime.metrics import Metrics
from subscriptions.shards import shard_count
from subscriptions.store import partition

if TYPE_CHECKING:
    from broadcaster.control.payload import Batch, SenderTask
    from broadcaster.send.gateway import Gateway
    from broadcaster.send.post_queue import Post, PreparedRequest
    from broadcaster.send.sender_store import Poll, SenderStore
    from matches.match_state import MatchState

POLL_SECONDS = 0.25
FIRST_POLL_SECONDS = 0.05
"""The first look of a lap comes sooner: the other matches are to know soon what this one needs."""

RENEW_SECONDS = 5.0
"""A lease that was renewed so long ago is renewed. It has to outlast what follows when the next senders are refused
(docs/reliability.md)."""

LINGER_SECONDS = 5.0
"""Seconds for which a finished batch waits for the others of its broadcast."""

RELEASE_SECONDS = 3.0
"""Before the deadline: from then on the rows of slow viewers are not held back any more."""

ANSWER_SECONDS = 2.5
"""Seconds after the deadline in which requests in flight may still be answered."""

PRUNE_SECONDS = 5.0
"""Dead rows that are still there so long after the lap are left to the next broadcast."""

OUTAGE_SHARE = 0.1
"""When errors and broken connections keep more of the rows than this from their viewers, the batch has failed."""

logger = Logger(service="sender")
metrics = Metrics("sender")


@dataclass(frozen=True, slots=True)
class Tools:
    """A sender's clients; one set for the life of the process."""

    db: Any
    gateway: Gateway
    store: SenderStore
    subscriptions: str
    rate: int
    """Requests a second that all senders of the cell together may send."""


class Carousel:
    """One invocation for one batch."""

    def __init__(self, tools: Tools, task: SenderTask, deadline: float) -> None:
        self._tools = tools
        self._task = task
        self._batch = task.batch
        self._match = task.match
        self._owner = task.owner
        self._deadline = deadline
        self._counts = task.batch.counts if task.batch.counts.invocations else Counts(rows=task.batch.rows)
        self._loop = asyncio.get_running_loop()
        self._lost = False
        self._known: MatchState | None = None
        """The match at the last poll."""
        self._seq = task.batch.reached_seq or 0
        """The seq that every row passed in this lap has been sent."""
        self._stated: int | None = None
        """The number of remaining posts that this batch has stated, None before the first statement."""
        self._known_from = float("inf")
        """When the other matches' senders have seen the first statement (loop's clock)."""
        self._broadcasts: list[rate_share.RateShare] = []
        """All live broadcasts, at the last poll."""
        self._pace = Pace(self._share(), self._loop.time())
        self._tally = Tally()
        self._pruning = Pruning(tools.db, tools.subscriptions)
        self._slow = SlowViewers(tools.db, tools.subscriptions)
        self._closing: PreparedRequest | None = None
        self._rows: LapRows | None = None
        self._shards = 0
        self._queue: PostQueue | None = None
        self._event_id: str | None = None
        self._posted = 0
        """When the operator posted the newest event that is being told, in milliseconds since the epoch."""
        self._earned = 0.0
        """Requests that the share of the rate came to while laps lasted, each with its burst."""

    @property
    def _about(self) -> dict[str, Any]:
        """The fields of every line of the log."""
        return {"match": self._match, "seq": self._seq, "event_id": self._event_id}

    async def run(self) -> Batch:
        """Go round until every row has the newest event, or the time is up; returns the batch with its progress.

        Raises GatewayError when nothing can be posted, botocore's errors when nothing can be read.
        """
        before = self._counts
        self._counts = replace(before, invocations=before.invocations + 1, started=before.started or _now_ms())
        done = False
        try:
            try:
                await self._take(await self._tools.store.poll(self._match))
            except UnknownMatchError:
                # The match was reset: nobody has its lease any more, and there is nothing to tell.
                self._lose()
            while not self._lost and not done:
                if self._rows is None or await self._lap(self._rows):
                    done = not await self._newer_while_others_send()
                elif self._loop.time() >= self._deadline:
                    break
        finally:
            if self._rows is not None:
                await self._rows.close()
            self._tools.gateway.requests.forget()
        if self._rows is not None:
            unsent = self._rows.drop_held()
            until = min(self._loop.time() + PRUNE_SECONDS, self._deadline + ANSWER_SECONDS + 1)
            await asyncio.gather(self._pruning.finish(until), self._slow.write(until, self._rows.reached()))
            counts = self._counts = replace(
                self._counts,
                accepted=before.accepted + self._tally.accepted,
                failed=before.failed + self._tally.failed + unsent,
                closed=before.closed + self._tally.closed,
                throttled=before.throttled + self._tally.throttled,
                gone=before.gone + self._pruning.pruned,
                queries=before.queries + self._rows.queries,
                skipped=before.skipped + self._rows.skipped,
            )
            await self._tools.store.report(self._task, self._seq, counts)
            logger.info("sent", **self._about, batch=self._batch.number, counts=counts.dump())
            self._publish()
        return self._progress(done=done)

    def _publish(self) -> None:
        """Tell CloudWatch what this invocation has done."""
        metrics.note_event(**self._about)
        metrics.add("Accepted", self._tally.accepted)
        metrics.add("Gone", self._pruning.pruned)
        metrics.add("Failed", self._tally.failed)
        metrics.add("Closed", self._tally.closed)
        metrics.add("Throttled", self._tally.throttled)
        if self._earned:
            metrics.add("BudgetUsed", 100 * self._pace.bucket.spent / self._earned)

    def _progress(self, *, done: bool) -> Batch:
        """The batch for the next invocation, or for the end of the round."""
        batch = replace(self._batch, counts=self._counts, reached_seq=None, cursor=None)
        rows = self._rows
        if self._lost or done or rows is None:
            return replace(batch, done=True, lost=self._lost, reached_seq=self._seq if done else None)
        cursor = Cursor(
            lap_seq=self._seq,
            shards=self._shards,
            begin_shard_index=rows.begin.shard_index,
            begin_after=rows.begin.after,
            range_index=rows.range_index,
            after=rows.position.after,
            rows=rows.lap_rows,
        )
        return replace(batch, cursor=cursor)

    async def _lap(self, rows: LapRows) -> bool:
        """Send until the lap is done, whatever it turns into; returns whether it is."""
        tally = self._tally
        self._queue = PostQueue(
            rows, self._pace, until=self._deadline, gone=self._pruning.add, slow=self._took_nothing, tally=tally
        )
        accepted, earned = tally.accepted, self._pace.earned(self._loop.time())
        polling = asyncio.create_task(self._keep_polling())
        try:
            await self._tools.gateway.deliver(self._queue, self._deadline + ANSWER_SECONDS)
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            self._queue = None
        self._counts = replace(self._counts, ended=_now_ms())
        self._earned += self._pace.earned(self._loop.time()) - earned + self._pace.bucket.rate * BURST_SECONDS
        if rows.error is not None:
            raise rows.error
        if tally.unreached > OUTAGE_SHARE * (tally.accepted + tally.gone + tally.failed):
            raise GatewayError(f"{tally.unreached} posts met errors and broken connections only")
        if rows.exhausted:
            self._counts = replace(self._counts, rows=rows.lap_rows)
            if tally.accepted > accepted and self._posted:
                metrics.add("GoalToGateway", max(0, self._counts.ended - self._posted))
        return rows.exhausted

    async def _newer_while_others_send(self) -> bool:
        """Wait a little for the other batches; returns whether there is something newer to send."""
        if self._lost:
            return False
        say = partial(self._tools.store.ended, self._match, self._owner, self._batch.number)
        try:
            if self._batch.senders > 1:
                return await self._linger(say)
            if any(each.match != self._match for each in self._broadcasts):
                await say(is_ended=True)
        except (ClientError, BotoCoreError) as error:
            # The lap is done, and what is newer will be told in another round.
            logger.warning("could not wait for the others", **self._about, exc_info=error)
        return False

    async def _linger(self, ended: Any) -> bool:
        broadcast = await ended(is_ended=True)
        patience = min(self._deadline, self._loop.time() + LINGER_SECONDS)
        while broadcast is not None and broadcast.senders > 0 and self._loop.time() < patience:
            await asyncio.sleep(POLL_SECONDS)
            before, poll = self._seq, await self._tools.store.poll(self._match, self._known)
            await self._take(poll)
            if self._seq != before:
                await ended(is_ended=False)
                return True
            if self._lost:
                return False
            broadcast = next((each for each in poll.broadcasts if each.match == self._match), None)
        return False

    async def _keep_polling(self) -> None:
        pause = FIRST_POLL_SECONDS
        while not self._lost:
            await asyncio.sleep(pause)
            pause = POLL_SECONDS
            self._release_in_time()
            try:
                await self._take(await self._tools.store.poll(self._match, self._known))
            except Exception:  # a look that fails, for whatever reason, must not be the last
                logger.exception("could not look", **self._about)

    async def _take(self, poll: Poll) -> None:
        """Act on what was seen: lease, budget, newer events."""
        self._known = poll.state
        if poll.cell_state.owner != self._owner:
            self._lose()
            return
        lease_seconds = self._tools.store.lease_seconds
        if poll.cell_state.lease_until - time.time() < lease_seconds - RENEW_SECONDS and not (
            await self._tools.store.renew(self._match, self._owner)
        ):
            self._lose()
            return
        self._broadcasts = poll.broadcasts
        if poll.state.newest_seq > self._seq:
            await self._tell(poll)
        self._pace.share(self._share(), self._loop.time())
        await self._state_left()
        self._tools.gateway.wake()

    def _release_in_time(self) -> None:
        """Before the time is up, try the slow viewers that were held back: the next invocation does not know them."""
        now = self._loop.time()
        if self._rows is not None and self._queue is not None and now >= self._deadline - RELEASE_SECONDS:
            self._queue.try_now(self._rows.release(), now)

    async def _state_left(self) -> None:
        """Tell the other matches' senders what this batch has left to post, if they would get that wrong by half."""
        left = self._rows.left if self._rows is not None else None
        if left is None:
            return
        if self._queue is not None:
            left += self._queue.later
        if self._stated is not None and (left == self._stated or self._stated / 2 < left < self._stated):
            return
        if await self._tools.store.state_left(self._match, self._owner, self._batch.number, left):
            if self._stated is None:
                self._known_from = self._loop.time() + POLL_SECONDS
            self._stated = left

    def _took_nothing(self, post: Post) -> PreparedRequest | None:
        """A viewer was refused on every try; returns the lane that closes its connection if that is to be closed."""
        before = self._rows.slow.get((post[2], post[0]), 0) if self._rows is not None else 0
        if not self._slow.failed(post, before):
            return None
        if self._closing is None:
            self._closing = self._tools.gateway.requests.for_close()
        logger.info("slow_viewer_closed", **self._about, connection=post[0])
        return self._closing

    def _lose(self) -> None:
        """Another execution has the lease and tells everyone: stop here."""
        logger.warning("lost the lease", **self._about, owner=self._owner)
        self._lost = True
        if self._queue is not None:
            self._queue.until = 0.0
            self._tools.gateway.wake()

    async def _tell(self, poll: Poll) -> None:
        """Swap in the frame of the match as it stands."""
        frames = await self._tools.store.frames(poll.state, poll.cell_state.told_seq)
        if frames is None:
            return
        rows, gateway = self._rows, self._tools.gateway
        if rows is None:
            await gateway.refresh()
            rows = self._begin(poll)
        else:
            rows.restart_here()
            self._slow.begin_lap()
        if rows.everything is None:
            rows.everything = gateway.requests.for_post(frames.everything)
        else:
            gateway.requests.replace_frame(rows.everything, frames.everything)
        if frames.score is not None:
            if rows.score is None:
                rows.score = gateway.requests.for_post(frames.score)
            else:
                gateway.requests.replace_frame(rows.score, frames.score)
        self._seq, self._event_id, self._posted = frames.seq, frames.event_id, frames.at

    def _begin(self, poll: Poll) -> LapRows:
        """The rows: where an earlier invocation stood, from a new beginning if there is something newer since."""
        tools, batch = self._tools, self._batch
        self._shards = shard_count(poll.cell_state.shards, poll.state.audience)
        shards = shards_of(batch.first, batch.last, batch.of, self._shards)
        now = time.time()

        async def read(pk: str, after: str | None) -> Any:
            return await read_page(tools.db, tools.subscriptions, pk, after, now)

        rows = self._rows = LapRows(read, [partition(self._match, shard) for shard in shards], tools.gateway.wake)
        cursor = batch.cursor
        if cursor is None:
            rows.start()
        elif (cursor.lap_seq, cursor.shards) == (poll.state.newest_seq, self._shards):
            begin = Position(cursor.begin_shard_index, cursor.begin_after)
            rows.start(begin, range_index=cursor.range_index, after=cursor.after, rows=cursor.rows)
        else:
            stages = len(shards_of(batch.first, batch.last, batch.of, cursor.shards))
            stage = (cursor.begin_shard_index + cursor.range_index) % stages
            rows.start(Position(stage, cursor.after))
        return rows

    def _share(self) -> float:
        stated = self._loop.time() >= self._known_from
        senders, rate = self._batch.senders, self._tools.rate
        return rate_share.share(self._broadcasts, self._match, senders, rate, time.time(), stated=stated)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
