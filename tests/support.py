"""Helpers for tests of every part."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

import pytest

from devstack.system import DEFAULT_PORT, System
from runtime.environment import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from socketserver import BaseServer

    from matches.event_types import AnyReceipt, Receipt

EVERY_SECONDS = 0.02
NOT_SO = "it has not come true in time"

T = TypeVar("T")

FROM_A_PAGE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:4580"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Host": "evil.example"},
]
"""Headers that only a browser sends to a port of this machine, each for a page of its own."""


SOAK = bool(os.environ.get("LIVESCORE_SOAK"))
"""Whether this is ``make soak``: tests that can go on for longer do."""


def soak(usual: T, long: T) -> T:
    """The size of a test: ``usual``, and ``long`` in ``make soak``, which runs the files that call this."""
    return long if SOAK else usual


def needs(what: str, there: object) -> None:
    """Skip where something is missing that a user need not have; in CI it must be there."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


def until(true: Callable[[], Any], what: str = NOT_SO, seconds: float = 20.0) -> Any:
    """Wait for a true value and return it; fail with ``what`` if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, what
        time.sleep(EVERY_SECONDS)
    return value


async def eventually(true: Callable[..., Any], what: str = NOT_SO, seconds: float = 40.0) -> Any:
    """As ``until``, while the event loop goes on: a call that blocks runs in a thread, a coroutine in the loop."""
    deadline = time.monotonic() + seconds
    while True:
        found = await asyncio.to_thread(true)
        if value := await found if inspect.isawaitable(found) else found:
            return value
        assert time.monotonic() < deadline, what
        await asyncio.sleep(EVERY_SECONDS)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """A function's environment in this process; its settings are read anew."""
    with patch.dict(os.environ, variables):
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """The server serves in a thread of its own while the block runs. The caller closes the server afterwards."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def given(patch: pytest.MonkeyPatch, function: str, **changed: str) -> None:
    """This process has the environment of a function until the end of the test, with some variables changed."""
    for name, value in {**System(DEFAULT_PORT).environment(function), **changed}.items():
        patch.setenv(name, value)
    settings.cache_clear()


def counted(receipts: Iterable[AnyReceipt]) -> list[Receipt]:
    """The receipts with counts: those of cells whose senders tell each viewer."""
    return [each for each in receipts if "accepted" in each]


def alive(group: int) -> bool:
    """Whether a process of a process group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def marked(variable: str) -> list[int]:
    """The ids of the processes that have ``NAME=value`` in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"\0{variable}\0".encode() in b"\0" + environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def processes(port: int) -> list[int]:
    """Processes that belong to the stack on a port: it is in the environment of each."""
    return marked(f"GATEWAY_PORT={port}")
