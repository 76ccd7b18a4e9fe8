"""The other side of a scene: the stand-in's functions and the readers' API, both answered by the scene's steps."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

FAIL = "fail"
"""The answer of a function that breaks."""

ACKNOWLEDGED, REFUSED, HUNG_UP = "acknowledged", "refused", "hung up"
"""Answers to a subscription at a service that broadcasts itself."""


@dataclass
class Call:
    """A client's request without an answer yet."""

    about: Any
    """A message, the query of a handshake, the path that was read."""
    connection: str = ""
    kind: str = "message"
    """On a broadcasting transport the parts of one request: see ``broadcast_scene.py``."""
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
        self.sort: Callable[[str], tuple[str, Call, Any]] | None = None
        """On a broadcasting transport: takes a path that is read, and returns the queue for the call, the call, and its
        answer if it needs none of the scene."""
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
        self.host, self.every, self.read, self.connections, self.sort = host, [], [], [], None
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

    async def called(self, queue: str, call: Call) -> Any:
        """The scene's answer to a call."""
        self.every.append(call)
        self.calls[queue].put_nowait(call)
        return await call.answer

    def told(self, queue: str, call: Call) -> None:
        """A call that needs no answer."""
        call.reply(None)
        self.calls[queue].put_nowait(call)

    async def let_in(self, token: str) -> int:
        """The scene's answer to a handshake at a broadcasting service: a status; 200 lets the viewer in."""
        about = {} if token in ("", "anonymous") else {"token": token}
        if not await self.called("authorize", Call(about)):
            return web.HTTPForbidden.status_code
        status = int(await self.called("connect", Call(about)) or web.HTTPOk.status_code)
        if status == web.HTTPOk.status_code:
            self.connections.append(f"connection {len(self.connections) + 1}")
        return status

    async def _invoked(self, request: web.Request) -> web.Response:
        event = await request.json()
        about = event["requestContext"]
        if about["domainName"] != self.host:
            return web.json_response({"statusCode": 200})
        if request.match_info["function"] == "authorizer":
            allowed = await self.called("authorize", Call(event.get("queryStringParameters") or {}))
            effect = "Allow" if allowed else "Deny"
            statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            return web.json_response({"principalId": "viewer", "policyDocument": policy})
        kind = {"CONNECT": "connect", "MESSAGE": "message", "DISCONNECT": "disconnect"}[about["eventType"]]
        call = Call(json.loads(event["body"]) if kind == "message" else about, about["connectionId"])
        if kind == "disconnect":
            call.reply(None)
        answer = await self.called(kind, call)
        if kind == "connect" and answer == web.HTTPOk.status_code:
            self.connections.append(about["connectionId"])
        if answer == FAIL:
            return web.Response(status=500)
        body = {"body": answer if isinstance(answer, str) else json.dumps(answer)} if kind == "message" else {}
        status = answer if kind == "connect" and answer is not None else 200
        return web.json_response({"statusCode": status, **(body if answer is not None else {})})

    async def _asked(self, request: web.Request) -> web.Response:
        path = request.path_qs
        if request.path == "/listeners/momento":
            return await self._momento_token(request)
        queue, call, answer = self.sort(path) if self.sort is not None else ("read", Call(path), None)
        if queue == "read":
            self.read.append(path)
        if answer is None:
            answer = await self.called(queue, call)
        if isinstance(answer, dict):
            return web.json_response(answer)
        status = answer if isinstance(answer, int) else 503
        error = {"error": {"code": "unavailable", "message": "Not now."}}
        return web.json_response(error, status=status)

    async def _momento_token(self, request: web.Request) -> web.Response:
        """A token of Momento's. That for matches without a competition is the handshake of a viewer."""
        assert request.query["cell"] == "here"
        competition = "subjects" if request.query.get("subject") == "me" else request.query["competition"]
        status = web.HTTPOk.status_code
        if competition == "open":
            status = await self.let_in(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if status != web.HTTPOk.status_code:
            return web.json_response({"error": {"code": "forbidden", "message": "No."}}, status=status)
        return web.json_response({"token": f"momento-{competition}", "expires": int(time.time()) + 3600})
