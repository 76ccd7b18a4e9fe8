"""Pure: the requests that viewers send over the socket, and the frames that answer them.

Requests are JSON text frames: ``{"action": "subscribe" | "unsubscribe" | "sync", "match": …}``, with ``since`` and
``only`` where they apply, and ``{"action": "listen"}`` (docs/protocol.md). An ``error`` frame answers a wrong request.
The socket stays open, unless the viewer has sent too much.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from runtime.errors import BadInputError

if TYPE_CHECKING:
    from matches.event_types import ErrorFrame, ListeningFrame, Snapshot, UnsubscribedFrame

SUBPROTOCOL = "livescore.v1"
ANONYMOUS = "anonymous"
"""The subject of a viewer without a token. It is also the word that such a viewer sends where a service demands some
text in the place of the token. No token is this word: a token has two dots."""

MAX_MATCHES = 50
"""The most matches that one connection may follow."""

_MATCH = re.compile(r"[a-z0-9-]{1,20}")


class RequestError(BadInputError):
    """A request that cannot be served, with the code and the sentence of its error frame."""

    closes = False
    """Whether the socket is closed after the frame."""

    def __init__(self, code: str, message: str, match: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.match = match

    def frame(self) -> str:
        """The ``error`` frame."""
        body: ErrorFrame = {"type": "error", "code": self.code, "message": str(self)}
        if self.match:
            body["match"] = self.match
        return dumps(body)


class ExcessError(RequestError):
    """The connection has sent more than it may. Its error frame is the last frame."""

    closes = True


@dataclass(frozen=True, slots=True)
class Position:
    """A viewer's position: it has every event of ``epoch`` up to ``seq``. None means the current epoch."""

    epoch: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request."""

    action: Literal["subscribe", "unsubscribe", "sync"]
    match: str
    since: Position | None = None
    score_only: bool = False


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """A request for the messages to the viewer's own subject, on the connection that brings the request."""


def parse_request(text: str) -> Request | ListenRequest:
    """Read one frame of a viewer.

    Raises RequestError with code ``bad_request`` or ``unknown_action``.
    """
    try:
        body: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RequestError("bad_request", "The message is not JSON.") from None
    if not isinstance(body, dict):
        raise RequestError("bad_request", "A request must be a JSON object.")
    action, match, only = body.get("action"), body.get("match"), body.get("only")
    if action == "listen":
        return ListenRequest()
    if action not in ("subscribe", "unsubscribe", "sync"):
        raise RequestError("unknown_action", '"action" must be "subscribe", "unsubscribe", "sync" or "listen".')
    if not isinstance(match, str) or not _MATCH.fullmatch(match):
        raise RequestError("bad_request", '"match" must be the id of a match.')
    if only not in (None, "score"):
        raise RequestError("bad_request", '"only" must be "score"; omit it to follow all events.', match)
    since = body if action == "sync" else body.get("since")
    return Request(action, match, None if since is None else _position(since, match), only == "score")


def _position(value: Any, match: str) -> Position:
    if isinstance(value, dict):
        epoch, seq = value.get("epoch"), value.get("seq")
        if (epoch is None or isinstance(epoch, str)) and type(seq) is int and seq >= 0:
            return Position(epoch, seq)
    raise RequestError(
        "bad_request", 'A position needs "seq", a whole number of 0 or more; its "epoch" must be text.', match
    )


def dumps(body: Snapshot | UnsubscribedFrame | ListeningFrame | ErrorFrame) -> str:
    """A frame as JSON text."""
    return orjson.dumps(body).decode()
