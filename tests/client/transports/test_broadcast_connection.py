"""A connection to a service that fans out itself: when it believes HTTP, and what is left of it at its end."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from client.broadcast_times import BroadcastTimes
from client.transports.broadcast_connection import BroadcastConnection, Memory
from tests.support import eventually
from tests.web.table import frame
from tests.web.transports import NAMESPACE

TIMES = BroadcastTimes(second_read=(60.0, 61.0), settle=0.01)


class Everything:
    """A service that acknowledges every subscription, and a reader of the API with one event of each match."""

    closes_when_refused = False
    open = True

    def __init__(self) -> None:
        self.alive = asyncio.Event()
        """Set: the service gives signs of life."""
        self.ended = asyncio.Event()
        self.reads: list[str] = []

    async def subscribe(self, _channel: str, _feed: str) -> str:
        """Acknowledge."""
        return "joined"

    async def probe(self) -> None:
        """Wait for a sign of life."""
        await self.alive.wait()

    async def closed(self) -> None:
        """Wait for the end."""
        await self.ended.wait()

    async def get(self, path: str) -> Any:
        """A snapshot."""
        self.reads.append(path)
        return {**frame({"snapshot": 1, "has": [1], "match": "m"}), "channel": f"{NAMESPACE}/m"}


def connected() -> tuple[BroadcastConnection, Everything, list[Any]]:
    """A connection that the service has let in; and what it delivers with a type."""
    service, delivered = Everything(), list[Any]()
    connection = BroadcastConnection(service, delivered.append, Memory(), None, TIMES, subjects="livescore/subjects")  # type: ignore[arg-type]
    connection.service = service  # type: ignore[assignment]
    connection.ready()
    delivered.clear()
    return connection, service, delivered


async def test_a_sync_is_answered_only_after_a_sign_of_life() -> None:
    """An answer over HTTP says nothing about the connection: without a sign of life the viewer has to leave it."""
    connection, service, delivered = connected()
    connection.send(orjson.dumps({"action": "sync", "match": "m", "epoch": "e", "seq": 0}))
    await eventually(lambda: service.reads)
    for _ in range(10):
        await asyncio.sleep(0)
    assert delivered == []
    service.alive.set()
    await eventually(lambda: [each["type"] for each in delivered] == ["snapshot"])


async def test_no_task_outlives_a_connection() -> None:
    """A viewer that has left waits for no second look and no sign of life."""
    connection, service, delivered = connected()
    before = asyncio.all_tasks()
    connection.send(orjson.dumps({"action": "subscribe", "match": "m"}))
    connection.send(orjson.dumps({"action": "sync", "match": "m"}))
    await eventually(lambda: len(service.reads) == 3 and delivered)
    begun = asyncio.all_tasks() - before
    assert begun
    service.ended.set()
    await connection.closed()
    await eventually(lambda: all(each.done() for each in begun))
