"""Acts in which slow viewers or other matches could delay a match."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from broadcaster.send.signing import Credentials, Endpoint
from loadtest.slow_viewers import NotSlowError, fill, slow_viewers
from subscriptions.shards import DEFAULT_SHARDS
from subscriptions.store import partition
from trials.faults.machinery import happened
from trials.faults.play import FaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trials.faults.play import Play

SLOW = 6
UNWATCHED = 8


@asynccontextmanager
async def slow_viewers_among_the_others(play: Play) -> AsyncIterator[None]:
    """Viewers with full buffers that read nothing follow the match while events are sent.

    A row must then be marked as slow, which proves that the senders posted to a slow viewer.
    """
    system, before = play.world.system, await asyncio.to_thread(_slow_rows, play)
    env = system.credentials()
    keys = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    endpoint = Endpoint.parse(system.resolve("connections_url"), system.region)
    honest = await asyncio.to_thread(_connections, play)
    async with slow_viewers(system.websocket_url, play.match, SLOW):
        slow = sorted(await asyncio.to_thread(_connections, play) - honest)
        try:
            await fill(endpoint, keys, slow)
        except NotSlowError as error:
            raise FaultError(str(error)) from None
        yield

        async def noted() -> bool:
            return bool(await asyncio.to_thread(_slow_rows, play) - before)

        await happened(noted, "no row was marked as slow")


@asynccontextmanager
async def unwatched_matches(play: Play) -> AsyncIterator[None]:
    """Matches without viewers kick off while events are sent. Their broadcasts must end too."""
    world, play.unwatched = play.world, play.unwatched + 1
    others = [f"{play.match}-{play.unwatched}{number}" for number in range(UNWATCHED)]

    def kick_off(match: str) -> None:
        world.operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
        world.operator.post_event(match, {"kind": "kick_off", "event_id": f"{match}-kick_off"})

    for match in others:
        await asyncio.to_thread(kick_off, match)
    yield
    for match in others:
        await play.until(lambda match=match: world.cell_states.read(match).told_seq >= 1, f"{match} was not told")  # type: ignore[misc]


def _connections(play: Play) -> set[str]:
    return {connection for connection, _ in _rows(play)}


def _slow_rows(play: Play) -> set[str]:
    return {connection for connection, slow in _rows(play) if slow}


def _rows(play: Play) -> list[tuple[str, bool]]:
    """The connections of the match's rows, each with whether it is marked as slow."""
    table, dynamodb = play.world.system.name("subscriptions"), play.world.client("dynamodb")
    found = []
    for shard in range(DEFAULT_SHARDS):
        for page in dynamodb.get_paginator("query").paginate(
            TableName=table, KeyConditionExpression="pk = :pk", ConsistentRead=True,
            ExpressionAttributeValues={":pk": {"S": partition(play.match, shard)}},
        ):  # fmt: skip
            found += [(item["sk"]["S"], "slow" in item) for item in page["Items"]]
    return found
