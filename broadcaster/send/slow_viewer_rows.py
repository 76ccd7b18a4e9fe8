"""Marks slow viewers in their subscription rows, from one broadcast to the next.

A viewer that was refused on every try has a full buffer: the viewer does not read. Its row counts the successive
broadcasts in which that was so. From two on, the viewer's row comes last in a lap (``LapRows``). When one more
broadcast fails, its connection is closed: a living client comes back with an empty buffer. A broadcast that reaches the
viewer clears the row. While the account throttles, a 429 says nothing about the viewer, and nothing is noted
(``PostQueue``).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.send.lap_rows import HELD_BACK_AFTER
from subscriptions.store import row_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broadcaster.send.post_queue import Post

WRITES_AT_ONCE = 16
"""UpdateItem calls on their way at the same time."""

MOST_MARKED_ROWS = 2_000
"""The most rows that one invocation writes. Further rows stay as they are until the next broadcast."""

logger = Logger(service="sender")


class SlowViewerRows:
    """The rows of slow viewers in one invocation. A row is given by its partition and connection."""

    def __init__(self, db: Any, table: str) -> None:
        self._db = db
        self._table = table
        self._failed: dict[tuple[str, str], int] = {}
        """By row: the successive broadcasts in which its viewer took no frame, with this lap."""

    def failed(self, post: Post, before: int) -> bool:
        """Note that a viewer took no frame, as in ``before`` earlier broadcasts.

        Returns whether to close its connection.
        """
        row = (post[2], post[0])
        self._failed[row] = before + 1
        return self._failed[row] > HELD_BACK_AFTER

    def begin_lap(self) -> None:
        """A lap with a newer frame begins: the viewers of the lap before may take that frame."""
        self._failed.clear()

    async def write(self, until: float, passed: Iterable[tuple[str, str]]) -> None:
        """Write the rows that have changed, until ``until`` at the latest (loop's clock).

        ``passed`` are marked rows that have had a post. A row among them that did not fail loses its mark.
        """
        waiting = [(row, 0) for row in passed if row not in self._failed]
        notes = [(row, failed) for row, failed in self._failed.items() if failed <= HELD_BACK_AFTER]
        waiting += notes[: max(0, MOST_MARKED_ROWS - len(waiting))]
        waiting.reverse()  # work() begins at the end

        async def work() -> None:
            while waiting:
                await self._write(*waiting.pop())

        try:
            async with asyncio.timeout_at(until):
                await asyncio.gather(*(work() for _ in range(min(WRITES_AT_ONCE, len(waiting)))))
        except (ClientError, BotoCoreError, TimeoutError) as error:
            logger.warning("slow_viewers_unmarked", rows=len(waiting), exc_info=error)

    async def _write(self, row: tuple[str, str], failed: int) -> None:
        # A row that was deleted meanwhile must stay deleted.
        noted: dict[str, Any] = {
            "UpdateExpression": "SET slow = :failed",
            "ConditionExpression": "attribute_exists(sk)",
            "ExpressionAttributeValues": {":failed": {"N": str(failed)}},
        }
        cleared = {"UpdateExpression": "REMOVE slow", "ConditionExpression": "attribute_exists(slow)"}
        with suppress(self._db.exceptions.ConditionalCheckFailedException):
            await self._db.update_item(TableName=self._table, Key=row_key(*row), **(noted if failed else cleared))
