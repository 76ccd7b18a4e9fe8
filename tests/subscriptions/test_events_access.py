"""Access to AppSync Events on real sockets: MiniStack asks the authorizer function, which decides by the token."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.credentials import ReadOnlyCredentials
from websockets.exceptions import ConnectionClosed

from broadcaster.transports.appsync_events import AppSyncEvents
from devstack.system import ACCOUNT, SECRET
from tests.channel_names import CHANNELS
from tests.issuer import FORGED, Issuer
from tests.raw_viewers import events_viewer

if TYPE_CHECKING:
    from devstack.system import System

CUP, LEAGUE, OPEN = (CHANNELS.feed(each, "m1", "all") for each in ("cup", "league", None))
REFUSED = ("subscribe_error", "UnauthorizedException")


@pytest.fixture
def cell(cells: System) -> System:
    """The cell of AppSync Events."""
    return cells.at("ev-1")


@pytest.fixture
def issuer(viewers_issuer: tuple[Issuer, str]) -> Issuer:
    """The issuer of viewers' tokens."""
    return viewers_issuer[0]


def service(cell: System) -> AppSyncEvents:
    """The side that publishes."""
    return AppSyncEvents(cell.texts()["url"], cell.region, lambda: ReadOnlyCredentials(ACCOUNT, SECRET, None))


def answered(frame: dict[str, Any]) -> tuple[str, str]:
    """The type of an answer, and its kind of error."""
    return frame["type"], frame.get("errors", [{}])[0].get("errorType", "")


async def test_a_viewer_hears_what_its_token_covers(cell: System, issuer: Issuer) -> None:
    """A frame published with an IAM signature comes to the viewer of its competition, unchanged."""
    async with events_viewer(cell.address(), issuer.token(competitions="cup")) as viewer:
        assert (await viewer.ask("connection_init"))["type"] == "connection_ack"
        for channel in (CUP, OPEN, CHANNELS.subject("ann")):
            assert answered(await viewer.subscribe(f"/{channel}")) == ("subscribe_success", "")
            frame = {"channel": channel, "player": 'Ángel "Fideo" Di María'}
            await asyncio.to_thread(service(cell).publish, channel, json.dumps(frame).encode())
            assert await viewer.event() == frame


@pytest.mark.parametrize(
    "channel",
    [LEAGUE, "livescore/*", "livescore/c-cup/*", "livescore/c-cup/m1/*", "livescore/open/*", "livescore/c-league/*",
     CHANNELS.subject("bob"), "livescore/subjects/*"],
)  # fmt: skip
async def test_a_foreign_channel_and_every_wildcard_is_refused(cell: System, issuer: Issuer, channel: str) -> None:
    """The subscription is refused, the connection goes on, and a viewer that is refused hears nothing."""
    async with events_viewer(cell.address(), issuer.token(competitions="cup")) as viewer:
        assert answered(await viewer.subscribe(f"/{channel}")) == REFUSED
        await asyncio.to_thread(service(cell).publish, LEAGUE, b'{"seq":1}')
        assert answered(await viewer.subscribe(f"/{CUP}")) == ("subscribe_success", "")
        await asyncio.to_thread(service(cell).publish, CUP, b'{"seq":2}')
        assert await viewer.event() == {"seq": 2}


@pytest.mark.parametrize("name", ["expired", "wrong key", "alg none", "other issuer", "wrong audience", "not a token"])
async def test_a_forged_token_opens_no_connection(cell: System, issuer: Issuer, name: str) -> None:
    """The viewer gets ``connection_error`` and a closed socket, and never an acknowledgement."""
    async with events_viewer(cell.address(), FORGED[name][0](issuer)) as viewer:
        assert answered(await viewer.hear()) == ("connection_error", "UnauthorizedException")
        with pytest.raises(ConnectionClosed):
            await viewer.hear()


async def test_a_viewer_without_a_token_is_refused_where_viewers_need_one(cell: System) -> None:
    """The word ``anonymous`` opens nothing in a cell whose setting ``anonymous`` is off."""
    async with events_viewer(cell.address(), "anonymous") as viewer:
        assert answered(await viewer.hear()) == ("connection_error", "UnauthorizedException")


@pytest.mark.parametrize("authorization", [None, {}, {"Authorization": "expired"}])
async def test_each_subscription_needs_the_token_again(
    cell: System, issuer: Issuer, authorization: dict[str, str] | None
) -> None:
    """A good token at the handshake does not help a subscription that has none, or an expired one."""
    if authorization:
        authorization = {"Authorization": FORGED["expired"][0](issuer)}
    async with events_viewer(cell.address(), issuer.token(competitions="cup")) as viewer:
        assert answered(await viewer.subscribe(f"/{CUP}", authorization=authorization)) == REFUSED


async def test_no_viewer_publishes(cell: System, issuer: Issuer) -> None:
    """Neither over the WebSocket nor over HTTP, whatever the token; nobody hears the event."""
    token = issuer.token(competitions="*")
    async with events_viewer(cell.address(), token) as viewer:
        assert answered(await viewer.subscribe(f"/{CUP}")) == ("subscribe_success", "")
        for authorization in ({"Authorization": token}, {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}):
            frame = await viewer.ask("publish", channel=f"/{CUP}", events=['{"seq":9}'], authorization=authorization)
            assert answered(frame) == ("publish_error", "UnauthorizedException")
        body = {"channel": f"/{CUP}", "events": ['{"seq":9}']}
        for headers in ({"Authorization": token}, {"x-api-key": "da2-x"}, {}):
            answer = await asyncio.to_thread(httpx.post, cell.texts()["url"], json=body, headers=headers)
            assert answer.status_code in (401, 403)
        await asyncio.to_thread(service(cell).publish, CUP, b'{"seq":2}')
        assert await viewer.event() == {"seq": 2}
