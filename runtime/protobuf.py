"""Pure: the part of Protocol Buffers that a small message needs: numbers, texts and messages within messages.

(https://protobuf.dev/programming-guides/encoding/) A call of one service is no reason for a Lambda function to carry a
library and generated code.
"""

from __future__ import annotations

from runtime.errors import BadInputError

_VARINT, _LENGTH = 0, 2


class MalformedMessageError(BadInputError):
    """Bytes are no message."""


def field(number: int, value: int | str | bytes) -> bytes:
    """One field: a number, a text, or the bytes of a message. Fields of a message are joined."""
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _LENGTH) + _varint(len(data)) + data


def read(message: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message: number -> values, in their order. Raises MalformedMessageError."""
    found: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        value: int | bytes
        match key & 7:
            case 0:
                value, at = _read_varint(message, at)
            case 1:
                value, at = message[at : at + 8], at + 8
            case 2:
                size, at = _read_varint(message, at)
                value, at = message[at : at + size], at + size
            case 5:
                value, at = message[at : at + 4], at + 4
            case _:
                raise MalformedMessageError("The message has a field of an unknown type.")
        if at > len(message):
            raise MalformedMessageError("The message ends within a field.")
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise MalformedMessageError("The message ends within a number.")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedMessageError("A number of the message is too long.")
