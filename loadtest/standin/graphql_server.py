"""A stand-in for AppSync's GraphQL with subscriptions: ``python -m loadtest.standin.graphql_server --help``.

One port of 127.0.0.1 serves ``POST /graphql`` and the WebSocket ``/graphql``. The protocol is
https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html, as amplify-js speaks it.
docs/standin.md lists the modelled behaviour.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from botocore.credentials import Credentials

from loadtest.standin import service_process
from loadtest.standin.graphql_access import CONNECT, Authorizer, Rights, UnauthorizedError, may_hear
from loadtest.standin.graphql_documents import DocumentError, Documents, Operation
from loadtest.standin.signatures import Verifier
from loadtest.standin.websocket_frames import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = Path(__file__).resolve().parent.parent.parent / "terraform/graphql/schema.graphql"
SUBPROTOCOL = "graphql-ws"
REQUEST_BYTES = 1024 * 1024
"""The most bytes of a request (https://docs.aws.amazon.com/general/latest/gr/appsync.html)."""
BUFFER_BYTES = 1024 * 1024
"""A viewer that leaves more bytes than this unread loses the next message, as at AppSync: without a word."""
AUTHORIZER_SECONDS = 10
"""https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the service, and what a test may ask of it."""

    payload_bytes: int = 240 * 1024
    """A longer result of a mutation reaches no subscription, and AppSync says nothing
    (https://docs.aws.amazon.com/general/latest/gr/appsync.html)."""
    keep_alive_seconds: float = 60.0
    subscriptions: int = 200
    """Subscriptions of one connection."""
    begin_ms: int = 0
    """Milliseconds between ``start_ack`` and the moment from which the subscription hears
    (https://github.com/aws/aws-appsync-community/issues/405)."""
    refuse_publishes: int = 0
    """This many of the next mutations are answered with an error inside HTTP 200."""
    publishes_per_second: int = 0
    """More mutations than this in one second are answered 429; 0: no limit."""


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last reset."""

    publishes: int = 0
    delivered: int = 0
    dropped_oversize: int = 0
    dropped_slow: int = 0
    refused: int = 0
    """Mutations that were refused, whatever the reason."""
    connects_refused: int = 0
    starts_refused: int = 0
    signatures_wrong: int = 0


@dataclass(slots=True, eq=False)
class Viewer:
    """One WebSocket."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport
    token: str
    host: str
    ready: bool = False
    alive: asyncio.TimerHandle | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self.write(json.dumps(message).encode())

    def write(self, payload: bytes) -> None:
        """Send a text."""
        if not self.transport.is_closing():
            self.transport.write(frames(payload, 0))


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription of a viewer to a channel and a feed."""

    viewer: Viewer
    head: bytes
    """The message up to the data: it has the subscription's id."""
    operation: Operation
    begins: float
    """Time of the loop from which it hears."""


class Api:
    """One GraphQL API. Everything runs on the event loop."""

    def __init__(self, documents: Documents, authorizer: Authorizer, verifier: Verifier, limits: Limits) -> None:
        self.limits = limits
        self.stats = Stats()
        self.authorizer = authorizer
        self._documents = documents
        self._verifier = verifier
        self._viewers: set[Viewer] = set()
        self._channels: dict[tuple[str, str], dict[Subscription, None]] = {}
        self._second = (0, 0)

    def counted(self) -> dict[str, Any]:
        """The counters and the number of viewers and subscriptions."""
        subscriptions = sum(len(each.subscriptions) for each in self._viewers)
        counters = {name: getattr(self.stats, name) for name in Stats.__slots__}
        now = {"connections": len(self._viewers), "subscriptions": subscriptions}
        return {**counters, **now, "authorizer_calls": self.authorizer.calls}

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        """``POST /graphql``: a query or a mutation."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _errors(413, "RequestEntityTooLargeException", "The request is too large.")
        authorization = request.headers.get("Authorization", "")
        is_signed = authorization.startswith("AWS4-HMAC-SHA256")
        try:
            asked = json.loads(body)
            asked = asked if isinstance(asked, dict) else {}
        except ValueError:
            return _errors(400, "MalformedHttpRequestException", "The body is not JSON.")
        if is_signed:
            headers = {name.lower(): value for name, value in request.headers.items()}
            refused = self._verifier.refusal("POST", request.raw_path, headers, body)
            if refused is not None:
                self.stats.signatures_wrong += 1
                return _errors(403, refused.error, refused.message)
        else:
            context = {
                "queryString": asked.get("query", ""),
                "operationName": asked.get("operationName") or "",
                "variables": asked.get("variables") or {},
            }
            try:
                await self.authorizer.rights(authorization, context)
            except UnauthorizedError:
                return _errors(401, "UnauthorizedException", "You are not authorized to make this call.")
        try:
            operation = self._documents.operation(
                asked.get("query"), asked.get("variables"), asked.get("operationName")
            )
        except DocumentError as error:
            return _errors(200, error.kind, str(error), data=None)
        return self._execute(operation, signed=is_signed)

    def _execute(self, operation: Operation, *, signed: bool) -> web.Response:
        if operation.kind == "subscription":
            return _errors(400, "UnsupportedOperation", "Subscriptions go over the WebSocket.")
        if not self._documents.allows(operation.kind, operation.field, "aws_iam" if signed else "aws_lambda"):
            self.stats.refused += operation.kind == "mutation"
            why = f"Not Authorized to access {operation.field} on type {operation.kind.capitalize()}"
            return _errors(200, "Unauthorized", why, data={operation.key: None}, path=operation.key)
        if operation.kind == "query":
            return web.json_response({"data": {operation.key: "standin"}})
        if self._is_throttled():
            self.stats.refused += 1
            return _errors(429, "TooManyRequestsException", "Rate exceeded")
        if self.limits.refuse_publishes > 0:
            self.limits = service_process.changed(self.limits, {"refuse_publishes": self.limits.refuse_publishes - 1})
            self.stats.refused += 1
            why = "The stand-in was told to refuse."
            return _errors(200, "InternalFailure", why, data={operation.key: None}, path=operation.key)
        self._publish(operation)
        result = {key: operation.arguments.get(name) for key, name in operation.selected.items()}
        return web.json_response({"data": {operation.key: result}})

    def _is_throttled(self) -> bool:
        if not self.limits.publishes_per_second:
            return False
        second = int(time.monotonic())
        begun, count = self._second
        self._second = (second, count + 1 if begun == second else 1)
        return self._second[1] > self.limits.publishes_per_second

    def _publish(self, operation: Operation) -> None:
        """Send the result of ``publish`` to the subscriptions, in the order in which they began."""
        self.stats.publishes += 1
        given = operation.arguments
        # A subscription gets null for each field that the mutation does not select.
        known = {name: given[name] for name in operation.selected.values() if name in given}
        if len(json.dumps(known).encode()) > self.limits.payload_bytes:
            self.stats.dropped_oversize += 1
            return
        tails: dict[tuple[Any, ...], bytes] = {}
        heard = self._channels.get((given["channel"], given["feed"]), {})
        for each in heard:
            if each.viewer.transport.get_write_buffer_size() > BUFFER_BYTES:
                self.stats.dropped_slow += 1
                continue
            if each.begins and each.begins > time.monotonic():
                continue
            wanted = (each.operation.key, *each.operation.selected.items())
            if wanted not in tails:
                data = {key: known.get(name) for key, name in each.operation.selected.items()}
                tails[wanted] = json.dumps({each.operation.key: data}).encode() + b"}}"
            each.viewer.write(each.head + tails[wanted])
            self.stats.delivered += 1

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket ``/graphql``, from its handshake to its end."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _errors(400, "BadRequestException", "This path is for WebSockets and for POST.")
        given = _header(request)
        # One protocol is chosen here; aiohttp answers with it.
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), compress=False, max_msg_size=REQUEST_BYTES, timeout=1.0
        )
        await socket.prepare(request)
        transport = request.transport
        if given is None or transport is None or socket.ws_protocol != SUBPROTOCOL:
            self.stats.connects_refused += 1
            await _refuse(socket, 400, "BadRequestException", "The header or the subprotocol is wrong.")
            return socket
        viewer = Viewer(socket, transport, str(given.get("Authorization", "")), str(given.get("host", "")))
        self._viewers.add(viewer)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and not await self._heard(viewer, message.data):
                    break
        finally:
            self._leave(viewer)
        return socket

    async def _heard(self, viewer: Viewer, text: str) -> bool:
        """Serve a message of a viewer; returns whether the connection goes on."""
        try:
            message = json.loads(text)
            kind, number = message.get("type"), message.get("id")
        except (ValueError, AttributeError):
            kind, number = "unknown", None
        if kind == "connection_init":
            return await self._connect(viewer)
        if not viewer.ready or not isinstance(number, str) or kind not in ("start", "stop"):
            error = {
                "errorType": "UnsupportedOperation",
                "message": f"{kind} not supported through the realtime channel",
            }
            viewer.say({"type": "error", "payload": {"errors": [error]}})
        elif kind == "stop":
            if (ended := viewer.subscriptions.pop(number, None)) is not None:
                self._forget(ended)
            viewer.say({"type": "complete", "id": number})
        else:
            await self._start(viewer, number, message.get("payload"))
        return True

    async def _connect(self, viewer: Viewer) -> bool:
        try:
            await self.authorizer.rights(viewer.token)
        except UnauthorizedError:
            self.stats.connects_refused += 1
            await _refuse(viewer.socket, 401, "UnauthorizedException", "You are not authorized to make this call.")
            return False
        viewer.ready = True
        viewer.say({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}})
        self._keep_alive(viewer)
        return True

    def _keep_alive(self, viewer: Viewer) -> None:
        viewer.write(b'{"type":"ka"}')
        loop = asyncio.get_running_loop()
        viewer.alive = loop.call_later(self.limits.keep_alive_seconds, self._keep_alive, viewer)

    async def _start(self, viewer: Viewer, number: str, payload: Any) -> None:
        try:
            asked = json.loads(payload["data"])
            query, variables = asked["query"], asked.get("variables")
            token = str(payload["extensions"]["authorization"]["Authorization"])
            operation = self._documents.operation(query, variables, asked.get("operationName"))
            rights = await self.authorizer.rights(token, CONNECT)
        except (KeyError, TypeError, ValueError, DocumentError) as error:
            kind = error.kind if isinstance(error, DocumentError) else "BadRequestException"
            self._not_started(viewer, number, kind, str(error))
            return
        except UnauthorizedError:
            why = "You are not authorized to make this call."
            self._not_started(viewer, number, "UnauthorizedException", why)
            return
        if operation.kind != "subscription":
            self._not_started(viewer, number, "UnsupportedOperation", "Only subscriptions go over the WebSocket.")
        elif number in viewer.subscriptions:
            self._not_started(viewer, number, "DuplicatedOperationError", "The id is in use.")
        elif len(viewer.subscriptions) >= self.limits.subscriptions:
            self._not_started(viewer, number, "MaxSubscriptionsReachedError", "There are too many subscriptions.")
        else:
            self._subscribe(viewer, number, operation, rights)

    def _subscribe(self, viewer: Viewer, number: str, operation: Operation, rights: Rights) -> None:
        channel, feed = operation.arguments["channel"], operation.arguments["feed"]
        if not may_hear(rights, channel, feed):
            self._not_started(viewer, number, "not_entitled", "Your token does not cover this channel.")
            return
        begins = time.monotonic() + self.limits.begin_ms / 1000 if self.limits.begin_ms else 0.0
        head = b'{"id":' + json.dumps(number).encode() + b',"type":"data","payload":{"data":'
        made = Subscription(viewer, head, operation, begins)
        if viewer not in self._viewers:  # it left while the authorizer was asked
            return
        viewer.subscriptions[number] = made
        self._channels.setdefault((channel, feed), {})[made] = None
        viewer.say({"type": "start_ack", "id": number})

    def _not_started(self, viewer: Viewer, number: str, kind: str, why: str) -> None:
        self.stats.starts_refused += 1
        errors = {"errors": [{"errorType": kind, "message": why}]}
        viewer.say({"type": "error", "id": number, "payload": errors})

    def _forget(self, ended: Subscription) -> None:
        key = ended.operation.arguments["channel"], ended.operation.arguments["feed"]
        heard = self._channels.get(key, {})
        heard.pop(ended, None)
        if not heard:
            self._channels.pop(key, None)

    def _leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if viewer.alive is not None:
            viewer.alive.cancel()
        for each in viewer.subscriptions.values():
            self._forget(each)
        viewer.subscriptions.clear()


def _header(request: web.Request) -> dict[str, Any] | None:
    """The JSON of the query parameter ``header``, or of the subprotocol ``header-…``; None if it is malformed."""
    text = request.query.get("header")
    if text is None:
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        found = [each.strip() for each in offered if each.strip().startswith("header-")]
        text = found[0].removeprefix("header-") if found else ""
    try:
        padded = text.replace("-", "+").replace("_", "/").rstrip("=")
        read = json.loads(base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True))
    except (ValueError, binascii.Error):
        return None
    return read if isinstance(read, dict) else None


async def _refuse(socket: web.WebSocketResponse, status: int, kind: str, why: str) -> None:
    error = {"errorType": kind, "message": why, "errorCode": status}
    await socket.send_str(json.dumps({"type": "connection_error", "payload": {"errors": [error]}}))
    await socket.close(code=1000)


def _errors(status: int, kind: str, why: str, **more: Any) -> web.Response:
    """An answer of GraphQL with one error. ``data`` and ``path`` are added to the answer and to the error."""
    error: dict[str, Any] = {"errorType": kind, "message": why}
    if "path" in more:
        error["path"] = [more["path"]]
    body: dict[str, Any] = {"errors": [error]}
    if "data" in more:
        body = {"data": more["data"], **body}
    return web.json_response(body, status=status, headers={"x-amzn-ErrorType": kind})


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or, with ``--with-parent``, the end of stdin; returns the exit status."""
    parser = service_process.options("graphql_server", "A stand-in for AppSync GraphQL.")
    parser.add_argument("--endpoint", required=True, help="URL at which the Lambda authorizer is invoked")
    parser.add_argument("--authorizer", required=True, help="name of the Lambda authorizer")
    parser.add_argument("--schema", type=Path, default=SCHEMA, help="file of the GraphQL schema")
    given = parser.parse_args(arguments)
    verifier = Verifier(os.environ, "appsync")
    if not verifier.ready:
        return service_process.fail(
            "graphql_server", "There are no credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    try:
        limits = service_process.changed(Limits(), json.loads(given.limits))
        documents = Documents(given.schema.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return service_process.fail("graphql_server", str(error))
    keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1")

    async def make() -> web.Application:
        timeout = aiohttp.ClientTimeout(total=AUTHORIZER_SECONDS)
        session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=16))
        api = Api(documents, Authorizer(session, given.endpoint, given.authorizer, region, keys), verifier, limits)
        return application(api, session, given.origins)

    return service_process.serve(given, make)


def application(api: Api, session: aiohttp.ClientSession, origins: str) -> web.Application:
    """The HTTP application around an API."""
    app = web.Application(
        client_max_size=REQUEST_BYTES, middlewares=[service_process.pages(origins, ("GET /graphql",))]
    )
    app.router.add_post("/graphql", api.graphql)
    app.router.add_get("/graphql", api.socket)

    def set_limits(limits: Limits) -> None:
        api.limits = limits

    def reset() -> None:
        api.stats = Stats()
        api.authorizer.forget()

    async def close(_: web.Application) -> None:
        await session.close()

    service_process.control(app, api.counted, reset, lambda: api.limits, set_limits)
    app.on_cleanup.append(close)
    return app


if __name__ == "__main__":
    sys.exit(main())
