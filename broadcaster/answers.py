"""Pure: reading HTTP/1.1 answers, and what the answers of @connections mean.

Nearly every answer is a bare 200 that comes in one piece. That one is recognised without a parser; whatever it does
not look like goes through httptools, which knows the rest of HTTP.
"""

from __future__ import annotations

from enum import Enum, auto

import httptools


class Answer(Enum):
    """What an answer says of a connection (apigatewaymanagementapi, PostToConnection).

    - ACCEPTED: 200. The gateway took the frame for delivery. Accepted, not seen.
    - GONE: 410, or 400 "Invalid connectionId". The connection will not come back. Any other 400 is about the request,
      and no reason to prune anybody.
    - THROTTLED: 429. The account's throttle, or this one viewer's buffer is full.
    - AGAIN: 5xx and whatever is not known: try again.
    - REFUSED: 400 and 413, about this request: trying again would not help.
    - FORBIDDEN: 403. We may not post at all; that is nobody's connection.
    """

    ACCEPTED = auto()
    GONE = auto()
    THROTTLED = auto()
    AGAIN = auto()
    REFUSED = auto()
    FORBIDDEN = auto()


_MEANINGS = {410: Answer.GONE, 429: Answer.THROTTLED, 403: Answer.FORBIDDEN, 413: Answer.REFUSED}


def meaning(status: int, body: bytes) -> Answer:
    """What status and body say."""
    if status == 200:
        return Answer.ACCEPTED
    if status == 400:
        return Answer.GONE if b"connectionid" in body.lower() else Answer.REFUSED
    return _MEANINGS.get(status, Answer.AGAIN)


_ACCEPT = b"HTTP/1.1 200 "
_EMPTY = b"\r\nContent-Length: 0\r\n"
_KEPT = b"\r\nConnection: keep-alive\r\n"
_END = b"\r\n\r\n"


def is_bare_accept(data: bytes) -> bool:
    """Whether ``data`` is exactly one complete 200 without a body, on a connection that stays open.

    False only means that it takes the parser to tell.
    """
    return (
        data.startswith(_ACCEPT)
        and data.find(_END) == len(data) - 4
        and _EMPTY in data
        and b"lose" not in data  # Connection: close, Close
        and b"ransfer-" not in data  # Transfer-Encoding: chunked
    )


class Usual:
    """``is_bare_accept``, in a third of the time for a server whose answers are laid out as its last one was.

    They have the same size (dates and request ids do), and what matters stands where it stood.
    """

    __slots__ = ("_empty_at", "_kept_at", "_size")

    def __init__(self) -> None:
        self._size = self._empty_at = self._kept_at = -1

    def is_accept(self, data: bytes) -> bool:
        """Whether this is a bare accept; False only means that it takes the parser to tell."""
        if (
            len(data) == self._size
            and data[:13] == _ACCEPT
            and data.startswith(_EMPTY, self._empty_at)
            and data.startswith(_KEPT, self._kept_at)
            and data[-4:] == _END
        ):
            return True
        if not is_bare_accept(data):
            return False
        self._empty_at, self._kept_at = data.find(_EMPTY), data.find(_KEPT)
        # A server that does not name the connection is asked the long way each time.
        self._size = len(data) if self._kept_at > 0 else -1
        return True


class MalformedAnswerError(Exception):
    """What came is not an answer to what was asked: the connection cannot be used any more."""


class AnswerReader:
    """Reads one answer at a time from the pieces that come."""

    MAX_BODY = 64 * 1024
    """Bytes; answers of @connections are small JSON."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False
        self.keep_alive = True
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)
        self._until_close = True

    def feed(self, data: bytes) -> bool:
        """Take a piece; returns whether the answer is complete.

        Raises MalformedAnswerError, also for more than one answer.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedAnswerError(str(error)) from None
        return self.complete

    def closed(self) -> bool:
        """The peer has closed: whether that completes the answer, as it does one without a stated length."""
        self.keep_alive = False
        self.complete = self.complete or (self.status != 0 and self._until_close)
        return self.complete

    # httptools calls these.

    def on_message_begin(self) -> None:
        """The first byte of an answer."""
        if self.complete:
            raise MalformedAnswerError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        lower = name.lower()
        if lower == b"content-length" or (lower == b"transfer-encoding" and b"chunked" in value.lower()):
            self._until_close = False

    def on_headers_complete(self) -> None:
        """The end of the headers."""
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, chunks already taken apart."""
        self.body += piece
        if len(self.body) > self.MAX_BODY:
            raise MalformedAnswerError("a body of more than 64 KB")

    def on_message_complete(self) -> None:
        """The end of the answer."""
        if self.status >= 200:  # 100 Continue and its kin announce the answer, they are not it.
            self.complete = True
        else:
            self.status, self.body, self._until_close = 0, b"", True
