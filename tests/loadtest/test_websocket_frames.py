"""Frames, read by a client of the websockets library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from loadtest.standin.websocket_frames import frames


def read(data: bytes) -> list[Frame]:
    """The frames that a client reads."""
    client = ClientProtocol(parse_uri("ws://gateway/live"), state=OPEN, max_size=None)
    client.receive_data(data)
    assert client.state is OPEN
    return [event for event in client.events_received() if isinstance(event, Frame)]


@given(st.binary(max_size=400), st.integers(0, 200))
def test_a_message_arrives_whole(payload: bytes, limit: int) -> None:
    """A message of any size becomes one message of text, in frames within any limit."""
    found = read(frames(payload, limit))
    assert b"".join(bytes(each.data) for each in found) == payload
    assert [each.opcode for each in found] == [Opcode.TEXT, *[Opcode.CONT] * (len(found) - 1)]
    assert [each.fin for each in found] == [*[False] * (len(found) - 1), True]
    assert all(len(each.data) <= max(limit, 125) for each in found) or limit == 0


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 131_072])
def test_every_length_has_its_header(size: int) -> None:
    """A message has the right header at each size at which the header changes (RFC 6455, section 5.2)."""
    (frame,) = read(frames(b"x" * size, 0))
    assert len(frame.data) == size


@pytest.mark.parametrize(
    ("size", "limit", "count"), [(1_000, 300, 4), (900, 300, 3), (131_073, 65_536, 3), (126, 1_000, 1)]
)
def test_a_large_message_is_cut_into_frames(size: int, limit: int, count: int) -> None:
    """A message above the limit comes in as many frames as it takes, the last one marked as the end."""
    found = read(frames(b"x" * size, limit))
    assert [each.fin for each in found] == [False] * (count - 1) + [True]
    assert sum(len(each.data) for each in found) == size
