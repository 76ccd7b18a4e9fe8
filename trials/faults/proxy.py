"""A proxy between the Lambda functions and all services that they call, which applies the rules to their calls.

Each function has its own port of the proxy, set in its environment, so the proxy knows the caller. @connections has a
port too. The proxy passes requests on unchanged, with ``Host``, because the signature covers it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devstack.stack.call_proxy import NO_ANSWER, CallProxy
from trials.faults import callers, injected_answers
from trials.faults.breaking import cut, hang, renamed
from trials.faults.rules import Book, Do

if TYPE_CHECKING:
    from aiohttp import web

    from devstack.stack.call_proxy import Answer, Call
    from trials.faults.rules import Armed

HOLD_SECONDS = 10.0
REMEMBERED = 5_000
"""The number of stored answers of reads, for stale answers."""

_GARBAGE = b"HTTP/9.9 maybe\r\n\x00\x01\x02\r\n\r\n"


class FaultProxy(CallProxy):
    """The proxy, which runs in its own thread from ``__enter__`` to ``__exit__``."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.silent: frozenset[str] = frozenset()
        """Regions whose services never answer."""
        self.session = 0
        """The id of MiniStack's session. Only processes of this session may be killed."""
        self._reads: OrderedDict[bytes, bytes] = OrderedDict()
        self._held: list[tuple[str, bytes, asyncio.Event]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super()._stop()

    async def _serve(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if call.region in self.silent:
            await hang(request)
            return cut(request)
        pid = None
        if self.session and self.book.may_kill(call):
            peer = request.transport.get_extra_info("peername") if request.transport else None
            pid = await asyncio.to_thread(callers.pid_of, self.session, peer[1] if peer else 0)
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
        answer = await super()._pass_on(request, replace(call, body=renamed(call)) if again else call)
        if answer is NO_ANSWER:
            return answer
        status, _, body = answer
        if status == 200 and (asked := injected_answers.read_key(call.operation, call.body)) is not None:
            self._reads[asked[0]] = body
            if len(self._reads) > REMEMBERED:
                self._reads.popitem(last=False)
        for operation, match, followed in self._held:
            if not again and operation == call.operation and match in call.body:
                followed.set()
        return answer
