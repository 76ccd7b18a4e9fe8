"""Asks regions side by side: one that does not answer holds up nobody."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE_SECONDS = 2.0
"""What the other regions wait for one of several, at most."""

SILENCE_SECONDS = 15.0
"""A region that did not answer in time is not asked again for so long."""

TRANSIENT = (ClientError, BotoCoreError)
"""What may be over at the next try."""

logger = Logger(service="cells")
T = TypeVar("T")


class Reach:
    """Remembers which regions are silent. With no ``threads`` the work is done here and now, however long it takes."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads) if threads else None
        self._silent_until: dict[str, float] = {}

    def each(self, work: Mapping[str, Callable[[], T]]) -> dict[str, T]:
        """Run each region's work, all side by side; returns the results of those that answered."""
        if self._threads is None:
            done = {region: _ended(each) for region, each in work.items()}
        else:
            now = time.monotonic()
            asked = [region for region in work if self._silent_until.get(region, 0.0) <= now]
            done = {region: self._threads.submit(work[region]) for region in asked}
            wait(done.values(), PATIENCE_SECONDS)
        results = {}
        for region, future in done.items():
            try:
                results[region] = future.result(timeout=0)
            except (*TRANSIENT, TimeoutError) as error:
                logger.warning("a cell was not reached", cell=region, exc_info=error)
                if not isinstance(error, ClientError):
                    self._silent_until[region] = time.monotonic() + SILENCE_SECONDS
        return results


def _ended(work: Callable[[], T]) -> Future[T]:
    """What was done here and now, as the threads would tell it."""
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except TRANSIENT as error:
        future.set_exception(error)
    return future
