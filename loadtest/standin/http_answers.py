"""Pure: the HTTP answers of API Gateway, as bytes that are ready to be written."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"
"""The answer to a POST that was accepted for delivery."""

NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Type: application/json\r\n\r\n"
"""The answer to a DELETE."""


def answer(status: int, body: Any = None, error: str | None = None, *, close: bool = False) -> bytes:
    """An answer with a JSON body (none: an empty one) and AWS's header for the kind of error."""
    content = b"" if body is None else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json"]
    if error is not None:
        head.append(f"x-amzn-ErrorType: {error}")
    if close:
        head.append("Connection: close")
    head.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*head, "", ""]).encode() + content


# AWS's 410 has no body, only the header: clients that parse a body fail (aws-sdk-js#2591, laravel-echo-api-gateway#9).
GONE = answer(410, None, "GoneException")
"""The connection has ended, never existed, or its $connect has not finished (aws/chalice#1772)."""

THROTTLED = answer(429, {"message": "Too Many Requests"}, "LimitExceededException")
"""The account's bucket is empty."""

BUFFER_FULL = answer(429, {"message": "The client's buffer is full."}, "LimitExceededException")
"""This one viewer does not read, and its buffer is full."""

TOO_LARGE = answer(413, {"message": "Request Entity Too Large"}, "PayloadTooLargeException")
"""The message is larger than the limit."""

FORBIDDEN = answer(403, {"message": "Forbidden"}, "ForbiddenException")
"""There is no such path."""
