"""The site on this machine: pages, snapshots and the operators' API on one origin, as CloudFront serves them on AWS.

The paths and the headers are in terraform/site.json, which Terraform reads too. The site differs from CloudFront in two
ways. It omits Strict-Transport-Security, which has no effect over HTTP
(https://www.rfc-editor.org/rfc/rfc6797#section-8.1). It sends the headers for documents and workers only with these
files. Over HTTP/1.1 they would add 0.5 KB to every other file. CloudFront uses HTTP/2, where a repeated header takes
one or two bytes (https://www.rfc-editor.org/rfc/rfc7541).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import threading
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import brotli
from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from devstack.operator.local_tokens import tokens_of
from devstack.stack import stack_leftovers
from devstack.stack.ministack import StackError, port_is_free
from devstack.stack.site_paths import Routes, segments
from devstack.stack.site_relay import NoAnswerError, Relay
from devstack.stack_cells import API_GATEWAY
from devstack.system import ROOT
from loadtest.page_requests import is_own_host
from loadtest.token_sources import TokensError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from aiohttp.typedefs import Handler

    from devstack.system import System

DEFAULT_PORT = 4580
PAGES = ROOT / "web"
_START_SECONDS = 10
_SMALLEST_PACKED = 1_000
"""The smallest size, in bytes, that CloudFront compresses
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html)."""

_DOCUMENTS = {".html"}
_WORKERS = {"service-worker.js"}
_FOR_EVERY_FILE = ("X-Content-Type-Options", "Cache-Control")

_UNPACKED = {"image/png", "image/webp", "font/woff2", "image/vnd.microsoft.icon"}
_NO_ROUTE = "There is no such path."
_SEGMENTS: web.RequestKey[list[str]] = web.RequestKey("segments", list)
"""The decoded segments of a request's path."""

_OWN_PAGES = {"same-origin", "none"}
"""Values of ``Sec-Fetch-Site`` for requests of our own pages, and for addresses that a person typed."""


def check_port(port: int) -> None:
    """Raise StackError if another program uses the port. Called before anything is started."""
    if port_is_free(port):
        return
    found = next((each for each in stack_leftovers.running() if each.owner and each.site == url(port)), None)
    ours = f": {found.described} Use it, or choose" if found else ". Choose"
    raise StackError(f"Port {port} for the pages is in use{ours} another with --site-port.")


def url(port: int) -> str:
    """The URL of the site on a port."""
    return f"http://127.0.0.1:{port}/"


@contextmanager
def serving(system: System, port: int, pages: Path = PAGES) -> Iterator[str]:
    """Serve the site of a running system in a thread until the block ends; yields the site's URL.

    Raises StackError if the port is in use.
    """
    check_port(port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="site", daemon=True)
    thread.start()

    def within(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_START_SECONDS)

    try:
        try:
            runner = within(_start(system, port, pages))
        except OSError as error:
            raise StackError(f"The pages cannot be served on port {port}: {error.strerror}.") from error
        try:
            yield url(port)
        finally:
            within(runner.cleanup())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_SECONDS)
        loop.close()


async def _start(system: System, port: int, pages: Path) -> web.AppRunner:
    runner = web.AppRunner(Site(system, port, pages).app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


class Site:
    """The handlers of one site."""

    def __init__(self, system: System, port: int, pages: Path) -> None:
        self._system = system
        self._folder = pages.resolve()
        self._described: dict[str, Any] = json.loads((ROOT / "terraform/site.json").read_text())
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._prefix: str = self._described["operators"]["prefix"]
        self._readers_path: str = self._described["readers"]["path"].rstrip("*")
        routes = system.raw["http_api"]["routes"]
        self._readers = Routes(routes, below=self._readers_path)
        self._listeners_path: str = self._described["listeners"]["path"].rstrip("/*")
        self._listeners = Routes(routes, below=self._listeners_path)
        self._operators = Routes(routes, prefix=self._prefix)
        self._cells = {each.cell.name: each.address() for each in system.each_cell() if each.cell}
        self._page_headers = _without_tls(self._described["pages"]["headers"])
        self._page_headers["Content-Security-Policy"] = self._policy()
        self._page_headers["Cache-Control"] = self._described["pages"]["cache_control"]
        self._relay: Relay

    def app(self) -> web.Application:
        """The application for a server."""
        app = web.Application(middlewares=[_sentences, _own_names_only, _plain_paths_only], client_max_size=64 * 1024)
        app.cleanup_ctx.append(self._with_relay)
        app.on_response_prepare.append(_unsigned)
        # CloudFront's pattern /matches* covers the list of matches and all paths below it.
        for path in (self._readers_path, self._readers_path + "/{rest:.*}"):
            app.router.add_route("*", path, self.read)
        app.router.add_get(self._listeners_path + "/{rest:.*}", self.listen)
        app.router.add_options(self._listeners_path + "/{rest:.*}", self.may_listen)
        app.router.add_route("*", self._prefix + "/{rest:.*}", self.operate)
        app.router.add_get("/deployment.json", self.deployment)
        app.router.add_get("/tokens/operator", self.token)
        app.router.add_get("/{name:.*}", self.page)
        return app

    async def page(self, request: web.Request) -> web.Response:
        """A file of web/."""
        described = self._described["pages"]
        path = self._folder / (request.match_info["name"] or described["index"])
        kind = described["content_types"].get(path.suffix[1:])
        # pathlib drops empty segments, so a file's name with a slash after it is refused here.
        unserved = kind is None or path.suffix[1:] in described["not_served"] or "" in request[_SEGMENTS][1:]
        try:
            # A link must not lead out of the folder.
            body = None if unserved or not path.resolve().is_relative_to(self._folder) else path.read_bytes()
        except OSError:  # There is no such file, it is a folder, or its name is too long.
            body = None
        if body is None:
            raise web.HTTPNotFound(text="There is no such page.", headers=self._page_headers)
        headers = self._page_headers if path.suffix in _DOCUMENTS else self._headers_of(path.name)
        return _cacheable(request, body, {**headers, "Content-Type": kind})

    def _headers_of(self, name: str) -> dict[str, str]:
        """The headers of a file that is not a document."""
        names = (*_FOR_EVERY_FILE, "Content-Security-Policy") if name in _WORKERS else _FOR_EVERY_FILE
        return {name: self._page_headers[name] for name in names}

    async def deployment(self, request: web.Request) -> web.Response:
        """The addresses of the cells, and the URL at which the operator's page gets a token."""
        about = {
            "version": 1,
            "websockets": {name: each["url"] for name, each in self._cells.items() if each["transport"] == API_GATEWAY},
            "cells": self._cells,
            "operators": {"token_url": "/tokens/operator"},
        }
        body = json.dumps(about).encode()
        return _cacheable(request, body, {**self._headers_of(request.path), "Content-Type": "application/json"})

    async def read(self, request: web.Request) -> web.Response:
        """Answer a reader's request. The answer is at most one second old."""
        described, headers = self._described["readers"], self._readers_headers()
        if request.method not in described["methods"]:
            raise web.HTTPForbidden(text="Here one can only read. Operators post below /operators.", headers=headers)
        target = self._readers.target("GET", request[_SEGMENTS])
        if target is None:
            raise web.HTTPNotFound(text=_NO_ROUTE, headers=headers)
        answer = await self._relay.read(target, request.query)
        return _cacheable(request, answer.body, {**answer.headers, **headers}, answer.status)

    def _readers_headers(self) -> dict[str, str]:
        described = self._described["readers"]
        return _without_tls(described["headers"]) | {
            "Access-Control-Allow-Origin": described["cross_origin"]["origins"],
            "Access-Control-Expose-Headers": ", ".join(described["cross_origin"]["exposed"]),
        }

    async def listen(self, request: web.Request) -> web.Response:
        """Pass on what a viewer asks for its service, with the viewer's token. No answer is kept."""
        headers = self._readers_headers()
        target = self._listeners.target("GET", request[_SEGMENTS])
        if target is None:
            raise web.HTTPNotFound(text=_NO_ROUTE, headers=headers)
        passed = {name: request.headers[name] for name in ("Authorization",) if name in request.headers}
        answer = await self._relay.ask("GET", f"{target}?{request.rel_url.raw_query_string}", passed)
        return web.Response(status=answer.status, body=answer.body, headers={**answer.headers, **headers})

    async def may_listen(self, _: web.Request) -> web.Response:
        """Answer a page of another origin that asks whether it may send its viewer's token."""
        allowed = self._described["readers"]["cross_origin"]
        preflight = {
            "Access-Control-Allow-Methods": ", ".join(allowed["methods"]),
            "Access-Control-Allow-Headers": ", ".join(allowed["headers"]),
            "Access-Control-Max-Age": str(allowed["seconds"]),
        }
        return web.Response(status=web.HTTPNoContent.status_code, headers={**self._readers_headers(), **preflight})

    async def operate(self, request: web.Request) -> web.Response:
        """Pass an operator's request on to the API, with its token, query and body."""
        target = self._operators.target(request.method, request[_SEGMENTS])
        if target is None:
            headers = _without_tls(self._described["operators"]["headers"])
            raise web.HTTPNotFound(text=_NO_ROUTE, headers=headers)
        if request.rel_url.raw_query_string:
            target += f"?{request.rel_url.raw_query_string}"
        wanted = ("Authorization", "Content-Type", "If-None-Match")
        passed = {name: request.headers[name] for name in wanted if name in request.headers}
        try:
            body = await request.read()
        except (web.RequestPayloadError, PayloadEncodingError):
            # The rest of the body is still on the connection, so the connection cannot be used again.
            raise web.HTTPBadRequest(
                text="The body is not packed as its Content-Encoding says.", headers={"Connection": "close"}
            ) from None
        answer = await self._relay.ask(request.method, target, passed, body or None)
        headers = {**answer.headers, **_without_tls(self._described["operators"]["headers"])}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def token(self, request: web.Request) -> web.Response:
        """The local operator's token, for pages of this site only."""
        headers = {**_without_tls(self._described["operators"]["headers"]), "Vary": "Sec-Fetch-Site"}
        # Another site's name may resolve to this machine (DNS rebinding).
        if request.headers.get("Host", "") not in self._hosts:
            raise web.HTTPForbidden(text="Tokens are given to pages of this machine only.", headers=headers)
        named = request.headers.getall("Sec-Fetch-Site", [])
        if named and (len(named) > 1 or named[0] not in _OWN_PAGES):
            raise web.HTTPForbidden(text="Tokens are given to this site's own pages only.", headers=headers)
        try:
            token = await asyncio.to_thread(lambda: tokens_of(self._system).token())
        except TokensError as error:
            raise web.HTTPServiceUnavailable(text=str(error), headers=headers) from None
        return web.json_response({"token": token}, headers=headers)

    async def _with_relay(self, _: web.Application) -> Any:
        readers = self._described["readers"]
        key = self._system.site_key
        headers = {self._described["key_header"]: key} if key else {}
        self._relay = Relay(self._system.api_url, readers["seconds"], readers["query_strings"], headers)
        yield
        await self._relay.close()

    def _policy(self) -> str:
        urls = [urlsplit(each["url"]) for each in self._cells.values()]
        cells = {f"{url.scheme}://{url.netloc}" for url in urls}
        directives = self._described["pages"]["content_security_policy"]
        return "; ".join(each.replace("{cells}", " ".join(sorted(cells))) for each in directives)


@web.middleware
async def _own_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests for another host name. It may resolve to this machine to attack it (DNS rebinding)."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not is_own_host(hosts[0].strip()):
        raise web.HTTPForbidden(text="This site answers only to the names of this machine, such as 127.0.0.1.")
    return await handler(request)


@web.middleware
async def _plain_paths_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 404 for an ambiguous path. CloudFront would pass it on to the API unchanged."""
    found = segments(request.raw_path.partition("?")[0])
    if found is None:
        raise web.HTTPNotFound(text=_NO_ROUTE)
    request[_SEGMENTS] = found
    return await handler(request)


async def _unsigned(_: web.Request, response: web.StreamResponse) -> None:
    """Remove the header Server, so that answers do not name the program that serves them."""
    response.headers.pop("Server", None)


@web.middleware
async def _sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in the API's form: JSON with a code and a sentence."""
    try:
        return await handler(request)
    except NoAnswerError as error:
        return _error(502, "unavailable", str(error), {"Cache-Control": "no-store"})
    except web.HTTPException as error:
        kept = {name: value for name, value in error.headers.items() if name not in ("Content-Type", "Content-Length")}
        return _error(error.status, error.reason.lower().replace(" ", "_"), error.text or error.reason, kept)


def _error(status: int, code: str, message: str, headers: Mapping[str, str]) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _cacheable(request: web.Request, body: bytes, headers: Mapping[str, str], status: int = 200) -> web.Response:
    """An answer with its ETag, compressed if the client accepts that; a 304 if the client already has this body."""
    tag = headers.get("ETag") or f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    given = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")}
    if status == web.HTTPOk.status_code and tag.removeprefix("W/") in known:
        return web.Response(status=304, headers=given)
    kind = headers.get("Content-Type", "").partition(";")[0]
    if len(body) >= _SMALLEST_PACKED and kind not in _UNPACKED:
        for coding in _PACK:
            if coding in request.headers.get("Accept-Encoding", ""):
                given["Content-Encoding"] = coding
                return web.Response(status=status, body=_packed(coding, body), headers=given)
    return web.Response(status=status, body=body, headers=given)


_PACK: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""Content coding -> function that compresses with it, in the order that CloudFront prefers."""


@lru_cache(maxsize=256)
def _packed(coding: str, body: bytes) -> bytes:
    return _PACK[coding](body)


def _without_tls(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Strict-Transport-Security"}
