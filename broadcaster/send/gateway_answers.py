"""Pure: reads HTTP/1.1 answers of @connections, and gives their meaning.

Nearly every answer is a bare 200 that comes in one piece. It is recognised without a parser. httptools, which knows the
rest of HTTP, parses every other answer.
"""

from __future__ import annotations

import re
from enum import Enum, auto

import httptools

from runtime.errors import TransientError


class Answer(Enum):
    """The meaning of an answer for a connection (apigatewaymanagementapi, PostToConnection).

    - ACCEPTED: 200. The gateway accepted the frame for delivery. The viewer may not have seen it.
    - CLOSED: 204, the answer to the DELETE of a connection.
    - GONE: 410, or 400 "Invalid connectionId". The connection will not come back. Any other 400 is
      about the request, and no reason to prune a row.
    - THROTTLED: 429. The account's throttle, or this one viewer's buffer is full.
    - AGAIN: 5xx, and every unknown answer: try again.
    - REFUSED: 400 and 413. The request is wrong, and another try would not help.
    - FORBIDDEN: 403. No POST can succeed, whatever the connection.
    """

    ACCEPTED = auto()
    CLOSED = auto()
    GONE = auto()
    THROTTLED = auto()
    AGAIN = auto()
    REFUSED = auto()
    FORBIDDEN = auto()


_MEANINGS = {204: Answer.CLOSED, 410: Answer.GONE, 429: Answer.THROTTLED, 403: Answer.FORBIDDEN, 413: Answer.REFUSED}


def meaning(status: int, body: bytes) -> Answer:
    """The meaning of a status and a body."""
    if status == 200:
        return Answer.ACCEPTED
    if status == 400:
        return Answer.GONE if b"connectionid" in body.lower() else Answer.REFUSED
    return _MEANINGS.get(status, Answer.AGAIN)


def excerpt(body: bytes) -> str:
    """The beginning of an error's body, without secrets.

    AWS's error for a wrong signature ends with the canonical request, which contains the session token.
    """
    return body.decode(errors="replace").partition("The Canonical String")[0][:300]


_VALUE = rb"[\t\x20-\x7e\x80-\xff]*+"
"""A header's value, or a reason phrase: anything without control characters (RFC 9110, section 5.5)."""

_BARE = re.compile(rb"HTTP/1\.1 200 " + _VALUE + rb"\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:" + _VALUE + rb"\r\n)++\r\n")
_FRAMING = (b"content-length", b"connection")
"""Headers whose value counts."""


def is_bare_accept(data: bytes) -> bool:
    """Whether ``data`` is exactly one complete 200 without a body, on a connection that stays open.

    False only means that more bytes, or the parser, have to tell.
    """
    if _BARE.fullmatch(data) is None:
        return False
    reader = AnswerReader()
    try:
        return reader.feed(data) and reader.status == 200 and not reader.body and reader.keep_alive
    except MalformedAnswerError:
        return False


class UsualAccept:
    """``is_bare_accept`` without a parser, for answers that have the layout of the server's last bare accept.

    The layout is the order of the headers, and the values of those for the body's length and for the connection. Other
    headers (a date, a request's id) may have any value.
    """

    __slots__ = ("_is_like",)

    def __init__(self) -> None:
        self._is_like = _NOTHING.fullmatch

    def is_accept(self, data: bytes) -> bool:
        """Whether this is a bare accept. False only means that the parser has to tell."""
        if self._is_like(data):
            return True
        if not is_bare_accept(data):
            return False
        self._is_like = re.compile(_layout(data)).fullmatch
        return True


_NOTHING = re.compile(rb"(?!)")


def _layout(data: bytes) -> bytes:
    """A pattern of the bare accepts that have the layout of this one."""
    lines = []
    for line in data.split(b"\r\n")[1:-2]:
        name = line.partition(b":")[0]
        lines.append(re.escape(line) if name.lower() in _FRAMING else re.escape(name + b":") + _VALUE)
    return rb"HTTP/1\.1 200 " + _VALUE + b"".join(rb"\r\n" + line for line in lines) + rb"\r\n\r\n"


class MalformedAnswerError(TransientError):
    """The bytes received are no answer to the request. The connection cannot be used any more."""


class AnswerReader:
    """Reads one answer from the pieces that come."""

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
        """Read a piece; returns whether the answer is complete.

        Raises MalformedAnswerError, also for more than one answer.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedAnswerError(str(error)) from None
        return self.complete

    def closed(self) -> bool:
        """The gateway has closed the connection; returns whether the answer is complete.

        The end of the connection completes an answer whose headers state no length.
        """
        self.keep_alive = False
        self.complete = self.complete or (self.status != 0 and self._until_close)
        return self.complete

    # httptools calls these.

    def on_message_begin(self) -> None:
        """The first byte of an answer."""
        if self.complete:
            raise MalformedAnswerError("the gateway sent more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        lower = name.lower()
        if lower == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise MalformedAnswerError("the transfer coding is not chunked")
        if lower in (b"content-length", b"transfer-encoding"):
            self._until_close = False

    def on_headers_complete(self) -> None:
        """The end of the headers."""
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """A piece of the body, without the framing of chunks."""
        self.body += piece
        if len(self.body) > self.MAX_BODY:
            raise MalformedAnswerError("the body has more than 64 KB")

    def on_message_complete(self) -> None:
        """The end of the answer."""
        if self.status >= 200:  # 100 Continue and other 1xx come before the answer
            self.complete = True
        else:
            self.status, self.body, self._until_close = 0, b"", True
