"""Deletes the rows of connections that are gone, while posts are sent. Sending never waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from runtime.bulk_rows import ROWS_PER_DELETE
from subscriptions.store import row_key

if TYPE_CHECKING:
    from broadcaster.send.post_queue import Post

PAUSES = (0.05, 0.2, 0.5)
"""Seconds to wait for rows that DynamoDB did not take. After the last try the rows are left to the next broadcast."""

WRITES_AT_ONCE = 4
"""BatchWriteItem calls on their way at the same time."""

MOST_DEAD_ROWS = 20_000
"""The most dead rows that wait for their deletion. Further rows wait for the next broadcast."""

logger = Logger(service="sender")


class Pruning:
    """The dead rows of one invocation."""

    def __init__(self, db: Any, table: str) -> None:
        self._db = db
        self._table = table
        self._waiting: list[Post] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.pruned = 0

    def add(self, post: Post) -> None:
        """Delete the row of a connection that is gone."""
        if len(self._waiting) >= MOST_DEAD_ROWS:
            return
        self._waiting.append(post)
        if len(self._waiting) >= ROWS_PER_DELETE and len(self._tasks) < WRITES_AT_ONCE:
            self._begin()

    async def finish(self, until: float) -> None:
        """Delete the rows that are left, until ``until`` at the latest (loop's clock)."""
        loop = asyncio.get_running_loop()
        while (self._waiting or self._tasks) and (patience := until - loop.time()) > 0:
            while self._waiting and len(self._tasks) < WRITES_AT_ONCE:
                self._begin()
            await asyncio.wait(self._tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self) -> None:
        rows, self._waiting = self._waiting[:ROWS_PER_DELETE], self._waiting[ROWS_PER_DELETE:]
        task = asyncio.create_task(self._delete(rows))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._waiting) >= ROWS_PER_DELETE and not task.cancelled():
            self._begin()

    async def _delete(self, gone: list[Post]) -> None:
        # A second lap may meet a row before it is deleted. BatchWriteItem refuses a key that comes twice.
        keys = {(pk, connection) for connection, _, pk, _ in gone}
        waiting = {self._table: [{"DeleteRequest": {"Key": row_key(*key)}} for key in keys]}
        try:
            # Rows that are left after the last try wait for the next broadcast.
            for pause in PAUSES:
                waiting = (await self._db.batch_write_item(RequestItems=waiting)).get("UnprocessedItems") or {}
                if not waiting:
                    break
                await asyncio.sleep(pause)
        except (ClientError, BotoCoreError) as error:
            logger.warning("pruning_failed", rows=len(keys), exc_info=error)
        self.pruned += len(keys) - sum(map(len, waiting.values()))
