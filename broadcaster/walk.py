"""A sender's way round its ring: one page of rows is read while the one before it is being sent.

At most two pages are in memory, however many rows a shard holds.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from broadcaster.ring import Spot, Stretch, lap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from broadcaster.delivery import Job, Lane
    from broadcaster.pages import Page

    Read = Callable[[str, str | None], Awaitable[Page]]

_FRONT = Spot()
_NOBODY: frozenset[str] = frozenset()


class _Piece(NamedTuple):
    """Rows of one page: in which stretch, of which shard, after which row."""

    stretch: int
    stage: int
    after: str | None
    rows: list[str]
    score_only: frozenset[str]


class Walk:
    """The rows of ``partitions`` on one lap after the other; ``delivery.Rows`` for the gateway.

    ``read`` gets a page of a partition after a connection; ``wake`` is called when rows have come. A page that cannot
    be read is kept as ``error``, and the walk has no more rows.
    """

    def __init__(self, read: Read, partitions: list[str], wake: Callable[[], None]) -> None:
        self._read = read
        self._partitions = partitions
        self._wake = wake
        self.everything: Lane | None = None
        """For those who follow everything. None, here and below: nothing to tell them."""
        self.score: Lane | None = None
        """For those who follow the score only."""
        self.taken = 0
        self.skipped = 0
        self.queries = 0
        self.error: Exception | None = None
        self.begin = Spot()
        """Where this lap began, and where it ends."""
        self.stretch = 0
        """The stretch of the lap that the spot is in."""
        self._lap_rows = 0
        self._over = False
        self._reader: asyncio.Task[None] | None = None
        self._next: asyncio.Queue[_Piece | None] = asyncio.Queue()
        self._stage = 0
        self._partition = partitions[0]
        self._after: str | None = None
        self._rows: list[str] = []
        self._at = 0
        self._score_only = _NOBODY

    def start(self, begin: Spot = _FRONT, *, stretch: int = 0, after: str | None = None, rows: int = 0) -> None:
        """Begin a lap at ``begin``, or go on with one: in a ``stretch``, after a row, ``rows`` having been taken."""
        self._stop_reading()
        stretches = lap(len(self._partitions), begin)
        if after is not None:
            stretches[stretch] = stretches[stretch]._replace(after=after)
        self.begin, self.stretch, self._lap_rows, self._over = begin, stretch, rows, False
        self.error = None
        self._stage, self._after = stretches[stretch].stage, stretches[stretch].after
        self._rows, self._at, self._score_only = [], 0, _NOBODY
        self._next = asyncio.Queue()
        self._reader = asyncio.create_task(self._read_on(stretches, stretch, self._next))

    def turn(self) -> None:
        """Begin a lap here.

        What had been read ahead is read again: a viewer may have come between that read and the newer event, and have
        been given a snapshot that does not have it.
        """
        self.start(self.spot)

    @property
    def spot(self) -> Spot:
        """After the last row that was taken."""
        return Spot(self._stage, self._rows[self._at - 1] if self._at else self._after)

    @property
    def lap_rows(self) -> int:
        """Rows of this lap that have been taken."""
        return self._lap_rows + self._at

    @property
    def waiting(self) -> int:
        """How many rows of this page can be taken; 1 if another page, or the end, is there."""
        return len(self._rows) - self._at or int(not self._next.empty())

    @property
    def exhausted(self) -> bool:
        """Whether the lap is done, or cannot go on."""
        return self._over

    def take(self) -> Job | None:
        """The next row of this lap, None if there is none at the moment."""
        while True:
            at = self._at
            if at < len(self._rows):
                self._at = at + 1
                connection = self._rows[at]
                lane = self.score if connection in self._score_only else self.everything
                if lane is not None:
                    self.taken += 1
                    return connection, lane, self._partition, 0
                self.skipped += 1
            elif not self._turn_page():
                return None

    async def close(self) -> None:
        """Give up the page that is being read."""
        reader = self._reader
        self._stop_reading()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    def _turn_page(self) -> bool:
        if self._next.empty():
            return False
        piece = self._next.get_nowait()
        self._next.task_done()
        self._lap_rows += self._at
        self._after = self.spot.after
        self._rows, self._at, self._score_only = [], 0, _NOBODY
        if piece is None:
            self._over = True
            return False
        self.stretch, self._stage, self._after, self._rows, self._score_only = piece
        self._partition = self._partitions[self._stage]
        return True

    def _stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read_on(self, stretches: list[Stretch], first: int, pieces: asyncio.Queue[_Piece | None]) -> None:
        """Read page after page, each as soon as the one before it is being sent."""
        try:
            for number, (stage, begin, to) in enumerate(stretches[first:], first):
                after, more = begin, True
                while more:
                    await pieces.join()
                    self.queries += 1
                    page = await self._read(self._partitions[stage], after)
                    rows = page.connections if to is None else page.connections[: bisect_right(page.connections, to)]
                    pieces.put_nowait(_Piece(number, stage, after, rows, page.score_only))
                    self._wake()
                    after, more = page.last, page.last is not None and (to is None or page.last < to)
        except Exception as error:  # noqa: BLE001 - the sender raises it, once what is on its way has ended
            self.error = error
        pieces.put_nowait(None)
        self._wake()
