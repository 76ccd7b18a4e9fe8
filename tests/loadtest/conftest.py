"""Gateways for the tests: MiniStack's, the stand-in before the same system, and one with functions of the tests."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Any, Literal

import boto3
import httpx
import pytest
from botocore.config import Config
from websockets.asyncio.client import ClientConnection, connect

from devstack.stack.ministack import free_port
from devstack.stack.standin_process import StandIn
from devstack.system import ACCOUNT, REGION, SECRET, System
from loadtest.standin.gateway_limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PATIENCE = 20.0
API = {
    "function": "routes",
    "authorizer": "authorizer",
    "stage": "live",
    "route_selection_expression": "$request.body.action",
    "routes": ["$connect", "$disconnect", "$default", "ask", "fail", "quiet"],
    "two_way": ["$default", "ask"],
}


def management(url: str, *, secret: str = SECRET, token: str | None = None) -> Any:
    """A boto3 client of @connections that tries once."""
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


async def hear(socket: ClientConnection) -> Any:
    """The next frame, which is JSON."""
    return json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))


async def ask(socket: ClientConnection, **request: Any) -> Any:
    """Send a request, return the next frame."""
    await socket.send(json.dumps(request))
    return await hear(socket)


@pytest.fixture(scope="session", params=["ministack", "standin"])
def gateway(request: pytest.FixtureRequest, system: System) -> Iterator[System]:
    """The running system behind each of the two gateways."""
    which: Literal["ministack", "standin"] = request.param
    if which == "ministack":
        yield system
        return
    moved = dataclasses.replace(system, gateway_port=free_port())
    standin = StandIn(moved, {"check_every": 1})
    standin.start()
    yield moved
    standin.stop()


class Bench:
    """A stand-in whose function is tests/loadtest/standin_functions.py."""

    def __init__(self, system: System, events: Path) -> None:
        self.url = system.websocket_url
        self.http = system.resolve("connections_url")
        self.port = system.gateway_port
        self.root = f"http://127.0.0.1:{self.port}"
        self.client = management(self.http)
        self._events = events

    def events(self, **about: Any) -> list[dict[str, Any]]:
        """The events whose request context has these fields."""
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        found = [json.loads(line) for line in lines]
        return [each for each in found if about.items() <= each["requestContext"].items()]

    def limit(self, **limits: float) -> httpx.Response:
        """Set limits."""
        return httpx.patch(f"{self.root}/_standin/limits", json=limits)

    def stats(self) -> dict[str, Any]:
        """The counters."""
        stats: dict[str, Any] = httpx.get(f"{self.root}/_standin/stats").json()
        return stats

    async def post(self, connection: str, data: bytes) -> Any:
        """PostToConnection, beside the loop."""
        return await asyncio.to_thread(self.client.post_to_connection, ConnectionId=connection, Data=data)


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One such stand-in for all tests."""
    events = tmp_path_factory.mktemp("functions") / "events.jsonl"
    system = System(1, gateway_port=free_port())
    system.raw["websocket_api"] = API
    system.raw["functions"]["authorizer"] = {
        "handler": "tests.loadtest.standin_functions.authorizer",
        "environment": {},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVENTS", str(events))
        standin = StandIn(system, {"check_every": 1}, handler="tests.loadtest.standin_functions.handler").start()
    yield Bench(system, events)
    standin.stop()


@pytest.fixture
def bench(started: Bench) -> Iterator[Bench]:
    """It, with AWS's limits at the beginning of each test."""
    yield started
    started.limit(**{**dataclasses.asdict(Limits()), "check_every": 1})
    httpx.post(f"{started.root}/_standin/reset")


@pytest.fixture
async def socket(bench: Bench) -> AsyncIterator[ClientConnection]:
    """A viewer of it."""
    async with connect(bench.url) as socket:
        yield socket


@pytest.fixture
async def connection(socket: ClientConnection) -> str:
    """That viewer's connection id."""
    answer = await ask(socket, action="ask")
    connection: str = answer["id"]
    return connection
