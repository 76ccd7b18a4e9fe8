"""One system with cells of three transports: API Gateway, AppSync Events and IoT Core."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect

from broadcaster.control.cell_state import CellStates
from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.whole_stack import running
from devstack.stack_cells import REGION, StackCell
from devstack.transports.ministack_resources import client
from tests.channel_names import CHANNELS
from tests.message_viewers import messages_reach_only_their_subject
from tests.raw_viewers import events_viewer, mqtt_viewer
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

CELLS = (
    StackCell("main"), StackCell("events", REGION, "appsync-events"), StackCell("iot", "eu-west-1", "iot-core"),
)  # fmt: skip
SECONDS = 90
PLAYED: list[dict[str, Any]] = [{"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3}]


@pytest.fixture(scope="module")
def cells() -> Iterator[System]:
    """The system. Its watchdog checks soon."""
    with running(free_port(), {"watchdog_seconds": 2, "watchdog_visibility": 2}, cells=CELLS) as (system, _):
        yield system


@pytest.fixture
def operator(cells: System) -> Iterator[Operator]:
    """An operator at home."""
    with Operator(cells.api_url) as operator:
        yield operator


@pytest.fixture
def cup_match(operator: Operator, match_id: str) -> str:
    """A match of a competition."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z", competition="World Cup")
    return match_id


def told_seq(system: System, match: str) -> int:
    """The newest seq that a cell has told."""
    return CellStates(system.name("broadcasts"), client(system, "dynamodb")).read(match).told_seq


async def told_everywhere(cells: System, match: str, seq: int) -> None:
    """Wait until every cell has told the seq."""
    await eventually(lambda: all(told_seq(each, match) == seq for each in cells.each_cell()), seconds=SECONDS)


async def test_one_goal_reaches_the_viewers_of_every_transport(
    cells: System, operator: Operator, cup_match: str
) -> None:
    """The goal is numbered once, and a raw viewer of each service gets the same frame; each cell has a receipt."""
    everything, score = (CHANNELS.feed("world-cup", cup_match, each) for each in ("all", "score"))
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(connect(cells.at("main").websocket_url))
        await socket.send(json.dumps({"action": "subscribe", "match": cup_match}))
        assert json.loads(await socket.recv())["type"] == "snapshot"
        events = await stack.enter_async_context(events_viewer(cells.at("events").address(), "anonymous"))
        assert (await events.subscribe(f"/{everything}"))["type"] == "subscribe_success"
        mqtt = await stack.enter_async_context(mqtt_viewer(cells.at("iot").address()))
        assert await mqtt.connect(None) == 0
        assert await mqtt.subscribe(score) == [1]
        for seq, event in enumerate(PLAYED, 1):
            await asyncio.to_thread(operator.post_event, cup_match, event)
            frames = [json.loads(await socket.recv()), await events.event(), await mqtt.event()]
            assert [each["seq"] for each in frames] == [seq] * 3
            assert frames[0] == frames[1]
            await told_everywhere(cells, cup_match, seq)
    receipts = await asyncio.to_thread(operator.receipts, cup_match)
    assert {(each["cell"], each["seq"]) for each in receipts} == {
        (cell.name, seq) for cell in CELLS for seq in (1, 2)
    }  # fmt: skip
    for each in receipts:
        if each["cell"] != "main":
            assert each["transport"] == cells.at(each["cell"]).cell.transport  # type: ignore[union-attr]
            assert [(feed["feed"], feed["events"]) for feed in each["published"]] == [("all", 1), ("score", 1)]
            assert all(feed["bytes"] > 0 and feed["taken_at"] >= each["due_at"] for feed in each["published"])
            assert each["refused"] == []


async def test_what_the_service_has_refused_is_told_when_it_takes_it(
    cells: System, operator: Operator, cup_match: str
) -> None:
    """While AppSync refuses, the other cells are told; when it takes frames again, the watchdog tells the cell all."""
    at = cells.at("events")
    appsync: Any = client(at, "appsync")
    [api] = [each for each in appsync.list_apis()["apis"] if each["name"] == at.name("viewers")]
    namespace = appsync.get_channel_namespace(apiId=api["apiId"], name=CHANNELS.namespace)["channelNamespace"]
    modes = {each: namespace[each] for each in ("publishAuthModes", "subscribeAuthModes")}
    async with events_viewer(at.address(), "anonymous") as viewer:
        channel = CHANNELS.feed("world-cup", cup_match, "all")
        assert (await viewer.subscribe(f"/{channel}"))["type"] == "subscribe_success"
        appsync.delete_channel_namespace(apiId=api["apiId"], name=CHANNELS.namespace)
        try:
            for event in PLAYED:
                await asyncio.to_thread(operator.post_event, cup_match, event)
            for name in ("main", "iot"):
                await eventually(lambda name=name: told_seq(cells.at(name), cup_match) == 2, seconds=SECONDS)
            assert told_seq(at, cup_match) == 0
        finally:
            appsync.create_channel_namespace(apiId=api["apiId"], name=CHANNELS.namespace, **modes)
        await told_everywhere(cells, cup_match, 2)
        frame = await viewer.event()
        assert (frame["seq"], [each["seq"] for each in frame["events"]]) == (2, [1, 2])
    receipts = await asyncio.to_thread(operator.receipts, cup_match)
    [receipt] = [each for each in receipts if each["cell"] == "events"]
    assert (receipt["prev"], receipt["seq"]) == (0, 2)
    assert {each["reason"] for each in receipt["refused"]} == {"UnauthorizedException"}


async def test_a_message_reaches_only_its_subject_on_every_transport(
    cells: System, operator: Operator, match_id: str
) -> None:
    """Each connection of the subject gets the message, and nobody else; only API Gateway says how many took it."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    await messages_reach_only_their_subject(cells, match_id)
