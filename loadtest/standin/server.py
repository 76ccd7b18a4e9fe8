"""A stand-in for API Gateway's WebSocket APIs, made for load: ``python -m loadtest.standin.server --help``.

One port of 127.0.0.1, on one core, serves the WebSockets and @connections. The functions run in threads of this process
and get the events that API Gateway sends. docs/standin.md lists the modelled behaviour.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import uvloop

from loadtest.load_limits import allow_all_sockets
from loadtest.page_requests import allowed_origins
from loadtest.standin.core import Core
from loadtest.standin.gateway_limits import Limits, changed
from loadtest.standin.http_port import HttpConnection
from loadtest.standin.lambda_events import Api
from loadtest.standin.process_end import end_event, spare_the_collector
from loadtest.standin.signatures import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loadtest.standin.core import Handler

BACKLOG = 4096
DESCRIPTION = Path(__file__).resolve().parent.parent.parent / "terraform/system.json"
STOP_SECONDS = 0.2
"""Seconds for the close frames to leave."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or, with ``--with-parent``, the end of stdin; returns the exit status."""
    options = _options(arguments)
    try:
        limits = changed(Limits(), json.loads(options.limits))
    except ValueError as error:  # LimitError among them
        return _fail(f"--limits: {error}")
    try:
        described = json.loads(options.api) if options.api else json.loads(DESCRIPTION.read_text())["websocket_api"]
        api = Api.described(described)
    except (OSError, ValueError) as error:
        return _fail(f"--api: {error}")
    try:
        handler = _handler(options.handler)
        authorizer = _handler(options.authorizer) if options.authorizer else None
    except (ImportError, AttributeError) as error:
        return _fail(f"--handler or --authorizer: {error}")
    verifier = Verifier(os.environ)
    if limits.check_every and not verifier.ready:
        return _fail(
            'There are no credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or set "check_every": 0.'
        )
    allow_all_sockets()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # Functions log to stdout, but a program that started this one expects a single line there.
    said = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def make() -> Core:
        return Core(api, handler, limits, verifier, options.threads, authorizer, allowed_origins(options.origins))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(_serve(options, said, make))
        sys.stdout.flush()
        sys.stderr.flush()
    # A function that hangs in its thread must not keep the process alive.
    os._exit(status)


async def _serve(options: argparse.Namespace, said: TextIO, make: Callable[[], Core]) -> int:
    core = make()
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: HttpConnection(core), options.host, options.port, backlog=BACKLOG
        )
    except OSError as error:
        return _fail(f"Port {options.port} of {options.host} cannot be used: {os.strerror(error.errno or 0)}.")
    ended = end_event(with_parent=options.with_parent)
    spare_the_collector()
    port = server.sockets[0].getsockname()[1]
    ready = {"port": port, "websocket": f"ws://{options.host}:{port}/{core.api.stage}"}
    print(json.dumps(ready), file=said, flush=True)
    await ended.wait()
    server.close()
    core.stop()
    await asyncio.sleep(STOP_SECONDS)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.standin.server", description="A stand-in for API Gateway."
    )
    parser.add_argument("--port", type=_whole(0, 65535), default=0, help="port to listen on; a free one by default")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 127.0.0.1 by default")
    parser.add_argument("--api", help="JSON of the API; websocket_api of terraform/system.json by default")
    parser.add_argument(
        "--handler", default="subscriptions.routes.handler", help="function that serves the routes, as MODULE.NAME"
    )
    parser.add_argument("--authorizer", help="function that is asked before $connect, as MODULE.NAME; none by default")
    parser.add_argument("--threads", type=_whole(1, 1000), default=8, help="number of functions that run at once")
    parser.add_argument("--limits", default="{}", help="JSON of the limits, see loadtest/standin/gateway_limits.py")
    parser.add_argument("--origins", default="*", help="pages from elsewhere that may watch, separated by commas")
    parser.add_argument("--with-parent", action="store_true", help="end the program when its stdin ends")
    return parser.parse_args(arguments)


def _whole(least: int, most: int) -> Callable[[str], int]:
    """A type of argparse: a whole number in a range."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} to {most}")
        return int(text)

    return number


def _handler(name: str) -> Handler:
    module, _, function = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module or name), function)
    return handler


def _fail(why: str) -> int:
    sys.stderr.write(f"gateway: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
