"""A viewer's side of AWS IoT Core: MQTT 3.1.1 over a WebSocket.

(https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html) The token is the password of CONNECT: it is in no
address, and so in no log of a proxy.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..websocket import LostError, ViewerSocket, dial
from . import mqtt
from .broadcast_connection import broadcasting
from .service import REFUSED_STATUS, Listener, Outcome

if TYPE_CHECKING:
    from ..broadcast_times import BroadcastTimes
    from ..cell_address import CellAddress
    from ..http_reader import HttpReader
    from ..viewer_connection import Dial
    from .service import Service, Signs

KEEP_ALIVE_SECONDS = 1200
"""The longest that IoT Core allows (https://docs.aws.amazon.com/general/latest/gr/iot-core.html). A viewer pings an
idle connection much earlier."""

_NUMBERS = 0xFFFF
"""Identifiers of packets are 1 to this."""


def dialer(cell: CellAddress, reader: HttpReader, times: BroadcastTimes) -> Dial:
    """The function that opens connections to a cell with the transport ``iot-core``, for one viewer."""

    async def open_service(token: str | None, listener: Listener) -> Service:
        service = IotService(listener)
        await service.connect(cell, token)
        return service

    return broadcasting(cell, open_service, reader, times)


class IotService:
    """One connection to IoT Core."""

    closes_when_refused = True
    """IoT Core closes the connection of a client that subscribes to a topic outside its policy (same page)."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._socket: ViewerSocket
        self._packets = mqtt.PacketReader()
        self._numbers = itertools.cycle(range(1, _NUMBERS + 1))
        self._asked: dict[int, asyncio.Future[Outcome]] = {}
        self._pong: asyncio.Future[None] | None = None
        self.last_use_at = time.monotonic()
        """When this side sent something: IoT Core's keep-alive counts what clients send."""

    async def connect(self, cell: CellAddress, token: str | None) -> None:
        """Open the connection. Raises LostError."""
        self._socket = await dial(cell.url, self._heard, {"Sec-WebSocket-Protocol": "mqtt"}, binary=True)
        name = f"?x-amz-customauthorizer-name={quote(cell.authorizer, safe='')}" if cell.authorizer else ""
        # Nobody else may know the id: a second connection with it would end this one.
        client = f"viewer-{secrets.token_urlsafe(24)}"
        try:
            self._say(mqtt.connect(client, KEEP_ALIVE_SECONDS, f"viewer{name}", token))
        except ValueError as error:
            self._socket.abort()
            raise LostError(str(error)) from None

    @property
    def signs(self) -> Signs:
        """The signs of life."""
        return self._socket

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return self._socket.open

    async def subscribe(self, channel: str, feed: str) -> Outcome:
        """Hear a feed of a channel. A second subscription to a topic takes the place of the first."""
        number = next(self._numbers)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._say(mqtt.subscribe(number, f"{channel}/{feed}"))
        try:
            return await answer
        finally:
            del self._asked[number]

    def unsubscribe(self, channel: str, feed: str) -> None:
        """Hear a feed no longer."""
        self._say(mqtt.unsubscribe(next(self._numbers), f"{channel}/{feed}"))

    async def probe(self) -> None:
        """Ping the broker."""
        if self._pong is None or self._pong.done():
            self._pong = asyncio.get_running_loop().create_future()
            self.ping()
        await asyncio.shield(self._pong)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._say(mqtt.pingreq())

    def close(self) -> None:
        """Say goodbye and close."""
        self._say(mqtt.disconnect())
        self._socket.close()

    def abort(self) -> None:
        """Break the connection."""
        self._socket.abort()

    async def closed(self) -> None:
        """Wait for the end of the connection. Raises LostError if IoT Core has refused the viewer."""
        await self._socket.closed()

    def _say(self, packet: bytes) -> None:
        self.last_use_at = time.monotonic()
        self._socket.send(packet)

    def _heard(self, data: bytes | memoryview) -> None:
        try:
            packets = self._packets.take(data)
        except mqtt.MalformedPacketError as error:
            # Later packets cannot be found either. The error ends the connection.
            raise LostError(str(error)) from error
        for packet in packets:
            self._take(packet)

    def _take(self, packet: mqtt.Packet) -> None:
        match packet.kind:
            case mqtt.PUBLISH:
                if packet.number:
                    self._say(mqtt.puback(packet.number))
                self._listener.frame(packet.payload)
            case mqtt.CONNACK if packet.code:
                status = REFUSED_STATUS if packet.code in mqtt.NOT_AUTHORIZED else None
                raise LostError(f"IoT Core refuses the connection ({packet.code}).", status)
            case mqtt.CONNACK:
                self._listener.ready()
            case mqtt.SUBACK if (answer := self._asked.get(packet.number)) is not None and not answer.done():
                answer.set_result("refused" if packet.code == mqtt.REFUSED else "joined")
            case mqtt.PINGRESP if self._pong is not None and not self._pong.done():
                self._pong.set_result(None)
