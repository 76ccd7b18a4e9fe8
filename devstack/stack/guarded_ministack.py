"""MiniStack with a guard in front.

ministack.py starts ``python -m devstack.stack.guarded_ministack`` in MiniStack's own environment.

MiniStack does what every request says, and answers every page with ``Access-Control-Allow-Origin: *``. The guard is
part of its process, so that there is no second port without a guard. It refuses what web pages send
(loadtest/page_requests.py) and what AWS would want to have signed and is not.

The process ends with the process that started it, whose end of its stdin closes, and removes the folders that ended
workers have left.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from devstack.stack.stack_leftovers import OWNER, Sweeper, group, remove
from loadtest.page_requests import allowed_origins, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

SWEEP_SECONDS = 5.0

_HEALTH = "/_ministack/health"

_UNSIGNED = re.compile(
    re.escape(_HEALTH)
    + r"|/_aws/execute-api/livescore[a-z0-9]+/[^/]+(/(?!@connections(/|$)).*)?|/[\w-]+/\.well-known/[\w.-]+"
)
"""The health check, our APIs of API Gateway but @connections, and Cognito's key set: no signature on AWS either."""

_SIGN_IN = {("GET", "/oauth2/authorize"), ("POST", "/oauth2/login"), ("POST", "/login"), ("POST", "/oauth2/token")}
"""Cognito's page to sign in at, its form, and what the desk asks then: pages of this machine use them."""

_ACTION = re.compile(r"(^|[&;?])action=", re.IGNORECASE)
"""In a query: MiniStack takes it for a call of SQS, IAM and others, whatever the path is."""

_NOT_SIGNED = "This request must be signed, as on AWS. Any credentials will do, so that no web page can make it."


def guard(app: App, origins: Collection[str], owner: int = 0) -> App:
    """An ASGI application that answers 403 to web pages and passes everything else on.

    ``origins`` are pages from elsewhere that may open a viewer's WebSocket (https://asgi.readthedocs.io/en/latest/specs/).
    The health check says in a header which process is the ``owner``: two may have started on one port.
    """

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        why = _why(scope, origins) if scope["type"] in ("http", "websocket") else None
        if why is None:
            await app(scope, receive, _naming(owner, send) if scope["path"] == _HEALTH else send)
            return
        body = json.dumps({"message": why}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(b"connection", b"close")]
        kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
        if scope["type"] == "websocket" and kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close"})
            return
        await send({"type": f"{kind}.start", "status": 403, "headers": headers})
        await send({"type": f"{kind}.body", "body": body})

    return guarded


def _naming(owner: int, send: Send) -> Send:
    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (OWNER.lower().encode(), str(owner).encode())]
            message = {**message, "headers": headers}
        await send(message)

    return named


def _why(scope: Message, origins: Collection[str]) -> str | None:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    handshake, sign_in = scope["type"] == "websocket", (scope.get("method"), scope["path"]) in _SIGN_IN
    allowed = origins if handshake else ()
    if (why := refusal(headers, local_pages=handshake or sign_in, origins=allowed)) is not None:
        return why
    names = {name.lower() for name, _ in headers}
    # MiniStack chooses the service by these before it looks at the path, so they make every path a call of AWS.
    is_call = "x-amz-target" in names or _ACTION.search(unquote_plus(scope["query_string"].decode("latin-1")))
    if sign_in and not is_call:
        return None
    if handshake or ("authorization" in names and not sign_in):
        return None
    return None if _UNSIGNED.fullmatch(scope["path"]) and not is_call else _NOT_SIGNED


def main() -> None:
    """Serve until SIGTERM or the end of stdin."""
    parser = argparse.ArgumentParser(prog="python -m devstack.stack.guarded_ministack")
    # Shown in the list of processes, where stack_leftovers.py finds them. MiniStack itself reads GATEWAY_PORT.
    parser.add_argument("--port", type=int, required=True, help="port of MiniStack")
    parser.add_argument("--owner", type=int, required=True, help="process id of the program that has started this")
    parser.add_argument("--state", type=Path, required=True, help="folder of this stack, removed when the program ends")
    parser.add_argument("--origins", default="*", help="pages from elsewhere that may watch, separated by commas")
    options = parser.parse_args()
    threading.Thread(target=_end_with_parent, args=[options.state], daemon=True).start()
    threading.Thread(target=_sweep, args=[options.state], daemon=True).start()
    ministack: Any = importlib.import_module("ministack.app")
    ministack.app = guard(ministack.app, allowed_origins(options.origins), options.owner)
    # MiniStack's own program reads the arguments again, and serves the value of its name ``app`` at that time.
    sys.argv = ["ministack"]
    ministack.main()


def _end_with_parent(state: Path) -> None:
    """Wait for the end of stdin, then end the whole session, workers included."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    # The workers first: they write into the folder.
    for each in group():
        if each != os.getpid():
            with suppress(OSError):
                os.kill(each, signal.SIGKILL)
    remove(state)
    os.killpg(0, signal.SIGKILL)


def _sweep(state: Path) -> None:
    sweeper = Sweeper(state)
    while True:
        time.sleep(SWEEP_SECONDS)
        sweeper.sweep()


if __name__ == "__main__":
    main()
