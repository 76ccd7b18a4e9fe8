"""A proxy between the Lambda functions and all services that they call, which applies the rules to their calls.

Each function has its own port of the proxy, set in its environment, so the proxy knows the caller. @connections has a
port too. The proxy passes requests on unchanged, with ``Host``, because the signature covers it.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from aiohttp import web
from yarl import URL

from devstack.system import REGION
from loadtest.page_requests import refusal
from trials.faults import callers, injected_answers
from trials.faults.breaking import cut, hang, renamed
from trials.faults.rules import Book, Call, Do

if TYPE_CHECKING:
    from devstack.system import System
    from trials.faults.injected_answers import Answer
    from trials.faults.rules import Armed

GATEWAY = "gateway"
"""The name of the proxy's port for @connections; the other ports have the functions' names."""

HOLD_SECONDS = 10.0
REMEMBERED = 5_000
"""The number of stored answers of reads, for stale answers."""

_OURS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"})
_MINISTACK_ID = re.compile(r"/@connections/([0-9a-f]{8,32})$")
_SCOPE = re.compile(r"Credential=[^/]+/[0-9]{8}/([a-z0-9-]+)/")
"""The region in a signature's scope (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html)."""
_GARBAGE = b"HTTP/9.9 maybe\r\n\x00\x01\x02\r\n\r\n"


class FaultProxy:
    """The proxy, which runs in its own thread from ``__enter__`` to ``__exit__``."""

    def __init__(self) -> None:
        self.book = Book()
        self.silent: frozenset[str] = frozenset()
        """Regions whose services never answer."""
        self.session = 0
        """The id of MiniStack's session. Only processes of this session may be killed."""
        self._system: System | None = None
        self._ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._runners: list[web.ServerRunner] = []
        self._client: aiohttp.ClientSession | None = None
        self._reads: OrderedDict[bytes, bytes] = OrderedDict()
        self._held: list[tuple[str, bytes, asyncio.Event]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

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
        for function, described in system.raw["functions"].items():
            overrides[function] = {"AWS_ENDPOINT_URL": self._url(function)}
            if "CONNECTIONS_URL" in described["environment"]:
                stage = system.raw["websocket_api"]["stage"]
                overrides[function]["CONNECTIONS_URL"] = f"{self._url(GATEWAY)}/{stage}"
        return replace(system, overrides=overrides)

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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        if self._client is not None:
            await self._client.close()

    def _handler(self, name: str) -> Any:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            if (why := refusal(request.headers.items())) is not None:
                return web.json_response({"message": why}, status=403)
            try:
                body = await request.read()
            except ConnectionResetError:  # The caller was killed while it sent the request.
                return cut(request)
            target = request.headers.get("X-Amz-Target", "")
            operation = "Post" if name == GATEWAY else target.rpartition(".")[2]
            # Only senders call @connections.
            signed = _SCOPE.search(request.headers.get("Authorization", ""))
            call = Call("sender" if name == GATEWAY else name, operation, body, signed[1] if signed else REGION)
            if call.region in self.silent:
                await hang(request)
                return cut(request)
            peer = request.transport.get_extra_info("peername") if request.transport else None
            return await self._serve(request, call, peer[1] if peer else 0)

        return handle

    async def _serve(self, request: web.BaseRequest, call: Call, port: int) -> web.StreamResponse:
        pid = None
        if self.session and self.book.may_kill(call):
            pid = await asyncio.to_thread(callers.pid_of, self.session, port)
        armed = self.book.take(call, killable=pid is not None)
        if armed is None:
            return self._respond(await self._pass_on(request, call))
        rule = armed.rule
        match rule.do:
            case Do.KILL_BEFORE | Do.KILL_AFTER:
                if rule.do is Do.KILL_AFTER:
                    await self._pass_on(request, call)
                assert pid is not None  # noqa: S101
                callers.kill(pid)
                return cut(request)
            case Do.RESET_BEFORE:
                return cut(request)
            case Do.RESET_AFTER:
                await self._pass_on(request, call)
                return cut(request)
            case Do.GARBLE:
                await self._pass_on(request, call)
                if request.transport is not None:
                    request.transport.write(_GARBAGE)
                return cut(request, reset=False)
            case Do.HANG:
                await hang(request)
                return cut(request)
            case _:
                return self._respond(await self._answer(request, call, armed))

    async def _answer(self, request: web.BaseRequest, call: Call, armed: Armed) -> Answer:
        """The answer to a call that a rule has hit."""
        rule = armed.rule
        match rule.do:
            case Do.REFUSE:
                return injected_answers.refusal(rule, call.operation)
            case Do.SWALLOW:
                return injected_answers.pretence(call.operation, call.body)
            case Do.TWICE:
                await self._pass_on(request, call, again=True)
            case Do.SLOW:
                await asyncio.sleep(rule.seconds)
            case Do.HOLD:
                self._hold(request, call, armed)
                return injected_answers.pretence(call.operation, call.body)
            case Do.UNPROCESSED:
                halves = injected_answers.halves(call.body)
                if halves is not None:
                    await self._pass_on(request, replace(call, body=halves[0]))
                    return 200, {"Content-Type": "application/x-amz-json-1.0"}, halves[1]
            case Do.STALE:
                return await self._stale(request, call)
        return await self._pass_on(request, call)

    async def _stale(self, request: web.BaseRequest, call: Call) -> Answer:
        asked = injected_answers.read_key(call.operation, call.body)
        if asked is not None and asked[1]:
            old = self._reads.get(asked[0], injected_answers.NOTHING_YET if b"IndexName" in call.body else None)
            if old is not None:
                return 200, {"Content-Type": "application/x-amz-json-1.0"}, old
        return await self._pass_on(request, call)

    def _hold(self, request: web.BaseRequest, call: Call, armed: Armed) -> None:
        """Pass the call on later, after the next such call for the match or after some seconds."""
        followed = asyncio.Event()
        held = (call.operation, armed.match.encode(), followed)
        if not armed.rule.seconds:
            self._held.append(held)

        async def later() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(followed.wait(), armed.rule.seconds or HOLD_SECONDS)
            if held in self._held:
                self._held.remove(held)
            await self._pass_on(request, call, again=True)

        task = asyncio.ensure_future(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, request: web.BaseRequest, call: Call, *, again: bool = False) -> Answer:
        assert self._client is not None  # noqa: S101
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        try:
            async with self._client.request(
                request.method, self._upstream(request, call), headers=headers,
                data=renamed(call) if again else call.body, allow_redirects=False,
            ) as answer:  # fmt: skip
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return 503, {}, b""
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OURS}
        if answer.status == 200 and (asked := injected_answers.read_key(call.operation, call.body)) is not None:
            self._reads[asked[0]] = body
            if len(self._reads) > REMEMBERED:
                self._reads.popitem(last=False)
        for operation, match, followed in self._held:
            if not again and operation == call.operation and match in call.body:
                followed.set()
        return answer.status, kept, body

    def _upstream(self, request: web.BaseRequest, call: Call) -> URL:
        """The URL to pass a call on to: the stand-in's for POSTs to its viewers, else MiniStack's.

        The form of a connection id tells MiniStack's connections from the stand-in's.
        """
        system = self._system
        assert system is not None  # noqa: S101
        path = request.raw_path
        if call.operation == "Post":
            if (found := _MINISTACK_ID.search(path)) is not None:
                stage = system.raw["websocket_api"]["stage"]
                api = system.at(call.region).websocket_api_id
                path = f"/_aws/execute-api/{api}/{stage}/@connections/{found[1]}"
            elif system.gateway_port is not None:
                return URL(f"http://127.0.0.1:{system.gateway_port}{path}", encoded=True)
        return URL(f"{system.endpoint}{path}", encoded=True)

    @staticmethod
    def _respond(answer: Answer) -> web.Response:
        status, headers, body = answer
        return web.Response(status=status, headers=headers, body=body)
