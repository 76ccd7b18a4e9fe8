"""The viewers' sockets of both gateways, and the stand-in's control API, before web pages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support import FROM_A_PAGE

if TYPE_CHECKING:
    from devstack.system import System
    from tests.loadtest.conftest import Bench


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://evil.example:4566"])
async def test_a_page_from_elsewhere_opens_no_websocket(gateway: System, origin: Any) -> None:
    """Viewers' sockets of both gateways are for pages of this machine."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(gateway.websocket_url, origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:4580"])
async def test_a_page_of_this_machine_watches(gateway: System, origin: Any) -> None:
    """The site's pages and a developer's own page open viewers' sockets of both gateways."""
    async with connect(gateway.websocket_url, origin=origin) as socket:
        await socket.send('{"action":"ping"}')
        assert await asyncio.wait_for(socket.recv(), 20)


@pytest.mark.parametrize("headers", FROM_A_PAGE, ids=str)
def test_a_page_does_not_control_the_stand_in(bench: Bench, headers: dict[str, str]) -> None:
    """A page reaches neither limits nor counters nor @connections of the stand-in."""
    root = bench.root
    before = httpx.get(f"{root}/_standin/limits").json()
    for method, path in (
        ("PATCH", "/_standin/limits"),
        ("POST", "/_standin/reset"),
        ("DELETE", "/live/@connections/a"),
    ):
        signed = {"Authorization": "AWS4-HMAC-SHA256 x", "Content-Type": "text/plain"}
        answer = httpx.request(method, root + path, content='{"account_rate": 1}', headers={**signed, **headers})
        assert (path, answer.status_code) == (path, 403)
        assert answer.json()["message"].endswith(".")
    assert httpx.get(f"{root}/_standin/limits").json() == before
