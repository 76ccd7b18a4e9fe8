"""Viewers that leave at once, on both gateways: their requests are served after they have left."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from subscriptions.protocol import MAX_MATCHES
from tests.support import soak

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from subscriptions.store import Subscriptions

VIEWERS = soak(60, 600)
PATIENCE = 60


def rows_of(subscriptions: Subscriptions, dynamodb: Any, matches: set[str]) -> int:
    """The number of rows of these matches."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table, ConsistentRead=True)
    found = [item["pk"]["S"].rpartition("#")[0] for page in pages for item in page["Items"]]
    return sum(each in matches for each in found)


async def none_stays(subscriptions: Subscriptions, dynamodb: Any, matches: set[str]) -> None:
    """Wait until there has been no row for several looks in a row; raises TimeoutError otherwise."""
    none = 0
    async with asyncio.timeout(PATIENCE):
        while none < 5:
            none = 0 if await asyncio.to_thread(rows_of, subscriptions, dynamodb, matches) else none + 1
            await asyncio.sleep(0.3)


async def go_at_once(url: str, requests: list[dict[str, Any]]) -> None:
    """Connect, send these and hang up without waiting for an answer."""
    async with connect(url, open_timeout=PATIENCE) as socket:
        for request in requests:
            await socket.send(json.dumps(request))


async def test_viewers_that_subscribe_and_close_at_once_leave_no_row(
    gateway: System, match: str, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """Promise 4: the rows of connections that closed during their subscribe go, without a broadcast that meets them.

    Of 60 viewers; in ``make soak`` 600.
    """
    at_once = asyncio.Semaphore(20)

    async def viewer() -> None:
        async with at_once:
            await go_at_once(gateway.websocket_url, [{"action": "subscribe", "match": match}])

    await asyncio.gather(*(viewer() for _ in range(VIEWERS)))
    await none_stays(subscriptions, dynamodb, {match})


@pytest.mark.parametrize("then", ["close", "unsubscribe"])
async def test_a_scoreboard_that_closes_at_once_leaves_no_row(
    gateway: System, operator: Operator, match_id: str, subscriptions: Subscriptions, dynamodb: Any, then: str
) -> None:
    """A page of fifty matches that is closed while it loads leaves none of its fifty rows, unsubscribed or not."""
    matches = [f"{match_id}-{number}" for number in range(MAX_MATCHES)]
    for each in matches:
        about = {"home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
        await asyncio.to_thread(lambda each=each, about=about: operator.create_match(match=each, **about))  # type: ignore[misc]
    requests: list[dict[str, Any]] = [{"action": "subscribe", "match": each} for each in matches]
    if then == "unsubscribe":
        requests = [{"action": action, "match": each} for each in matches for action in ("subscribe", "unsubscribe")]
    await asyncio.gather(*(go_at_once(gateway.websocket_url, requests) for _ in range(3)))
    await none_stays(subscriptions, dynamodb, set(matches))
