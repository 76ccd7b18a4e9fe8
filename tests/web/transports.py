"""The services of the broadcasting transports, as far as the scenes need them, each in its own protocol.

The scene's director decides what a service answers. A service asks it with these calls:

- ``authorize``: a handshake, with the viewer's ``token``; the answer is whether it is let in.
- ``connect``: a handshake that was let in; the answer is a status, 200 to go on.
- ``message`` of the kind ``subscribe``: a subscription, ``{"match", "feed"}``; the answer is ``acknowledged``,
  ``refused``, ``hung up`` for the end of the connection, or None for silence.
- ``unsubscribe`` and ``disconnect``: the answer does not matter.

Momento has no connection: its handshake is the request for a token at the readers' API (``director.py``).
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from tests.web import mqtt_server as mqtt
from tests.web.director import ACKNOWLEDGED, HUNG_UP, REFUSED, Call

if TYPE_CHECKING:
    from tests.web.director import Director

BROADCASTING = ("appsync-events", "appsync-graphql", "iot-core", "momento")
TRANSPORTS = ("api-gateway", *BROADCASTING)

NAMESPACE = "livescore/open"
"""The matches of the scenes have no competition."""

CACHE = "scenes"
CELL = "here"
PAGE = 7
"""The page of Momento's topics."""

CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization"}
HOST = "http.example"
"""The host of AppSync's HTTP endpoint, which the clients must name."""

PATHS = {"appsync-events": "/event/realtime", "appsync-graphql": "/graphql", "iot-core": "/mqtt", "momento": ""}


def address(transport: str, port: int) -> dict[str, str]:
    """A cell's entry in ``deployment.json``; its service is at this port."""
    scheme = "http" if transport == "momento" else "ws"
    about = {"transport": transport, "region": "us-east-1", "url": f"{scheme}://127.0.0.1:{port}{PATHS[transport]}"}
    more = {"momento": {"cache": CACHE}, "appsync-events": {"host": HOST}, "appsync-graphql": {"host": HOST}}
    return {**about, **more.get(transport, {"authorizer": "viewers"})}


class Line(Protocol):
    """One connection, or with Momento one subscription, of a client."""

    subscriptions: dict[Any, str]
    """The service's name of a subscription -> its channel with the feed."""

    async def publish(self, key: Any, text: str) -> None:
        """Send a frame to a subscription."""


class Services:
    """One server with the paths of all four services."""

    def __init__(self, director: Director) -> None:
        self.director = director
        self.lines: list[Line] = []
        """The open connections, the newest last."""
        self.held: list[asyncio.Task[Any]] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> Services:
        """Listen."""
        app = web.Application()
        app.router.add_get(PATHS["appsync-events"], Events(self).serve)
        app.router.add_get(PATHS["appsync-graphql"], GraphQL(self).serve)
        app.router.add_get(PATHS["iot-core"], IotCore(self).serve)
        momento = Momento(self)
        app.router.add_get("/topics/{cache}/{topic}", momento.poll)
        app.router.add_options("/topics/{cache}/{topic}", momento.allow)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def publish(self, match: str, text: str) -> None:
        """Publish a frame of a match to the newest connection, on every feed of the match that it hears.

        A frame of a match that nobody hears comes on a channel that the client does hear: services mix nothing up, but
        no client may rely on that.
        """
        line = self.lines[-1]
        keys = [key for key, channel in line.subscriptions.items() if f"/{match}/" in channel]
        for key in keys or list(line.subscriptions)[:1]:
            await line.publish(key, text)

    def handshakes(self) -> tuple[str, int]:
        """The scene, by the address of its relay, and the number of handshakes in it."""
        return self.director.host, len(self.director.connections)

    async def subscribes(self, channel: str) -> Any:
        """The director's answer to a subscription."""
        channel = channel.removeprefix("/")
        match, feed = channel.split("/")[-2:]
        about = {"match": match, "feed": feed, "channel": channel}
        return await self.director.called("message", Call(about, kind="subscribe"))


class Socket:
    """A connection over a WebSocket. A subclass has the words of its service."""

    binary = False
    protocol = ""

    def __init__(self, services: Services, socket: web.WebSocketResponse) -> None:
        self.services = services
        self.socket = socket
        self.token = ""
        self.subscriptions: dict[Any, str] = {}

    async def say(self, message: Any) -> None:
        """Send a message: JSON, or bytes."""
        with suppress(ConnectionError):
            if isinstance(message, bytes):
                await self.socket.send_bytes(message)
            else:
                await self.socket.send_str(json.dumps(message))

    async def joined(self, key: Any, channel: str) -> None:
        """A subscription of the client: ask the director, and answer."""
        answer = await self.services.subscribes(channel)
        if answer == ACKNOWLEDGED:
            self.subscriptions[key] = channel.removeprefix("/")
            await self.acknowledge(key)
        elif answer == HUNG_UP:
            await self.socket.close()
        elif answer is not None:
            await self.refuse(key)

    async def left(self, key: Any) -> bool:
        """The client leaves a subscription; returns whether there was one."""
        if self.subscriptions.pop(key, None) is None:
            return False
        self.services.director.told("unsubscribe", Call({}))
        return True

    async def acknowledge(self, key: Any) -> None:
        """Say that a subscription has begun."""
        raise NotImplementedError

    async def refuse(self, key: Any) -> None:
        """Say that a subscription is refused."""
        raise NotImplementedError

    async def publish(self, key: Any, text: str) -> None:
        """Send a frame to a subscription."""
        raise NotImplementedError

    async def heard(self, data: Any) -> None:
        """A message of the client."""
        raise NotImplementedError


class Door:
    """Serves the WebSocket of one service."""

    socket: type[Socket]

    def __init__(self, services: Services) -> None:
        self.services = services

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its handshake to its end."""
        asked = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        assert self.socket.protocol in asked, asked
        token = self.token(request, asked)
        status = await self.services.director.let_in(token) if token is not None else web.HTTPOk.status_code
        if status not in (web.HTTPOk.status_code, web.HTTPForbidden.status_code):
            return web.Response(status=status)
        answer = web.WebSocketResponse(protocols=[self.socket.protocol])
        await answer.prepare(request)
        line = self.socket(self.services, answer)
        line.token = token or ""
        if status != web.HTTPOk.status_code:
            await self.turn_away(line)
            return answer
        self.services.lines.append(line)
        tasks = []
        try:
            async for message in answer:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    assert (message.type is WSMsgType.BINARY) is self.socket.binary
                    tasks.append(asyncio.create_task(line.heard(message.data)))
        finally:
            for task in tasks:
                task.cancel()
            self.services.lines.remove(line)
            self.services.director.told("disconnect", Call({}))
        return answer

    def token(self, request: web.Request, asked: list[str]) -> str | None:
        """The viewer's token in a handshake; None if it comes later."""
        raise NotImplementedError

    async def turn_away(self, line: Socket) -> None:
        """Refuse a client after the handshake of the WebSocket, as AppSync does."""
        await line.say(
            {
                "type": "connection_error",
                "errors": [{"errorType": "UnauthorizedException", "message": "No."}],
                "payload": {"errors": [{"errorType": "UnauthorizedException", "errorCode": 401, "message": "No."}]},
            }
        )
        await line.socket.close(code=WSCloseCode.POLICY_VIOLATION)


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


class Topic:
    """A poll of Momento's that waits; it counts as a connection with one subscription."""

    def __init__(self, name: str, handshakes: tuple[str, int]) -> None:
        self.handshakes = handshakes
        """Those before it began: a poll after another handshake begins anew."""
        self.subscriptions: dict[Any, str] = {name: name.replace(":", "/")}
        self.items: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.polls = 0

    async def publish(self, _key: Any, text: str) -> None:
        """Add a message to the topic."""
        number = len(self.items) + 1
        self.items.append({"item": {"topic_sequence_number": number, "sequence_page": PAGE, "value": {"text": text}}})
        self.news.set()


class Momento:
    """Momento Topics over HTTP (https://docs.momentohq.com/topics/api-reference/http-api)."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._topics: dict[str, Topic] = {}

    async def allow(self, _: web.Request) -> web.Response:
        """The answer to a browser that asks whether a page may poll."""
        return web.Response(status=204, headers=CORS)

    async def poll(self, request: web.Request) -> web.Response:
        """A long poll."""
        assert request.match_info["cache"] == CACHE
        name, wanted = request.match_info["topic"], int(request.query.get("sequence_number", "0"))
        assert request.headers["Authorization"] == f"momento-{name.split(':')[1]}"
        topic = self._topics.get(name)
        if topic is not None and topic.handshakes != self.services.handshakes():
            topic = None
        if int(request.query.get("sequence_page", "0")) not in (0, PAGE):
            new = {"last_topic_sequence": 0, "new_topic_sequence": 1, "new_sequence_page": PAGE}
            return web.json_response({"items": [{"discontinuity": new}]}, headers=CORS)
        if topic is None:
            topic = await self._begin(name)
            if topic is None:
                return web.json_response({"error": "Permission denied"}, status=403, headers=CORS)
        return await self._wait(topic, wanted or len(topic.items) + 1)

    async def _begin(self, name: str) -> Topic | None:
        """Somebody begins to listen to a topic; None if that is refused. Silence is a poll that hears nothing."""
        answer = await self.services.subscribes(name.replace(":", "/"))
        if answer == REFUSED:
            return None
        topic = Topic(name, self.services.handshakes())
        if answer == ACKNOWLEDGED:
            self._topics[name] = topic
            self.services.lines.append(topic)
        return topic

    async def _wait(self, topic: Topic, wanted: int) -> web.Response:
        topic.polls += 1
        try:
            while len(topic.items) < wanted:
                topic.news.clear()
                await topic.news.wait()
        finally:
            topic.polls -= 1
            if not topic.polls:
                self.services.director.told("disconnect", Call({}))
        return web.json_response({"items": topic.items[wanted - 1 :]}, headers=CORS)
