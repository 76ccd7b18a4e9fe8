"""The services of the broadcasting transports send values of other types, and packets that need an answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from client.cell_address import CellAddress, read_cells
from client.transports import mqtt
from client.transports.appsync_events import EventsService
from client.transports.appsync_graphql import GraphQLService
from client.transports.iot_core import IotService
from client.transports.momento import MomentoService
from client.transports.service import Listener
from client.websocket import LostError
from tests.support import eventually
from tests.web.transports import CELL, address

if TYPE_CHECKING:
    from collections.abc import Callable

DEEP: Any = orjson.loads("[" * 500 + "]" * 500)
"""orjson reads it and does not write it."""
JUNK = [None, 7, "x", ["1"], {"1": 1}, DEEP]
FIELDS = ["id", "type", "event", "errors", "payload"]
APPSYNC = {"appsync-events": EventsService, "appsync-graphql": GraphQLService}
KINDS = [
    "data", "connection_ack", "subscribe_success", "subscribe_error", "broadcast_error", "start_ack", "error",
    "complete",
]  # fmt: skip


class Socket:
    """Keeps what the client sends."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.heard = heard
        self.sent: list[bytes] = []
        self.is_open = True

    def send(self, message: bytes) -> None:
        """Keep it."""
        self.sent.append(message)

    def abort(self) -> None:
        """End."""
        self.is_open = False


class Frames:
    """A listener that keeps what the service brings."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.listener = Listener(lambda: None, self.frames.append, lambda _: None)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[Socket]:
    """The sockets that the clients open."""
    opened: list[Socket] = []

    async def dial(_url: str, heard: Any, *_: Any, **_options: Any) -> Socket:
        opened.append(Socket(heard))
        return opened[-1]

    monkeypatch.setattr("client.transports.appsync.dial", dial)
    monkeypatch.setattr("client.transports.iot_core.dial", dial)
    return opened


def cell(transport: str) -> CellAddress:
    """The address of a cell that nobody serves."""
    return read_cells({"version": 1, "cells": {CELL: address(transport, 9)}})[CELL]


@pytest.mark.parametrize("transport", APPSYNC)
async def test_a_value_of_another_type_ends_no_connection_of_appsync(transport: str, sockets: list[Socket]) -> None:
    """A field of any other type makes a message junk: the subscription is answered after it."""
    service = APPSYNC[transport](cell(transport), None, Frames().listener)
    await service.connect()
    [socket] = sockets
    answer = asyncio.create_task(service.subscribe("livescore/open/m", "all"))
    await eventually(lambda: len(socket.sent) == 2)
    for kind in KINDS:
        for field in FIELDS:
            for value in JUNK:
                # The id is nobody's.
                socket.heard(_dumps({"type": kind, "id": "99", field: value}))
    assert not answer.done()
    socket.heard(orjson.dumps({"type": "subscribe_success" if "events" in transport else "start_ack", "id": "1"}))
    assert await answer == "joined"
    assert socket.is_open


@pytest.mark.parametrize("errors", JUNK, ids=["none", "number", "text", "list", "object", "deep"])
async def test_a_refusal_of_another_form_is_a_lost_connection(errors: Any, sockets: list[Socket]) -> None:
    """AppSync may refuse a connection with errors of any form: the viewer connects again."""
    service = EventsService(cell("appsync-events"), None, Frames().listener)
    await service.connect()
    with pytest.raises(LostError) as lost:
        sockets[0].heard(_dumps({"type": "connection_error", "errors": errors}))
    assert lost.value.status is None


async def test_each_frame_of_iot_core_is_acknowledged(sockets: list[Socket]) -> None:
    """IoT Core sends a PUBLISH with quality of service 1 again until the PUBACK with its identifier.

    (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html#mqtt-qos) One with quality 0 has no answer.
    """
    kept = Frames()
    service = IotService(kept.listener)
    await service.connect(cell("iot-core"), None)
    [socket] = sockets
    socket.sent.clear()
    first, second = b"\x32\x09\x00\x03a/b\x01\x02hi", b"\x32\x09\x00\x03a/b\x00\x07ho"
    socket.heard(first + second + b"\x30\x07\x00\x03a/bhu")
    assert kept.frames == [b"hi", b"ho", b"hu"]
    assert socket.sent == [mqtt.puback(258), mqtt.puback(7)]


@pytest.mark.parametrize(
    "given",
    [{"token": 7}, {"token": "ü"}, {"expires": "soon"}, {"expires": None}],
    ids=["number", "letters", "text", "nothing"],
)
async def test_a_token_of_momento_of_another_form_is_a_lost_connection(given: dict[str, Any]) -> None:
    """A token that fits into no header is none: the viewer connects again."""

    class Reader:
        async def get(self, *_: Any) -> Any:
            """The answer of the API."""
            return {"token": "t", "expires": time.time() + 3600} | given

    service = MomentoService(cell("momento"), Reader(), None, Frames().listener, 0.1)  # type: ignore[arg-type]
    with pytest.raises(LostError):
        await service.connect()


def _dumps(message: dict[str, Any]) -> bytes:
    """JSON, also of ``DEEP``."""
    return ("{" + ",".join(f'"{name}":{_text(value)}' for name, value in message.items()) + "}").encode()


def _text(value: Any) -> str:
    return "[" * 500 + "]" * 500 if value is DEEP else orjson.dumps(value).decode()
