"""The other side of a scene: the stand-in's functions and the readers' API, both answered by the scene's steps."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

FAIL = "fail"
"""The answer of a function that breaks."""


@dataclass
class Call:
    """A client's request without an answer yet."""

    about: Any
    """A message, the query of a handshake, the path that was read."""
    connection: str = ""
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def reply(self, answer: Any) -> None:
        """Answer the request, if the client still waits."""
        if not self.answer.done():
            self.answer.set_result(answer)


class Director:
    """Takes the calls of one scene at a time: those that came to ``host``; others get an empty answer."""

    def __init__(self) -> None:
        self.url = ""
        self.api = ""
        """Where the readers' API is."""
        self.host = ""
        self.calls: dict[str, asyncio.Queue[Call]] = {}
        self.every: list[Call] = []
        self.read: list[str] = []
        """Paths that were read, in order."""
        self.connections: list[str] = []
        """The accepted connections."""
        self._runners: list[web.AppRunner] = []

    async def start(self) -> Self:
        """Listen."""
        functions, api = web.Application(), web.Application()
        functions.router.add_post("/{function}", self._invoked)
        api.router.add_get("/{path:.*}", self._asked)
        self.url, self.api = [await self._listen(each) for each in (functions, api)]
        self.begin("")
        return self

    def begin(self, host: str) -> None:
        """The scene of the clients that connect to this host and port."""
        self.end()
        self.host, self.every, self.read, self.connections = host, [], [], []
        self.calls = defaultdict(asyncio.Queue)

    def end(self) -> None:
        """End all requests without an answer."""
        for call in self.every:
            call.reply(None)
        self.host = ""

    async def stop(self) -> None:
        """Stop listening."""
        self.end()
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(self, app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._runners.append(runner)
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _called(self, kind: str, call: Call) -> Any:
        self.every.append(call)
        self.calls[kind].put_nowait(call)
        return await call.answer

    async def _invoked(self, request: web.Request) -> web.Response:
        event = await request.json()
        about = event["requestContext"]
        if about["domainName"] != self.host:
            return web.json_response({"statusCode": 200})
        if request.match_info["function"] == "authorizer":
            allowed = await self._called("authorize", Call(event.get("queryStringParameters") or {}))
            effect = "Allow" if allowed else "Deny"
            statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            return web.json_response({"principalId": "viewer", "policyDocument": policy})
        kind = {"CONNECT": "connect", "MESSAGE": "message", "DISCONNECT": "disconnect"}[about["eventType"]]
        call = Call(json.loads(event["body"]) if kind == "message" else about, about["connectionId"])
        if kind == "disconnect":
            call.reply(None)
        answer = await self._called(kind, call)
        if kind == "connect" and answer == web.HTTPOk.status_code:
            self.connections.append(about["connectionId"])
        if answer == FAIL:
            return web.Response(status=500)
        body = {"body": answer if isinstance(answer, str) else json.dumps(answer)} if kind == "message" else {}
        status = answer if kind == "connect" and answer is not None else 200
        return web.json_response({"statusCode": status, **(body if answer is not None else {})})

    async def _asked(self, request: web.Request) -> web.Response:
        path = request.path_qs
        self.read.append(path)
        answer = await self._called("read", Call(path))
        if isinstance(answer, dict):
            return web.json_response(answer)
        status = answer if isinstance(answer, int) else 503
        error = {"error": {"code": "unavailable", "message": "Not now."}}
        return web.json_response(error, status=status)
