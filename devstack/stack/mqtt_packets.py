"""Pure: reads the packets of an MQTT client that a broker must authorize: CONNECT, SUBSCRIBE and PUBLISH.

(MQTT 3.1.1, https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html, and MQTT 5,
https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT: Final = 1
PUBLISH: Final = 3
SUBSCRIBE: Final = 8

_LENGTH_BYTES: Final = 4
_MORE: Final = 0x80
_WILL, _PASSWORD, _USER_NAME = 0x04, 0x40, 0x80
_MQTT_5: Final = 5


class PacketError(BadInputError):
    """The bytes are no packet of MQTT."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its type, the flags of its first byte, and what follows the length."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Connect:
    """The fields of a CONNECT."""

    level: int
    client: str
    will_topic: str | None
    user_name: str | None
    password: bytes | None


def take_packets(buffer: bytearray) -> Iterator[Packet]:
    """Take the whole packets from the front of the buffer. Raises PacketError."""
    while (found := _length(buffer)) is not None:
        length, start = found
        if len(buffer) < start + length:
            return
        packet = Packet(buffer[0] >> 4, buffer[0] & 0x0F, bytes(buffer[start : start + length]))
        del buffer[: start + length]
        yield packet


def _length(buffer: bytearray) -> tuple[int, int] | None:
    """(length of the body, where it begins) of the first packet; None if its length has not come yet."""
    length = 0
    for place, byte in enumerate(buffer[1 : 1 + _LENGTH_BYTES]):
        length |= (byte & ~_MORE) << (7 * place)
        if not byte & _MORE:
            return length, place + 2
    if len(buffer) > _LENGTH_BYTES:
        raise PacketError("The length of a packet has more than four bytes.")
    return None


class _Fields:
    """The fields of a body, one after the other. Every method raises PacketError if the body is too short."""

    def __init__(self, body: bytes) -> None:
        self.rest = body

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise PacketError("A packet ends too early.")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(2))

    def data(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            return self.data().decode()
        except UnicodeDecodeError:
            raise PacketError("A text is not UTF-8.") from None

    def skip_properties(self) -> None:
        length, place = 0, 0
        while (byte := self.take(1)[0]) & _MORE:
            length |= (byte & ~_MORE) << (7 * place)
            place += 1
        self.take(length | byte << (7 * place))


def read_connect(packet: Packet) -> Connect:
    """The fields of a CONNECT. Raises PacketError."""
    fields = _Fields(packet.body)
    fields.text()
    level, flags = fields.take(2)
    fields.take(2)
    if level == _MQTT_5:
        fields.skip_properties()
    client = fields.text()
    will_topic = None
    if flags & _WILL:
        if level == _MQTT_5:
            fields.skip_properties()
        will_topic = fields.text()
        fields.data()
    user_name = fields.text() if flags & _USER_NAME else None
    return Connect(level, client, will_topic, user_name, fields.data() if flags & _PASSWORD else None)


def read_filters(packet: Packet, level: int) -> list[str]:
    """The topic filters of a SUBSCRIBE. Raises PacketError."""
    fields = _Fields(packet.body)
    fields.take(2)
    if level == _MQTT_5:
        fields.skip_properties()
    filters = []
    while fields.rest:
        filters.append(fields.text())
        fields.take(1)
    return filters


def read_topic(packet: Packet) -> str:
    """The topic of a PUBLISH. Raises PacketError."""
    return _Fields(packet.body).text()


def not_authorized(level: int) -> bytes:
    """The CONNACK that refuses a CONNECT: return code 5, and reason code 0x87 in MQTT 5."""
    return b"\x20\x03\x00\x87\x00" if level == _MQTT_5 else b"\x20\x02\x00\x05"
