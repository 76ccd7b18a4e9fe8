"""The packets of an MQTT client, as the guard of the broker reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.stack.mqtt_packets import (
    CONNECT,
    PUBLISH,
    SUBSCRIBE,
    Connect,
    Packet,
    PacketError,
    not_authorized,
    read_connect,
    read_filters,
    read_topic,
    take_packets,
)  # fmt: skip
from tests.raw_viewers import connect_packet, packet

LONG = packet(0x30, b"\0\1a" + b"x" * 200)


def taken(data: bytes) -> list[Packet]:
    """The packets in these bytes."""
    return list(take_packets(bytearray(data)))


@given(st.lists(st.integers(1, 30), max_size=20))
def test_packets_are_whole_however_the_bytes_come(pieces: list[int]) -> None:
    """Packets that come in pieces, or several at once, are read as they were sent; the rest stays in the buffer."""
    data, buffer, found = LONG + packet(0x82, b"\0\1\0\1a\1") + LONG[:50], bytearray(), []
    while data:
        size = pieces.pop() if pieces else len(data)
        buffer += data[:size]
        data = data[size:]
        found += list(take_packets(buffer))
    assert [each.kind for each in found] == [PUBLISH, SUBSCRIBE]
    assert bytes(buffer) == LONG[:50]


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("will", [None, "livescore/open/m/all"])
@pytest.mark.parametrize("password", [None, "", "a.b.c"])
def test_a_connect_says_who_connects(level: int, will: str | None, password: str | None) -> None:
    """The client id, the will's topic, the user name and the password are read in both versions of MQTT."""
    (found,) = taken(connect_packet("client", password, will=will, level=level))
    secret = None if password is None else password.encode()
    assert (found.kind, read_connect(found)) == (CONNECT, Connect(level, "client", will, "livescore", secret))


def test_a_connect_without_a_user_name() -> None:
    """The flag says that there is none."""
    (found,) = taken(packet(0x10, b"\0\4MQTT\4\2\0\x3c\0\1c"))
    assert read_connect(found) == Connect(4, "c", None, None, None)


@pytest.mark.parametrize("properties", [b"", b"\x05\x0b\x01\x26\0\0", b"\x80\x01" + b"x" * 128])
def test_a_subscribe_names_its_filters(properties: bytes) -> None:
    """Every filter of the packet is read; in MQTT 5 behind its properties, however long their length is."""
    filters = b"\0\3a/b\1\0\1#\0"
    level = 5 if properties else 4
    assert read_filters(Packet(SUBSCRIBE, 2, b"\0\1" + properties + filters), level) == ["a/b", "#"]


def test_a_publish_names_its_topic() -> None:
    """The topic comes first."""
    assert read_topic(taken(LONG)[0]) == "a"


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\4MQT", b"\0\4MQTT", b"\0\4MQTT\4\2\0\x3c\0\2\xff\xff", b"\0\1\xff"])
def test_a_packet_that_is_cut_off_or_no_text_is_an_error(body: bytes) -> None:
    """The reader never reads past the end of a packet."""
    with pytest.raises(PacketError):
        read_connect(Packet(CONNECT, 0, body))


def test_a_length_of_five_bytes_is_an_error() -> None:
    """A length has four bytes at most; one that has not come whole is waited for."""
    assert taken(b"\x10") == taken(b"\x10\xff\xff") == []
    with pytest.raises(PacketError):
        taken(b"\x10\xff\xff\xff\xff")


def test_a_refusal_is_in_the_words_of_its_version() -> None:
    """Return code 5 in MQTT 3.1.1, reason code 0x87 in MQTT 5."""
    assert [not_authorized(level)[3] for level in (4, 5)] == [5, 0x87]
