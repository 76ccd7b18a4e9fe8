"""A sender's walk over the rows of its shards: one page is read while the one before it is being sent.

At most two pages are in memory, however many rows a shard holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from subscriptions.store import page_query, partition

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop(NamedTuple):
    """One stop of the walk: a row that is still alive."""

    pk: str
    connection: str
    score_only: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands: rows of ``shard`` up to and with connection ``after`` are done, and all shards before."""

    shard: int
    after: str | None = None


class Walk:
    """The rows of the shards from ``cursor`` to ``last`` (not included), in order, for any number of takers."""

    def __init__(self, db: Any, table: str, match: str, *, cursor: Cursor, last: int, now: float) -> None:
        self._db = db
        self._table = table
        self._match = match
        self._last = last
        self._now = int(now)
        self._taken = cursor
        self._rows: Iterator[dict[str, Any]] = iter(())
        self._shard = cursor.shard
        self._turn = asyncio.Lock()
        self._next_page: asyncio.Task[tuple[int, list[dict[str, Any]], Cursor | None]] | None = None
        self._prefetch(cursor)
        self.rows = 0
        self.queries = 0

    @property
    def cursor(self) -> Cursor:
        """The last row taken: where another walk may go on once what was taken is done."""
        return self._taken

    async def take(self) -> Stop | None:
        """The next living row, None at the end."""
        async with self._turn:
            while True:
                for item in self._rows:
                    connection = item["sk"]["S"]
                    self._taken = Cursor(self._shard, connection)
                    if int(item["ttl"]["N"]) > self._now:
                        # TTL deletes hours late (howitworks-ttl.html): an expired row is skipped here.
                        self.rows += 1
                        return Stop(partition(self._match, self._shard), connection, "only" in item)
                if self._next_page is None:
                    self._taken = Cursor(self._last)
                    return None
                self._shard, rows, following = await self._next_page
                self._rows = iter(rows)
                self._prefetch(following)

    async def close(self) -> None:
        """Give up the page that is being read."""
        if self._next_page is not None:
            self._next_page.cancel()
            await asyncio.gather(self._next_page, return_exceptions=True)

    def _prefetch(self, cursor: Cursor | None) -> None:
        if cursor is None or cursor.shard >= self._last:
            self._next_page = None
        else:
            self._next_page = asyncio.create_task(self._read(cursor))

    async def _read(self, cursor: Cursor) -> tuple[int, list[dict[str, Any]], Cursor | None]:
        """One page: its shard, its rows, and where the next page begins."""
        self.queries += 1
        page = await self._db.query(**page_query(self._table, partition(self._match, cursor.shard), cursor.after))
        if "LastEvaluatedKey" in page:
            return cursor.shard, page["Items"], Cursor(cursor.shard, page["LastEvaluatedKey"]["sk"]["S"])
        return cursor.shard, page["Items"], Cursor(cursor.shard + 1)
