"""A sender's walk over the rows of its shards: one page is read while the one before it is being sent.

At most two pages are in memory, however many rows a shard holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from subscriptions.store import page_query, partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Stop(NamedTuple):
    """One stop of the walk: a row that is still alive."""

    pk: str
    connection: str
    score_only: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands: in shard number ``stage`` of its list, rows up to and with ``after`` are done."""

    stage: int = 0
    after: str | None = None


class Walk:
    """The rows of ``shards`` from ``cursor`` on, in order, for any number of takers."""

    def __init__(self, db: Any, table: str, match: str, shards: Sequence[int], *, cursor: Cursor, now: float) -> None:
        self._db = db
        self._table = table
        self._partitions = [partition(match, shard) for shard in shards]
        self._now = int(now)
        self._taken = cursor
        self._rows: Iterator[dict[str, Any]] = iter(())
        self._stage = cursor.stage
        self._turn = asyncio.Lock()
        self._next_page: asyncio.Task[tuple[int, list[dict[str, Any]], Cursor | None]] | None = None
        self._prefetch(cursor)
        self.rows = 0
        self.queries = 0

    @property
    def cursor(self) -> Cursor:
        """The last row taken: where another walk may go on once what was taken is done."""
        return self._taken

    @property
    def done(self) -> bool:
        """Whether every row has been taken."""
        return self._taken.stage >= len(self._partitions)

    async def take(self) -> Stop | None:
        """The next living row, None at the end."""
        async with self._turn:
            while True:
                for item in self._rows:
                    connection = item["sk"]["S"]
                    self._taken = Cursor(self._stage, connection)
                    if int(item["ttl"]["N"]) > self._now:
                        # TTL deletes hours late (howitworks-ttl.html): an expired row is skipped here.
                        self.rows += 1
                        return Stop(self._partitions[self._stage], connection, "only" in item)
                if self._next_page is None:
                    self._taken = Cursor(len(self._partitions))
                    return None
                self._stage, rows, following = await self._next_page
                self._rows = iter(rows)
                self._prefetch(following)

    async def close(self) -> None:
        """Give up the page that is being read."""
        if self._next_page is not None:
            self._next_page.cancel()
            await asyncio.gather(self._next_page, return_exceptions=True)

    def _prefetch(self, cursor: Cursor | None) -> None:
        if cursor is None or cursor.stage >= len(self._partitions):
            self._next_page = None
        else:
            self._next_page = asyncio.create_task(self._read(cursor))

    async def _read(self, cursor: Cursor) -> tuple[int, list[dict[str, Any]], Cursor | None]:
        """One page: the stage it belongs to, its rows, and where the next page begins."""
        self.queries += 1
        page = await self._db.query(**page_query(self._table, self._partitions[cursor.stage], cursor.after))
        if "LastEvaluatedKey" in page:
            return cursor.stage, page["Items"], Cursor(cursor.stage, page["LastEvaluatedKey"]["sk"]["S"])
        return cursor.stage, page["Items"], Cursor(cursor.stage + 1)
