"""Behaviour of every API Gateway, with real clients, against MiniStack's and against the stand-in."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from devstack.operator.local_tokens import tokens_of
from tests.issuer import REASONS
from tests.loadtest.conftest import PATIENCE, ask, hear, management

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from subscriptions.store import Subscriptions


@pytest.fixture
def client(gateway: System) -> Any:
    """A boto3 client of the gateway's @connections."""
    return management(gateway.resolve("connections_url"))


def connection_of(match: str, subscriptions: Subscriptions, dynamodb: Any) -> str:
    """The id of the one connection that follows a match."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table)
    found = [item["sk"]["S"] for page in pages for item in page["Items"] if item["pk"]["S"].startswith(f"{match}#")]
    assert len(found) == 1
    connection: str = found[0]
    return connection


def status_of(error: ClientError) -> int:
    """The HTTP status of an answer that boto3 has raised."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


async def gone(client: Any, connection: str) -> bool:
    """Whether a POST is answered 410."""
    try:
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection, Data=b"{}")
    except ClientError as error:
        return isinstance(error, client.exceptions.GoneException) and status_of(error) == 410
    return False


async def test_a_viewer_is_served(gateway: System, match: str) -> None:
    """Subscribe and sync are answered on the socket that asked, by their own routes."""
    async with connect(gateway.websocket_url) as socket:
        assert (await ask(socket, action="subscribe", match=match))["type"] == "snapshot"
        assert (await ask(socket, action="sync", match=match, seq=0))["recovered"] is True
        assert (await ask(socket, action="unsubscribe", match=match))["type"] == "unsubscribed"


@pytest.mark.parametrize("text", ['{"action":"shout","match":"m"}', "not JSON", "[1]", '{"action":["subscribe"]}'])
async def test_what_has_no_route_goes_to_default(gateway: System, text: str) -> None:
    """``$default`` answers a message without a route, and the socket stays open."""
    async with connect(gateway.websocket_url) as socket:
        await socket.send(text)
        assert (await hear(socket))["type"] == "error"
        assert (await ask(socket, action="sync", match="nobody", seq=1))["code"] == "unknown_match"


@pytest.mark.parametrize("where", ["query", "subprotocol"])
async def test_a_token_lets_in_and_says_what_for(
    gateway: System, operator: Operator, subscriptions: Subscriptions, dynamodb: Any, match_id: str, where: str
) -> None:
    """The authorizer's context reaches the routes: its competition is open, another is not, and leaves no row."""
    token = await asyncio.to_thread(tokens_of(gateway, "viewer").token)
    competitions = {f"{match_id}-a": "World Cup 2022", f"{match_id}-b": "Another Cup", f"{match_id}-c": None}
    for match, competition in competitions.items():
        about = {"home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "competition": competition}
        await asyncio.to_thread(partial(operator.create_match, match=match, **about))
    url, subprotocols = gateway.websocket_url, [Subprotocol("livescore.v1"), Subprotocol(token)]
    in_query = where == "query"
    async with connect(
        f"{url}?token={token}" if in_query else url, subprotocols=None if in_query else subprotocols
    ) as socket:
        if not in_query:  # MiniStack echoes none
            assert socket.subprotocol == ("livescore.v1" if gateway.gateway_port else None)
        for request in ({"action": "subscribe"}, {"action": "sync", "seq": 0}):
            assert (await ask(socket, **request, match=f"{match_id}-a"))["type"] == "snapshot"
            refused = await ask(socket, **request, match=f"{match_id}-b")
            assert (refused["type"], refused["code"]) == ("error", "not_entitled")
            assert (await ask(socket, **request, match=f"{match_id}-c"))["type"] == "snapshot"
        connection = connection_of(f"{match_id}-a", subscriptions, dynamodb)
        rows = await asyncio.to_thread(subscriptions.of_connection, connection)
        assert {row.match for row in rows} == {f"{match_id}-a", f"{match_id}-c"}


@pytest.mark.parametrize("where", ["query", "subprotocol"])
async def test_a_wrong_token_is_denied(gateway: System, where: str) -> None:
    """A forged token is answered 403 without a reason, even if no token is needed."""
    wrong = (await asyncio.to_thread(tokens_of(gateway, "viewer").token))[:-4]
    url = f"{gateway.websocket_url}?token={wrong}" if where == "query" else gateway.websocket_url
    subprotocols = [Subprotocol("livescore.v1"), Subprotocol(wrong)] if where == "subprotocol" else None
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, subprotocols=subprotocols):
            pass
    assert refused.value.response.status_code == 403
    said = (refused.value.response.body or b"").decode()
    assert json.loads(said)["message"].startswith("User is not authorized to access this resource")
    assert not [reason for reason in REASONS if reason in said]
    assert wrong not in said


async def test_connect_may_refuse(gateway: System) -> None:
    """A connection that ``$connect`` refuses ends with an HTTP error instead of a WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{gateway.websocket_url}?v=2"):
            pass
    assert 400 <= refused.value.response.status_code < 500


@pytest.mark.parametrize("size", [1, 125, 126, 300, 32_768, 32_769, 65_536, 128 * 1024])
async def test_a_post_becomes_a_text_message(
    gateway: System, client: Any, match: str, subscriptions: Subscriptions, dynamodb: Any, size: int
) -> None:
    """A POST of any size comes as one text message, byte for byte, and is answered 200 without a body."""
    async with connect(gateway.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match)
        connection = connection_of(match, subscriptions, dynamodb)
        data = ("é" * (size // 2) + "x" * (size % 2)).encode()
        answer = await asyncio.to_thread(client.post_to_connection, ConnectionId=connection, Data=data)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert await asyncio.wait_for(socket.recv(), PATIENCE) == data.decode()


async def test_who_has_left_is_gone(
    gateway: System, client: Any, match: str, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """After the socket has closed its id is answered 410, and ``$disconnect`` has removed its row."""
    async with connect(gateway.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match)
        connection = connection_of(match, subscriptions, dynamodb)
        assert not await gone(client, connection)
    async with asyncio.timeout(PATIENCE):
        while not await gone(client, connection):
            await asyncio.sleep(0.01)
        while await asyncio.to_thread(subscriptions.of_connection, connection):
            await asyncio.sleep(0.01)


async def test_who_never_was_is_gone(client: Any) -> None:
    """An id of the right shape without a connection is answered 410."""
    assert await gone(client, "L0SM9cOFvHcCIhw=")


async def test_a_malformed_id_is_no_connection(gateway: System, client: Any) -> None:
    """An id of a wrong shape is answered 400 (AWS, localstack#4694); MiniStack answers 410."""
    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(client.post_to_connection, ConnectionId="nobody", Data=b"{}")
    if gateway.gateway_port is None:
        assert status_of(refused.value) == 410
    else:
        assert status_of(refused.value) == 400
        assert refused.value.response["Error"]["Code"] == "BadRequestException"
        assert refused.value.response["Error"]["Message"] == "Invalid connectionId: nobody"


async def test_a_connection_can_be_looked_at_and_ended(
    gateway: System, client: Any, match: str, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """GET describes a connection; DELETE closes its socket, and then the id is answered 410."""
    async with connect(gateway.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match)
        connection = connection_of(match, subscriptions, dynamodb)
        about = await asyncio.to_thread(client.get_connection, ConnectionId=connection)
        if gateway.gateway_port is not None:  # MiniStack writes the names in capitals, which boto3 does not read
            assert about["ConnectedAt"] <= about["LastActiveAt"]
            assert about["Identity"]["SourceIp"] == "127.0.0.1"
            assert "websockets" in about["Identity"]["UserAgent"]
        ended = await asyncio.to_thread(client.delete_connection, ConnectionId=connection)
        assert ended["ResponseMetadata"]["HTTPStatusCode"] == 204
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), PATIENCE)
        assert await gone(client, connection)


async def test_a_ping_is_answered(gateway: System) -> None:
    """A viewer's ping keeps the socket alive, and is answered."""
    async with connect(gateway.websocket_url) as socket:
        await asyncio.wait_for(await socket.ping(), PATIENCE)
