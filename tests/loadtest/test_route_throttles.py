"""Throttles of single routes: described once, kept by the stages of both APIs, modelled by the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from devstack.quotas import Throttle, requests_of
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.stack.standin_process import StandIn
from devstack.system import HTTP_API_ID, WEBSOCKET_API_ID, System
from tests.loadtest.conftest import API, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000
"""The account's
(https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html): a route's own throttle cannot be higher
(https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html)."""


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
    standin = StandIn(system, {"check_every": 0}, handler="tests.loadtest.standin_functions.handler").start()
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
    """Each route has the throttle that the description states, and the stage's default is the account's quota."""
    described: dict[str, Any] = system.raw[api]
    stage = client(system, "apigatewayv2").get_stage(ApiId=api_id, StageName=described.get("stage", "$default"))
    given = {route: _throttle(settings) for route, settings in stage["RouteSettings"].items()}
    assert given == described["throttles"]
    assert given.keys() == set(described["routes"])
    assert _throttle(stage["DefaultRouteSettings"]) == {"rate": ACCOUNT_RATE, "burst": ACCOUNT_BURST}


def test_routes_and_senders_together_stay_within_the_accounts_quota() -> None:
    """All routes at their throttle leave the senders ``send_rate``, and no burst exceeds the account's."""
    system = System(1)
    throttles = [each for api in ("http_api", "websocket_api") for each in system.raw[api]["throttles"].values()]
    send_rate = system.raw["settings"]["send_rate"]["default"]
    assert sum(each["rate"] for each in throttles) + send_rate <= ACCOUNT_RATE
    assert all(each["rate"] > 0 and 0 < each["burst"] <= ACCOUNT_BURST for each in throttles)


def test_the_settings_begin_with_the_quota_of_a_new_account() -> None:
    """``account_rate`` and ``account_burst`` of system.json are AWS's defaults as quotas_and_prices.json lists them."""
    settings = System(1).raw["settings"]
    assert requests_of("us-east-1") == Throttle(ACCOUNT_RATE, ACCOUNT_BURST)
    assert (settings["account_rate"]["default"], settings["account_burst"]["default"]) == (ACCOUNT_RATE, ACCOUNT_BURST)
    assert requests_of("eu-south-1") == Throttle(2_500, 1_250)


def _throttle(settings: Any) -> dict[str, int]:
    return {"rate": settings["ThrottlingRateLimit"], "burst": settings["ThrottlingBurstLimit"]}
