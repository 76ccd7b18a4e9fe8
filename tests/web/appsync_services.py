"""Both kinds of AppSync, as far as the scenes need them."""

from __future__ import annotations

import base64
import itertools
import json
from typing import TYPE_CHECKING, Any

from tests.web.socket_service import Door, Socket

if TYPE_CHECKING:
    from aiohttp import web

HOST = "http.example"
"""The host of AppSync's HTTP endpoint, which the clients must name."""


def credentials(asked: list[str]) -> str:
    """The token in AppSync's subprotocol ``header-…``; checks the host and the form."""
    [header] = [each.removeprefix("header-") for each in asked if each.startswith("header-")]
    assert "=" not in header
    given = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    assert given["host"] == HOST
    return str(given["Authorization"])


class EventsSocket(Socket):
    """AppSync Events (https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html)."""

    protocol = "aws-appsync-event-ws"
    forms = itertools.cycle((list, str))
    """The documents show an array of one text, and MiniStack sends a text: frames come in both forms in turn."""

    async def heard(self, data: Any) -> None:
        """A message of the client."""
        message = json.loads(data)
        kind, key = message["type"], message.get("id")
        if kind == "connection_init":
            await self.say({"type": "connection_ack", "connectionTimeoutMs": 300_000})
        elif kind == "subscribe":
            assert message["authorization"] == {"host": HOST, "Authorization": self.token}
            await self.joined(key, message["channel"])
        elif kind == "unsubscribe":
            known = await self.left(key)
            await self.say({"type": "unsubscribe_success" if known else "unsubscribe_error", "id": key})

    async def acknowledge(self, key: Any) -> None:
        """Say that a subscription has begun."""
        await self.say({"type": "subscribe_success", "id": key})

    async def refuse(self, key: Any) -> None:
        """Say that a subscription is refused."""
        errors = [{"errorType": "UnauthorizedException", "message": "No."}]
        await self.say({"type": "subscribe_error", "id": key, "errors": errors})

    async def publish(self, key: Any, text: str) -> None:
        """Send a frame to a subscription."""
        event = [text] if next(self.forms) is list else text
        await self.say({"type": "data", "id": key, "event": event})


class Events(Door):
    """Where AppSync Events listens."""

    socket = EventsSocket

    def token(self, _: web.Request, asked: list[str]) -> str | None:
        """The token in the subprotocol."""
        return credentials(asked)


class GraphQLSocket(Socket):
    """AppSync GraphQL (https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html)."""

    protocol = "graphql-ws"

    async def heard(self, data: Any) -> None:
        """A message of the client."""
        message = json.loads(data)
        kind, key = message["type"], message.get("id")
        if kind == "connection_init":
            await self.say({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}})
        elif kind == "start":
            asked = json.loads(message["payload"]["data"])
            given = {"host": HOST, "Authorization": self.token}
            assert message["payload"]["extensions"]["authorization"] == given
            assert "onFrame(channel: $channel, feed: $feed)" in asked["query"]
            await self.joined(key, f"{asked['variables']['channel']}/{asked['variables']['feed']}")
        elif kind == "stop":
            await self.left(key)
            await self.say({"type": "complete", "id": key})

    async def acknowledge(self, key: Any) -> None:
        """Say that a subscription has begun."""
        await self.say({"type": "start_ack", "id": key})

    async def refuse(self, key: Any) -> None:
        """Say that a subscription is refused."""
        errors = [{"errorType": "not_entitled", "message": "Your token does not cover this channel."}]
        await self.say({"type": "error", "id": key, "payload": {"errors": errors}})

    async def publish(self, key: Any, text: str) -> None:
        """Send a frame to a subscription."""
        channel, _, feed = self.subscriptions[key].rpartition("/")
        frame = {"channel": channel, "feed": feed, "frame": text}
        await self.say({"type": "data", "id": key, "payload": {"data": {"onFrame": frame}}})


class GraphQL(Door):
    """Where AppSync GraphQL listens."""

    socket = GraphQLSocket

    def token(self, _: web.Request, asked: list[str]) -> str | None:
        """The token in the subprotocol."""
        return credentials(asked)
