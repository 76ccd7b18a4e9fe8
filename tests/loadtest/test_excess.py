"""A viewer that sends too much gets an error frame and is closed: both gateways, with the product's function."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from subscriptions.connection_meter import MESSAGE_BYTES
from tests.loadtest.conftest import PATIENCE, ask

if TYPE_CHECKING:
    from devstack.system import System
    from subscriptions.store import Subscriptions


async def to_the_end(socket: ClientConnection) -> list[dict[str, Any]]:
    """Every frame until the gateway closes the socket."""
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        try:
            while True:
                frames.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            return frames


def rows(match: str, subscriptions: Subscriptions, dynamodb: Any) -> int:
    """The number of rows of a match."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table)
    return sum(item["pk"]["S"].startswith(f"{match}#") for page in pages for item in page["Items"])


@pytest.mark.parametrize("text", ["x" * (MESSAGE_BYTES + 1), "é" * (MESSAGE_BYTES // 2 + 1)])
async def test_a_message_that_is_too_large(
    gateway: System, match: str, subscriptions: Subscriptions, dynamodb: Any, text: str
) -> None:
    """``too_large`` is the last frame, bytes are counted and not characters, and the subscription ends with it."""
    async with connect(gateway.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match)
        await socket.send(text)
        assert [frame["code"] for frame in await to_the_end(socket)] == ["too_large"]
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(rows, match, subscriptions, dynamodb):
            await asyncio.sleep(0.01)


async def test_the_largest_message_is_served(gateway: System, match: str) -> None:
    """A message of exactly the limit is served, and the socket stays."""
    async with connect(gateway.websocket_url) as socket:
        request = json.dumps({"action": "sync", "match": match, "seq": 0})
        await socket.send(request + " " * (MESSAGE_BYTES - len(request)))
        assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["type"] == "snapshot"
        assert (await ask(socket, action="sync", match=match, seq=0))["type"] == "snapshot"


REQUEST = '{"action":"sync","match":"nobody-1","seq":0}'


@pytest.mark.parametrize("text", ["nonsense", REQUEST + " " * (MESSAGE_BYTES - len(REQUEST))])
async def test_a_flood(gateway: System, match: str, text: str) -> None:
    """A viewer that goes on sending wrong frames, or too many bytes, gets an error frame and is closed; others stay."""
    async with connect(gateway.websocket_url) as other, connect(gateway.websocket_url, max_queue=None) as socket:
        reading = asyncio.create_task(to_the_end(socket))
        with contextlib.suppress(ConnectionClosed):
            for _ in range(60):
                await socket.send(text)
        frames = await reading
        assert frames[-1]["code"] == "too_many_requests"
        assert len(frames) > 1
        assert (await ask(other, action="subscribe", match=match))["type"] == "snapshot"
