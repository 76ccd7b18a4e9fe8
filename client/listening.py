"""A viewer's wish for messages to its own subject, on its present connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .frame_checks import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frame_types import RawFrame

LISTEN = {"action": "listen"}

_FINAL = frozenset({"no_subject", "unknown_action"})
"""Codes of an error frame after which ``listen`` is not sent again on the connection: the answer would be the same."""


class Listening:
    """Says when ``listen`` has to be sent, and takes the frames that are about messages.

    ``on_message(key, body)`` gets each message; ``body`` is None if the message has none. Without ``on_message`` there
    is nothing to listen for.
    """

    def __init__(self, on_message: Callable[[str, Any], None] | None) -> None:
        self._on_message = on_message
        self.is_due = False
        """Whether ``listen`` has no answer yet on the present connection."""

    def begin(self) -> None:
        """A new connection is open: the server has forgotten the one before."""
        self.is_due = self._on_message is not None

    def take(self, frame: RawFrame) -> bool:
        """Take a frame; returns False for a frame that is about something else. Raises the errors of ``on_message``."""
        kind, key = frame.get("type"), frame.get("key")
        if kind == "error":
            self.is_due = self.is_due and as_text(frame.get("code")) not in _FINAL
        elif kind == "listening":
            self.is_due = False
        elif kind == "message" and isinstance(key, str) and self._on_message is not None:
            self._on_message(key, frame.get("body"))
        return kind in ("listening", "message")
