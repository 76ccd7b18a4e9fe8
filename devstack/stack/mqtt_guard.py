"""The guard of MiniStack's MQTT broker: a custom authorizer decides, as at AWS IoT Core.

MiniStack asks no custom authorizer and evaluates no policy of one. This guard stands between a viewer's WebSocket and
the broker. It asks the authorizer about the CONNECT, and holds every later packet to the policy in the answer. A
refused CONNECT is answered with a CONNACK that says so; any other refusal closes the socket. The guard also ends the
connection after ``disconnectAfterInSeconds``.
(https://docs.aws.amazon.com/iot/latest/developerguide/custom-auth-lambda.html)
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from typing import TYPE_CHECKING

from devstack.stack import mqtt_packets
from devstack.stack.iot_policies import allows
from devstack.stack.mqtt_packets import PacketError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from devstack.stack.asgi import Message, Receive, Send
    from devstack.stack.mqtt_packets import Packet

GONE: Message = {"type": "websocket.disconnect", "code": 1005}
"""The message with which the broker learns that the guard has ended a connection."""


class MqttGuard:
    """The guard of one connection. ``receive`` takes the place of the ASGI server's."""

    def __init__(self, ask: Callable[[Message], Awaitable[Message]], arn: str, receive: Receive, send: Send) -> None:
        """``ask``: the authorizer. ``arn``: what stands before the resources of policies, as ``arn:aws:iot:…:``."""
        self._ask, self._arn, self._receive, self._send = ask, arn, receive, send
        self._buffer = bytearray()
        self._level: int | None = None
        """The version of MQTT; None before the CONNECT."""
        self._policy: list[Message] = []
        self._ends_at: float | None = None

    async def receive(self) -> Message:
        """The viewer's next message, if it is allowed; else the end of the connection."""
        left = None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except TimeoutError:
            return await self._end()
        if message["type"] != "websocket.receive":
            return message
        self._buffer += message.get("bytes") or b""
        try:
            for packet in mqtt_packets.take_packets(self._buffer):
                if not await self._is_allowed(packet):
                    return await self._end()
        except PacketError:
            return await self._end()
        return message

    async def _is_allowed(self, packet: Packet) -> bool:
        if self._level is None:
            return packet.kind == mqtt_packets.CONNECT and await self._lets_in(packet)
        match packet.kind:
            case mqtt_packets.SUBSCRIBE:
                filters = mqtt_packets.read_filters(packet, self._level)
                return all(self._may("iot:Subscribe", f"topicfilter/{each}") for each in filters)
            case mqtt_packets.PUBLISH:
                return self._may("iot:Publish", f"topic/{mqtt_packets.read_topic(packet)}")
        return packet.kind != mqtt_packets.CONNECT

    async def _lets_in(self, packet: Packet) -> bool:
        connect = mqtt_packets.read_connect(packet)
        given = {"username": connect.user_name, "clientId": connect.client}
        if connect.password is not None:
            given["password"] = base64.b64encode(connect.password).decode()
        answer = await self._ask(
            {
                "protocols": ["tls", "http", "mqtt"],
                "protocolData": {"mqtt": {name: value for name, value in given.items() if value is not None}},
                "connectionMetadata": {"id": str(uuid.uuid4())},
            }
        )
        self._policy = answer.get("policyDocuments") or []
        will = connect.will_topic
        good = (
            answer.get("isAuthenticated") is True
            and self._may("iot:Connect", f"client/{connect.client}")
            and (will is None or self._may("iot:Publish", f"topic/{will}"))
        )
        if good:
            self._level = connect.level
            self._ends_at = time.monotonic() + float(answer["disconnectAfterInSeconds"])
        else:
            await self._send({"type": "websocket.send", "bytes": mqtt_packets.not_authorized(connect.level)})
        return good

    def _may(self, action: str, resource: str) -> bool:
        return allows(self._policy, action, self._arn + resource)

    async def _end(self) -> Message:
        await self._send({"type": "websocket.close", "code": 1000})
        return GONE
