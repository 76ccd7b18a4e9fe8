"""The interface between a viewer and its connection: messages of our protocol in and out, and signs of life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from .frame_types import RawFrame

Deliver: TypeAlias = Callable[[bytes | memoryview | RawFrame], None]
"""Takes a message of our protocol: its JSON text, or the object that a transport has parsed already.

The callee may not keep a memoryview, and may not change an object."""


class Connection(Protocol):
    """One open connection of a viewer. Times are of ``time.monotonic``."""

    @property
    def last_frame_at(self) -> float:
        """When the last sign of life came from the server."""

    @property
    def last_use_at(self) -> float:
        """When the connection was last used, as far as the server's limit of idle time counts."""

    @property
    def last_message_at(self) -> float:
        """When the last message came. A proxy may answer pings itself and pass no message on."""

    @property
    def longest_frame_silence(self) -> float:
        """Seconds of the longest silence that a sign of life has ended."""

    @property
    def longest_message_silence(self) -> float:
        """Seconds of the longest silence that a message has ended."""

    @property
    def ends_at(self) -> float:
        """When the viewer's token ends, if the server then stops carrying frames; else infinity."""

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""

    def send(self, text: bytes) -> None:
        """Send a request of our protocol, if the connection is open."""

    def ping(self) -> None:
        """Ask the server for a sign of life, if the connection is open."""

    def close(self) -> None:
        """Say goodbye and close, without waiting for the other side."""

    def abort(self) -> None:
        """Break the connection, without a goodbye."""

    async def closed(self) -> None:
        """Wait for the end of the connection. Raises the error of a callback, if that ended the connection."""


Dial: TypeAlias = Callable[[str | None, Deliver], Awaitable[Connection]]
"""Opens a connection with the viewer's token, or with None. Raises LostError, and TokenTooLongError for a token that
does not fit into an address."""
