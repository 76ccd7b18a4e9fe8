"""One system with cells whose services have a stand-in: API Gateway, AppSync GraphQL and Momento."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect

from broadcaster.control.cell_state import CellStates
from devstack.child_process import free_port
from devstack.operator.api_client import Operator
from devstack.stack.whole_stack import running
from devstack.stack_cells import REGION, StackCell
from devstack.transports.ministack_resources import client
from matches.channels import competition_segment
from tests.channel_names import CHANNELS
from tests.loadtest.graphql_viewer import hear, joined, start
from tests.message_viewers import messages_reach_only_their_subject
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.child_process import ChildProcess
    from devstack.stack.whole_stack import Stack
    from devstack.system import System

CELLS = (StackCell("main"), StackCell("gql", REGION, "appsync-graphql"), StackCell("momento", REGION, "momento"))
SECONDS = 90
PLAYED: list[dict[str, Any]] = [{"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3}]


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[System, Stack]]:
    """The system. Its watchdog checks soon."""
    with running(free_port(), {"watchdog_seconds": 2, "watchdog_visibility": 2}, cells=CELLS) as started:
        yield started


@pytest.fixture
def cells(stack: tuple[System, Stack]) -> System:
    """The description of the system."""
    return stack[0]


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


async def told(cells: System, names: tuple[str, ...], match: str, seq: int) -> None:
    """Wait until these cells have told the seq."""
    await eventually(lambda: all(told_seq(cells.at(each), match) == seq for each in names), seconds=SECONDS)


def limit(cells: System, name: str, **limits: int) -> None:
    """Set limits of a stand-in."""
    url = f"http://127.0.0.1:{cells.ports[name]}/_standin/limits"
    assert httpx.patch(url, json=limits).status_code == 200


@contextmanager
def down(process: ChildProcess) -> Iterator[None]:
    """A stand-in is down while the block runs."""
    process.stop()
    try:
        yield
    finally:
        process.start()


async def momento_token(cells: System) -> str:
    """The token that the readers' API gives for the competition."""
    asked = {"cell": "momento", "competition": competition_segment("world-cup")}
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        answer = await client.get(f"{cells.api_url}/listeners/momento", params=asked)
    assert answer.status_code == 200
    token: str = answer.json()["token"]
    return token


class Poller:
    """A viewer at Momento: it polls one topic, and goes on where it was."""

    def __init__(self, cells: System, channel: str, token: str) -> None:
        address = cells.at("momento").address()
        self._url = f"{address['url']}/topics/{address['cache']}/{channel.replace('/', ':')}"
        self._token = token
        self._next = self._page = 0

    async def frames(self) -> list[dict[str, Any]]:
        """The frames of the next answer."""
        wanted: dict[str, str | int] = {
            "token": self._token,
            "sequence_number": self._next,
            "sequence_page": self._page,
        }
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.get(self._url, params=wanted)
        assert answer.status_code == 200, answer.text
        items = [each["item"] for each in answer.json()["items"] if "item" in each]
        self._next, self._page = items[-1]["topic_sequence_number"] + 1, items[-1]["sequence_page"]
        return [json.loads(each["value"]["text"]) for each in items]


async def polls(cells: System, count: int) -> None:
    """Wait until so many polls wait at Momento."""
    url = f"http://127.0.0.1:{cells.ports['momento']}/_standin/stats"
    await eventually(lambda: httpx.get(url).json()["connections"] == count, seconds=SECONDS)


async def test_one_goal_reaches_the_viewers_of_every_transport(
    cells: System, operator: Operator, cup_match: str
) -> None:
    """The goal is numbered once, and a raw viewer of each service gets the same frame; each cell has a receipt."""
    everything = CHANNELS.feed("world-cup", cup_match, "all")
    channel, _, feed = everything.rpartition("/")
    momento = Poller(cells, everything, await momento_token(cells))
    async with AsyncExitStack() as opened:
        socket = await opened.enter_async_context(connect(cells.at("main").websocket_url))
        await socket.send(json.dumps({"action": "subscribe", "match": cup_match}))
        assert json.loads(await socket.recv())["type"] == "snapshot"
        graphql = await joined(cells.at("gql").address()["url"], "anonymous")
        opened.push_async_callback(graphql.close)
        assert (await start(graphql, channel, feed, token="anonymous"))["type"] == "start_ack"
        for seq, event in enumerate(PLAYED, 1):
            poll = asyncio.ensure_future(momento.frames())
            await polls(cells, 1)
            await asyncio.to_thread(operator.post_event, cup_match, event)
            data = (await hear(graphql))["payload"]["data"]["onFrame"]
            assert (data["channel"], data["feed"]) == (channel, "all")
            frames = [json.loads(await socket.recv()), json.loads(data["frame"]), *(await poll)]
            assert [each["seq"] for each in frames] == [seq] * 3
            assert frames[0] == frames[1] == frames[2]
            await told(cells, ("main", "gql", "momento"), cup_match, seq)
    receipts = await asyncio.to_thread(operator.receipts, cup_match)
    assert {(each["cell"], each["seq"]) for each in receipts} == {
        (cell.name, seq) for cell in CELLS for seq in (1, 2)
    }  # fmt: skip
    for each in receipts:
        if each["cell"] != "main":
            assert [(feed["feed"], feed["events"]) for feed in each["published"]] == [("all", 1), ("score", 1)]
            assert each["refused"] == []


@pytest.mark.parametrize(("name", "reason"), [("gql", "ServiceUnavailable"), ("momento", "500")])
async def test_what_a_service_has_refused_is_told_later(
    cells: System, operator: Operator, cup_match: str, name: str, reason: str
) -> None:
    """While a service refuses, the other cells are told; when it takes frames again, the watchdog tells it all."""
    others = tuple(each.name for each in CELLS if each.name != name)
    limit(cells, name, refuse_publishes=1000)
    try:
        for event in PLAYED:
            await asyncio.to_thread(operator.post_event, cup_match, event)
        await told(cells, others, cup_match, 2)
        assert told_seq(cells.at(name), cup_match) == 0
    finally:
        limit(cells, name, refuse_publishes=0)
    await told(cells, (name,), cup_match, 2)
    receipts = await asyncio.to_thread(operator.receipts, cup_match)
    [receipt] = [each for each in receipts if each["cell"] == name]
    assert (receipt["prev"], receipt["seq"]) == (0, 2)
    assert {each["reason"] for each in receipt["refused"]} == {reason}


@pytest.mark.parametrize("name", ["gql", "momento"])
async def test_a_service_that_is_down_stops_no_other_cell(
    stack: tuple[System, Stack], operator: Operator, cup_match: str, name: str
) -> None:
    """While a service is down, the other cells are told; when it is back, the watchdog tells its cell everything."""
    cells, processes = stack
    [process] = [each for each in processes.stand_ins if each.port == cells.ports[name]]
    others = tuple(each.name for each in CELLS if each.name != name)
    with down(process):
        for event in PLAYED:
            await asyncio.to_thread(operator.post_event, cup_match, event)
        await told(cells, others, cup_match, 2)
        assert told_seq(cells.at(name), cup_match) == 0
    await told(cells, (name,), cup_match, 2)
    receipts = await asyncio.to_thread(operator.receipts, cup_match)
    assert [(each["prev"], each["seq"]) for each in receipts if each["cell"] == name] == [(0, 2)]


async def test_a_message_reaches_only_its_subject_on_every_transport(
    cells: System, operator: Operator, match_id: str
) -> None:
    """Each connection of the subject gets the message, and nobody else; only API Gateway says how many took it."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    await messages_reach_only_their_subject(cells, match_id)
