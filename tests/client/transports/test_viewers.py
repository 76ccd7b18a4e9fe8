"""Viewers on each broadcasting transport, against services on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from client import RefusedError, follow
from client.broadcast_times import BroadcastTimes
from client.http_reader import HttpReader
from client.viewer import Viewer
from tests.client.test_token_claims import token
from tests.client.transports.open_house import cell, open_house
from tests.support import eventually
from tests.web.director import HUNG_UP
from tests.web.table import frame
from tests.web.transports import BROADCASTING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.transports import Services

UPDATE = json.dumps(frame({"update": 2, "prev": 1, "has": [2]}))
TIMES = BroadcastTimes(second_read=(0.05, 0.1), begun=0.3, settle=0.1)
MANY = 100
SECONDS = 20.0


@asynccontextmanager
async def viewing(
    transport: str, services: Services, api: str, matches: list[str], count: int = 1, **options: Any
) -> AsyncIterator[tuple[list[Viewer], HttpReader]]:
    """Viewers of these matches, who share one reader, while the block runs."""
    async with HttpReader(api) as reader:
        address = cell(transport, services)
        viewers = [Viewer(address, matches, reader=reader, broadcast_times=TIMES, **options) for _ in range(count)]
        tasks = [asyncio.create_task(each.run()) for each in viewers]
        try:
            async with asyncio.timeout(SECONDS):
                yield viewers, reader
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_many_viewers_read_as_one(transport: str) -> None:
    """Viewers of one process that ask the same share one request: a hundred of them make less than a tenth as many."""
    async with (
        open_house() as (house, services),
        viewing(transport, services, house.api, ["m"], MANY) as (viewers, reader),
    ):
        for viewer in viewers:
            await viewer.subscribed.wait()
        await eventually(lambda: reader.reads >= 3 * MANY)
        assert reader.requests < MANY / 10
        assert all(viewer.followers["m"].seq == 1 for viewer in viewers)


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_refused_match_does_not_harm_the_others(transport: str) -> None:
    """A channel that the service refuses is an error of that match alone, and is not asked for again at once."""
    async with open_house() as (house, services):
        house.refused = {"closed"}
        options: dict[str, Any] = {"care_seconds": 0.05}
        async with viewing(transport, services, house.api, ["closed", "m"], **options) as ([viewer], _):
            await eventually(lambda: viewer.followers["m"].seq == 1 and viewer.errors)
            house.seq = 2
            await services.publish("m", UPDATE)
            await eventually(lambda: viewer.followers["m"].seq == 2)
            assert {each["code"] for each in viewer.errors} <= {"not_entitled"}
            assert house.subscribed.count("closed") == 1
            assert viewer.connects == 1


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_connection_is_renewed_before_its_token_ends(transport: str) -> None:
    """A viewer with a function for tokens connects again with the next one, although no server has cut it."""
    async with open_house() as (house, services):
        ends = [int(time.time()) + 3, int(time.time()) + 3600]
        given = [token({"exp": each, "sub": str(each)}) for each in ends]
        tokens = iter(given)
        options: dict[str, Any] = {"care_seconds": 0.05, "token": lambda: next(tokens)}
        async with viewing(transport, services, house.api, ["m"], **options) as ([viewer], _):
            await eventually(lambda: viewer.connects == 2 and viewer.followers["m"].seq == 1)
            assert house.tokens == given
            assert viewer.failed == 0


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_program_learns_that_it_may_not_hear_a_match(transport: str) -> None:
    """A loop over ``follow`` ends with RefusedError if the service refuses the match's channel."""
    async with open_house() as (house, services):
        house.refused = {"m"}
        with pytest.raises(RefusedError, match="does not cover"):
            await asyncio.wait_for(anext(follow(cell(transport, services), "m", api=house.api)), SECONDS)


async def test_a_topic_that_closes_the_connection_is_a_refusal() -> None:
    """IoT Core closes the connection of a viewer that subscribes outside its policy: the third time is a refusal."""
    async with open_house() as (house, services):
        house.refused, house.refusal = {"closed"}, HUNG_UP
        async with viewing("iot-core", services, house.api, ["closed"], care_seconds=0.05) as ([viewer], _):
            await eventually(lambda: viewer.errors)
            assert viewer.errors[-1]["code"] == "not_entitled"
            assert house.subscribed == ["closed"] * 3
