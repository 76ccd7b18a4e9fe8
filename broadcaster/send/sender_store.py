"""A sender's reads and writes in DynamoDB, except those of the table ``subscriptions``.

At home the sender reads the match and its events. In its own cell it reads and writes the match's row with the lease,
the rows that share the send rate, and its own progress.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control import rate_share
from broadcaster.control.cell_state import cell_state_get, parse_cell_state
from broadcaster.control.lease import lease_renewal, lease_takeover
from broadcaster.control.progress import progress_item, round_name
from broadcaster.send.polls import Poll
from broadcaster.send.update_frames import Frames, build, covers
from matches.ledger import UnknownMatchError
from matches.match_rows import events_query, parse_event, parse_state, score_prev, state_get
from matches.snapshot import EVENTS_PER_FRAME
from runtime.attributes import VERSION_ATTRIBUTE, DamagedRowError, parse_rows
from runtime.metrics import report_damaged_row, undamaged_rows
from subscriptions.shard_counts import broadcast_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from broadcaster.control.payload import CarriedEvent, Counts, SenderTask
    from broadcaster.control.rate_share import RateShare
    from matches.match_state import MatchState

PROGRESS_SECONDS = 24 * 3600
"""Seconds until DynamoDB may delete a progress row."""

HOME_SECONDS = 2.0
"""Seconds that a poll waits for home, if an earlier state of the match is known."""

logger = Logger(service="sender")


@dataclass(frozen=True, slots=True)
class SenderStore:
    """The tables, through aiobotocore clients.

    The methods raise botocore's ClientError and BotoCoreError, and DamagedMatchError for a damaged row of the match.
    Other damaged rows are reported and left out.
    """

    home: Any
    """The client in the home region."""
    db: Any
    """The client in this cell's region."""
    matches: str
    """The name of the table."""
    broadcasts: str
    """The name of the table."""
    lease_seconds: int

    async def first_poll(self, task: SenderTask) -> Poll | None:
        """Take the lease over for the task's execution, and read what ``poll`` reads; None if the lease is lost.

        An invocation that goes on with a batch only reads, if its execution has the lease already. Raises
        UnknownMatchError or DamagedRowError without a readable row of the match at home.
        """
        running_round = round_name(task.broadcast, task.round)
        if task.batch.counts.invocations:
            poll = await self.poll(task.match)
            if poll.cell_state.owner == task.owner and poll.cell_state.round_name == running_round:
                return poll
        takeover = lease_takeover(
            self.broadcasts,
            task.match,
            task.owner,
            int(time.time()) + self.lease_seconds,
            previous_owner=task.previous_owner,
            running_round=running_round,
        )
        try:
            return await self._poll(task.match, None, self.db.update_item(**takeover), "Attributes")
        except self.db.exceptions.ConditionalCheckFailedException:
            return None

    async def poll(self, match: str, known: MatchState | None = None) -> Poll:
        """Read the match, the cell's row of it, and the rate shares, with strongly consistent reads.

        If home does not answer in ``HOME_SECONDS``, or has no readable row of the match, the poll has the ``known``
        state: lease, stops and rate shares lie in the cell and must not wait for home. Without a known state this
        raises UnknownMatchError or DamagedRowError.
        """
        return await self._poll(match, known, self.db.get_item(**cell_state_get(self.broadcasts, match)), "Item")

    async def _poll(self, match: str, known: MatchState | None, cell_call: Awaitable[Any], key: str) -> Poll:
        """A poll in which ``cell_call`` answers with the cell's row under ``key``."""
        home = asyncio.ensure_future(self._state(match, known))
        cell = asyncio.ensure_future(cell_call)
        shares = asyncio.ensure_future(self.db.query(**rate_share.rate_share_query(self.broadcasts)))
        try:
            match_state, cell_row, share_rows = await asyncio.gather(home, cell, shares)
        finally:
            # If one call has failed, the others must not outlive the poll.
            for call in (home, cell, shares):
                call.cancel()
            await asyncio.gather(home, cell, shares, return_exceptions=True)
        return Poll(
            match_state=match_state,
            cell_state=parse_cell_state(match, cell_row.get(key)),
            rate_shares=undamaged_rows(rate_share.parse(share_rows["Items"], time.time())),
        )

    async def _state(self, match: str, known: MatchState | None) -> MatchState:
        try:
            async with asyncio.timeout(HOME_SECONDS if known is not None else None):
                found = await self.home.get_item(**state_get(self.matches, match))
        except (ClientError, BotoCoreError, TimeoutError) as error:
            if known is None:
                raise
            logger.warning("home_unreached", match=match, seq=known.newest_seq, exc_info=error)
            return known
        if "Item" not in found:
            if known is None:
                raise UnknownMatchError(match)
            return known
        try:
            return parse_state(found["Item"])
        except DamagedRowError as error:
            if known is None:
                raise
            report_damaged_row(error)
            return known

    async def frames(self, state: MatchState, told_seq: int, events: Sequence[CarriedEvent] = ()) -> Frames | None:
        """The frames with the events after ``told_seq``; None if there is nothing to send.

        The events are read at home, unless ``events`` has all of them.
        """
        if covers(events, told_seq, state.newest_seq):
            return build(state, told_seq, [(each.event, each.score_prev) for each in events])
        query = events_query(self.matches, state.match, told_seq, EVENTS_PER_FRAME, newest=True)
        items = (await self.home.query(**query))["Items"]
        stored = undamaged_rows(parse_rows(lambda item: (parse_event(item), score_prev(item)), reversed(items)))
        return build(state, told_seq, stored)

    async def renew(self, task: SenderTask) -> bool:
        """Renew the lease and the row of the rate share; returns False if another execution has the lease."""
        match, until = task.match, int(time.time()) + self.lease_seconds
        try:
            await self.db.update_item(**lease_renewal(self.broadcasts, match, task.owner, until))
        except self.db.exceptions.ConditionalCheckFailedException:
            return False
        await self._update_rate_share(rate_share.rate_share_renewal(self.broadcasts, match, task.broadcast, until))
        return True

    async def announce_done(self, match: str, broadcast: str, batch: int, *, is_done: bool) -> RateShare | None:
        """Announce that a batch is done, or goes on after all.

        Returns the rate share of the match, None if the match does not share the rate any more.
        """
        return await self._update_rate_share(
            rate_share.done_update(self.broadcasts, match, broadcast, batch, is_done=is_done)
        )

    async def announce_left(self, match: str, broadcast: str, batch: int, left: int) -> bool:
        """Announce the posts that a batch has left; returns whether the broadcast still shares the rate."""
        try:
            await self.db.update_item(**rate_share.left_update(self.broadcasts, match, broadcast, batch, left))
        except self.db.exceptions.ConditionalCheckFailedException:
            return False
        return True

    async def report(self, task: SenderTask, lap_seq: int, counts: Counts) -> None:
        """Overwrite the progress row of this batch. The receipt is the sum of these rows."""
        body = {"batch": task.batch.number, "lap_seq": lap_seq, **counts.dump()}
        name = round_name(task.broadcast, task.round)
        await self.db.put_item(
            TableName=self.broadcasts,
            Item={
                **broadcast_key(task.match, progress_item(name, task.batch.number)),
                **VERSION_ATTRIBUTE,
                "body": {"S": orjson.dumps(body).decode()},
                "ttl": {"N": str(int(time.time()) + PROGRESS_SECONDS)},
            },
        )

    async def _update_rate_share(self, update: dict[str, Any]) -> RateShare | None:
        try:
            answer = await self.db.update_item(**update)
        except self.db.exceptions.ConditionalCheckFailedException:
            return None
        rows = undamaged_rows(rate_share.parse([answer["Attributes"]], time.time())) if "Attributes" in answer else []
        return rows[0] if rows else None
