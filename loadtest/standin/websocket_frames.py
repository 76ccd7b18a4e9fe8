"""Pure: the unmasked WebSocket frames of a server (RFC 6455, section 5.2)."""

from __future__ import annotations

import struct

_TEXT, _CONTINUATION, _FIN = 0x1, 0x0, 0x80
_SHORT = [bytes((_FIN | _TEXT, length)) for length in range(126)]


def frames(payload: bytes, frame_bytes: int) -> bytes:
    """A text message, split into frames of at most ``frame_bytes`` each (0: no limit).

    API Gateway's own frames are at most 32 KB as well
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html).
    """
    size = len(payload)
    if size < 126:
        return _SHORT[size] + payload
    if size <= frame_bytes or not frame_bytes:
        return _header(_FIN | _TEXT, size) + payload
    parts = []
    for start in range(0, size, frame_bytes):
        part = payload[start : start + frame_bytes]
        first = _CONTINUATION if start else _TEXT
        parts += [_header(first | (_FIN if start + frame_bytes >= size else 0), len(part)), part]
    return b"".join(parts)


def _header(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    return struct.pack("!BBH", first, 126, size) if size < 65_536 else struct.pack("!BBQ", first, 127, size)
