"""The part of the cell's send rate that one batch gets, and the announcements by which other matches learn its need."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from broadcaster.control import rate_share
from broadcaster.send.polls import POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.payload import SenderTask
    from broadcaster.control.rate_share import RateShare
    from broadcaster.send.sender_store import SenderStore


class BatchShare:
    """The share of one batch. ``cell_rate``: requests a second of all senders of the cell together.

    ``clock`` tells seconds since 1970.
    """

    def __init__(
        self, store: SenderStore, task: SenderTask, cell_rate: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._match = task.match
        self._broadcast = task.broadcast
        self._batch = task.batch
        self._cell_rate = cell_rate
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.rate_shares: list[RateShare] = []
        """All broadcasts that share the rate, at the last poll."""
        self._announced: int | None = None
        """The posts left that this batch announced last, None before the first announcement."""
        self._known_from = float("inf")
        """The senders of the other matches have read the first announcement by this time (loop's clock)."""

    @property
    def rate(self) -> float:
        """Requests a second for this batch, by the last poll."""
        announced, senders = self._loop.time() >= self._known_from, self._batch.senders
        return rate_share.share(
            self.rate_shares, self._match, senders, self._cell_rate, self._clock(), announced=announced
        )

    @property
    def has_rivals(self) -> bool:
        """Whether other matches share the rate."""
        return any(each.match != self._match for each in self.rate_shares)

    async def announce_left(self, left: int) -> None:
        """Announce the posts that this batch has left: the first time, when they have grown, and when they have halved.

        Raises botocore's errors.
        """
        before = self._announced
        if before is not None and (left == before or before / 2 < left < before):
            return
        if await self._store.announce_left(self._match, self._broadcast, self._batch.number, left):
            if before is None:
                self._known_from = self._loop.time() + POLL_SECONDS
            self._announced = left

    async def announce_done(self, *, is_done: bool) -> RateShare | None:
        """Announce that the batch is done, or that it goes on after all.

        Returns the rate share of the match, None if the match does not share the rate any more.
        Raises botocore's errors.
        """
        return await self._store.announce_done(self._match, self._broadcast, self._batch.number, is_done=is_done)
