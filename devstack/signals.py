"""Ctrl-C, SIGTERM and SIGHUP end a command once: the first signal stops it, later ones do not disturb its end."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from types import FrameType

    _Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

T = TypeVar("T")
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Once:
    """A handler of signals: the first one raises KeyboardInterrupt, all later ones do nothing.

    While ``run`` runs a coroutine, the first signal cancels the coroutine instead.
    """

    def __init__(self) -> None:
        self.asked = False
        """Whether a signal has come."""
        self.cancel: Callable[[], object] | None = None
        """The action instead of raising KeyboardInterrupt."""

    def __call__(self, *_: object) -> None:
        """Take a signal."""
        if self.asked:
            return
        self.asked = True
        if self.cancel is None:
            raise KeyboardInterrupt
        with suppress(RuntimeError):  # the loop has just been closed
            self.cancel()


@contextmanager
def once() -> Iterator[None]:
    """Take the signals by ``Once`` until the block ends; does nothing if they are taken already.

    A SIGHUP that is ignored, as nohup has it, stays ignored. Only for the main thread.
    """
    if isinstance(signal.getsignal(signal.SIGINT), Once):
        yield
        return
    handler = Once()
    numbers = [each for each in NUMBERS if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) == handler:
            _restore(before)


@contextmanager
def last() -> Iterator[None]:
    """As ``once``, for a whole program: signals are ignored after the block, so that its exit status is the block's."""
    with once():
        try:
            yield
        except KeyboardInterrupt:
            sys.exit(130)
        finally:
            # Python ends by itself from here on, and would restore what it does by default.
            for number in NUMBERS:
                signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Put signals off until the block ends: nothing is started or ended by half.

    Does nothing in other threads than the main one, which alone takes signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in NUMBERS}
    try:
        yield
    finally:
        _restore(before)
        for number in came:
            signal.raise_signal(number)


def run(main: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """As ``asyncio.run``, but each of the signals cancels ``main``, which then cleans up undisturbed.

    Raises KeyboardInterrupt if a signal came. Without ``once`` around it, only Ctrl-C cancels, as asyncio has it.
    """
    import asyncio  # The commands of operators need none of it.

    handler = signal.getsignal(signal.SIGINT)
    if not isinstance(handler, Once):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(main)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            loop = runner.get_loop()

            async def cancellable() -> T:
                task = asyncio.current_task()
                assert task is not None  # noqa: S101
                handler.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
                return await main

            result = runner.run(cancellable())
    except asyncio.CancelledError:
        if not handler.asked:
            raise
        raise KeyboardInterrupt from None
    finally:
        handler.cancel = None
    # A signal may have come when ``main`` had just returned.
    if handler.asked:
        raise KeyboardInterrupt
    return result


def _restore(before: Mapping[signal.Signals, _Handler]) -> None:
    for number, handler in before.items():
        # None: it was not installed by Python.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
