"""Handles Ctrl-C, SIGTERM and SIGHUP: the first signal ends the command, later ones do not disturb its clean-up."""

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
        """The function to call instead of raising KeyboardInterrupt."""

    def __call__(self, *_: object) -> None:
        """Handle a signal."""
        if self.asked:
            return
        self.asked = True
        if self.cancel is None:
            raise KeyboardInterrupt
        with suppress(RuntimeError):  # The loop has just been closed.
            self.cancel()


@contextmanager
def once() -> Iterator[None]:
    """Handle the signals with ``Once`` until the block ends; does nothing if a ``Once`` handles them already.

    If SIGHUP is ignored, as under nohup, it stays ignored. Only for the main thread.
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
    """Like ``once``, for a whole program: after the block, signals are ignored and cannot change the exit status."""
    with once():
        try:
            yield
        except KeyboardInterrupt:
            sys.exit(130)
        finally:
            # Python is about to exit. Default handlers would let a signal change the exit status.
            for number in NUMBERS:
                signal.signal(number, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Delay signals until the block ends, so that no signal interrupts it.

    Does nothing outside the main thread, because only the main thread handles signals.
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
    """Like ``asyncio.run``, but the first signal cancels ``main``, and later ones do not disturb its clean-up.

    Raises KeyboardInterrupt if a signal came. Outside ``once``, only Ctrl-C cancels ``main``, as in ``asyncio.run``.
    """
    import asyncio  # Imported here, because operators' commands do not need it and must start fast.

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
        # None: the handler was not installed from Python.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
