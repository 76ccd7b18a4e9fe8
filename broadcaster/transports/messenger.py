"""Sends a message to one viewer of a cell, by the subject of the viewer's token (api/messages.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from broadcaster.transports.transport import Service
    from matches.channels import Channels


@dataclass(frozen=True, slots=True)
class MessageResult:
    """The result of one message in one cell: numbers of connections."""

    taken: int | None
    """Connections that took the message; None if the cell's service does not say."""
    pruned: int = 0
    """Connections that were gone, and whose rows are deleted."""
    failed: int = 0
    """Connections that took nothing for another reason, such as a throttle. They still listen."""


class Messenger(Protocol):
    """Sends messages to single viewers of one cell."""

    def message(self, subject: str, frame: bytes) -> MessageResult:
        """Send a frame to each connection of a subject that listens. Raises refusals.AWS_ERRORS."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelMessenger:
    """The messenger of a broadcasting transport: each subject has a channel, which nobody else may hear."""

    service: Service
    channels: Channels

    def message(self, subject: str, frame: bytes) -> MessageResult:
        """Publish a frame to the channel of one viewer. The service does not say how many connections took it."""
        self.service.publish(self.channels.subject(subject), frame)
        return MessageResult(None)
