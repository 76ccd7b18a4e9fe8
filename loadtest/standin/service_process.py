"""The process of a stand-in for a broadcasting service: its options, its control paths, its end.

One port of 127.0.0.1, on one core. The process prints one line of JSON with its port on stdout when it is ready, and
logs to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop
from aiohttp import web

from loadtest.load_limits import allow_all_sockets
from loadtest.page_requests import allowed_origins, refusal
from loadtest.standin.gateway_limits import LimitError
from loadtest.standin.process_end import end_event, spare_the_collector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

BACKLOG = 4096
STOP_SECONDS = 2.0
"""Seconds for open answers to end when the process stops."""

L = TypeVar("L")


def options(program: str, description: str) -> argparse.ArgumentParser:
    """The options that every stand-in has."""
    parser = argparse.ArgumentParser(prog=f"python -m loadtest.standin.{program}", description=description)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; a free one by default")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 127.0.0.1 by default")
    parser.add_argument("--limits", default="{}", help="JSON of the limits")
    parser.add_argument("--origins", default="*", help="pages from elsewhere that may watch, separated by commas")
    parser.add_argument("--with-parent", action="store_true", help="end the program when its stdin ends")
    return parser


def serve(given: argparse.Namespace, make: Callable[[], Awaitable[web.Application]]) -> int:
    """Serve the application until SIGTERM, SIGINT or, with ``--with-parent``, the end of stdin."""
    allow_all_sockets()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(given, make))


async def _serve(given: argparse.Namespace, make: Callable[[], Awaitable[web.Application]]) -> int:
    runner = web.AppRunner(await make(), access_log=None, shutdown_timeout=STOP_SECONDS, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, given.host, given.port, backlog=BACKLOG)
    try:
        await site.start()
    except OSError as error:
        sys.stderr.write(f"Port {given.port} of {given.host} cannot be used: {os.strerror(error.errno or 0)}.\n")
        return 1
    ended = end_event(with_parent=given.with_parent)
    spare_the_collector()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(runner.cleanup(), STOP_SECONDS * 2)
    return 0


def changed(limits: L, wanted: Any) -> L:
    """The limits with some of them changed. Raises LimitError for an unknown name or a value of another type."""
    if not isinstance(wanted, dict):
        raise LimitError("The limits are not a JSON object.")
    known = {each.name: type(getattr(limits, each.name)) for each in fields(limits)}  # type: ignore[arg-type]
    for name, value in wanted.items():
        if name not in known:
            raise LimitError(f"There is no limit {name}.")
        if isinstance(value, bool) or not isinstance(value, (int, known[name])) or value < 0:
            raise LimitError(f"The limit {name} is not a number of 0 or more.")
    return replace(limits, **wanted)  # type: ignore[type-var]


def pages(setting: str, viewers: Collection[str]) -> Any:
    """A middleware that refuses requests of foreign web pages (loadtest/page_requests.py).

    Pages of this machine, and of the origins in ``setting``, may send the methods and paths ``viewers``, each a method
    and the beginning of a path such as ``GET /topics/``. No page may send anything else.
    """
    origins = allowed_origins(setting)

    @web.middleware
    async def check(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        asked = f"{request.method} {request.path}"
        of_viewers = any(asked.startswith(each) for each in viewers)
        headers = [(name, value) for name, value in request.headers.items()]
        if (why := refusal(headers, local_pages=of_viewers, origins=origins)) is not None:
            return web.json_response({"message": why}, status=403)
        return await handler(request)

    return check


def control(
    app: web.Application,
    stats: Callable[[], Mapping[str, Any]],
    reset: Callable[[], None],
    limits: Callable[[], Any],
    set_limits: Callable[[Any], None],
) -> None:
    """Add the stand-in's own paths under ``/_standin/``: health, stats, reset, limits. No service has them."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def tell(_: web.Request) -> web.Response:
        return web.json_response(dict(stats()))

    async def begin_again(_: web.Request) -> web.Response:
        reset()
        return web.json_response(dict(stats()))

    async def show(_: web.Request) -> web.Response:
        return web.json_response(asdict(limits()))

    async def change(request: web.Request) -> web.Response:
        try:
            set_limits(changed(limits(), await request.json()))
        except LimitError as error:
            return web.json_response({"message": str(error)}, status=400)
        except ValueError:
            return web.json_response({"message": "The body is not JSON."}, status=400)
        return web.json_response(asdict(limits()))

    app.router.add_get("/_standin/health", health)
    app.router.add_get("/_standin/stats", tell)
    app.router.add_post("/_standin/reset", begin_again)
    app.router.add_get("/_standin/limits", show)
    app.router.add_patch("/_standin/limits", change)


def fail(program: str, why: Sequence[str] | str) -> int:
    """Report why the process cannot start; returns its exit status."""
    sys.stderr.write(f"{program}: {why}\n")
    return 1
