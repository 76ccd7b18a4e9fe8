"""A stand-in for Momento Topics over HTTP: ``python -m loadtest.standin.momento_server --help``.

One port of 127.0.0.1 serves topics (https://docs.momentohq.com/topics/api-reference/http-api) and disposable tokens.
docs/standin.md lists the modelled behaviour.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from api import momento_tokens
from loadtest.standin import service_process
from loadtest.standin.momento_rights import AccessError, Keys
from loadtest.standin.momento_topics import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "MOMENTO_API_KEY"
"""The environment variable with the account's key."""

PAYLOAD_BYTES = 4 * 1024
"""A longer message is refused; Momento never raises this limit (https://docs.momentohq.com/topics/limits)."""

REQUEST_BYTES = 64 * 1024
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}
"""Pages of any origin may poll; a token is no cookie."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The account's limits, and what a test may ask of the stand-in."""

    subscribers: int = 100
    """Polls at once (https://docs.momentohq.com/topics/limits)."""
    backlog: int = 100
    """Messages of a topic that stay for those who come later. Momento does not say how many."""
    operations_per_second: int = 0
    """Messages and polls a second; 0: no limit. Momento's default is 10 a region, and deliveries count."""
    tokens_per_second: int = 5
    """Disposable tokens a second (https://docs.momentohq.com/auth/limits)."""
    refuse_publishes: int = 0
    """This many of the next messages are answered 500."""
    poll_seconds: float = 0.0
    """A poll is answered with no items after so long; 0: it waits without an end."""


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last reset."""

    publishes: int = 0
    delivered: int = 0
    polls: int = 0
    discontinuities: int = 0
    tokens: int = 0
    refused: int = 0
    """Requests that were refused, whatever the reason."""
    refused_subscribers: int = 0


class Momento:
    """One account with its caches and topics. Everything runs on the event loop."""

    def __init__(self, keys: Keys, caches: frozenset[str], limits: Limits) -> None:
        self.limits = limits
        self.stats = Stats()
        self._keys = keys
        self._caches = caches
        self._page = int(time.time())
        self._topics: dict[tuple[str, str], Topic] = {}
        self._waiting: dict[tuple[str, str], set[asyncio.Future[bytes]]] = {}
        self._polls = 0
        self._seconds: dict[str, tuple[int, int]] = {}

    def counted(self) -> dict[str, Any]:
        """The counters and the number of polls that wait."""
        counters = {name: getattr(self.stats, name) for name in Stats.__slots__}
        return {**counters, "connections": self._polls}

    async def publish(self, request: web.Request) -> web.Response:
        """``POST /topics/{cache}/{topic}``."""
        cache, topic = request.match_info["cache"], request.match_info["topic"]
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(AccessError(400, "The message is too large."))
        try:
            self._check(request, cache, topic, publish=True)
            if len(body) > PAYLOAD_BYTES:
                raise AccessError(400, "The message is too large.")  # noqa: TRY301  # one place answers
            if self.limits.refuse_publishes > 0:
                less = {"refuse_publishes": self.limits.refuse_publishes - 1}
                self.limits = service_process.changed(self.limits, less)
                raise AccessError(500, "The stand-in was told to refuse.")  # noqa: TRY301
            value = _value(request.content_type, body)
        except AccessError as error:
            return self._refuse(error)
        self.stats.publishes += 1
        item = self._topic(cache, topic).publish(value)
        answer = json.dumps({"items": [item]}).encode()
        for poll in self._waiting.pop((cache, topic), set()):
            if not poll.done():
                poll.set_result(answer)
                self.stats.delivered += 1
        return web.Response(status=204, headers=CORS)

    async def poll(self, request: web.Request) -> web.Response:
        """``GET /topics/{cache}/{topic}``: answers as soon as there is a message."""
        cache, name = request.match_info["cache"], request.match_info["topic"]
        try:
            self._check(request, cache, name, publish=False)
            sequence, page = _number(request, "sequence_number"), _number(request, "sequence_page")
            if self._polls >= self.limits.subscribers:
                self.stats.refused_subscribers += 1
                raise AccessError(429, "Topic subscriptions limit exceeded for this account")  # noqa: TRY301
        except AccessError as error:
            return self._refuse(error)
        self.stats.polls += 1
        self._polls += 1
        try:
            items = self._topic(cache, name).since(sequence, page)
            if items:
                self.stats.discontinuities += "discontinuity" in items[0]
                self.stats.delivered += sum("item" in each for each in items)
                body = json.dumps({"items": items}).encode()
            else:
                body = await self._wait((cache, name))
        finally:
            self._polls -= 1
        return web.Response(body=body, content_type="application/json", headers=CORS)

    async def _wait(self, key: tuple[str, str]) -> bytes:
        poll: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, set())
        waiting.add(poll)
        try:
            return await asyncio.wait_for(poll, self.limits.poll_seconds or None)
        except TimeoutError:
            return b'{"items": []}'
        finally:
            waiting.discard(poll)

    async def allow(self, _: web.Request) -> web.Response:
        """The answer to a browser that asks whether a page may poll."""
        return web.Response(status=204, headers=CORS)

    async def token(self, request: web.Request) -> web.Response:
        """GenerateDisposableToken, in gRPC-web."""
        message, status = b"", momento_tokens.RESOURCE_EXHAUSTED
        if not self._is_over("tokens", self.limits.tokens_per_second):
            message, status = self._keys.token(await request.read(), request.headers.get("Authorization", ""))
        self.stats.tokens += status == 0
        self.stats.refused += status != 0
        trailer = momento_tokens.frame(f"grpc-status:{status}\r\n".encode(), 0x80)
        frames = ([momento_tokens.frame(message)] if status == 0 else []) + [trailer]
        # Each frame is encoded by itself: padding within a body is allowed, and clients must read it.
        body = b"".join(base64.b64encode(each) for each in frames)
        return web.Response(body=body, content_type="application/grpc-web-text")

    async def begin_again(self, _: web.Request) -> web.Response:
        """``POST /_standin/pages``: every topic begins again on a new page."""
        self._page += 1
        for topic in self._topics.values():
            topic.begin_again(self._page)
        return web.json_response({"page": self._page})

    def _check(self, request: web.Request, cache: str, topic: str, *, publish: bool) -> None:
        header, query = request.headers.get("Authorization"), request.query.get("token")
        if header and query:
            raise AccessError(400, "The token is in the header and in the query: only one value must be set.")
        self._keys.check(header or query or "", cache, topic, publish=publish)
        if cache not in self._caches:
            raise AccessError(404, "Cache Not Found")
        if self._is_over("operations", self.limits.operations_per_second):
            raise AccessError(429, "Request rate limit exceeded for this account")

    def _is_over(self, what: str, limit: int) -> bool:
        if not limit:
            return False
        second = int(time.monotonic())
        begun, count = self._seconds.get(what, (0, 0))
        self._seconds[what] = (second, count + 1 if begun == second else 1)
        return self._seconds[what][1] > limit

    def _topic(self, cache: str, topic: str) -> Topic:
        key = (cache, topic)
        if key not in self._topics:
            self._topics[key] = Topic(self._page, self.limits.backlog)
        return self._topics[key]

    def _refuse(self, error: AccessError) -> web.Response:
        self.stats.refused += 1
        return web.json_response({"error": str(error)}, status=error.status, headers=CORS)


def _value(content_type: str, body: bytes) -> dict[str, str]:
    if content_type == "application/octet-stream":
        return {"binary": base64.b64encode(body).decode()}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        raise AccessError(400, "The message is not UTF-8.") from None


def _number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not (text.isascii() and text.isdecimal()):
        raise AccessError(400, f"{name} is not a number of 0 or more.")
    return int(text)


def application(momento: Momento, origins: str) -> web.Application:
    """The HTTP application around an account."""
    viewers = ("GET /topics/", "OPTIONS /topics/")
    app = web.Application(client_max_size=REQUEST_BYTES, middlewares=[service_process.pages(origins, viewers)])
    path = "/topics/{cache}/{topic}"
    app.router.add_post(path, momento.publish)
    app.router.add_get(path, momento.poll, allow_head=False)
    app.router.add_options(path, momento.allow)
    app.router.add_post(momento_tokens.PATH, momento.token)
    app.router.add_post("/_standin/pages", momento.begin_again)

    def set_limits(limits: Limits) -> None:
        momento.limits = limits

    def reset() -> None:
        momento.stats = Stats()

    service_process.control(app, momento.counted, reset, lambda: momento.limits, set_limits)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or, with ``--with-parent``, the end of stdin; returns the exit status."""
    parser = service_process.options("momento_server", "A stand-in for Momento Topics.")
    parser.add_argument("--caches", default="livescore", help="names of the caches, separated by commas")
    given = parser.parse_args(arguments)
    key = os.environ.get(KEY, "")
    if not key:
        return service_process.fail("momento_server", f"There is no key in {KEY}.")
    try:
        limits = service_process.changed(Limits(), json.loads(given.limits))
    except ValueError as error:
        return service_process.fail("momento_server", f"--limits: {error}")

    async def make() -> web.Application:
        return application(Momento(Keys(key), frozenset(given.caches.split(",")), limits), given.origins)

    return service_process.serve(given, make)


if __name__ == "__main__":
    sys.exit(main())
