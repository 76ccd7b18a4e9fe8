"""AWS IoT Core, as far as the scenes need it."""

from __future__ import annotations

import itertools
from typing import Any

from aiohttp import web

from tests.web import mqtt_server as mqtt
from tests.web.director import ACKNOWLEDGED, HUNG_UP
from tests.web.socket_service import Door, Socket


class MqttSocket(Socket):
    """AWS IoT Core (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html)."""

    protocol = "mqtt"
    binary = True
    numbers = itertools.count(1)

    async def heard(self, data: Any) -> None:
        """A message of the client, which may hold several packets."""
        for packet in mqtt.packets(data):
            match packet.kind:
                case mqtt.CONNECT:
                    await self._connects(packet)
                case mqtt.SUBSCRIBE:
                    await self._joins(packet)
                case mqtt.UNSUBSCRIBE:
                    await self.left(packet.topic)
                    await self.say(mqtt.unsuback(packet.number))
                case mqtt.PINGREQ:
                    await self.say(mqtt.pingresp())
                case mqtt.DISCONNECT:
                    await self.socket.close()

    async def _connects(self, packet: mqtt.Packet) -> None:
        assert len(packet.client) >= 22
        assert packet.username.endswith("?x-amz-customauthorizer-name=viewers")
        status = await self.services.director.let_in(packet.password or "")
        codes = {web.HTTPOk.status_code: mqtt.ACCEPTED, web.HTTPForbidden.status_code: mqtt.NOT_AUTHORIZED}
        await self.say(mqtt.connack(codes.get(status, mqtt.UNAVAILABLE)))
        if status != web.HTTPOk.status_code:
            await self.socket.close()

    async def _joins(self, packet: mqtt.Packet) -> None:
        answer = await self.services.subscribes(packet.topic)
        if answer == ACKNOWLEDGED:
            self.subscriptions[packet.topic] = packet.topic
        if answer == HUNG_UP:
            await self.socket.close()
        elif answer is not None:
            await self.say(mqtt.suback(packet.number, 1 if answer == ACKNOWLEDGED else mqtt.REFUSED))

    async def publish(self, key: Any, text: str) -> None:
        """Send a frame to a subscription."""
        await self.say(mqtt.publish(key, text.encode(), next(self.numbers) % 0xFFFF + 1))


class IotCore(Door):
    """Where AWS IoT Core listens."""

    socket = MqttSocket

    def token(self, _request: web.Request, _asked: list[str]) -> str | None:
        """The token comes in CONNECT."""
        return None
