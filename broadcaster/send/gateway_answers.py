"""Pure: reading HTTP/1.1 answers, and what the answers of @connections mean.

Nearly every answer is a bare 200 that comes in one piece. That one is recognised without a parser; whatever it does
not look like goes through httptools, which knows the rest of HTTP.
"""

from __future__ import annotations

import re
from enum import Enum, auto

import httptools

from runtime.errors import TransientError


class Answer(Enum):
    """The meaning of an answer for a connection (apigatewaymanagementapi, PostToConnection).

    - ACCEPTED: 200. The gateway took the frame for delivery. Accepted, not seen.
    - CLOSED: 204, to the DELETE of a connection.
    - GONE: 410, or 400 "Invalid connectionId". The connection will not come back. Any other 400 is about the request,
      and no reason to prune anybody.
    - THROTTLED: 429. The account's throttle, or this one viewer's buffer is full.
    - AGAIN: 5xx and whatever is not known: try again.
    - REFUSED: 400 and 413, about this request: trying again would not help.
    - FORBIDDEN: 403. We may not post at all; that is nobody's connection.
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
    """The words of an error's body, without secrets.

    AWS's words on a wrong signature end with the canonical request, and that has the session token in it.
    """
    return body.decode(errors="replace").partition("The Canonical String")[0][:300]


_VALUE = rb"[\t\x20-\x7e\x80-\xff]*+"
"""A header's value, or a reason phrase: anything without control characters (RFC 9110, section 5.5)."""

_BARE = re.compile(rb"HTTP/1\.1 200 " + _VALUE + rb"\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:" + _VALUE + rb"\r\n)++\r\n")
_FRAMING = (b"content-length", b"connection")
"""Headers of which the value counts."""


def is_bare_accept(data: bytes) -> bool:
    """Whether ``data`` is exactly one complete 200 without a body, on a connection that stays open.

    False only means that it takes more bytes, or a closer look, to tell.
    """
    if _BARE.fullmatch(data) is None:
        return False
    reader = AnswerReader()
    try:
        return reader.feed(data) and reader.status == 200 and not reader.body and reader.keep_alive
    except MalformedAnswerError:
        return False


class UsualAccept:
    """``is_bare_accept`` without a parser, for a server whose answers are laid out as its last one was.

    They have the same headers in the same order, and those that say how long an answer is and whether the connection
    stays have the same values. Others (a date, a request's id) may have any.
    """

    __slots__ = ("_is_like",)

    def __init__(self) -> None:
        self._is_like = _NOTHING.fullmatch

    def is_accept(self, data: bytes) -> bool:
        """Whether this is a bare accept; False only means that it takes the parser to tell."""
        if self._is_like(data):
            return True
        if not is_bare_accept(data):
            return False
        self._is_like = re.compile(_layout(data)).fullmatch
        return True


_NOTHING = re.compile(rb"(?!)")


def _layout(data: bytes) -> bytes:
    """A pattern of the bare accepts that have the headers of this one."""
    lines = []
    for line in data.split(b"\r\n")[1:-2]:
        name = line.partition(b":")[0]
        lines.append(re.escape(line) if name.lower() in _FRAMING else re.escape(name + b":") + _VALUE)
    return rb"HTTP/1\.1 200 " + _VALUE + b"".join(rb"\r\n" + line for line in lines) + rb"\r\n\r\n"


class MalformedAnswerError(TransientError):
    """The bytes received are no answer to the request. The connection cannot be used any more."""


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
        if lower == b"transfer-encoding" and value.strip().lower() != b"chunked":
            raise MalformedAnswerError("a transfer coding that is not chunked")
        if lower in (b"content-length", b"transfer-encoding"):
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
