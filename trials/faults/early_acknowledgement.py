"""A relay before AppSync Events that acknowledges a viewer's subscription, and lets it begin only later.

AppSync documents an order of subscribe and subscribe_success, and no moment from which frames are carried
(https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html). With GraphQL, events that were
published just after the acknowledgement were lost (https://github.com/aws/aws-appsync-community/issues/405).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from websockets.asyncio.client import ClientConnection
    from websockets.asyncio.server import ServerConnection
    from websockets.typing import Subprotocol


class Relay:
    """Passes everything on, but subscriptions only after ``begin``."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.url = ""
        """Where viewers connect."""
        self.begin = asyncio.Event()
        self.acknowledged: set[str] = set()
        """Ids of the subscriptions that the relay has acknowledged itself."""

    async def serve(self, viewer: ServerConnection) -> None:
        """Serve one viewer until either side closes."""
        assert viewer.request is not None  # noqa: S101
        offered = viewer.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        subprotocols: list[Subprotocol] = [each.strip() for each in offered]  # type: ignore[misc]
        async with connect(self._upstream, subprotocols=subprotocols, proxy=None) as service:
            ways = [
                asyncio.create_task(self._to_service(viewer, service)),
                asyncio.create_task(self._back(service, viewer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _to_service(self, viewer: ServerConnection, service: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in viewer:
                said = orjson.loads(text)
                if said.get("type") == "subscribe":
                    self.acknowledged.add(said["id"])
                    await viewer.send(orjson.dumps({"type": "subscribe_success", "id": said["id"]}).decode())
                    await self.begin.wait()
                await service.send(text)

    async def _back(self, service: ClientConnection, viewer: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in service:
                said = orjson.loads(text)
                if not (said.get("type") == "subscribe_success" and said["id"] in self.acknowledged):
                    await viewer.send(text)


def _first(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return offered[0] if offered else None


@asynccontextmanager
async def acknowledging_early(upstream: str) -> AsyncIterator[Relay]:
    """A relay before this address, as long as this lasts."""
    relay = Relay(upstream)
    async with serve(relay.serve, "127.0.0.1", 0, select_subprotocol=_first) as server:
        parts = urlsplit(upstream)
        port = server.sockets[0].getsockname()[1]
        relay.url = parts._replace(netloc=f"127.0.0.1:{port}").geturl()
        yield relay
