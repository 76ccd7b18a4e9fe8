"""The interface between our protocol and one service that fans out itself (docs/protocol.md)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

ANONYMOUS = "anonymous"
"""The word that a viewer without a token sends where a service demands some text in the place of the token."""

REFUSED_STATUS = 403
"""The status of a LostError for a viewer that the service refuses, as in a handshake of API Gateway."""

Outcome: TypeAlias = Literal["joined", "refused", "failed"]
"""The service's answer to a subscription. ``failed`` says nothing about the viewer: another try may succeed."""


class Signs(Protocol):
    """When a connection has brought something (``time.monotonic``), and its longest silences in seconds."""

    @property
    def last_frame_at(self) -> float:
        """When the last sign of life came."""

    @property
    def last_message_at(self) -> float:
        """When the service said something the last time."""

    @property
    def longest_frame_silence(self) -> float:
        """The longest silence that a sign of life has ended."""

    @property
    def longest_message_silence(self) -> float:
        """The longest silence that a message has ended."""


class Service(Protocol):
    """One viewer's connection to a service."""

    @property
    def closes_when_refused(self) -> bool:
        """Whether the service ends the connection instead of refusing one subscription."""

    @property
    def signs(self) -> Signs:
        """The signs of life."""

    @property
    def last_use_at(self) -> float:
        """When the connection was last used, as far as the service's limit of idle time counts."""

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""

    async def subscribe(self, channel: str, feed: str) -> Outcome:
        """Hear a feed of a channel, once the viewer is let in; returns after the service's answer.

        The end of the connection cancels the call. A caller that cancels it earlier calls ``unsubscribe`` too: the
        service may acknowledge the subscription later.
        """

    def unsubscribe(self, channel: str, feed: str) -> None:
        """Hear a feed no longer."""

    async def probe(self) -> None:
        """Return when the service itself has answered. No proxy may be able to give this answer."""

    def ping(self) -> None:
        """Ask for a sign of life."""

    def close(self) -> None:
        """Say goodbye and close."""

    def abort(self) -> None:
        """Break the connection."""

    async def closed(self) -> None:
        """Wait for the end of the connection.

        Raises LostError if the service did not let the viewer in, and the error of a callback that ended it.
        """


@dataclass(frozen=True, slots=True)
class Listener:
    """The callbacks of a service."""

    ready: Callable[[], None]
    """The service has let the viewer in."""
    frame: Callable[[str | bytes], None]
    """A channel has brought the text of a frame. Bytes are not kept."""
    doubt: Callable[[str], None]
    """The service has skipped frames of a channel, or cannot say that it has not."""


OpenService: TypeAlias = Callable[[str | None, Listener], Awaitable[Service]]
"""Connects to the service with the viewer's token, without waiting until the service lets the viewer in: a proxy may
pass nothing on. Raises LostError."""


@dataclass(slots=True)
class Silences:
    """The signs of life of a service without a socket."""

    last_frame_at: float = field(default_factory=time.monotonic)
    last_message_at: float = 0.0
    longest_frame_silence: float = 0.0
    longest_message_silence: float = 0.0

    def end(self) -> None:
        """The service has said something."""
        now = time.monotonic()
        silence = now - max(self.last_frame_at, self.last_message_at)
        self.longest_frame_silence = max(self.longest_frame_silence, silence)
        self.longest_message_silence = self.longest_frame_silence
        self.last_frame_at = self.last_message_at = now
