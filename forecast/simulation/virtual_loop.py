"""An event loop in virtual time: nothing waits, and the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

BEGIN = 1_766_070_000.0
"""The virtual date at the beginning of every simulation, in seconds since 1970: 18 December 2025, 15:00 UTC."""


class StalledError(AssertionError):
    """Every task waits for another one, and no timer runs: a fault of the simulation."""


class _Jump:
    """In place of a selector: a wait ends at once, with the clock at its end."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Move the clock by ``timeout`` seconds, to the next point of its grid."""
        if timeout is None:
            raise StalledError("nothing can happen any more")
        if timeout > 0:
            self._loop.jump(timeout)
        return []

    def close(self) -> None:
        """Nothing is open."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs coroutines in virtual time.

    ``grid``: seconds between two times of the clock. All timers between two of them fire together at the later one. So
    a wide grid is fast, and each wait is at most that much longer.
    """

    def __init__(self, grid: float) -> None:
        super().__init__()
        self.grid = grid
        self._selector = _Jump(self)
        self.step = 0
        self._clock_resolution = grid / 1_000
        self._readers: dict[int, Callable[[], Any]] = {}
        self.fault: BaseException | None = None
        """The first error of a callback, which ``run`` raises."""
        self.set_exception_handler(self._failed)

    def _failed(self, _: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        self.fault = self.fault or about.get("exception") or StalledError(about["message"])
        self.stop()

    def time(self) -> float:
        """Seconds since the beginning."""
        return self.step * self.grid

    def date(self) -> float:
        """Seconds since 1970."""
        return BEGIN + self.step * self.grid

    def jump(self, seconds: float) -> None:
        """Move the clock on, to a point of the grid."""
        self.step = max(self.step + 1, ceil((self.step * self.grid + seconds) / self.grid - 1e-6))

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Call ``callback`` when ``ready`` is called for this number, which is no file descriptor of the system."""
        self._readers[fd] = lambda: callback(*args)

    def remove_reader(self, fd: Any) -> bool:
        """Call it no more."""
        return self._readers.pop(fd, None) is not None

    def ready(self, fd: int) -> None:
        """Call the callback of this number."""
        if (callback := self._readers.get(fd)) is not None:
            callback()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Call ``func`` at once, because a thread would bring real time in."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none: ``_Jump`` returns no events."""

    def _write_to_self(self) -> None:
        """No other thread is there to wake this one."""


def run(work: Coroutine[Any, Any, Any], loop: VirtualLoop) -> Any:
    """Run ``work`` to its end, and cancel what it leaves behind. Raises its error."""
    try:
        try:
            return loop.run_until_complete(work)
        except RuntimeError:
            if loop.fault is not None:
                raise loop.fault from None
            raise
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
