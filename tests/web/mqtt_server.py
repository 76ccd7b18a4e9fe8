"""Pure: the server's half of MQTT 3.1.1, as far as the scenes need it, written without the clients' own files.

(https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html)
"""

from __future__ import annotations

from dataclasses import dataclass

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 10, 12, 14
REFUSED = 0x80
ACCEPTED, UNAVAILABLE, NOT_AUTHORIZED = 0, 3, 5
"""Return codes of CONNACK (section 3.2.2.3)."""


@dataclass(frozen=True)
class Packet:
    """A packet of a client."""

    kind: int
    number: int = 0
    """The packet's identifier, 0 if it has none."""
    topic: str = ""
    client: str = ""
    username: str = ""
    password: str | None = None


def packets(data: bytes) -> list[Packet]:
    """The packets of one message of the WebSocket."""
    found = []
    while data:
        length, at, shift = 0, 1, 0
        while True:
            length |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        found.append(_read(data[0] >> 4, data[at : at + length]))
        data = data[at + length :]
    return found


def _read(kind: int, body: bytes) -> Packet:
    if kind == CONNECT:
        assert body[:7] == b"\x00\x04MQTT\x04", "MQTT 3.1.1"
        flags, rest = body[7], body[10:]
        texts = []
        while rest:
            text, rest = _text(rest)
            texts.append(text)
        client, *more = texts
        username = more.pop(0) if flags & 0x80 else ""
        return Packet(kind, client=client, username=username, password=more.pop(0) if flags & 0x40 else None)
    number = int.from_bytes(body[:2])
    topic = _text(body[2:])[0] if kind in (SUBSCRIBE, UNSUBSCRIBE) else ""
    return Packet(kind, number, topic)


def _text(data: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(data[:2])
    return data[2:end].decode(), data[end:]


def connack(code: int) -> bytes:
    """The answer to CONNECT; 0 is accepted."""
    return bytes([0x20, 2, 0, code])


def suback(number: int, code: int) -> bytes:
    """The answer to SUBSCRIBE: the granted quality of service, or ``REFUSED``."""
    return bytes([0x90, 3]) + number.to_bytes(2) + bytes([code])


def unsuback(number: int) -> bytes:
    """The answer to UNSUBSCRIBE."""
    return bytes([0xB0, 2]) + number.to_bytes(2)


def pingresp() -> bytes:
    """The answer to PINGREQ."""
    return bytes([0xD0, 0])


def publish(topic: str, payload: bytes, number: int = 0) -> bytes:
    """A message; with a ``number`` its quality of service is 1, and the client must acknowledge it."""
    identifier = number.to_bytes(2) if number else b""
    body = len(topic.encode()).to_bytes(2) + topic.encode() + identifier + payload
    length, rest = b"", len(body)
    while True:
        rest, digit = rest >> 7, rest & 0x7F
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([0x32 if number else 0x30]) + length + body
