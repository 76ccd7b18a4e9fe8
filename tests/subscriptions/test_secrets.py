"""No token of a viewer, an operator or a function comes into a log, however much the logs are asked to say."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from api import site_key
from devstack.operator.local_tokens import tokens_of
from devstack.stack.ministack import free_port
from devstack.stack.standin_process import StandIn
from devstack.system import DEFAULT_PORT, ROOT, System
from tests.support import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


SECRET = "SECRETeyJhbGciOiJSUzI1NiJ9"
SITE_KEY = "SECRETsite-0b8d3f0e-5d0e-4c5c-9f43"
TALKATIVE = {"POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_LOG_EVENT": "true", "POWERTOOLS_DEV": "true"}

PROTOCOL = Subprotocol("livescore.v1")
OFFERED = [PROTOCOL, Subprotocol(SECRET)]
QUERIES = [f"?token={SECRET}", f"?v=2&token={SECRET}", f"?token={SECRET}%0a%1b[31m&token[]=1", f"/no?{SECRET}"]

_HEADERS = {"Authorization": f"Bearer {SECRET}"}
_GIVEN = {**_HEADERS, "Sec-WebSocket-Protocol": ", ".join(OFFERED)}
_QUERY = {"rawQueryString": f"token={SECRET}", "queryStringParameters": {"token": SECRET}, "headers": _GIVEN}


def _api(method: str, path: str, body: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": "127.0.0.1"}
    context = {"requestId": "r", "http": http, "stage": "$default"}
    return {
        "version": "2.0",
        "rawPath": path,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": False,
        **_QUERY,
        **({} if headers is None else {"headers": headers}),
    }


def _socket(kind: str, body: str = "") -> dict[str, Any]:
    return {"requestContext": {"connectionId": "L0SM9cOFvHcCIhw=", "eventType": kind}, "body": body, **_QUERY}


def _handshake(query: dict[str, list[str]]) -> dict[str, Any]:
    context = {"connectionId": "L0SM9cOFvHcCIhw=", "eventType": "CONNECT"}
    headers = {name: [value] for name, value in _GIVEN.items()}
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/live/$connect",
        "requestContext": context,
        "multiValueHeaders": headers,
        "multiValueQueryStringParameters": query,
    }


_EVENT = {"authorizationToken": f"{SECRET}.e30.{SECRET}", "requestHeaders": _HEADERS}
_MQTT = {
    "clientId": f"{SECRET}0123456789",
    "username": SECRET,
    "password": base64.b64encode(f"{SECRET}.e30.{SECRET}".encode()).decode(),
}

CALLS = [
    ("subscriptions.authorizer", _handshake({})),
    ("subscriptions.authorizer", _handshake({"token": [f"{SECRET}.e30.{SECRET}"]})),
    ("subscriptions.events_authorizer", {**_EVENT, "requestContext": {"operation": "EVENT_CONNECT"}}),
    (
        "subscriptions.events_authorizer",
        {**_EVENT, "requestContext": {"operation": "EVENT_SUBSCRIBE", "channel": "/x"}},
    ),
    ("subscriptions.iot_authorizer", {"protocolData": {"mqtt": _MQTT}, "connectionMetadata": {"id": "c"}}),
    ("subscriptions.iot_authorizer", {"protocolData": {"mqtt": {**_MQTT, "clientId": SECRET[:5]}}}),
    ("api.handler", _api("GET", "/matches/m", "")),
    ("api.handler", _api("GET", "/matches/n", "", {site_key.HEADER: SITE_KEY})),
    ("api.handler", _api("POST", "/matches", "{}")),
    ("api.handler", _api("POST", "/matches/m/events", '{"kind":"kick_off"}')),
    ("subscriptions.routes", _socket("CONNECT")),
    ("subscriptions.routes", _socket("MESSAGE", '{"action":"subscribe","match":"m"}')),
    ("subscriptions.routes", _socket("MESSAGE", f'{{"token":"{SECRET}"}}')),
    ("subscriptions.routes", _socket("MESSAGE", SECRET * 200)),
]
CODE = """
import importlib, json, sys
from loadtest.standin.core import Context
for module, event in json.load(sys.stdin):
    importlib.import_module(module).handler(event, Context("r"))
"""


class Refusing(BaseHTTPRequestHandler):
    """An AWS that refuses everything."""

    def do_POST(self) -> None:
        """Answer 403."""
        body = b'{"message": "denied"}'
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """Its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server, serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_the_functions_log_no_token(refusing: str) -> None:
    """With every service refusing and the whole event asked for, the logs tell of failures, not of tokens or keys."""
    system = System(DEFAULT_PORT)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POWERTOOLS_"))}
    env |= {**system.environment("api"), **system.environment("routes"), **system.environment("authorizer")}
    env |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": f"{SECRET}1", "AWS_SESSION_TOKEN": f"{SECRET}2"}
    env |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": refusing, "CONNECTIONS_URL": f"{refusing}/live"}
    env |= {**TALKATIVE, "SITE_KEYS": f"{SITE_KEY},{SITE_KEY}2"}
    env |= {"JWKS_URL": f"{refusing}/keys", "ISSUER": "i", "VIEWER_AUDIENCE": "v", "ANONYMOUS": "on", "ORIGINS": "*"}
    ran = subprocess.run(
        [sys.executable, "-c", CODE],
        input=json.dumps(CALLS),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=env,
    )
    assert ran.returncode == 0, ran.stderr
    said = re.findall('"message": ?"([^"]+)"', ran.stdout)
    assert {
        "aws_refused",
        "service_unavailable",
        "connected",
        "request_failed",
        "connect_refused",
        "request_refused",
        "connection_closed_for_excess",
        "connection_not_closed",
    } <= set(said)
    assert SECRET not in ran.stdout + ran.stderr
    assert SITE_KEY not in ran.stdout + ran.stderr


async def test_the_gateway_logs_no_token(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer's token, wherever it is, is in no log of the stand-in and of the functions in it."""
    for name, value in TALKATIVE.items():
        monkeypatch.setenv(name, value)
    standin = StandIn(dataclasses.replace(system, gateway_port=free_port())).start()
    url = standin._system.websocket_url  # noqa: SLF001
    valid = tokens_of(system, "viewer").token()
    connected = 0
    try:
        for query, offered in (
            *((query, OFFERED) for query in QUERIES),
            (f"?token={valid}", None),
            ("", [PROTOCOL, Subprotocol(valid)]),
        ):
            with contextlib.suppress(InvalidHandshake, ConnectionClosed):
                async with connect(url + query, subprotocols=offered, additional_headers=_HEADERS) as socket:
                    connected += 1
                    for text in (f'{{"action":"subscribe","match":"m","token":"{SECRET}"}}', SECRET * 200):
                        await socket.send(text)
                        await socket.recv()
    finally:
        standin.stop()
    log = standin.log.read_text()
    assert connected == 2
    assert {"authorizer", "routes"} <= set(re.findall('"service": ?"([a-z]+)"', log))
    assert "connection_closed_for_excess" in log
    assert SECRET not in log
    assert not any(part in log for part in valid.split("."))
