"""Pure: makes inputs from valid ones, by damage to bytes and to JSON values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

MOST_BYTES = 64 * 1024
"""The longest input in bytes, so that repeated splices keep a likely size."""

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 2**70, -(2**63), "", " ", "a", "m",
    "score", "\x00", "\x1b[31m", "\n", "[red]", "\u202e", "\ufffe", "\ud800", "é" * 40, "x" * 200, [], {}, [[]], [{}],
    {"": 0},
)  # fmt: skip
_BYTES = (
    b"\x00",
    b"\xff",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"0",
    b"-",
    b"9" * 30,
    b'"',
    b"{",
    b"}",
    b"[" * 2000,
    b" ",
    b"\xed\xa0\x80",
)


def damaged_bytes(chance: Random, corpus: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """One input of the corpus after one to six random changes; ``words`` are pieces with a meaning for the parser."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        a, b = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
        b = min(b, a + chance.choice((1, 1, 4, 16, 4096)))
        match chance.randrange(8):
            case 0:
                data[a:b] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 1, 2, 8))))
            case 1:
                del data[a:b]
            case 2:
                data[a:a] = data[a:b]
            case 3 | 4:
                data[a : chance.choice((a, b))] = chance.choice((*_BYTES, *words))
            case 5:
                other = chance.choice(corpus)
                data[a:b] = other[chance.randint(0, len(other)) :]
            case 6:
                del data[a:]
            case _ if a < len(data):
                data[a] ^= 1 << chance.randrange(8)
    return bytes(data[:MOST_BYTES])


def damaged_json(chance: Random, value: Any) -> Any:
    """A copy of a JSON value with one change somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        match chance.randrange(6):
            case 0:
                return {key: each for key, each in value.items() if key != name}
            case 1:
                return {**value, chance.choice(("x", "", "type", "seq", "\x1b", "epoch", "v")): any_value(chance)}
            case _:
                return {**value, name: damaged_json(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        match chance.randrange(6):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value[:at] + [value[at]] * 2 + value[at + 1 :]
            case 2:
                return value[::-1]
            case _:
                return [*value[:at], damaged_json(chance, value[at]), *value[at + 1 :]]
    if type(value) is int and chance.random() < 0.5:
        return value + chance.choice((-2, -1, 1, 2, 1000))
    return any_value(chance)


def damaged_message(chance: Random, valid: Sequence[Any], texts: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """A JSON message with one to three wrong values, or with wrong bytes. ``texts``: the ``valid`` messages as JSON."""
    if chance.random() < 0.5:
        return damaged_bytes(chance, texts, words)
    value: Any = chance.choice(valid)
    for _ in range(chance.choice((1, 1, 2, 3))):
        value = damaged_json(chance, value)
    return as_json(value)


def any_value(chance: Random) -> Any:
    """A JSON value that may be at a wrong place."""
    return chance.choice(_VALUES)


def as_json(value: Any) -> bytes:
    """The value as JSON, lone surrogates escaped."""
    return json.dumps(value).encode()
