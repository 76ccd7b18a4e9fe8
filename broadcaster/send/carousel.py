"""One invocation of a sender for one batch: it sends the newest frame to every row of the batch.

Four times a second the sender polls (``Poller``). When a poll shows a newer event, the sender puts the new frame in the
place of the old one and begins a new lap at its position. When the lap is done, the sender waits a little for the other
batches of its broadcast, so that an event that comes meanwhile is sent at once.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control.payload import Counts, Cursor
from broadcaster.control.plan import shards_of
from broadcaster.send.batch_share import BatchShare
from broadcaster.send.errors import GatewayError
from broadcaster.send.lap import lap_start
from broadcaster.send.lap_rows import LapRows
from broadcaster.send.pacing import BURST_SECONDS, Pace
from broadcaster.send.poller import Poller
from broadcaster.send.polls import POLL_SECONDS, LeaseLost, NewerEvent
from broadcaster.send.post_queue import PostQueue, Tally
from broadcaster.send.pruning import Pruning
from broadcaster.send.row_pages import read_page
from broadcaster.send.slow_viewer_rows import SlowViewerRows
from runtime.metrics import Metrics
from subscriptions.shards import shard_count
from subscriptions.store import partition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broadcaster.control.payload import Batch, SenderTask
    from broadcaster.send.gateway import Gateway
    from broadcaster.send.polls import Action, Poll
    from broadcaster.send.post_queue import Post, PreparedRequest
    from broadcaster.send.row_pages import Page
    from broadcaster.send.sender_store import SenderStore
    from broadcaster.send.update_frames import Frames

    ReadPage = Callable[[Any, str, str, str | None, float], Awaitable[Page]]

FIRST_POLL_SECONDS = 0.05
"""Seconds from the start of a lap to its first poll. After that poll the sender announces how many posts its batch has
left."""

WAIT_SECONDS = 5.0
"""Seconds for which a finished batch waits for the other batches of its broadcast."""

SEND_HELD_SECONDS = 3.0
"""Seconds before the deadline. From then on the sender holds back no rows of slow viewers."""

LATE_ANSWER_SECONDS = 2.5
"""Seconds after the deadline in which requests in flight may still be answered."""

PRUNE_SECONDS = 5.0
"""Seconds after the lap for deleting dead rows. Rows that are left then wait for the next broadcast."""

OUTAGE_SHARE = 0.1
"""An invocation fails if errors or broken connections kept more than this part of its finished posts from their
viewers."""

logger = Logger(service="sender")
metrics = Metrics("sender")


@dataclass(frozen=True, slots=True)
class Tools:
    """A sender's clients; one set for the life of the process."""

    db: Any
    gateway: Gateway
    store: SenderStore
    subscriptions: str
    """The name of the table."""
    cell_rate: int
    """Requests a second that all senders of the cell together may send."""
    clock: Callable[[], float] = time.time
    """Tells seconds since 1970."""
    read_page: ReadPage = read_page


class LapEnd(Enum):
    """The end of the laps of one invocation."""

    DONE = auto()
    """Every row has the newest frame, or there was no frame to send."""
    LEASE_LOST = auto()
    TIME_UP = auto()
    """The next invocation goes on."""


class Carousel:
    """One invocation for one batch. ``deadline`` is in seconds of the loop's clock."""

    def __init__(self, tools: Tools, task: SenderTask, deadline: float) -> None:
        self._tools = tools
        self._task = task
        self._batch = task.batch
        self._deadline = deadline
        self._counts = task.batch.counts if task.batch.counts.invocations else Counts(rows=task.batch.previous_rows)
        self._loop = asyncio.get_running_loop()
        self._poller = Poller(tools.store, task, tools.clock)
        self._share = BatchShare(tools.store, task, tools.cell_rate, tools.clock)
        self._pace = Pace(self._share.rate, self._loop.time())
        self._tally = Tally()
        self._pruning = Pruning(tools.db, tools.subscriptions)
        self._slow = SlowViewerRows(tools.db, tools.subscriptions)
        self._lease_lost = False
        """Whether another execution has the lease, or nobody has."""
        self._lap_seq = task.batch.reached_seq or 0
        """The newest event in the frame that the lap sends; before the first lap, the event that the batch reached."""
        self._frames: Frames | None = None
        """The frames that this invocation sends, None before the first."""
        self._shards = 0
        """Shards of the match when the first lap began."""
        self._rows: LapRows | None = None
        """The rows of the batch, None as long as there is no frame for them."""
        self._queue: PostQueue | None = None
        """The posts of the lap, None between two laps."""
        self._page_ahead: asyncio.Task[Page] | None = None
        """The batch's first page, which is read beside the first poll; None once it is used, or of no use."""
        self._closing: PreparedRequest | None = None
        """The request that closes the connection of a slow viewer."""
        self._permitted = 0.0
        """The requests that the batch's rate allowed during all laps, plus one burst for each lap."""

    @property
    def _about(self) -> dict[str, Any]:
        """The fields of every line of the log."""
        event_id = self._frames.event_id if self._frames is not None else None
        return {"match": self._task.match, "seq": self._lap_seq, "event_id": event_id}

    async def run(self) -> Batch:
        """Send until every row has the newest event, or the time is up; returns the batch with its progress.

        Raises GatewayError when the gateway cannot be used, botocore's errors when nothing can be read, and
        DamagedMatchError for a damaged row of the match.
        """
        before = self._counts
        self._counts = replace(before, invocations=before.invocations + 1, started=before.started or self._now_ms())
        try:
            end = await self._send_laps()
        finally:
            self._drop_page_ahead()
            if self._rows is not None:
                await self._rows.close()
            self._tools.gateway.requests.forget()
        if self._rows is not None:
            await self._finish(self._rows, before)
        return self._progress(end)

    async def _send_laps(self) -> LapEnd:
        """Send one lap after the other, as long as newer events come and the time lasts."""
        if self._batch.cursor is None:
            first_shard = partition(self._task.match, self._batch.first)
            self._page_ahead = asyncio.create_task(self._query(first_shard, None))
        action = await self._poller.first_action(self._lap_seq)
        while True:
            await self._act(action)
            end = await self._send_lap()
            if end is not LapEnd.DONE:
                return end
            newer = await self._wait_for_newer_event()
            if newer is None:
                return end
            action = newer

    async def _act(self, action: Action) -> None:
        """Do what a poll requires."""
        if isinstance(action, LeaseLost):
            self._lose_lease()
            return
        self._share.rate_shares = action.poll.rate_shares
        if isinstance(action, NewerEvent):
            if self._rows is None:
                self._rows = await self._first_lap(action.poll)
            else:
                self._drop_page_ahead()
                self._rows.restart_here()
                self._slow.begin_lap()
            self._use_frames(action.frames, self._rows)
        self._pace.set_rate(self._share.rate, self._loop.time())
        await self._announce_left()
        self._tools.gateway.wake()

    async def _send_lap(self) -> LapEnd:
        """Send until the lap is done. Newer events begin it again while it is under way."""
        rows = self._rows
        if rows is None:
            return LapEnd.LEASE_LOST if self._lease_lost else LapEnd.DONE
        while not self._lease_lost:
            await self._deliver(rows)
            if rows.exhausted:
                return LapEnd.DONE
            if self._loop.time() >= self._deadline:
                return LapEnd.LEASE_LOST if self._lease_lost else LapEnd.TIME_UP
        return LapEnd.LEASE_LOST

    async def _deliver(self, rows: LapRows) -> None:
        """Post to the rows of the lap, and poll beside it, until no row is left, the lease is lost or the time is up.

        Raises GatewayError in an outage, and the error of a page that could not be read.
        """
        tally = self._tally
        self._queue = PostQueue(
            rows,
            self._pace,
            until=self._deadline,
            on_gone=self._pruning.add,
            on_slow=self._request_for_slow,
            tally=tally,
        )
        accepted, permitted = tally.accepted_posts, self._pace.earned(self._loop.time())
        polling = asyncio.create_task(self._keep_polling())
        try:
            await self._tools.gateway.deliver(self._queue, self._deadline + LATE_ANSWER_SECONDS)
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            self._queue = None
        first_post = self._counts.first_post
        if not first_post and tally.first_post is not None:
            first_post = self._now_ms() - round(1000 * (self._loop.time() - tally.first_post))
        self._counts = replace(self._counts, first_post=first_post, ended=self._now_ms())
        self._permitted += self._pace.earned(self._loop.time()) - permitted + self._pace.bucket.rate * BURST_SECONDS
        if rows.error is not None:
            raise rows.error
        if tally.outage_posts > OUTAGE_SHARE * (tally.accepted_posts + tally.gone_connections + tally.failed_posts):
            raise GatewayError(f"{tally.outage_posts} posts met errors and broken connections only")
        if rows.exhausted:
            self._counts = replace(self._counts, rows=rows.lap_rows)
            if tally.accepted_posts > accepted and self._frames is not None and self._frames.at:
                metrics.add("GoalToGateway", max(0, self._counts.ended - self._frames.at))

    async def _keep_polling(self) -> None:
        """Poll and act while posts are being sent."""
        pause = FIRST_POLL_SECONDS
        while not self._lease_lost:
            await asyncio.sleep(pause)
            pause = POLL_SECONDS
            self._send_held_in_time()
            try:
                await self._act(await self._poller.next_action(self._lap_seq))
            except Exception:  # a failed poll, whatever the error, must not be the last one
                logger.exception("poll_failed", **self._about)

    async def _wait_for_newer_event(self) -> NewerEvent | None:
        """Wait a little for the other batches; returns the newer event that comes meanwhile, None without one."""
        if self._lease_lost:
            return None
        try:
            if self._batch.senders > 1:
                return await self._wait_for_other_batches()
            if self._share.has_rivals:
                await self._share.announce_done(is_done=True)
        except (ClientError, BotoCoreError) as error:
            # The lap is done. If there is a newer event, another round sends it.
            logger.warning("wait_failed", **self._about, exc_info=error)
        return None

    async def _wait_for_other_batches(self) -> NewerEvent | None:
        rate_share = await self._share.announce_done(is_done=True)
        until = min(self._deadline, self._loop.time() + WAIT_SECONDS)
        while rate_share is not None and rate_share.senders > 0 and self._loop.time() < until:
            await asyncio.sleep(POLL_SECONDS)
            action = await self._poller.next_action(self._lap_seq)
            if isinstance(action, NewerEvent):
                await self._share.announce_done(is_done=False)
                return action
            await self._act(action)
            if isinstance(action, LeaseLost):
                return None
            rate_share = next((each for each in action.poll.rate_shares if each.match == self._task.match), None)
        return None

    def _lose_lease(self) -> None:
        """Another execution has the lease and sends to everyone: send no new post."""
        logger.warning("lease_lost", **self._about, owner=self._task.owner)
        self._lease_lost = True
        if self._queue is not None:
            self._queue.until = 0.0
            self._tools.gateway.wake()

    async def _first_lap(self, poll: Poll) -> LapRows:
        """The rows of the batch, from the place where an earlier invocation stood."""
        tools, batch = self._tools, self._batch
        await tools.gateway.refresh()
        self._shards = shard_count(poll.cell_state.shards, poll.match_state.audience)
        shards = shards_of(batch.first, batch.end, batch.planned_shards, self._shards)
        if poll.match_state.newest_seq > self._task.due_seq:
            # A viewer may have subscribed after that page was read and before the newer event. The page lacks its row,
            # and its snapshot lacks the event.
            self._drop_page_ahead()
        rows = LapRows(self._read_page, [partition(self._task.match, shard) for shard in shards], tools.gateway.wake)
        rows.start(lap_start(batch, poll.match_state.newest_seq, self._shards))
        return rows

    async def _read_page(self, pk: str, after: str | None) -> Page:
        """A page of a shard. The first page may be here already: a lap begins with the first shard of the batch."""
        ahead, self._page_ahead = self._page_ahead, None
        return await (ahead if ahead is not None else self._query(pk, after))

    async def _query(self, pk: str, after: str | None) -> Page:
        tools = self._tools
        return await tools.read_page(tools.db, tools.subscriptions, pk, after, tools.clock())

    def _drop_page_ahead(self) -> None:
        ahead, self._page_ahead = self._page_ahead, None
        if ahead is not None:
            ahead.cancel()
            # If the read has failed already, asyncio would log that nobody asked for its error.
            ahead.add_done_callback(lambda read: read.cancelled() or read.exception())

    def _use_frames(self, frames: Frames, rows: LapRows) -> None:
        """Send these frames to the rows from now on."""
        rows.everything_request = self._request(rows.everything_request, frames.everything_frame)
        if frames.score_frame is not None:
            rows.score_request = self._request(rows.score_request, frames.score_frame)
        self._lap_seq, self._frames = frames.seq, frames

    def _request(self, request: PreparedRequest | None, frame: bytes) -> PreparedRequest:
        requests = self._tools.gateway.requests
        if request is None:
            return requests.for_post(frame)
        requests.replace_frame(request, frame)
        return request

    def _send_held_in_time(self) -> None:
        """Shortly before the deadline, send to the rows held back: the next invocation does not know these rows."""
        now = self._loop.time()
        if self._rows is not None and self._queue is not None and now >= self._deadline - SEND_HELD_SECONDS:
            self._queue.try_now(self._rows.take_held(), now)

    async def _announce_left(self) -> None:
        """Tell the senders of other matches how many posts this batch has left, once that is known."""
        left = self._rows.remaining_rows if self._rows is not None else None
        if left is not None:
            await self._share.announce_left(left + (self._queue.further_tries if self._queue is not None else 0))

    def _request_for_slow(self, post: Post) -> PreparedRequest | None:
        """A viewer was refused on every try: note that it is slow.

        Returns the request that closes its connection, or None if the viewer has failed in fewer than three successive
        broadcasts.
        """
        before = self._rows.slow_rows.get((post[2], post[0]), 0) if self._rows is not None else 0
        if not self._slow.failed(post, before):
            return None
        if self._closing is None:
            self._closing = self._tools.gateway.requests.for_close()
        logger.info("slow_viewer_closed", **self._about, connection=post[0])
        return self._closing

    async def _finish(self, rows: LapRows, before: Counts) -> None:
        """Delete and mark rows, and report the counts; ``before`` are those of earlier invocations."""
        unsent = rows.drop_held()
        until = min(self._loop.time() + PRUNE_SECONDS, self._deadline + LATE_ANSWER_SECONDS + 1)
        await asyncio.gather(self._pruning.finish(until), self._slow.write(until, rows.passed_slow_rows()))
        tally = self._tally
        counts = self._counts = replace(
            self._counts,
            accepted=before.accepted + tally.accepted_posts,
            failed=before.failed + tally.failed_posts + unsent,
            closed=before.closed + tally.closed_connections,
            throttled=before.throttled + tally.throttled_tries,
            gone=before.gone + self._pruning.pruned,
            queries=before.queries + rows.queries,
            skipped=before.skipped + rows.skipped_rows,
        )
        await self._tools.store.report(self._task, self._lap_seq, counts)
        logger.info("sent", **self._about, batch=self._batch.number, counts=counts.dump())
        metrics.note_event(**self._about)
        metrics.add("Accepted", tally.accepted_posts)
        metrics.add("Gone", self._pruning.pruned)
        metrics.add("Failed", tally.failed_posts)
        metrics.add("Closed", tally.closed_connections)
        metrics.add("Throttled", tally.throttled_tries)
        if self._permitted:
            metrics.add("BudgetUsed", 100 * self._pace.bucket.spent / self._permitted)

    def _progress(self, end: LapEnd) -> Batch:
        """The batch for the next invocation, or for the end of the round."""
        batch = replace(self._batch, counts=self._counts, reached_seq=None, cursor=None)
        rows = self._rows
        if end is not LapEnd.TIME_UP or rows is None:
            return replace(
                batch, done=True, lease_lost=self._lease_lost, reached_seq=self._lap_seq if end is LapEnd.DONE else None
            )
        cursor = Cursor(
            lap_seq=self._lap_seq,
            shards=self._shards,
            begin_shard_index=rows.begin.shard_index,
            begin_after=rows.begin.after,
            range_index=rows.range_index,
            after=rows.position.after,
            rows_read=rows.lap_rows,
        )
        return replace(batch, cursor=cursor)

    def _now_ms(self) -> int:
        return int(self._tools.clock() * 1000)
