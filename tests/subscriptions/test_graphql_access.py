"""Access to AppSync GraphQL on real sockets: the stand-in asks the authorizer function, which decides by the token."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed

from broadcaster.transports.appsync_graphql import AppSyncGraphql
from devstack.builds.lambda_zips import build_parts
from devstack.child_process import free_port
from devstack.stack.provision import provision_cell
from devstack.stack_cells import REGION, StackCell
from devstack.system import ACCOUNT, SECRET
from devstack.transports import appsync_graphql
from tests.channel_names import CHANNELS
from tests.issuer import AUDIENCE, FORGED, ISSUER, Issuer
from tests.loadtest.graphql_viewer import PATIENCE, hear, joined, opened, publish, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

CELL = StackCell("gql-1", REGION, "appsync-graphql")
CUP, LEAGUE, OPEN = (CHANNELS.feed(each, "m1", "all") for each in ("cup", "league", None))


@pytest.fixture(scope="module")
def cell(system: System, viewers_issuer: tuple[Issuer, str]) -> Iterator[System]:
    """A cell of AppSync GraphQL beside the running system's own, which takes tokens of this issuer only."""
    own = {"issuer": ISSUER, "jwks_url": viewers_issuer[1], "viewer_audience": AUDIENCE, "anonymous": "off"}
    more = replace(
        system, cells=(CELL,), settings={**system.settings, **own}, provisioned={}, ports={CELL.name: free_port()}
    ).at(CELL.name)
    process = appsync_graphql.stand_in(more).start()
    provision_cell(more, build_parts())
    yield more
    process.stop()


@pytest.fixture
def url(cell: System) -> str:
    """Where viewers connect."""
    return cell.address()["url"]


@pytest.fixture
def issuer(viewers_issuer: tuple[Issuer, str]) -> Issuer:
    """The issuer of viewers' tokens."""
    return viewers_issuer[0]


def split(channel: str) -> tuple[str, str]:
    """The arguments of a channel."""
    of_match, _, feed = channel.rpartition("/")
    return of_match, feed


async def tell(cell: System, channel: str, frame: bytes, *, secret: str = SECRET) -> None:
    """Publish a frame as the fan-out does."""
    service = AppSyncGraphql(cell.texts()["url"], cell.region, lambda: ReadOnlyCredentials(ACCOUNT, secret, None))
    await asyncio.to_thread(service.publish, channel, frame)


async def test_a_viewer_hears_what_its_token_covers(cell: System, url: str, issuer: Issuer) -> None:
    """A signed frame comes to the viewer of its competition, of an open match and of its own messages, unchanged."""
    token = issuer.token(sub="ann", competitions="cup")
    viewer = await joined(url, token)
    for number, channel in enumerate((CUP, OPEN, CHANNELS.subject("ann"))):
        answer = await start(viewer, *split(channel), number=str(number), token=token)
        assert answer["type"] == "start_ack"
        frame = f'{{"channel":"{channel}","player":"Ángel \\"Fideo\\""}}'
        await tell(cell, channel, frame.encode())
        message = await hear(viewer)
        assert (message["id"], message["payload"]["data"]["onFrame"]["frame"]) == (str(number), frame)
    await viewer.close()


@pytest.mark.parametrize(
    "channel", [LEAGUE, CHANNELS.subject("bob"), "livescore/*/m1/all", "livescore/c-cup/m1/*", "livescore/subjects/*"]
)
async def test_a_foreign_channel_is_refused(cell: System, url: str, issuer: Issuer, channel: str) -> None:
    """The subscription is refused with the code of every transport, hears nothing, and the connection goes on."""
    token = issuer.token(sub="ann", competitions="cup")
    viewer = await joined(url, token)
    refused = await start(viewer, *split(channel), token=token)
    assert refused["payload"]["errors"][0]["errorType"] == "not_entitled"
    await tell(cell, channel, b"1")
    assert (await start(viewer, *split(CUP), token=token))["type"] == "start_ack"
    await tell(cell, CUP, b"2")
    assert (await hear(viewer))["payload"]["data"]["onFrame"]["frame"] == "2"
    await viewer.close()


@pytest.mark.parametrize("name", ["expired", "wrong key", "alg none", "other issuer", "wrong audience", "not a token"])
async def test_a_forged_token_opens_nothing(url: str, issuer: Issuer, name: str) -> None:
    """The viewer gets ``connection_error`` and a closed socket; within a good connection it gets ``error``."""
    forged = FORGED[name][0](issuer)
    viewer = await opened(url, forged)
    await viewer.send('{"type":"connection_init"}')
    assert (await hear(viewer))["type"] == "connection_error"
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(viewer.recv(), PATIENCE)
    good = await joined(url, issuer.token(competitions="cup"))
    refused = await start(good, *split(CUP), token=forged)
    assert refused["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
    await good.close()


async def test_a_viewer_without_a_token_is_refused_where_viewers_need_one(url: str) -> None:
    """The word ``anonymous`` opens nothing in a cell whose setting ``anonymous`` is off."""
    viewer = await opened(url, "anonymous")
    await viewer.send('{"type":"connection_init"}')
    assert (await hear(viewer))["type"] == "connection_error"


async def test_no_viewer_publishes(cell: System, url: str, issuer: Issuer) -> None:
    """No token publishes, and no foreign signature; nobody hears the frame."""
    token = issuer.token(competitions="*")
    viewer = await joined(url, token)
    await start(viewer, *split(CUP), token=token)
    async with httpx.AsyncClient() as client:
        answer = await publish(client, cell.texts()["url"], *split(CUP), "forged", token=token)
    assert answer.json()["errors"][0]["errorType"] == "Unauthorized"
    with pytest.raises(ClientError):
        await tell(cell, CUP, b"forged", secret="other")
    await tell(cell, CUP, b"true")
    assert (await hear(viewer))["payload"]["data"]["onFrame"]["frame"] == "true"
    await viewer.close()
