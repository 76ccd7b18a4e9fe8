"""A sender's way round its ring: one page of rows is read while the one before it is being sent.

At most two pages are in memory, however many rows a shard holds. Rows of viewers that took nothing in two broadcasts
running are held back until the others have been taken.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from broadcaster.send.lap import LapStart, Position, lap_ranges
from broadcaster.send.post_queue import TRIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from broadcaster.send.lap import RowRange
    from broadcaster.send.post_queue import Post, PreparedRequest
    from broadcaster.send.row_pages import Page

    Read = Callable[[str, str | None], Awaitable[Page]]

HELD_BACK_AFTER = 2
"""Broadcasts running in which a viewer took nothing: from then on its row is taken last."""

MOST_HELD = 10_000
"""Rows held back at most; further slow viewers keep their place."""

_FRONT = LapStart()
_NOBODY: frozenset[str] = frozenset()


class _Piece(NamedTuple):
    """Rows of one page: in which range_index, of which shard, after which row."""

    range_index: int
    shard_index: int
    after: str | None
    rows: list[str]
    score_only: frozenset[str]
    slow: Mapping[str, int]


class LapRows:
    """The rows of ``partitions`` on one lap after the other; ``post_queue.Rows`` for the gateway.

    ``read`` gets a page of a partition after a connection; ``wake`` is called when rows have come. A page that cannot
    be read is kept as ``error``, and the walk has no more rows.
    """

    def __init__(self, read: Read, partitions: list[str], wake: Callable[[], None]) -> None:
        self._read = read
        self._partitions = partitions
        self._wake = wake
        self.everything: PreparedRequest | None = None
        """For those who follow everything. None, here and below: nothing to tell them."""
        self.score: PreparedRequest | None = None
        """For those who follow the score only."""
        self.taken = 0
        self.skipped = 0
        self.queries = 0
        self.error: Exception | None = None
        self.begin = Position()
        """Where this lap began, and where it ends."""
        self.range_index = 0
        """The stretch of the lap that the spot is in."""
        self._lap_rows = 0
        self._over = False
        """Whether the pages of this lap have been taken."""
        self.slow: dict[tuple[str, str], int] = {}
        """By partition and connection: rows that were met whose viewers took nothing in the last broadcasts."""
        self._held: list[tuple[str, bool, str]] = []
        """Rows held back: connection, whether it follows the score only, partition."""
        self._holds = True
        self._before = 0
        """Rows of this lap that had been taken before its reader began."""
        self._read_rows = 0
        """Rows that this lap's reader has read."""
        self._ranges = (0, 1)
        """Stretches that the reader has read to the end, and has to read."""
        self._reader: asyncio.Task[None] | None = None
        self._next: asyncio.Queue[_Piece | None] = asyncio.Queue()
        self._shard_index = 0
        self._partition = partitions[0]
        self._after: str | None = None
        self._rows: list[str] = []
        self._at = 0
        self._score_only = _NOBODY

    def start(self, at: LapStart = _FRONT) -> None:
        """Begin a lap, or go on with the lap of an earlier invocation."""
        self._stop_reading()
        begin, range_index, after, rows = at
        ranges = lap_ranges(len(self._partitions), begin)
        if after is not None:
            ranges[range_index] = ranges[range_index]._replace(after=after)
        self.begin, self.range_index, self._lap_rows, self._over = begin, range_index, rows, False
        self.error, self._held = None, []
        self._before, self._read_rows, self._ranges = rows, 0, (0, len(ranges) - range_index)
        self._shard_index, self._after = ranges[range_index].shard_index, ranges[range_index].after
        self._rows, self._at, self._score_only = [], 0, _NOBODY
        self._next = asyncio.Queue()
        self._reader = asyncio.create_task(self._read_on(ranges, range_index, self._next))

    def restart_here(self) -> None:
        """Begin a lap here.

        Rows that were read ahead are read again. A viewer may have come between that read and the newer event, and its
        snapshot may lack that event.
        """
        self.start(LapStart(self.position))

    @property
    def position(self) -> Position:
        """After the last row that was taken."""
        return Position(self._shard_index, self._rows[self._at - 1] if self._at else self._after)

    @property
    def lap_rows(self) -> int:
        """Rows of this lap that have been taken."""
        return self._lap_rows + self._at

    @property
    def waiting(self) -> int:
        """The number of rows of this page that can be taken; 1 if another page, or the end, is there."""
        return len(self._rows) - self._at or int(not self._next.empty()) or (len(self._held) if self._over else 0)

    @property
    def fresh(self) -> bool:
        """Whether a row that is not held back can be taken, or another page, or the end, is there."""
        return self._at < len(self._rows) or not self._next.empty()

    @property
    def exhausted(self) -> bool:
        """Whether the lap is done, or cannot go on."""
        return self._over and not self._held

    @property
    def left(self) -> int | None:
        """About how many rows of this lap are still to be taken, None before the first page is read.

        Exact once the last page has been read. Before that, shards not read yet count as the average of the others.
        """
        finished, of = self._ranges
        if not finished and not self._read_rows:
            return None
        taken, rows = self.lap_rows - self._before, self._read_rows
        expected = rows if finished == of else max(rows + 1, ceil(rows * of / max(1, finished)))
        return max(0, expected - taken) + (len(self._held) if finished == of else 0)

    def release(self) -> list[Post]:
        """The posts of the rows that have been held back: there is no time to wait for the end of the lap.

        From now on no row is held back any more.
        """
        posts, self._holds = [], False
        while (post := self._next_held()) is not None:
            posts.append(post)
        return posts

    def drop_held(self) -> int:
        """Give up the rows that are held back; returns how many there were. They are as if they had not been met."""
        held, self._held = self._held, []
        for connection, _, partition in held:
            self.slow.pop((partition, connection), None)
        return len(held)

    def reached(self) -> list[tuple[str, str]]:
        """The rows of slow viewers that have been taken."""
        here, after = self._partition, self.position.after or ""
        return [row for row in self.slow if self._over or row[0] != here or row[1] <= after]

    def next_row(self) -> Post | None:
        """The next row of this lap, None if there is none at the moment."""
        while True:
            at = self._at
            if at < len(self._rows):
                self._at = at + 1
                connection = self._rows[at]
                request = self.score if connection in self._score_only else self.everything
                if request is not None:
                    self.taken += 1
                    return connection, request, self._partition, 0
                self.skipped += 1
            elif not self._turn_page():
                return self._next_held() if self._over else None

    async def close(self) -> None:
        """Give up the page that is being read."""
        reader = self._reader
        self._stop_reading()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def _next_held(self) -> Post | None:
        while self._held:
            connection, score_only, partition = self._held.pop()
            request = self.score if score_only else self.everything
            if request is not None:
                self.taken += 1
                # Half of the tries, and no place among the first ones.
                return connection, request, partition, TRIES / 2
            self.skipped += 1
        return None

    def _hold_back(self, slow: Mapping[str, int]) -> None:
        """Take the rows of slow viewers out of this page."""
        rows: list[str] = []
        for connection in self._rows:
            if self._holds and slow.get(connection, 0) >= HELD_BACK_AFTER and len(self._held) < MOST_HELD:
                self._held.append((connection, connection in self._score_only, self._partition))
            else:
                rows.append(connection)
        self._lap_rows += len(self._rows) - len(rows)
        self._rows = rows

    def _turn_page(self) -> bool:
        if self._next.empty():
            return False
        piece = self._next.get_nowait()
        self._next.task_done()
        self._lap_rows += self._at
        self._after = self.position.after
        self._rows, self._at, self._score_only = [], 0, _NOBODY
        if piece is None:
            self._over = True
            return False
        self.range_index, self._shard_index, self._after, self._rows, self._score_only, slow = piece
        self._partition = self._partitions[self._shard_index]
        if slow:
            self.slow.update({(self._partition, connection): failed for connection, failed in slow.items()})
            self._hold_back(slow)
        return True

    def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read_on(self, ranges: list[RowRange], first: int, pieces: asyncio.Queue[_Piece | None]) -> None:
        """Read page after page, each as soon as the one before it is being sent."""
        try:
            for number, (shard_index, begin, up_to) in enumerate(ranges[first:], first):
                after, more = begin, True
                while more:
                    await pieces.join()
                    self.queries += 1
                    page = await self._read(self._partitions[shard_index], after)
                    rows = (
                        page.connections if up_to is None else page.connections[: bisect_right(page.connections, up_to)]
                    )
                    self._read_rows += len(rows)
                    pieces.put_nowait(_Piece(number, shard_index, after, rows, page.score_only, page.slow))
                    self._wake()
                    after, more = page.last, page.last is not None and (up_to is None or page.last < up_to)
                self._ranges = (number + 1 - first, len(ranges) - first)
        except Exception as error:  # noqa: BLE001 - the sender raises it, once what is on its way has ended
            self.error = error
        pieces.put_nowait(None)
        self._wake()
