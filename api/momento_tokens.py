"""Pure: the request for a disposable token of Momento, and its answer, in gRPC-web.

Momento has no HTTP API for this, only gRPC (``token.Token/GenerateDisposableToken``). Its SDK for browsers speaks
gRPC-web in base64 to ``https://web.token.<cell>``
(https://github.com/momentohq/client-sdk-javascript/blob/main/packages/client-sdk-web/src/internal/auth-client.ts), and
so does this file: HTTP/1.1 is enough for it. The messages are those of ``token.proto`` and ``permissionmessages.proto``
in https://github.com/momentohq/client_protos. No call has been tried at the real service.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime import protobuf
from runtime.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH: Final = "/token.Token/GenerateDisposableToken"
HEADERS: Final = {"Content-Type": "application/grpc-web-text", "Accept": "application/grpc-web-text", "X-Grpc-Web": "1"}

TOPIC_READ_ONLY: Final = 2
"""``TopicRole.TopicReadOnly``."""

RESOURCE_EXHAUSTED: Final = 8
"""The status of a call over the account's limit (https://grpc.io/docs/guides/status-codes/)."""

KEY_REFUSED: Final = frozenset({7, 16, 401, 403})
"""The statuses of a call whose key may do nothing of this kind, or is unknown: of gRPC, which come inside HTTP 200
(https://grpc.io/docs/guides/status-codes/), and of HTTP, if the call does not reach gRPC."""

_TRAILER = 0x80
"""The flag of a frame that carries trailers (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)."""


class GrpcError(TransientError):
    """A call of gRPC has failed. ``status`` is its status code, or that of HTTP; -1 if the answer has none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class DisposableToken:
    """A token for viewers. ``expires`` is in seconds since 1970."""

    token: str
    expires: int


def request(key: str, cache: str, prefixes: Sequence[str], seconds: int) -> bytes:
    """The body of a request for a token that may only subscribe, and only to topics of ``cache`` with these prefixes.

    ``key``: what ``api_key`` returns. ``seconds``: the time for which the token is valid, one hour at most
    (https://docs.momentohq.com/topics/api-reference/auth).
    """
    rights = b"".join(protobuf.field(1, protobuf.field(2, _topics(cache, each))) for each in prefixes)
    permissions = protobuf.field(2, rights)
    message = b"".join((
        protobuf.field(1, protobuf.field(1, seconds)), protobuf.field(2, key), protobuf.field(3, permissions),
    ))  # fmt: skip
    return base64.b64encode(frame(message))


def _topics(cache: str, prefix: str) -> bytes:
    """The message ``TopicPermissions``."""
    return b"".join((
        protobuf.field(1, TOPIC_READ_ONLY),
        protobuf.field(3, protobuf.field(1, cache)),
        protobuf.field(5, protobuf.field(2, prefix)),
    ))  # fmt: skip


def answer(body: bytes, headers: dict[str, str]) -> DisposableToken:
    """The token in an answer. ``headers`` have lower-case names. Raises GrpcError."""
    try:
        frames = _frames(_decoded(body))
        trailers = {**headers, **_trailers(frames)}
        status = int(trailers.get("grpc-status", "-1" if not frames else "0"))
        if status != 0:
            raise GrpcError(status, trailers.get("grpc-message", "Momento gave no reason."))
        message = next((content for flag, content in frames if not flag & _TRAILER), b"")
        found = protobuf.read(message)
        api_key, endpoint, until = found[1][0], found[2][0], found[3][0]
    except (KeyError, ValueError, protobuf.MalformedMessageError):
        raise GrpcError(-1, "The answer is no message of gRPC-web.") from None
    if not isinstance(api_key, bytes) or not isinstance(endpoint, bytes) or not isinstance(until, int):
        raise GrpcError(-1, "The answer has no token.")
    # The SDKs hand tokens out in this form, which names the endpoint too (encodeToBase64 of the SDK for browsers).
    packed = {"endpoint": endpoint.decode(errors="replace"), "api_key": api_key.decode(errors="replace")}
    return DisposableToken(base64.b64encode(json.dumps(packed).encode()).decode(), until)


def api_key(text: str) -> str:
    """The key within an API key of Momento's console, which is base64 of JSON; a text of another form is the key."""
    try:
        read = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        return text
    found = read.get("api_key") if isinstance(read, dict) else None
    return found if isinstance(found, str) else text


def frame(message: bytes, flag: int = 0) -> bytes:
    """A frame of gRPC-web: a flag, the length in four bytes, the content."""
    return struct.pack("!BI", flag, len(message)) + message


def _decoded(body: bytes) -> bytes:
    """The bytes of a body in base64. A server may encode each frame by itself, so padding may stand within."""
    body = body.strip()
    parts, at = [], 0
    while at < len(body):
        padding = body.find(b"=", at)
        end = len(body) if padding < 0 else padding + (2 if body[padding + 1 : padding + 2] == b"=" else 1)
        parts.append(base64.b64decode(body[at:end], validate=True))
        at = end
    return b"".join(parts)


def _frames(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        if at + 5 > len(data):
            raise ValueError("The answer ends within a frame.")
        flag, size = struct.unpack_from("!BI", data, at)
        at += 5 + size
        if at > len(data):
            raise ValueError("The answer ends within a frame.")
        found.append((flag, data[at - size : at]))
    return found


def _trailers(frames: list[tuple[int, bytes]]) -> dict[str, str]:
    lines = [
        line for flag, content in frames if flag & _TRAILER
        for line in content.decode(errors="replace").split("\r\n")
    ]  # fmt: skip
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
