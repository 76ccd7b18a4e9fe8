"""Calls to several cells side by side, each known by its name: a silent cell does not delay the others for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from runtime.attributes import DamagedMatchError
from runtime.refusals import AWS_ERRORS
from runtime.thaw import IDLE_SECONDS, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

PATIENCE_SECONDS = 2.0
"""Seconds that the other cells' answers wait for a slow cell."""

COLD_SECONDS = 2.0
"""Further seconds for a cell to which this process has no open connection. The process then looks up a name, and TCP
and TLS take three round trips, over an ocean some 0.3 s each, on the part of a vCPU that the function's memory buys."""

T = TypeVar("T")


class CellCalls:
    """Calls up to ``count`` cells at once, each in a thread. With one cell the call runs in the caller's thread.

    Use one object for each service, because the object takes a cell that has answered for a cell with an open
    connection. ``clock`` counts seconds, also while the function's process is frozen. ``threads`` run the calls to
    several cells; without it this object makes its own.
    """

    def __init__(self, count: int, clock: Callable[[], float] = seconds, threads: Executor | None = None) -> None:
        # A call that was given up still holds its thread until its client's time-out.
        self._threads = (threads or ThreadPoolExecutor(4 * count)) if count > 1 else None
        self._clock = clock
        self._answered: dict[str, float] = {}

    def is_cold(self, cell: str) -> bool:
        """Whether a call to this cell has to open a connection first."""
        answered = self._answered.get(cell)
        return answered is None or self._clock() - answered > IDLE_SECONDS

    def ask(self, work: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, Exception]]:
        """Do each cell's work; returns the results of the cells that answered, and the errors of the other cells.

        A cell's error is one of ``AWS_ERRORS``, or DamagedMatchError if a row of the match is damaged. It is
        TimeoutError if the cell has not answered within ``PATIENCE_SECONDS``, or ``COLD_SECONDS`` more if the call
        has to open a connection; the cell's work goes on. Every other error is raised.
        """
        if self._threads is None:
            calls = dict(work)
        else:
            futures = {cell: self._threads.submit(each) for cell, each in work.items()}
            cold = [future for cell, future in futures.items() if self.is_cold(cell)]
            wait(futures.values(), PATIENCE_SECONDS)
            wait(cold, COLD_SECONDS)
            calls = {cell: lambda future=future: future.result(timeout=0) for cell, future in futures.items()}  # type: ignore[misc]
        answers: dict[str, T] = {}
        failures: dict[str, Exception] = {}
        for cell, call in calls.items():
            try:
                answers[cell] = call()
            except (*AWS_ERRORS, DamagedMatchError) as error:
                failures[cell] = error
                if not isinstance(error, (ClientError, DamagedMatchError)):
                    self._answered.pop(cell, None)
                    continue
            self._answered[cell] = self._clock()
        return answers, failures
