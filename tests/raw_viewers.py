"""Viewers of AppSync Events and of MQTT as plain as can be: they send what a test says, and return what comes."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

SECONDS = 20.0
"""Seconds that a viewer waits for an answer: a function may have to start."""


def _base64url(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class EventsViewer:
    """A connection to AppSync Events (event-api-websocket-protocol of its guide)."""

    def __init__(self, socket: ClientConnection, host: str, token: str) -> None:
        self.socket, self._authorization = socket, {"host": host, "Authorization": token}

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a frame; returns the next frame that is no data and no keep-alive."""
        await self.socket.send(json.dumps({"type": kind, "id": "1", **fields}))
        return await self.hear("data", "ka")

    async def subscribe(self, channel: str, **fields: Any) -> dict[str, Any]:
        """The answer to a subscription with the viewer's token; each has an id of its own."""
        named = {"channel": channel, "authorization": self._authorization, "id": secrets.token_hex(8), **fields}
        return await self.ask("subscribe", **named)

    async def hear(self, *but: str) -> dict[str, Any]:
        """The next frame of another type than these. Raises ConnectionClosed."""
        async with asyncio.timeout(SECONDS):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if frame["type"] not in but:
                    return frame

    async def event(self) -> dict[str, Any]:
        """The next event that was published."""
        while (frame := await self.hear("ka"))["type"] != "data":
            pass
        event: dict[str, Any] = json.loads(frame["event"] if isinstance(frame["event"], str) else frame["event"][0])
        return event


@asynccontextmanager
async def events_viewer(address: Mapping[str, str], token: str) -> AsyncIterator[EventsViewer]:
    """A viewer at the address of a cell. It has sent nothing but the handshake."""
    header = _base64url({"host": address["host"], "Authorization": token})
    offered = [Subprotocol("aws-appsync-event-ws"), Subprotocol(f"header-{header}")]
    async with connect(address["url"], subprotocols=offered, open_timeout=SECONDS) as socket:
        yield EventsViewer(socket, address["host"], token)


def _text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return len(data).to_bytes(2) + data


def packet(first: int, body: bytes) -> bytes:
    """A packet of MQTT: its first byte, its length, and the rest."""
    length, more = b"", len(body)
    while True:
        more, low = divmod(more, 128)
        length += bytes([low | (128 if more else 0)])
        if not more:
            return bytes([first]) + length + body


def connect_packet(client: str, password: str | None, *, will: str | None = None, level: int = 4) -> bytes:
    """A CONNECT of a clean session."""
    flags = 0x02 | 0x80 | (0x40 if password is not None else 0) | (0x04 if will else 0)
    body = _text("MQTT") + bytes([level, flags]) + (60).to_bytes(2) + (b"\0" if level == 5 else b"") + _text(client)
    body += (b"\0" if level == 5 and will else b"") + (_text(will) + _text(b"gone") if will else b"")
    return packet(0x10, body + _text("livescore") + (_text(password) if password is not None else b""))


class MqttViewer:
    """A connection to an MQTT broker over a WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._buffer = bytearray()

    async def send(self, data: bytes) -> None:
        """Send bytes as one message."""
        await self.socket.send(data)

    async def hear(self) -> tuple[int, bytes]:
        """The next packet: first byte and body. A PUBLISH of QoS 1 is acknowledged. Raises ConnectionClosed."""
        async with asyncio.timeout(SECONDS):
            while (found := self._take()) is None:
                data = await self.socket.recv()
                assert isinstance(data, bytes)
                self._buffer += data
        first, body = found
        if first >> 4 == 3 and first & 0x06:
            topic = 2 + int.from_bytes(body[:2])
            await self.send(packet(0x40, body[topic : topic + 2]))
        return found

    def _take(self) -> tuple[int, bytes] | None:
        length, shift = 0, 0
        for place, byte in enumerate(self._buffer[1:5]):
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                start = place + 2
                if len(self._buffer) < start + length:
                    return None
                found = self._buffer[0], bytes(self._buffer[start : start + length])
                del self._buffer[: start + length]
                return found
        return None

    async def connect(self, password: str | None, client: str | None = None, **options: Any) -> int:
        """The return code of the CONNACK: 0 is a connection, 5 is a refusal."""
        await self.send(connect_packet(client or secrets.token_urlsafe(18), password, **options))
        first, body = await self.hear()
        assert first == 0x20
        return body[1]

    async def subscribe(self, *topics: str) -> list[int]:
        """The return codes of the SUBACK: 0 and 1 are granted."""
        filters = b"".join(_text(each) + b"\1" for each in topics)
        await self.send(packet(0x82, (1).to_bytes(2) + filters))
        first, body = await self.hear()
        assert first == 0x90
        return list(body[2:])

    async def unsubscribe(self, topic: str) -> None:
        """Unsubscribe, and wait for the UNSUBACK."""
        await self.send(packet(0xA2, (2).to_bytes(2) + _text(topic)))
        first, _ = await self.hear()
        assert first == 0xB0

    async def publish(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 0."""
        await self.send(packet(0x30, _text(topic) + payload))

    async def event(self) -> dict[str, Any]:
        """The next message that was published."""
        first, body = await self.hear()
        assert first >> 4 == 3
        topic = 2 + int.from_bytes(body[:2])
        event: dict[str, Any] = json.loads(body[topic + (2 if first & 0x06 else 0) :])
        return event


@asynccontextmanager
async def mqtt_viewer(address: Mapping[str, str]) -> AsyncIterator[MqttViewer]:
    """A viewer at the address of a cell. It has sent no CONNECT."""
    async with connect(address["url"], subprotocols=[Subprotocol("mqtt")], open_timeout=SECONDS) as socket:
        yield MqttViewer(socket)
