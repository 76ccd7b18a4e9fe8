"""The system calls by which the gateway's connections reach the network. A simulation passes its own."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Wire:
    """Makes what waits for sockets, and sockets. The event loop watches the file descriptor of the former."""

    epoll: Callable[[], Any] = select.epoll
    """Returns an object with ``fileno``, ``register``, ``modify``, ``poll`` and ``close``, as ``select.epoll`` does."""
    socket: Callable[[int, int, int], Any] = socket.socket
    """Returns a socket of a family, a kind and a protocol."""


SYSTEM = Wire()
"""The operating system's own."""
