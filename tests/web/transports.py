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

from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from tests.web.appsync_services import HOST, Events, GraphQL
from tests.web.director import Call
from tests.web.iot_service import IotCore
from tests.web.momento_service import CACHE, Momento

if TYPE_CHECKING:
    import asyncio

    from tests.web.director import Director

BROADCASTING = ("appsync-events", "appsync-graphql", "iot-core", "momento")
TRANSPORTS = ("api-gateway", *BROADCASTING)

NAMESPACE = "livescore/open"
"""The matches of the scenes have no competition."""

CELL = "here"

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
        self.momento = Momento(self)
        self.held: list[asyncio.Task[Any]] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> Services:
        """Listen."""
        app = web.Application()
        app.router.add_get(PATHS["appsync-events"], Events(self).serve)
        app.router.add_get(PATHS["appsync-graphql"], GraphQL(self).serve)
        app.router.add_get(PATHS["iot-core"], IotCore(self).serve)
        app.router.add_get("/topics/{cache}/{topic}", self.momento.poll)
        app.router.add_options("/topics/{cache}/{topic}", self.momento.allow)
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
