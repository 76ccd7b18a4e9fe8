"""Tokens of the stand-in for Momento: it makes disposable tokens over gRPC-web, and reads them again.

The rights are those of ``permissionmessages.proto``, as far as topics have them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from api import momento_tokens
from runtime import protobuf
from runtime.errors import BadInputError

READ_WRITE, READ_ONLY, WRITE_ONLY = 1, 2, 3
"""``TopicRole``."""

LONGEST_SECONDS: Final = 3600
"""A disposable token is valid for an hour at most (https://docs.momentohq.com/topics/api-reference/auth)."""

INVALID_ARGUMENT, UNAUTHENTICATED = 3, 16


class AccessError(BadInputError):
    """A request is refused with an HTTP status, and with a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Keys:
    """The account's key. It may do everything, and it signs the disposable tokens."""

    key: str

    def check(self, token: str, cache: str, topic: str, *, publish: bool) -> None:
        """Raises AccessError 401 for an unknown or expired token, and 403 for one that does not cover the topic."""
        key = momento_tokens.api_key(token)
        if hmac.compare_digest(key.encode(), self.key.encode()):
            return
        claims = self._claims(key)
        if claims is None or claims["exp"] <= time.time():
            raise AccessError(401, "Invalid authentication credentials to access Momento services")
        roles = (READ_WRITE, WRITE_ONLY) if publish else (READ_WRITE, READ_ONLY)
        if not any(_covers(each, roles, cache, topic) for each in claims["rights"]):
            raise AccessError(403, "Insufficient permissions to perform the operation")

    def token(self, body: bytes, authorization: str) -> tuple[bytes, int]:
        """The answer to GenerateDisposableToken, and its status of gRPC."""
        if not hmac.compare_digest(authorization.encode(), self.key.encode()):
            return b"", UNAUTHENTICATED
        try:
            claims = _wanted(base64.b64decode(body, validate=True))
        except (KeyError, ValueError, TypeError, AttributeError, binascii.Error, protobuf.MalformedMessageError):
            return b"", INVALID_ARGUMENT
        if not 0 < claims["seconds"] <= LONGEST_SECONDS:
            return b"", INVALID_ARGUMENT
        until = int(time.time()) + claims.pop("seconds")
        text = base64.urlsafe_b64encode(
            json.dumps({**claims, "exp": until, "jti": secrets.token_hex(4)}).encode()
        ).decode()
        made = f"{text}.{self._signature(text)}"
        return protobuf.field(1, made) + protobuf.field(2, "standin") + protobuf.field(3, until), 0

    def _claims(self, token: str) -> dict[str, Any] | None:
        text, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
        return read

    def _signature(self, text: str) -> str:
        return hmac.new(self.key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _covers(right: dict[str, Any], roles: tuple[int, ...], cache: str, topic: str) -> bool:
    prefix = right["prefix"]
    named = topic.startswith(prefix) if prefix is not None else topic == right["topic"]
    return right["role"] in roles and right["cache"] == cache and named


def _wanted(framed: bytes) -> dict[str, Any]:
    """The wish in a request for a token: its seconds, and the rights, each of one topic or of topics with a prefix."""
    request = protobuf.read(framed[5:])
    explicit = protobuf.read(_bytes(protobuf.read(_bytes(request[3][0]))[2][0]))
    rights = [_right(protobuf.read(_bytes(protobuf.read(_bytes(each))[2][0]))) for each in explicit[1]]
    return {"seconds": protobuf.read(_bytes(request[1][0]))[1][0], "rights": rights}


def _right(topics: dict[int, list[int | bytes]]) -> dict[str, Any]:
    selector = protobuf.read(_bytes(topics[5][0]))
    return {
        "role": topics[1][0],
        "cache": _bytes(protobuf.read(_bytes(topics[3][0]))[1][0]).decode(),
        "topic": _bytes(selector[1][0]).decode() if 1 in selector else None,
        "prefix": _bytes(selector[2][0]).decode() if 2 in selector else None,
    }


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("a number, not a message")
    return value
