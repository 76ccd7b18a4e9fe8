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

PATIENCE_SECONDS = 2.0
"""Seconds that the other cells' answers wait for a slow cell."""

COLD_SECONDS = 2.0
"""Further seconds for a cell to which this process has no open connection. The process then looks up a name, and TCP
and TLS take three round trips, over an ocean some 0.3 s each, on the part of a vCPU that the function's memory buys."""

THREADS = 16
"""The most calls of one cell at once.

A call that was given up still holds its thread until its client's time-out. So each cell has threads of its own: a cell
that does not answer takes none from another."""

T = TypeVar("T")


class CellCalls:
    """Calls several cells at once, each in a thread, and gives up a call after some time.

    With one cell the call runs in the caller's thread to its end, unless ``gives_up`` says otherwise. Use one object
    for each service, because the object takes a cell that has answered for a cell with an open connection. ``clock``
    counts seconds, also while the function's process is frozen.
    """

    def __init__(self, count: int, clock: Callable[[], float] = seconds, *, gives_up: bool | None = None) -> None:
        self._gives_up = count > 1 if gives_up is None else gives_up
        self._threads: dict[str, ThreadPoolExecutor] = {}
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
        if not self._gives_up:
            calls = dict(work)
        else:
            futures = {cell: self._threads_of(cell).submit(each) for cell, each in work.items()}
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

    def _threads_of(self, cell: str) -> ThreadPoolExecutor:
        # If two callers make a cell's threads at once, the second executor is forgotten; it has no thread yet.
        return self._threads.get(cell) or self._threads.setdefault(cell, ThreadPoolExecutor(THREADS))
