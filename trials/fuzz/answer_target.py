"""Fuzzes the reader of HTTP answers (broadcaster/send/gateway_answers.py), cut in any pieces, against Python's own."""

from __future__ import annotations

import http.client
import io
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from broadcaster.send.gateway_answers import AnswerReader, MalformedAnswerError, UsualAccept
from trials.fuzz.fuzz_target import WrongError, hold
from trials.fuzz.mutate import damaged_bytes

if TYPE_CHECKING:
    import socket
    from random import Random

_DATE = b"Date: Sat, 21 Nov 2026 07:04:19 GMT\r\n"
_BARE = b"HTTP/1.1 200 OK\r\n" + _DATE + b"Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"
_REAL = _BARE.replace(b"Connection", b"x-amzn-RequestId: 0f1ad1b2-9c1f-4a1e-8c55-4a5a2d7f0c11\r\nX: y\r\nConnection")
_CHUNKED = (
    b"HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5\r\n{"a":\r\n3;x=y\r\n"b"\r\n1\r\n}\r\n0\r\nT: x\r\n\r\n'
)
VALID = (
    _BARE, _BARE, _BARE,
    _REAL,
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nup to the close",
    b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 100 Continue\r\n\r\n" + _BARE,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b'HTTP/1.1 410 Gone\r\nContent-Length: 24\r\n\r\n{"message":"it is gone"}',
    _CHUNKED,
)  # fmt: skip
_WORDS = [
    b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"content-length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 ", b"HTTP/1.0", b"200",
    b"410", b"X: \r\n y\r\n", b"Upgrade: h2c\r\n", b"+", b"0x", b"\x0b", b"\r",
]  # fmt: skip
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_ANNOUNCED = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n")
_MOST_CUTS = 5


@dataclass(frozen=True, slots=True)
class _Read:
    """The result of a reader for an input."""

    complete: bool
    status: int = 0
    body: bytes = b""


class AnswerTarget:
    """An input has the cuts (a count, then two bytes for each place), whether the peer closes, and the bytes."""

    name = "answers"

    def make(self, chance: Random) -> bytes:
        """A damaged answer, or a whole one, cut into pieces."""
        data = damaged_bytes(chance, VALID, _WORDS) if chance.random() < 0.9 else chance.choice(VALID)
        cuts = [chance.randint(0, len(data)) for _ in range(chance.randint(0, _MOST_CUTS))]
        places = b"".join(cut.to_bytes(2, "big", signed=False) for cut in (min(each, 65_535) for each in cuts))
        return bytes([len(cuts), chance.randrange(2)]) + places + data

    def check(self, data: bytes) -> bool:
        """Cuts change nothing, the short cut agrees with the parser, and the standard library reads every 2xx too."""
        pieces, closes = _pieces(data)
        whole = b"".join(pieces)
        one, many = _read([whole], closes=closes), _read(pieces, closes=closes)
        hold("cuts change nothing", true=one == many or _answered_early(pieces, one, many))
        usual = UsualAccept()
        for layout in (None, *VALID[:4]):
            if layout is not None:
                usual.is_accept(layout)
            if usual.is_accept(whole):
                hold("the short cut takes what the parser takes", true=_read([whole], closes=False) == _Read(True, 200))
                hold("the short cut leaves the connection open", true=not _says_close(whole))
                _is_whole(whole, 200, b"", closes=False)
        if many.complete and 200 <= many.status < 300:
            _is_whole(whole, many.status, many.body, closes=closes)
            return True
        return False


def _pieces(data: bytes) -> tuple[list[bytes], bool]:
    count = min(data[0] if data else 0, _MOST_CUTS)
    closes, rest = bool(data[1:2] == b"\x01"), data[2 + 2 * count :]
    cuts = [int.from_bytes(data[2 + 2 * each : 4 + 2 * each], "big") for each in range(count)]
    places = sorted({min(cut, len(rest)) for cut in cuts} | {0, len(rest)})
    return [rest[a:b] for a, b in pairwise(places)], closes


def _read(pieces: list[bytes], *, closes: bool) -> _Read:
    """Read as the gateway's client does: until the answer is complete or malformed, or the peer has closed."""
    reader = AnswerReader()
    try:
        complete = any(reader.feed(piece) for piece in pieces) or (closes and reader.closed())
    except MalformedAnswerError:
        return _Read(complete=False)
    return _Read(True, reader.status, reader.body) if complete else _Read(complete=False)


def _answered_early(pieces: list[bytes], one: _Read, many: _Read) -> bool:
    """Whether an answer in pieces was complete before later bytes came: in one piece, these were junk."""
    return many.complete and not one.complete and len(pieces) > 1


def _says_close(data: bytes) -> bool:
    values = re.findall(rb"(?i)\r\nconnection:([^\r\n]*)", data)
    return b"close" in {token.strip().lower() for value in values for token in value.split(b",")}


class _Socket:
    """Bytes in the form of a socket, for http.client."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        """The bytes as a file."""
        return io.BytesIO(self._data)


def _is_whole(data: bytes, status: int, body: bytes, *, closes: bool) -> None:
    """Raises WrongError unless ``data`` begins with a whole valid answer of this status and body."""
    # Empty lines before an answer mean nothing, and a 1xx only announces it.
    data = data.lstrip(b"\r\n")
    while announced := _ANNOUNCED.match(data):
        data = data[announced.end() :].lstrip(b"\r\n")
    answer = http.client.HTTPResponse(cast("socket.socket", _Socket(data)), method="POST")
    try:
        answer.begin()
        read = answer.read()
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise WrongError(f"the standard library does not read it: {error!r}") from None
    hold("the status is the same", true=answer.status == status)
    hold("the body is the same", true=read == body)
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    hold("every line of the head is a header", true=all(map(_HEADER.fullmatch, head)))
    lengths = {value.strip() for value in answer.msg.get_all("Content-Length", [])}
    hold("there is one length", true=len(lengths) <= 1 and all(each.isdecimal() for each in lengths))
    chunked = "chunked" in answer.msg.get("Transfer-Encoding", "").lower()
    hold("there is one framing", true=not (lengths and chunked))
    framed = bool(lengths) or chunked or status in (204, 304)
    hold("only a close ends an answer without a length", true=framed or closes)
