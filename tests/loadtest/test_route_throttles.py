"""Throttles of single routes: described once, kept by the stages of both APIs, modelled by the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from devstack.ministack import free_port
from devstack.provision import client
from devstack.standin import StandIn
from devstack.system import HTTP_API_ID, WEBSOCKET_API_ID, System
from tests.loadtest.conftest import API, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT_RATE = 10_000
"""The account's (limits.html): a route's own throttle cannot be higher (websocket-api-protect.html)."""


@pytest.fixture
def throttled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a stand-in with a route that lets three pass, one that lets nobody, and two handshakes."""
    system = System(1, gateway_port=free_port())
    system.raw["websocket_api"] = {
        **API,
        "throttles": {
            "default": {"rate": 0, "burst": 3},
            "$connect": {"rate": 0, "burst": 2},
            "$disconnect": {"rate": 0, "burst": 0},
            "quiet": {"rate": 0, "burst": 0},
        },
    }
    monkeypatch.setenv("EVENTS", str(tmp_path / "events.jsonl"))
    standin = StandIn(system, {"check_every": 0}, handler="tests.loadtest.functions.handler").start()
    yield system.websocket_url
    standin.stop()


async def test_a_route_is_throttled_by_itself(throttled: str) -> None:
    """Over its rate a route answers in API Gateway's own words, to everybody; other routes and the socket stay."""
    async with connect(throttled) as socket, connect(throttled) as other:
        assert (await ask(socket, action="quiet"))["message"] == "Too Many Requests"
        for each in (socket, other, socket):
            assert (await ask(each, action="ask"))["route"] == "ask"
        assert (await ask(other, action="ask"))["message"] == "Too Many Requests"
        assert (await ask(socket, action="else"))["route"] == "$default"
        with pytest.raises(InvalidStatus) as refused:
            await connect(throttled)
        assert refused.value.response.status_code == 429


@pytest.mark.parametrize(("api", "api_id"), [("http_api", HTTP_API_ID), ("websocket_api", WEBSOCKET_API_ID)])
def test_the_stages_have_the_throttles_of_the_description(system: System, api: str, api_id: str) -> None:
    """What the description says of each route is what the stage was given, and no route is left without."""
    described: dict[str, Any] = system.raw[api]
    stage = client(system, "apigatewayv2").get_stage(ApiId=api_id, StageName=described.get("stage", "$default"))
    given = {"default": stage["DefaultRouteSettings"], **stage["RouteSettings"]}
    assert set(given) <= {"default", *described["routes"]}
    assert {
        route: {"rate": throttle["ThrottlingRateLimit"], "burst": throttle["ThrottlingBurstLimit"]}
        for route, throttle in given.items()
    } == described["throttles"]
    assert all(0 < throttle["rate"] <= ACCOUNT_RATE for throttle in described["throttles"].values())
