"""The whole system on one machine: MiniStack, the zips and everything in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from devstack.ministack import MiniStack
from devstack.package import build
from devstack.provision import provision
from devstack.system import System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_PORT = 4566


@contextmanager
def running(
    port: int, settings: dict[str, int] | None = None, say: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[System, MiniStack]]:
    """The system, ready; it is gone when the block ends.

    Raises ministack.StackError with a sentence for a person.
    """
    system = System(port, settings or {})
    say("Preparing MiniStack and the Lambda zips …")
    package = build()
    ministack = MiniStack(port).start()
    try:
        say("Provisioning …")
        provision(system, package)
        yield system, ministack
    finally:
        ministack.stop()
