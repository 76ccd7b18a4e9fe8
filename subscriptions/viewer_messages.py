"""Pure: messages to single viewers: their form, their limits, and the frame that carries a message to a connection.

A message has a key, which names what has happened, and optionally a small body. A viewer that gets only a key reads
over HTTP what has changed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import orjson
from pydantic import BaseModel, ConfigDict, Field

BODY_BYTES = 2048
"""The most bytes of a body as JSON without spaces in UTF-8. A longer text belongs behind an address."""

KEY = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$"
"""Such as ``bet-settled`` or ``orders/1729``."""

SUBJECT = r"^[^/%\\]+$"
"""A subject in a path. A path may hold neither ``/`` nor ``%`` nor a backslash: API Gateway, CloudFront and proxies do
not agree on their meaning."""

SUBJECT_LENGTH = 200
"""The most characters of a subject (matches/claims.py)."""


class NewMessage(BaseModel):
    """A message as a program sends it."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=KEY, description="The name of what has happened, such as `bet-settled`.")]
    body: Annotated[
        Any, Field(description=f"A JSON value of at most {BODY_BYTES} bytes. Left out, and null: no body.")
    ] = None

    @property
    def body_bytes(self) -> int:
        """The bytes of the body as JSON; 0 without a body."""
        return 0 if self.body is None else len(orjson.dumps(self.body))

    def frame(self, at: int) -> bytes:
        """The frame for each connection that listens. ``at``: milliseconds since 1970."""
        frame: MessageFrame = {"type": "message", "key": self.key, "at": at}
        if self.body is not None:
            frame["body"] = self.body
        return orjson.dumps(frame)


class MessageFrame(TypedDict):
    """A message on a connection that listens (docs/protocol.md)."""

    type: Literal["message"]
    key: str
    body: NotRequired[Any]
    """Left out if the message has none."""
    at: int
    """When the API accepted the message: milliseconds since 1970."""
