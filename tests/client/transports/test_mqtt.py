"""The packets of MQTT 3.1.1 against the bytes that the standard gives them."""

from __future__ import annotations

import pytest

from client.transports import mqtt
from client.transports.mqtt import MalformedPacketError, Packet, PacketReader

PUBLISHED = b"\x30\x07\x00\x03a/bhi"
"""A PUBLISH with quality of service 0."""


def test_the_packets_of_a_subscriber() -> None:
    """Each packet has the bytes of its section in the standard."""
    assert mqtt.connect("c", 1200, "u", None) == b"\x10\x10\x00\x04MQTT\x04\x82\x04\xb0\x00\x01c\x00\x01u"
    assert mqtt.connect("c", 60, "u", "p") == b"\x10\x13\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01c\x00\x01u\x00\x01p"
    assert mqtt.subscribe(7, "a/b") == b"\x82\x08\x00\x07\x00\x03a/b\x01"
    assert mqtt.unsubscribe(7, "a/b") == b"\xa2\x07\x00\x07\x00\x03a/b"
    assert mqtt.puback(258) == b"\x40\x02\x01\x02"
    assert (mqtt.pingreq(), mqtt.disconnect()) == (b"\xc0\x00", b"\xe0\x00")


def test_a_long_packet_has_a_long_length() -> None:
    """From 128 bytes on, the length of a packet takes a second byte (2.2.3)."""
    packet = mqtt.connect("c", 60, "u", "p" * 200)
    assert packet[1:3] == b"\xda\x01"
    assert len(packet) == 3 + 0xDA


def test_a_text_that_no_packet_holds_is_an_error() -> None:
    """A token of more than 65,535 bytes fits into no CONNECT."""
    with pytest.raises(ValueError, match="65,535 bytes"):
        mqtt.connect("c", 60, "u", "p" * 0x10000)


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        (b"\x20\x02\x00\x05", Packet(mqtt.CONNACK, code=5)),
        (b"\x90\x03\x00\x07\x80", Packet(mqtt.SUBACK, code=mqtt.REFUSED, number=7)),
        (b"\xb0\x02\x00\x07", Packet(mqtt.UNSUBACK)),
        (b"\xd0\x00", Packet(mqtt.PINGRESP)),
        (PUBLISHED, Packet(mqtt.PUBLISH, topic="a/b", payload=b"hi")),
        (b"\x32\x09\x00\x03a/b\x01\x02hi", Packet(mqtt.PUBLISH, number=258, topic="a/b", payload=b"hi")),
    ],
)
def test_the_packets_of_a_server(data: bytes, packet: Packet) -> None:
    """Each packet is read, whole or byte by byte, and nothing of it is left over."""
    assert PacketReader().take(memoryview(data)) == [packet]
    reader = PacketReader()
    found = [each for at in range(len(data)) for each in reader.take(data[at : at + 1])]
    assert found == [packet]
    assert reader.take(PUBLISHED * 2) == [Packet(mqtt.PUBLISH, topic="a/b", payload=b"hi")] * 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x30\xff\xff\xff\xff\x01", "more than four bytes"),
        (b"\x30\xff\xff\xff\x7f", "too long"),
        (b"\x20\x01\x00", "too short"),
        (b"\x90\x02\x00\x07", "too short"),
        (b"\x30\x01\x00", "too short"),
        (b"\x30\x03\x00\x04a", "ends within its topic"),
        (b"\x32\x05\x00\x03a/b", "ends within its topic"),
        (b"\x30\x03\x00\x01\xff", "not UTF-8"),
    ],
)
def test_what_is_no_mqtt_is_an_error(data: bytes, said: str) -> None:
    """Bytes that are no packet of a server are refused with the reason."""
    with pytest.raises(MalformedPacketError, match=said):
        PacketReader().take(data)
