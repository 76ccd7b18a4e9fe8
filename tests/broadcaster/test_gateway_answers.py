"""Reading answers: the short cut and the parser agree, and it does not matter where the network cuts an answer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.send.gateway_answers import (
    Answer,
    AnswerReader,
    MalformedAnswerError,
    UsualAccept,
    excerpt,
    is_bare_accept,
    meaning,
)

BARE = b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 07:04:19 GMT\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
ID = b"X-Id: 1234567890123456789012"
GONE = b'HTTP/1.1 410 Gone\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{"message":"it is gone"}'
CHUNKED = (
    b'HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3;x=y\r\n"b"\r\n1\r\n}\r\n0\r\nT: x\r\n\r\n'
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + BARE


def read(*pieces: bytes) -> AnswerReader:
    """Read one answer from pieces."""
    reader = AnswerReader()
    for piece in pieces:
        reader.feed(piece)
    return reader


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [(BARE, 200, b""), (GONE, 410, b'{"message":"it is gone"}'), (CHUNKED, 429, b'{"a":"b"}'), (CONTINUED, 200, b"")],
)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_an_answer_in_any_pieces_is_the_same_answer(data: bytes, status: int, body: bytes, cuts: list[int]) -> None:
    """Wherever the network cuts an answer, its status, body and end are the same."""
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces = [data[a:b] for a, b in pairwise(places)]
    reader = AnswerReader()
    complete = [reader.feed(piece) for piece in pieces]
    assert (reader.status, reader.body, reader.keep_alive) == (status, body, True)
    assert complete == [False] * (len(pieces) - 1) + [True]


def test_the_short_cut_takes_a_bare_accept() -> None:
    """The usual answer needs no parser."""
    usual = UsualAccept()
    assert is_bare_accept(BARE)
    assert usual.is_accept(BARE)
    assert usual.is_accept(BARE.replace(b"07:04:19", b"07:04:20"))
    assert usual.is_accept(BARE.replace(b"Connection: keep-alive\r\n", b""))


@pytest.mark.parametrize(
    "data",
    [
        BARE[:-1], BARE + b"H", BARE * 2, GONE, CHUNKED, CONTINUED, b"",
        BARE.replace(b"keep-alive", b"close"), BARE.replace(b"keep-alive", b"Close"), BARE.replace(b"200", b"410"),
        BARE.replace(b"Length: 0", b"Length: 2") + b"{}", BARE.replace(b"Content-Length: 0", b"X: 0"),
        BARE.replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"), BARE.replace(b"1.1", b"1.0"),
    ],
)  # fmt: skip
def test_the_short_cut_takes_nothing_else(data: bytes) -> None:
    """The parser gets all bytes that are not surely one bare accept on a connection that stays open."""
    usual = UsualAccept()
    assert usual.is_accept(BARE)
    assert not is_bare_accept(data)
    assert not usual.is_accept(data)


@pytest.mark.parametrize(
    "change",
    [
        (ID, b"Content-Length: 2".ljust(28)), (ID, b"Transfer-Encoding: chunked".ljust(28)),
        (ID, b"Connection: close".ljust(28)),
        (b"12345678", b"1234567\x00"), (b"12345678", b"1234567\n"), (b"X-Id", b"X Id"),
    ],
)  # fmt: skip
def test_an_answer_of_another_layout_goes_to_the_parser(change: tuple[bytes, bytes]) -> None:
    """An answer with the length of the last bare accept is not a bare accept for that reason alone."""
    usual = UsualAccept()
    first = BARE.replace(b"\r\nConnection", b"\r\n" + ID + b"\r\nConnection")
    assert usual.is_accept(first)
    assert usual.is_accept(first.replace(b"12345678", b"abcdefgh"))
    assert not usual.is_accept(first.replace(*change))


@pytest.mark.parametrize("coding", [b"gzip", b"xchunked", b"chunked, chunked", b"gzip, chunked"])
def test_an_unknown_transfer_coding_is_malformed(coding: bytes) -> None:
    """The end of an answer with an unknown transfer coding is not known, so the answer is malformed."""
    with pytest.raises(MalformedAnswerError):
        read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n")


@given(st.binary(max_size=80), st.integers(0, len(BARE)), st.integers(0, 20))
def test_the_short_cut_never_contradicts_the_parser(junk: bytes, place: int, cut: int) -> None:
    """The parser reads all bytes that the short cut takes as a complete 200 without a body on an open connection."""
    data = BARE[:place] + junk + BARE[place + cut :]
    usual = UsualAccept()
    usual.is_accept(BARE)
    if is_bare_accept(data) or usual.is_accept(data):
        reader = read(data)
        assert (reader.complete, reader.status, reader.body, reader.keep_alive) == (True, 200, b"", True)


@pytest.mark.parametrize("data", [b"garbage\r\n\r\n", b"\x00" * 40, BARE + BARE, b"HTTP/1.1 abc\r\n\r\n"])
def test_bytes_that_are_no_answer_are_malformed(data: bytes) -> None:
    """Bytes that are no HTTP answer, or two answers, raise MalformedAnswerError."""
    with pytest.raises(MalformedAnswerError):
        read(data)


def test_a_body_has_a_limit() -> None:
    """A body of more than 64 KB raises MalformedAnswerError and does not fill the memory."""
    reader = read(b"HTTP/1.1 200 OK\r\n\r\n")
    reader.feed(b"x" * AnswerReader.MAX_BODY)
    with pytest.raises(MalformedAnswerError):
        reader.feed(b"x")


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """The end of the connection ends an answer without a length (HTTP/1.0). The connection is not used again."""
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nabc")
    assert not reader.complete
    assert reader.closed()
    assert (reader.body, reader.keep_alive) == (b"abc", False)


def test_a_close_in_the_middle_completes_nothing() -> None:
    """A connection that breaks before the stated length has not answered."""
    assert not read(GONE[:-3]).closed()
    assert not AnswerReader().closed()


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, b"", Answer.ACCEPTED), (410, b"", Answer.GONE), (429, b"", Answer.THROTTLED),
        (400, b'{"message":"Invalid connectionId: x"}', Answer.GONE), (400, b'{"message":"Bad"}', Answer.REFUSED),
        (403, b"", Answer.FORBIDDEN), (413, b"", Answer.REFUSED), (500, b"", Answer.AGAIN), (503, b"", Answer.AGAIN),
        (204, b"", Answer.CLOSED), (301, b"", Answer.AGAIN),
    ],
)  # fmt: skip
def test_only_410_and_400_for_the_id_prune(status: int, body: bytes, answer: Answer) -> None:
    """Promise 4: no other answer deletes a viewer's row."""
    assert meaning(status, body) is answer


def test_an_excerpt_has_no_secret() -> None:
    """AWS's error for a wrong signature repeats the session token; the excerpt ends before the token."""
    body = b'{"message":"The signature does not match. The Canonical String is x-amz-security-token:SECRET"}'
    assert excerpt(body) == '{"message":"The signature does not match. '
    assert len(excerpt(b"\xff" * 1_000)) == 300
