"""The answers of API Gateway's HTTP endpoints, as a client parses them."""

from __future__ import annotations

import pytest

from broadcaster.send.gateway_answers import AnswerReader
from loadtest.standin.http_answers import BUFFER_FULL, FORBIDDEN, GONE, NO_CONTENT, OK, THROTTLED, TOO_LARGE, answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (OK, 200),
        (NO_CONTENT, 204),
        (GONE, 410),
        (THROTTLED, 429),
        (BUFFER_FULL, 429),
        (TOO_LARGE, 413),
        (FORBIDDEN, 403),
    ],
)
def test_each_answer_is_whole(data: bytes, status: int) -> None:
    """A client reads each answer to its end, and the connection stays open."""
    reader = AnswerReader()
    assert reader.feed(data)
    assert (reader.status, reader.keep_alive) == (status, True)


def test_an_answer_may_end_its_connection() -> None:
    """The answer says that the connection closes, and has its body and the kind of its error."""
    data = answer(400, {"message": "no"}, "BadRequestException", close=True)
    reader = AnswerReader()
    assert reader.feed(data)
    assert (reader.status, reader.body, reader.keep_alive) == (400, b'{"message": "no"}', False)
    assert b"x-amzn-ErrorType: BadRequestException\r\n" in data


def test_an_answer_may_have_no_error() -> None:
    """An answer without an error has no header for its kind."""
    assert b"x-amzn-ErrorType" not in answer(200, {"ok": True})
