"""Time that moves only when it is told to: an event loop, and the ``time`` module of what runs here."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = 1_766_000_000.0
"""The date at the beginning of every run, in seconds since the epoch."""

KERNEL_SECONDS = 0.05
"""Seconds of one wait for bytes that are known to be on their way over loopback."""

KERNEL_TRIES = 100


class _Selector(selectors.EpollSelector):
    """Never waits for time: when nothing is ready and nothing is on its way, ``idle`` is called."""

    idle: Callable[[], None]
    in_flight: Callable[[], bool]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        for _ in range(KERNEL_TRIES):
            if not self.in_flight():
                break
            found = super().select(KERNEL_SECONDS)
            if found:
                return found
        self.idle()
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still but for ``advance``; real sockets of this process work as ever."""

    def __init__(self, in_flight: Callable[[], bool]) -> None:
        selector = _Selector()
        selector.idle, selector.in_flight = self.stop, in_flight
        self._at = 1_000.0
        super().__init__(selector)

    def time(self) -> float:
        """Seconds, since nothing in particular."""
        return self._at

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """At once: a thread would bring back chance."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def settle(self) -> None:
        """Run until everything waits for somebody else, or for time to pass."""
        self.run_forever()

    def next_timer(self) -> float | None:
        """Seconds until the next timer, None without any."""
        timers = [each.when() for each in self._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
        return max(0.0, min(timers) - self._at) if timers else None

    def advance(self, seconds: float) -> None:
        """Let so much time pass; every timer on the way fires at its own time."""
        until = self._at + seconds
        while (wait := self.next_timer()) is not None and self._at + wait <= until:
            self._at += wait
            self.settle()
        self._at = until
        self.settle()


class Clock:
    """Replaces ``time`` in the modules under test: the loop's clock as a date, wrong by the skew of the caller."""

    def __init__(self, loop: Loop, begin: float, skew: Callable[[], float]) -> None:
        self._loop = loop
        self._begin = begin - loop.time()
        self._skew = skew

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._begin + self._loop.time() + self._skew()

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return int(self.time() * 1e9)

    def monotonic(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def sleep(self, seconds: float) -> None:
        """Pauses between tries are no side effect: nothing happens."""
