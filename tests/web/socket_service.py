"""A service on WebSockets, without its words: it lets clients in and asks the director what to answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.web.director import ACKNOWLEDGED, HUNG_UP, Call

if TYPE_CHECKING:
    from tests.web.transports import Services


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
