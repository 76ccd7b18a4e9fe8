"""Viewers on each broadcasting transport, against services on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from client import RefusedError, follow
from client.broadcast_times import BroadcastTimes
from client.http_reader import HttpReader
from client.viewer import Viewer
from matches.channels import Channels
from tests.client.test_token_claims import token
from tests.client.transports.open_house import cell, open_house
from tests.support import eventually
from tests.web.director import HUNG_UP
from tests.web.momento_service import PAGE, Topic
from tests.web.socket_service import Socket
from tests.web.table import frame
from tests.web.transports import BROADCASTING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.websocket import LostError
    from tests.web.transports import Services

UPDATE = json.dumps(frame({"update": 2, "prev": 1, "has": [2]}))
TIMES = BroadcastTimes(second_read=(0.05, 0.1), begun=0.3, settle=0.1)
MANY = 100
LOOKED = 3
"""Reads of a viewer after its second look: the channel, the snapshot, the look. Momento adds the token."""
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


async def test_a_topic_that_closes_the_connection_is_no_refusal_of_another() -> None:
    """Only the first subscription without an answer was refused; the viewer goes on with those that came behind it."""
    async with open_house() as (house, services):
        house.refused, house.refusal = {"closed"}, HUNG_UP
        async with viewing("iot-core", services, house.api, ["closed", "open"], care_seconds=0.05) as ([viewer], _):
            await eventually(lambda: viewer.errors)
            await eventually(lambda: viewer.followers["open"].epoch is not None)
            await eventually(lambda: "open" in house.subscribed)
            assert {each.get("match") for each in viewer.errors} <= {"closed"}


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_viewer_hears_the_messages_to_its_own_subject(transport: str) -> None:
    """``on_message`` gets what comes on the channel of the token's subject, beside the match's frames."""
    messages: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    own = token({"sub": "viewer 7"})
    async with open_house() as (house, services):
        options: dict[str, Any] = {
            "token": own,
            "on_message": lambda key, body: messages.put_nowait((key, body)),
            "care_seconds": 0.05,
        }
        async with viewing(transport, services, house.api, ["m"], **options) as ([viewer], _):
            await eventually(lambda: viewer.followers["m"].seq == 1 and "subjects" in house.subscribed)
            own_channel = Channels("derby").subject("viewer 7")
            line = next(each for each in services.lines if own_channel in each.subscriptions.values())
            key = next(key for key, channel in line.subscriptions.items() if channel == own_channel)
            await line.publish(key, '{"type":"message","key":"bet-settled","body":{"won":3}}')
            assert await messages.get() == ("bet-settled", {"won": 3})
            assert viewer.errors == []


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_viewer_without_a_token_has_no_messages(transport: str) -> None:
    """A viewer that listens without a token asks no service for a channel, and follows its match."""
    async with open_house() as (house, services):
        options: dict[str, Any] = {"on_message": lambda *_: None, "care_seconds": 0.05}
        async with viewing(transport, services, house.api, ["m"], **options) as ([viewer], _):
            await eventually(lambda: viewer.errors or viewer.followers["m"].seq == 1)
            await eventually(lambda: "subjects" not in house.subscribed and viewer.subscribed.is_set())


async def test_a_discontinuity_of_momento_is_read_over_http() -> None:
    """When Momento says that messages are missing, the viewer reads them over HTTP at once, and goes on polling."""
    async with open_house() as (house, services), viewing("momento", services, house.api, ["m"]) as ([viewer], reader):
        await viewer.subscribed.wait()
        await eventually(lambda: reader.reads == LOOKED + 1)
        await eventually(lambda: services.lines)
        house.seq = 5
        [topic] = services.lines
        assert isinstance(topic, Topic)
        gap = {"last_topic_sequence": 0, "new_topic_sequence": 2, "new_sequence_page": PAGE}
        topic.items.append({"discontinuity": gap})
        topic.news.set()
        await eventually(lambda: viewer.followers["m"].seq == 5)
        text = json.dumps(frame({"update": 6, "prev": 5, "has": [6]}))
        await services.publish("m", text)
        await eventually(lambda: viewer.followers["m"].seq == 6)
        assert (viewer.connects, viewer.checks) == (1, 0)


@pytest.mark.parametrize(
    "junk", [7, {"item": 7}, {"item": {}}, {"discontinuity": {"new_topic_sequence": "x", "new_sequence_page": None}}]
)
async def test_junk_of_momento_ends_no_viewer(junk: Any) -> None:
    """An item of another form than Momento documents makes the viewer begin again, and it misses nothing."""
    async with open_house() as (house, services), viewing("momento", services, house.api, ["m"]) as ([viewer], _):
        await viewer.subscribed.wait()
        await eventually(lambda: services.lines)
        house.seq = 2
        [topic] = services.lines
        assert isinstance(topic, Topic)
        topic.items.append(junk)
        topic.news.set()
        await eventually(lambda: viewer.connects == 2)
        await eventually(lambda: viewer.followers["m"].seq == 2)


async def test_a_dead_cell_of_momento_opens_no_connection() -> None:
    """The API gives a token all the same. The viewer fails to connect, and tries again after a pause that grows."""
    lost: list[LostError] = []
    async with open_house() as (house, services), HttpReader(house.api) as reader:
        dead = replace(cell("momento", services), url="http://127.0.0.1:1")
        viewer = Viewer(dead, ["m"], reader=reader, broadcast_times=TIMES, on_lost=lost.append)
        task = asyncio.create_task(viewer.run())
        try:
            await eventually(lambda: viewer.failed == 3)
            assert (viewer.connects, viewer.errors) == (0, [])
            assert {str(each) for each in lost} == {"The cell of Momento does not work."}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("transport", BROADCASTING)
async def test_a_viewer_of_a_dead_cell_has_what_http_has(transport: str) -> None:
    """A viewer that finds no connection reads its matches over HTTP: the snapshot, and after a silence each event."""
    async with open_house() as (house, services), HttpReader(house.api) as reader:
        dead = replace(
            cell(transport, services), url="ws://127.0.0.1:1" if transport != "momento" else "http://127.0.0.1:1"
        )
        viewer = Viewer(dead, ["m"], reader=reader, broadcast_times=TIMES, silence_seconds=0.05, chance=lambda: 0.01)
        task = asyncio.create_task(viewer.run())
        try:
            await eventually(lambda: viewer.followers["m"].seq == 1)
            house.seq = 2
            await eventually(lambda: viewer.followers["m"].seq == 2)
            assert viewer.connects == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_slow_cell_of_momento_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that does not answer the handshake may be a slow one: the viewer goes on after some seconds."""
    monkeypatch.setattr("client.transports.momento.HELLO_SECONDS", 0.05)
    async with open_house() as (house, services):
        services.momento.greeting = 0
        async with viewing("momento", services, house.api, ["m"]) as ([viewer], _):
            await viewer.subscribed.wait()
            await eventually(lambda: services.lines)
            house.seq = 2
            await services.publish("m", UPDATE)
            await eventually(lambda: viewer.followers["m"].seq == 2)
            assert viewer.failed == 0


@pytest.mark.parametrize("status", [204, 400])
async def test_a_cell_of_momento_that_knows_no_such_page_works(status: int) -> None:
    """Momento documents no answer for the page of the handshake, so one that says so lets the viewer in."""
    async with open_house() as (house, services):
        services.momento.greeting = status
        async with viewing("momento", services, house.api, ["m"]) as ([viewer], _):
            await viewer.subscribed.wait()
            assert (viewer.connects, viewer.failed) == (1, 0)


@pytest.mark.parametrize("status", [404, 429, 500])
async def test_a_cell_of_momento_that_refuses_opens_no_connection(status: int) -> None:
    """A missing cache, a quota that is used up or an error of the service is no working cell."""
    async with open_house() as (house, services), HttpReader(house.api) as reader:
        services.momento.greeting = status
        viewer = Viewer(cell("momento", services), ["m"], reader=reader, broadcast_times=TIMES)
        task = asyncio.create_task(viewer.run())
        try:
            await eventually(lambda: viewer.failed == 2)
            assert viewer.connects == 0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_poll_of_momento_without_a_message_is_made_again_after_a_read() -> None:
    """Before the first message, the viewer reads over HTTP what came between two polls; the connection stays."""
    async with open_house() as (house, services), viewing("momento", services, house.api, ["m"]) as ([viewer], reader):
        await viewer.subscribed.wait()
        await eventually(lambda: reader.reads == LOOKED + 1)
        house.seq = 2
        [topic] = services.lines
        assert isinstance(topic, Topic)
        topic.items.append({})
        topic.news.set()
        await eventually(lambda: viewer.followers["m"].seq == 2)
        assert (viewer.connects, viewer.checks) == (1, 0)


async def test_frames_that_appsync_could_not_bring_are_read_over_http() -> None:
    """A ``broadcast_error`` of AppSync Events makes the viewer read at once, without waiting for the next frame."""
    async with (
        open_house() as (house, services),
        viewing("appsync-events", services, house.api, ["m"]) as ([viewer], reader),
    ):
        await viewer.subscribed.wait()
        await eventually(lambda: reader.reads == LOOKED)
        house.seq = 2
        [line] = services.lines
        assert isinstance(line, Socket)
        await line.say({"type": "broadcast_error", "id": next(iter(line.subscriptions)), "errors": []})
        await eventually(lambda: viewer.followers["m"].seq == 2)
        assert viewer.checks == 0


async def test_an_old_answer_does_not_hide_a_frame_that_appsync_could_not_bring() -> None:
    """A process of the API keeps a match for a second. So the viewer reads once more, when no answer can be so old."""
    async with (
        open_house() as (house, services),
        viewing("appsync-events", services, house.api, ["m"]) as ([viewer], reader),
    ):
        await viewer.subscribed.wait()
        await eventually(lambda: reader.reads == LOOKED)
        house.stale = 2
        [line] = services.lines
        assert isinstance(line, Socket)
        await line.say({"type": "broadcast_error", "id": next(iter(line.subscriptions)), "errors": []})
        await eventually(lambda: viewer.followers["m"].seq == 2)
        assert viewer.checks == 0


async def test_a_subscription_that_appsync_ends_ends_the_connection() -> None:
    """A GraphQL subscription that the service completes is begun again on another connection."""
    async with (
        open_house() as (house, services),
        viewing("appsync-graphql", services, house.api, ["m"]) as ([viewer], _),
    ):
        await viewer.subscribed.wait()
        [line] = services.lines
        assert isinstance(line, Socket)
        await line.say({"type": "complete", "id": next(iter(line.subscriptions))})
        await eventually(lambda: viewer.connects == 2 and house.subscribed == ["m", "m"])


@pytest.mark.parametrize("transport", ["appsync-events", "appsync-graphql", "iot-core"])
async def test_junk_of_a_service_changes_nothing(transport: str) -> None:
    """Messages that are none of the service's leave an AppSync connection as it is; broken MQTT ends a connection."""
    async with (
        open_house() as (house, services),
        viewing(transport, services, house.api, ["m"], care_seconds=0.05) as ([viewer], _),
    ):
        await viewer.subscribed.wait()
        [line] = services.lines
        assert isinstance(line, Socket)
        if line.binary:
            await line.say(b"\x30\xff\xff\xff\xff\xff")
            await eventually(lambda: viewer.connects == 2 and len(house.subscribed) == 2)
        else:
            for each in ("no JSON", "[1]", "{}", '{"type":"data"}', '{"type":"data","event":[7],"payload":{}}'):
                await line.socket.send_str(each)
        house.seq = 2
        await services.publish("m", UPDATE)
        await eventually(lambda: viewer.followers["m"].seq == 2)
