"""MiniStack with a guard in front.

ministack.py starts ``python -m devstack.stack.guarded_ministack`` in MiniStack's own environment.

MiniStack obeys every request, and answers every web page with ``Access-Control-Allow-Origin: *``. The guard refuses
requests of web pages (loadtest/page_requests.py), and unsigned requests that AWS would require to be signed. It runs in
MiniStack's process, so there is no unguarded second port.

MiniStack's AppSync Events and IoT Core are held to what AWS does (ministack_corrections.py).

MiniStack tells the APIs of AppSync and IoT Core by the header ``Host``. Their names, such as
``abc.appsync-api.us-east-1.127.0.0.1:4566``, resolve nowhere. So the guard serves them below a path of its own,
``/_host/<name>/…``, at 127.0.0.1: it passes the request on with this name as its ``Host``. A request that itself names
such a host is refused, as one of any other name (DNS rebinding).

MiniStack sleeps before the first state of each execution of Step Functions. AWS does not, so the pause is left out.

The process ends when the process that started it ends, because its stdin then closes. It also removes the folders that
ended workers have left behind.
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

from devstack.stack.ministack_corrections import hold_to_aws, with_guarded_broker
from devstack.stack.stack_leftovers import OWNER, Sweeper, group, remove
from devstack.system import ACCOUNT
from loadtest.page_requests import allowed_origins, refusal

if TYPE_CHECKING:
    from collections.abc import Collection

    from devstack.stack.asgi import App, Message, Receive, Send

SWEEP_SECONDS = 5.0

EXECUTION_PAUSE_SECONDS = 0.15
"""Seconds for which MiniStack 1.5.33 sleeps before the first state of an execution (services/stepfunctions.py)."""

_HEALTH = "/_ministack/health"

_UNSIGNED = re.compile(
    re.escape(_HEALTH)
    + r"|/_aws/execute-api/livescore[a-z0-9]+/[^/]+(/(?!@connections(/|$)).*)?|/[\w-]+/\.well-known/[\w.-]+"
)
"""Paths that need no signature: MiniStack's health check, our APIs but not @connections, and Cognito's key set. AWS
requires none for these APIs and keys either."""

_AT_HOST = re.compile(
    r"/_host/(?P<host>[a-z0-9-]+\.(?P<service>appsync-api|appsync-realtime-api|iot)\.(?P<region>[a-z0-9-]+)"
    r"\.127\.0\.0\.1:[0-9]{1,5})(?P<path>/.*)"
)
"""A path that stands for a path at a host of AppSync or IoT Core. The functions ``ministack_resources.url_of_host`` and
``_at_host`` belong together."""

_SERVED = {
    ("appsync-api", "http", "POST", "/event"),
    ("appsync-realtime-api", "websocket", None, "/event/realtime"),
    ("iot", "websocket", None, "/mqtt"),
}
"""The requests that the guard serves at such hosts: the service, the kind of request, its method and its path."""

_SIGN_IN = {("GET", "/oauth2/authorize"), ("POST", "/oauth2/login"), ("POST", "/login"), ("POST", "/oauth2/token")}
"""Cognito's sign-in page, its form, and the operator page's request for a token. Pages of this machine use them."""

_ACTION = re.compile(r"(^|[&;?])action=", re.IGNORECASE)
"""A query parameter with which MiniStack reads a request, on any path, as a call of SQS, IAM or another service."""

_NOT_SIGNED = "This request must be signed, as on AWS. Any credentials will do. A web page has none, so it is refused."

_NOT_SERVED = "This host has no such path: POST /event of AppSync Events, and the WebSockets of viewers."


def guard(app: App, origins: Collection[str], owner: int = 0) -> App:
    """An ASGI application that refuses requests with 403, or passes them on to ``app``.

    https://asgi.readthedocs.io/en/latest/specs/ describes ASGI.
    ``origins`` are the other sites whose pages may open a viewer's WebSocket. The answer to the health check has the
    process id of the ``owner`` in a header, because two stacks may have started on one port.
    """

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        why = _why(scope, origins) if scope["type"] in ("http", "websocket") else None
        if why is None:
            scope = _at_host(scope) if scope["type"] in ("http", "websocket") else scope
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


def _at_host(scope: Message) -> Message:
    """The request as its service gets it: at the host that the path names, if the path names one."""
    found = _AT_HOST.fullmatch(scope["path"])
    if found is None:
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    query = scope["query_string"]
    if found["service"] == "iot":
        # MiniStack takes the region of a WebSocket from its signature. A viewer has none, so the guard adds the scope
        # of one (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
        credential = f"X-Amz-Credential={ACCOUNT}/20260101/{found['region']}/iotdevicegateway/aws4_request"
        query = b"&".join(filter(None, (query, credential.encode())))
    return {
        **scope,
        "headers": [(b"host", found["host"].encode()), *headers],
        "path": found["path"],
        "raw_path": found["path"].encode(),
        "query_string": query,
    }


def _why(scope: Message, origins: Collection[str]) -> str | None:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    handshake, sign_in = scope["type"] == "websocket", (scope.get("method"), scope["path"]) in _SIGN_IN
    allowed = origins if handshake else ()
    if (why := refusal(headers, local_pages=handshake or sign_in, origins=allowed)) is not None:
        return why
    found = _AT_HOST.fullmatch(scope["path"])
    if found is not None and (found["service"], scope["type"], scope.get("method"), found["path"]) not in _SERVED:
        return _NOT_SERVED
    names = {name.lower() for name, _ in headers}
    # MiniStack reads these before the path, so they turn a request on any path into a call of an AWS service.
    is_call = "x-amz-target" in names or _ACTION.search(unquote_plus(scope["query_string"].decode("latin-1")))
    if sign_in and not is_call:
        return None
    if handshake or ("authorization" in names and not sign_in):
        return None
    return None if _UNSIGNED.fullmatch(scope["path"]) and not is_call else _NOT_SIGNED


class WithoutPause:
    """The module ``time`` for MiniStack's Step Functions, without the pause before an execution."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Sleep, unless it is the pause before an execution."""
        if seconds != EXECUTION_PAUSE_SECONDS:
            time.sleep(seconds)


def main() -> None:
    """Serve until SIGTERM or the end of stdin."""
    parser = argparse.ArgumentParser(prog="python -m devstack.stack.guarded_ministack")
    # stack_leftovers.py reads these options in the list of processes. MiniStack itself reads GATEWAY_PORT.
    parser.add_argument("--port", type=int, required=True, help="port of MiniStack")
    parser.add_argument("--owner", type=int, required=True, help="process id of the program that has started this")
    parser.add_argument("--state", type=Path, required=True, help="folder of this stack, removed when the program ends")
    parser.add_argument("--origins", default="*", help="pages from elsewhere that may watch, separated by commas")
    options = parser.parse_args()
    threading.Thread(target=_end_with_parent, args=[options.state], daemon=True).start()
    threading.Thread(target=_sweep, args=[options.state], daemon=True).start()
    ministack: Any = importlib.import_module("ministack.app")
    importlib.import_module("ministack.services.stepfunctions").time = WithoutPause()  # type: ignore[attr-defined]
    hold_to_aws()
    ministack.app = guard(with_guarded_broker(ministack.app), allowed_origins(options.origins), options.owner)
    # MiniStack's own program reads sys.argv again. It serves the module's ``app``, which is now the guard.
    sys.argv = ["ministack"]
    ministack.main()


def _end_with_parent(state: Path) -> None:
    """Wait for the end of stdin, then end the whole session, workers included."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    # End the workers first, because they write into the folder.
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
