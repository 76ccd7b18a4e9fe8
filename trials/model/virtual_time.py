"""Virtual time: an event loop whose clock only ``advance`` moves, and a ``time`` module with that clock."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = 1_766_000_000.0
"""The time at the beginning of every run, in seconds since 1970."""

KERNEL_SECONDS = 0.05
"""Seconds of one wait for bytes that are known to be on their way over loopback."""

KERNEL_TRIES = 100


class _Selector(selectors.EpollSelector):
    """Never waits for time: it calls ``idle`` if nothing is ready and no bytes are on their way."""

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
    """An event loop whose clock only ``advance`` moves; real sockets of this process work as usual."""

    def __init__(self, in_flight: Callable[[], bool]) -> None:
        selector = _Selector()
        selector.idle, selector.in_flight = self.stop, in_flight
        self._at = 1_000.0
        super().__init__(selector)

    def time(self) -> float:
        """Seconds since an arbitrary moment."""
        return self._at

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Call ``func`` at once, because a thread would be random."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future

    def settle(self) -> None:
        """Run until all tasks wait for other actors or for time."""
        self.run_forever()

    def next_timer(self) -> float | None:
        """Seconds until the next timer, None if there is none."""
        timers = [each.when() for each in self._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
        return max(0.0, min(timers) - self._at) if timers else None

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; every timer fires at its own time."""
        until = self._at + seconds
        while (wait := self.next_timer()) is not None and self._at + wait <= until:
            self._at += wait
            self.settle()
        self._at = until
        self.settle()


class Clock:
    """Replaces ``time`` in the modules under test: the loop's clock as a date, plus the skew of the running actor."""

    def __init__(self, loop: Loop, begin: float, skew: Callable[[], float]) -> None:
        self._loop = loop
        self._begin = begin - loop.time()
        self._skew = skew

    def time(self) -> float:
        """Seconds since 1970."""
        return self._begin + self._loop.time() + self._skew()

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        return int(self.time() * 1e9)

    def monotonic(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def sleep(self, seconds: float) -> None:
        """Does nothing: a pause between tries is no side effect."""
