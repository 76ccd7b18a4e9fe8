"""Calls to several regions side by side: a silent region does not delay the others for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from runtime.attributes import DamagedMatchError
from runtime.refusals import AWS_ERRORS
from runtime.thaw import IDLE_SECONDS, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE_SECONDS = 2.0
"""Seconds that the other regions' answers wait for a slow region."""

COLD_SECONDS = 2.0
"""Further seconds for a region to which this process has no open connection. The process then looks up a name, and TCP
and TLS take three round trips, over an ocean some 0.3 s each, on the part of a vCPU that the function's memory buys."""

T = TypeVar("T")


class Regions:
    """Calls up to ``count`` regions at once, each in a thread. With one region the call runs in the caller's thread.

    Use one object for each service, because the object takes a region that has answered for a region with an open
    connection. ``clock`` counts seconds, also while the function's process is frozen.
    """

    def __init__(self, count: int, clock: Callable[[], float] = seconds) -> None:
        # A call that was given up still holds its thread until its client's time-out.
        self._threads = ThreadPoolExecutor(4 * count) if count > 1 else None
        self._clock = clock
        self._answered: dict[str, float] = {}

    def is_cold(self, region: str) -> bool:
        """Whether a call to this region has to open a connection first."""
        answered = self._answered.get(region)
        return answered is None or self._clock() - answered > IDLE_SECONDS

    def ask(self, work: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, Exception]]:
        """Do each region's work; returns the results of the regions that answered, and the errors of the other regions.

        A region's error is one of ``AWS_ERRORS``, or DamagedMatchError if a row of the match is damaged. It is
        TimeoutError if the region has not answered within ``PATIENCE_SECONDS``, or ``COLD_SECONDS`` more if the call
        has to open a connection; the region's work goes on. Every other error is raised.
        """
        if self._threads is None:
            calls = dict(work)
        else:
            futures = {region: self._threads.submit(each) for region, each in work.items()}
            cold = [future for region, future in futures.items() if self.is_cold(region)]
            wait(futures.values(), PATIENCE_SECONDS)
            wait(cold, COLD_SECONDS)
            calls = {region: lambda future=future: future.result(timeout=0) for region, future in futures.items()}  # type: ignore[misc]
        answers: dict[str, T] = {}
        failures: dict[str, Exception] = {}
        for region, call in calls.items():
            try:
                answers[region] = call()
            except (*AWS_ERRORS, DamagedMatchError) as error:
                failures[region] = error
                if not isinstance(error, (ClientError, DamagedMatchError)):
                    self._answered.pop(region, None)
                    continue
            self._answered[region] = self._clock()
        return answers, failures
