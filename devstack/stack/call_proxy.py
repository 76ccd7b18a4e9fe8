"""A proxy between the functions of a running system and their services. It can record the calls, and delay them."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp
from aiohttp import web
from yarl import URL

from devstack.stack_cells import API_GATEWAY
from devstack.system import REGION
from loadtest.page_requests import refusal

if TYPE_CHECKING:
    from devstack.system import System

GATEWAY = "gateway"
"""The name of the proxy's port for @connections; the other ports have the functions' names."""

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""

NO_ANSWER: Answer = (503, {}, b"")
"""The proxy's own answer if the service gave none."""

OWN_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"})
"""Headers that belong to one connection, in lower case."""

_PORT = re.compile(r"/_port/([0-9]+)(/.*)?")
"""A path that stands for a path at another port of this machine (System.services_through)."""

_MINISTACK_ID = re.compile(r"/@connections/([0-9a-f]{8,32})$")
_SCOPE = re.compile(r"Credential=[^/]+/[0-9]{8}/([a-z0-9-]+)/")
"""The region in a signature's scope (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call by a function.

    ``operation`` is AWS's name of the operation, ``Post`` for a sender's POST to @connections, or ``Publish`` for a
    call of the service that carries the frames of a cell: the publish of a frame, or a message to one viewer.
    """

    function: str
    operation: str
    body: bytes
    region: str = ""
    """The region for which the call is signed."""


class Recorded(NamedTuple):
    """A call, and the times at which it came to the proxy and was answered, in seconds of ``time.monotonic``."""

    call: Call
    begun: float
    ended: float


class CallProxy:
    """The proxy, in a thread of its own from ``__enter__`` to ``__exit__``. It passes every call on."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds for which each call waits before it is passed on."""
        self.record: list[Recorded] | None = None
        """The calls so far, in the order of their ends; None to record none."""
        self._system: System | None = None
        self._ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="call-proxy", daemon=True)
        self._runners: list[web.ServerRunner] = []
        self._client: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def before(self, system: System) -> System:
        """The system with this proxy between its functions and their services."""
        self._system = system
        asyncio.run_coroutine_threadsafe(self._start([*system.raw["functions"], GATEWAY]), self._loop).result(20)
        overrides: dict[str, dict[str, str]] = {}
        services: dict[str, str] = {}
        for function, described in system.raw["functions"].items():
            overrides[function] = {"AWS_ENDPOINT_URL": self._url(function)}
            if "CELLS" in described["environment"]:
                services[function] = self._url(function)
            if "CONNECTIONS_URL" in described["environment"]:
                stage = system.raw["websocket_api"]["stage"]
                overrides[function]["CONNECTIONS_URL"] = f"{self._url(GATEWAY)}/{stage}"
        return replace(system, overrides=overrides, services_through=services)

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    async def _start(self, names: list[str]) -> None:
        self._client = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=120),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        for name in names:
            server = web.Server(self._handler(name), access_log=None)
            runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.1)
            await runner.setup()
            self._runners.append(runner)
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
            self._ports[name] = runner.addresses[0][1]

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        if self._client is not None:
            await self._client.close()

    def _handler(self, name: str) -> Any:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if (why := refusal(request.headers.items())) is not None:
                return web.json_response({"message": why}, status=403)
            begun = time.monotonic()
            try:
                body = await request.read()
            except ConnectionResetError:  # The caller was killed while it sent the request.
                return web.Response()
            target = request.headers.get("X-Amz-Target", "")
            operation = "Post" if name == GATEWAY else target.rpartition(".")[2]
            if _PORT.fullmatch(request.raw_path):
                operation = "Publish"
            # Only senders call @connections.
            signed = _SCOPE.search(request.headers.get("Authorization", ""))
            call = Call("sender" if name == GATEWAY else name, operation, body, signed[1] if signed else REGION)
            if self.delay:
                await asyncio.sleep(self.delay)
            answer = await self._serve(request, call)
            if self.record is not None:
                self.record.append(Recorded(call, begun, time.monotonic()))
            return answer

        return handle

    async def _serve(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        return self._respond(await self._pass_on(request, call))

    async def _pass_on(self, request: web.BaseRequest, call: Call) -> Answer:
        assert self._client is not None  # noqa: S101
        headers = {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        try:
            async with self._client.request(
                request.method, self._upstream(request, call), headers=headers, data=call.body, allow_redirects=False
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return NO_ANSWER
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in OWN_HEADERS}
        return answer.status, kept, body

    def _upstream(self, request: web.BaseRequest, call: Call) -> URL:
        """The URL to pass a call on to: that of a cell's service, the stand-in's for POSTs to its viewers, MiniStack's.

        The form of a connection id tells MiniStack's connections from the stand-in's.
        """
        system = self._system
        assert system is not None  # noqa: S101
        path = request.raw_path
        if (at := _PORT.fullmatch(path)) is not None:
            return URL(f"http://127.0.0.1:{at[1]}{at[2] or '/'}", encoded=True)
        if call.operation == "Post":
            if (found := _MINISTACK_ID.search(path)) is not None:
                stage = system.raw["websocket_api"]["stage"]
                here = next(each for each in system.each_cell(API_GATEWAY) if each.region == call.region)
                api = here.websocket_api_id
                path = f"/_aws/execute-api/{api}/{stage}/@connections/{found[1]}"
            elif system.gateway_port is not None:
                return URL(f"http://127.0.0.1:{system.gateway_port}{path}", encoded=True)
        return URL(f"{system.endpoint}{path}", encoded=True)

    @staticmethod
    def _respond(answer: Answer) -> web.Response:
        status, headers, body = answer
        return web.Response(status=status, headers=headers, body=body)
