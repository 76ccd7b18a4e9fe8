"""Pure: the packets of MQTT 3.1.1 that a subscriber sends and gets.

(https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html; the numbers below are its sections)
"""

from __future__ import annotations

from dataclasses import dataclass

CONNACK, PUBLISH, SUBACK, UNSUBACK, PINGRESP = 2, 3, 9, 11, 13
"""Types of packets that a subscriber gets (2.2.1)."""

NOT_AUTHORIZED = frozenset({4, 5})
"""Return codes of CONNACK for a viewer that is refused: bad user name or password, and not authorized (3.2.2.3)."""

REFUSED = 0x80
"""The return code of SUBACK for a refused subscription (3.9.3)."""

LONGEST_BYTES = 256 * 1024
"""A longer packet is none of ours: IoT Core's payloads have at most 128 KB
(https://docs.aws.amazon.com/general/latest/gr/iot-core.html)."""

_MORE, _QOS = 0x80, 0x06


class MalformedPacketError(ConnectionError):
    """The bytes are no MQTT."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet from the server. A field that its type does not have is empty."""

    kind: int
    code: int = 0
    """The return code of CONNACK and SUBACK."""
    number: int = 0
    """The packet's identifier; 0 for a PUBLISH that needs no answer."""
    topic: str = ""
    payload: bytes = b""


def connect(client: str, keep_alive: int, username: str, password: str | None) -> bytes:
    """CONNECT with a clean session (3.1). ``keep_alive`` in seconds.

    Raises ValueError for a text of more than 65,535 bytes.
    """
    flags = 0x82 | (0x40 if password is not None else 0)
    texts = [client, username] + ([password] if password is not None else [])
    body = _text("MQTT") + bytes([4, flags]) + keep_alive.to_bytes(2) + b"".join(_text(each) for each in texts)
    return _packet(0x10, body)


def subscribe(number: int, topic: str) -> bytes:
    """SUBSCRIBE with quality of service 1 (3.8)."""
    return _packet(0x82, number.to_bytes(2) + _text(topic) + b"\x01")


def unsubscribe(number: int, topic: str) -> bytes:
    """UNSUBSCRIBE (3.10)."""
    return _packet(0xA2, number.to_bytes(2) + _text(topic))


def puback(number: int) -> bytes:
    """PUBACK (3.4), the answer to a PUBLISH with quality of service 1."""
    return _packet(0x40, number.to_bytes(2))


def pingreq() -> bytes:
    """PINGREQ (3.12)."""
    return _packet(0xC0, b"")


def disconnect() -> bytes:
    """DISCONNECT (3.14)."""
    return _packet(0xE0, b"")


class PacketReader:
    """Takes packets out of the messages of a WebSocket, which may hold parts of packets, or several (6.0)."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes | memoryview) -> list[Packet]:
        """The packets that are whole with these bytes. Raises MalformedPacketError."""
        self._rest += data
        packets = []
        while (found := _length(self._rest)) is not None:
            begin, length = found
            if len(self._rest) < begin + length:
                break
            packets.append(_read(self._rest[0], self._rest[begin : begin + length]))
            self._rest = self._rest[begin + length :]
        return packets


def _text(text: str) -> bytes:
    """A text with its length before it (1.5.3)."""
    data = text.encode()
    if len(data) > 0xFFFF:
        raise ValueError("A text of MQTT has at most 65,535 bytes.")
    return len(data).to_bytes(2) + data


def _packet(head: int, body: bytes) -> bytes:
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = rest >> 7, rest & 0x7F
        length.append(digit | (_MORE if rest else 0))
        if not rest:
            return bytes([head]) + bytes(length) + body


def _length(data: bytes) -> tuple[int, int] | None:
    """Where the body of the first packet begins, and its length (2.2.3); None if the bytes end before that is known.

    Raises MalformedPacketError.
    """
    length = 0
    for digit in range(4):
        if len(data) < digit + 2:
            return None
        byte = data[digit + 1]
        length |= (byte & 0x7F) << (7 * digit)
        if byte < _MORE:
            if length > LONGEST_BYTES:
                raise MalformedPacketError("The packet is too long.")
            return digit + 2, length
    raise MalformedPacketError("The packet's length has more than four bytes.")


def _read(head: int, body: bytes) -> Packet:
    kind = head >> 4
    if kind == CONNACK:
        return Packet(kind, code=_byte(body, 1))
    if kind == SUBACK:
        return Packet(kind, code=_byte(body, 2), number=_number(body, 0))
    if kind != PUBLISH:
        return Packet(kind)
    end = 2 + _number(body, 0)
    needs_answer = bool(head & _QOS)
    if len(body) < end + 2 * needs_answer:
        raise MalformedPacketError("The packet ends within its topic.")
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError:
        raise MalformedPacketError("The packet's topic is not UTF-8.") from None
    number = _number(body, end) if needs_answer else 0
    return Packet(kind, number=number, topic=topic, payload=body[end + 2 * needs_answer :])


def _byte(body: bytes, at: int) -> int:
    if len(body) <= at:
        raise MalformedPacketError("The packet is too short.")
    return body[at]


def _number(body: bytes, at: int) -> int:
    if len(body) < at + 2:
        raise MalformedPacketError("The packet is too short.")
    return int.from_bytes(body[at : at + 2])
