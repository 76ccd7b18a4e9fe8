"""The life of a stand-in's process: when it has to end, and how rarely its garbage is collected."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys


def end_event(*, with_parent: bool) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; with ``with_parent`` also the end of stdin. Needs a running loop."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _end_with_stdin, ended)
    return ended


def spare_the_collector() -> None:
    """Have the garbage collector visit few objects, and rarely.

    Loaded objects stay, so the collector need not visit them (40 ms). A full collection over ten thousand sockets must
    be rare: it takes another 90 ms, in which no viewer is served.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _end_with_stdin(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        ended.set()
