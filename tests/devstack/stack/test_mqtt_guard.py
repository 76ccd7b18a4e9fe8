"""The guard of one MQTT connection, without a broker: what it passes on, and when it ends the connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from devstack.stack.mqtt_guard import GONE, MqttGuard
from tests.raw_viewers import connect_packet

ARN = "arn:aws:iot:us-east-1:000000000000:"
CLIENT = "vT6yYxw3Qk2m9s0aLb7cZ1"
POLICY = [{"Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{ARN}client/*"}]}]


class Connection:
    """A viewer's side of the guard."""

    def __init__(self, seconds: float, *messages: bytes, authenticated: Any = True) -> None:
        self._authenticated = authenticated
        self.asked: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self._waiting = [{"type": "websocket.receive", "bytes": each} for each in messages]
        self._seconds = seconds
        self.guard = MqttGuard(self._ask, ARN, self._receive, self._send)

    async def _ask(self, event: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(event)
        return {
            "isAuthenticated": self._authenticated,
            "policyDocuments": POLICY,
            "disconnectAfterInSeconds": self._seconds,
        }

    async def _receive(self) -> dict[str, Any]:
        if self._waiting:
            return self._waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("nothing comes any more")

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


async def test_the_connection_ends_after_the_seconds_of_the_answer() -> None:
    """The viewer is silent, its time is up: the socket is closed, and the broker hears that the viewer is gone."""
    connection = Connection(0.05, connect_packet(CLIENT, "token"))
    assert (await connection.guard.receive())["type"] == "websocket.receive"
    assert await connection.guard.receive() == GONE
    assert connection.sent == [{"type": "websocket.close", "code": 1000}]


async def test_the_authorizer_is_asked_once_and_as_iot_core_asks() -> None:
    """The question has the user name, the client id and the password in base64, whatever pieces the packet comes in."""
    packet = connect_packet(CLIENT, "token")
    connection = Connection(60, packet[:9], packet[9:], b"\xc0\0")
    for _ in range(3):
        assert (await connection.guard.receive())["type"] == "websocket.receive"
    (asked,) = connection.asked
    assert asked["protocolData"] == {"mqtt": {"username": "livescore", "clientId": CLIENT, "password": "dG9rZW4="}}
    assert not connection.sent


async def test_a_second_connect_ends_the_connection() -> None:
    """As at IoT Core, a client that sends a CONNECT on its open connection is disconnected."""
    connection = Connection(60, connect_packet(CLIENT, None), connect_packet(CLIENT, None))
    await connection.guard.receive()
    assert await connection.guard.receive() == GONE


@pytest.mark.parametrize("authenticated", [False, None, "true", 1])
async def test_only_the_answer_true_lets_in(authenticated: Any) -> None:
    """A policy that allows the connection does not help a viewer whom the authorizer does not know."""
    connection = Connection(60, connect_packet(CLIENT, "token"), authenticated=authenticated)
    assert await connection.guard.receive() == GONE
    assert [each.get("bytes") for each in connection.sent] == [b"\x20\x02\x00\x05", None]
