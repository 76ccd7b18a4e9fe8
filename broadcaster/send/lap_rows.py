"""Hands out the rows of a lap, page by page: the next page is read while the page before it is being sent.

At most two pages are in memory, however many rows a shard holds. Rows of viewers that took no frame in two successive
broadcasts are held back until all other rows have been handed out.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from broadcaster.send.lap import LapPosition, LapStart, lap_ranges
from broadcaster.send.post_queue import TRIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from broadcaster.send.lap import RowRange
    from broadcaster.send.post_queue import Post, PreparedRequest
    from broadcaster.send.row_pages import Page

    Read = Callable[[str, str | None], Awaitable[Page]]

HELD_BACK_AFTER = 2
"""After this many successive broadcasts in which a viewer took no frame, its row comes last in a lap."""

MOST_HELD = 10_000
"""The most rows that are held back. The rows of further slow viewers keep their place."""

_FRONT = LapStart()
_NOBODY: frozenset[str] = frozenset()


class _Piece(NamedTuple):
    """The rows of one page within one row range."""

    range_index: int
    shard_index: int
    after: str | None
    rows: list[str]
    score_only: frozenset[str]
    slow: Mapping[str, int]


class LapRows:
    """The rows of ``partitions`` (one for each shard), one lap after the other; ``post_queue.Rows`` for the gateway.

    ``read`` reads the page of a partition after a connection. ``wake`` is called when rows have come. If a page cannot
    be read, its error is in ``error``, and no more rows come.
    """

    def __init__(self, read: Read, partitions: list[str], wake: Callable[[], None]) -> None:
        self._read = read
        self._partitions = partitions
        self._wake = wake
        self.everything_request: PreparedRequest | None = None
        """For followers of everything; None, here and below: there is no frame for them."""
        self.score_request: PreparedRequest | None = None
        """For followers of the score."""
        self.posts = 0
        """Rows that were handed out as posts."""
        self.skipped_rows = 0
        """Rows that were passed over, because there is no frame for them."""
        self.queries = 0
        self.error: Exception | None = None
        self.begin = LapPosition()
        """This lap began here, and ends here."""
        self.range_index = 0
        """The row range of the lap that ``position`` is in."""
        self._lap_rows = 0
        self._over = False
        """Whether all pages of this lap have been handed out."""
        self.slow_rows: dict[tuple[str, str], int] = {}
        """By partition and connection: in how many successive broadcasts the viewer of a row took no frame."""
        self._held_rows: list[tuple[str, bool, str]] = []
        """The rows held back: connection, whether it follows the score only, partition."""
        self._holds_back = True
        self._earlier_rows = 0
        """Rows of this lap that had been handed out before its reader began."""
        self._read_rows = 0
        """Rows that the reader of this lap has read."""
        self._ranges = (0, 1)
        """Row ranges that the reader has read to the end, and all that it has to read."""
        self._reader: asyncio.Task[None] | None = None
        self._next: asyncio.Queue[_Piece | None] = asyncio.Queue()
        self._coming = 1
        """Rows of the page in the queue; 1 for the end of the lap."""
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
        self.error, self._held_rows = None, []
        self._earlier_rows, self._read_rows, self._ranges = rows, 0, (0, len(ranges) - range_index)
        self._shard_index, self._after = ranges[range_index].shard_index, ranges[range_index].after
        self._rows, self._at, self._score_only = [], 0, _NOBODY
        self._next = asyncio.Queue()
        self._reader = asyncio.create_task(self._read_on(ranges, range_index, self._next))

    def restart_here(self) -> None:
        """Begin a new lap at the present position.

        Pages that were read ahead are read again. A viewer may have subscribed between that read and the newer event,
        with a snapshot that lacks the event.
        """
        self.start(LapStart(self.position))

    @property
    def position(self) -> LapPosition:
        """The place after the last row that was handed out."""
        return LapPosition(self._shard_index, self._rows[self._at - 1] if self._at else self._after)

    @property
    def lap_rows(self) -> int:
        """Rows of this lap that have been handed out, or held back."""
        return self._lap_rows + self._at

    @property
    def waiting_rows(self) -> int:
        """The rows left of this page, else those of the next page; at least 1 if the end of the lap is there."""
        if left := len(self._rows) - self._at:
            return left
        return self._coming if not self._next.empty() else len(self._held_rows) if self._over else 0

    @property
    def fresh(self) -> bool:
        """Whether a row that is not held back is left, or another page, or the end of the lap, is there."""
        return self._at < len(self._rows) or not self._next.empty()

    @property
    def exhausted(self) -> bool:
        """Whether the lap is done, or has ended with an error."""
        return self._over and not self._held_rows

    @property
    def remaining_rows(self) -> int | None:
        """About how many rows of this lap are left, None before the first page is read.

        Exact once the last page has been read. Before that, shards not read yet count as the average of the others.
        """
        ranges_read, ranges = self._ranges
        if not ranges_read and not self._read_rows:
            return None
        handed_out, rows = self.lap_rows - self._earlier_rows, self._read_rows
        expected = rows if ranges_read == ranges else max(rows + 1, ceil(rows * ranges / max(1, ranges_read)))
        return max(0, expected - handed_out) + (len(self._held_rows) if ranges_read == ranges else 0)

    def take_held(self) -> list[Post]:
        """Take all rows that are held back, as posts. From now on no row is held back any more.

        For the last seconds of an invocation that will not reach the end of the lap.
        """
        posts, self._holds_back = [], False
        while (post := self._next_held()) is not None:
            posts.append(post)
        return posts

    def drop_held(self) -> int:
        """Give up the rows that are held back, as if they had not been read; returns their number."""
        held_rows, self._held_rows = self._held_rows, []
        for connection, _, partition in held_rows:
            self.slow_rows.pop((partition, connection), None)
        return len(held_rows)

    def passed_slow_rows(self) -> list[tuple[str, str]]:
        """The rows of slow viewers that have been handed out: partition and connection."""
        here, after = self._partition, self.position.after or ""
        return [row for row in self.slow_rows if self._over or row[0] != here or row[1] <= after]

    def next_row(self) -> Post | None:
        """The post of the next row of this lap, None if no row is there at the moment."""
        while True:
            at = self._at
            if at < len(self._rows):
                self._at = at + 1
                connection = self._rows[at]
                request = self.score_request if connection in self._score_only else self.everything_request
                if request is not None:
                    self.posts += 1
                    return connection, request, self._partition, 0
                self.skipped_rows += 1
            elif not self._turn_page():
                return self._next_held() if self._over else None

    async def close(self) -> None:
        """Stop reading pages."""
        reader = self._reader
        self._stop_reading()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def _next_held(self) -> Post | None:
        while self._held_rows:
            connection, score_only, partition = self._held_rows.pop()
            request = self.score_request if score_only else self.everything_request
            if request is not None:
                self.posts += 1
                # It has half of the tries left, and counts as a further try.
                return connection, request, partition, TRIES / 2
            self.skipped_rows += 1
        return None

    def _hold_back(self, slow: Mapping[str, int]) -> None:
        """Move the rows of slow viewers from this page to the rows that are held back."""
        rows: list[str] = []
        for connection in self._rows:
            if self._holds_back and slow.get(connection, 0) >= HELD_BACK_AFTER and len(self._held_rows) < MOST_HELD:
                self._held_rows.append((connection, connection in self._score_only, self._partition))
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
            self.slow_rows.update({(self._partition, connection): failed for connection, failed in slow.items()})
            self._hold_back(slow)
        return True

    def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read_on(self, ranges: list[RowRange], first: int, pieces: asyncio.Queue[_Piece | None]) -> None:
        """Read page after page, each as soon as the page before it is being sent."""
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
                    self._coming = max(1, len(rows))
                    pieces.put_nowait(_Piece(number, shard_index, after, rows, page.score_only, page.slow))
                    self._wake()
                    after, more = page.last, page.last is not None and (up_to is None or page.last < up_to)
                self._ranges = (number + 1 - first, len(ranges) - first)
        except Exception as error:  # noqa: BLE001 - the sender raises it, once the posts on their way have ended
            self.error = error
        self._coming = 1
        pieces.put_nowait(None)
        self._wake()
