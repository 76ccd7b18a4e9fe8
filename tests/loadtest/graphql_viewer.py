"""A viewer and a publisher of the stand-in for AppSync GraphQL, and an authorizer that the tests command."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.asyncio.client import connect

from devstack.system import ACCOUNT, REGION, SECRET

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

PATIENCE = 20.0
ALL = "all"
"""A token that may hear everything."""
HOST = "api.example"
QUERY = "subscription Frames($channel: String!, $feed: String!) { onFrame(channel: $channel, feed: $feed) { %s } }"
FRAMES = QUERY % "channel feed frame"
PUBLISH = (
    "mutation Publish($channel: String!, $feed: String!, $frame: String!) "
    "{ publish(channel: $channel, feed: $feed, frame: $frame) { channel feed frame } }"
)


def header(token: str, host: str = HOST) -> str:
    """The JSON of the handshake, in base64 without padding."""
    text = json.dumps({"host": host, "Authorization": token})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def opened(url: str, token: str = ALL, **options: Any) -> ClientConnection:
    """A WebSocket, before ``connection_init``."""
    subprotocols: list[Any] = ["graphql-ws", f"header-{header(token)}"]
    return await connect(url, subprotocols=subprotocols, proxy=None, **options)


async def hear(socket: ClientConnection, kind: str | None = None) -> dict[str, Any]:
    """The next message that is no keep-alive; with ``kind``, the next of that type."""
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
        if message["type"] == kind or (kind is None and message["type"] != "ka"):
            return message


async def joined(url: str, token: str = ALL) -> ClientConnection:
    """A WebSocket whose connection is acknowledged."""
    socket = await opened(url, token)
    await socket.send('{"type":"connection_init"}')
    assert (await hear(socket))["type"] == "connection_ack"
    return socket


async def start(
    socket: ClientConnection, channel: str, feed: str, *, number: str = "1", token: str = ALL, query: str = FRAMES
) -> dict[str, Any]:
    """Subscribe; returns the service's answer."""
    data = json.dumps({"query": query, "variables": {"channel": channel, "feed": feed}})
    payload = {"data": data, "extensions": {"authorization": {"host": HOST, "Authorization": token}}}
    await socket.send(json.dumps({"id": number, "type": "start", "payload": payload}))
    while True:
        answer = await hear(socket)
        if answer.get("id") == number and answer["type"] != "data":
            return answer


async def publish(
    client: httpx.AsyncClient,
    url: str,
    channel: str,
    feed: str,
    frame: str,
    *,
    secret: str = SECRET,
    token: str | None = None,
) -> httpx.Response:
    """Publish a frame: signed, or with a token."""
    variables = {"channel": channel, "feed": feed, "frame": frame}
    body = json.dumps({"query": PUBLISH, "variables": variables}).encode()
    if token is not None:
        return await client.post(url, content=body, headers={"Authorization": token})
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials(ACCOUNT, secret), "appsync", REGION).add_auth(request)
    return await client.post(url, content=body, headers=dict(request.headers.items()))


class FakeAuthorizer:
    """Answers like Lambda's API. The rights of a token are in ``answers``; an unknown token is refused."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"all": self.allowed("open *")}
        self.asked: list[dict[str, Any]] = []
        self.app = web.Application()
        self.app.router.add_post("/2015-03-31/functions/{name}/invocations", self._invoke)

    @staticmethod
    def allowed(segments: str, subject: str = "", ttl: int = 60) -> dict[str, Any]:
        """An answer that allows."""
        return {
            "isAuthorized": True,
            "resolverContext": {"namespace": "livescore", "segments": segments, "subject": subject},
            "ttlOverride": ttl,
        }

    async def _invoke(self, request: web.Request) -> web.Response:
        event = await request.json()
        self.asked.append(event)
        return web.json_response(self.answers.get(event["authorizationToken"], {"isAuthorized": False}))
