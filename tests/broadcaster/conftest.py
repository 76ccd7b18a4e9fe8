"""Helpers for the broadcaster's tests: a numbered match, planted rows, a sender in this process."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import aioboto3
import pytest

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.lease import start_owner, start_seconds
from broadcaster.control.payload import Batch, SenderTask
from broadcaster.control.plan import Budget
from broadcaster.control.progress import round_name
from broadcaster.home.cells import Cell, Cells
from broadcaster.home.fanout import Fanout
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.send.carousel import Carousel, Tools
from broadcaster.send.gateway import Gateway
from broadcaster.send.row_pages import decode_queries
from broadcaster.send.sender_store import SenderStore
from broadcaster.send.signing import Credentials, Endpoint
from broadcaster.transports.api_gateway import ApiGateway
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.stack.provision import client
from devstack.system import ACCOUNT, REGION
from matches.events import EVENT, AcceptedEvent
from matches.schedule import NewMatch
from runtime import aws
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import partition, row_key
from tests.broadcaster.fanout_records import Started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from broadcaster.control.cell_state import CellStates
    from devstack.system import System
    from matches.ledger import Ledger

THREADS = ThreadPoolExecutor(8)
"""For calls beside each other."""

OWNER = "arn:aws:states:us-east-1:000000000000:express:livescore-broadcast:test"


@pytest.fixture
def numbered(ledger: Ledger, cell_states: CellStates, match_id: str) -> str:
    """A match with a kick-off and a goal, which are due in the cell and which nobody has broadcast."""
    ledger.create(NewMatch.model_validate({"match": match_id, "home": "A", "away": "B",
                                           "kickoff": "2022-12-18T15:00:00Z", "audience": 60_000}))  # fmt: skip
    events: list[dict[str, Any]] = [{"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3}]
    for number, event in enumerate(events):
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({**event, "event_id": f"e{number}"})))
    cell_states.mark_due(match_id, len(events), ledger.state(match_id).epoch)
    return match_id


@pytest.fixture
def plant(dynamodb: Any, system: System) -> Callable[..., list[str]]:
    """Plants rows of connections that do not exist; returns their ids."""

    def plant(match: str, count: int, *, audience: int | None = 60_000, ttl: int = 600) -> list[str]:
        connections = [f"planted{number:08d}=" for number in range(count)]
        shards = initial_shards(audience)
        until = {"N": str(int(time.time()) + ttl)}
        puts: list[Any] = [
            {"PutRequest": {"Item": {**row_key(partition(match, shard_of(each, shards)), each), "ttl": until}}}
            for each in connections
        ]
        for start in range(0, count, 25):
            dynamodb.batch_write_item(RequestItems={system.name("subscriptions"): puts[start : start + 25]})
        return connections

    return plant


@pytest.fixture
def rows_of(dynamodb: Any, system: System) -> Callable[[str], list[str]]:
    """Reads the connections of a match's rows."""

    def rows_of(match: str, audience: int | None = 60_000) -> list[str]:
        found = []
        for shard in range(initial_shards(audience)):
            pages = dynamodb.get_paginator("query").paginate(
                TableName=system.name("subscriptions"),
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition(match, shard)}},
            )
            found += [item["sk"]["S"] for page in pages for item in page["Items"]]
        return found

    return rows_of


@pytest.fixture
def grant_lease(dynamodb: Any, system: System) -> Callable[..., None]:
    """Gives the lease of a match to an owner, as the first poll of the broadcast ``test`` does."""

    def grant_lease(match: str, owner: str = OWNER, seconds: int = 60, broadcast: str = "test") -> None:
        dynamodb.update_item(
            TableName=system.name("broadcasts"),
            Key=cell_state_key(match),
            UpdateExpression="SET lease_owner = :owner, lease_until = :until, round_name = :round",
            ExpressionAttributeValues={
                ":owner": {"S": owner},
                ":until": {"N": str(int(time.time()) + seconds)},
                ":round": {"S": round_name(broadcast, 1)},
            },
        )

    return grant_lease


@pytest.fixture
async def tools(system: System, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tools]:
    """The clients of a sender in this process: the real tables and the real gateway."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "devstack", "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": system.endpoint,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(aioboto3.Session().client("dynamodb", config=aws.config()))
        decode_queries(db)
        endpoint = Endpoint.parse(system.resolve("connections_url"), REGION)
        gateway = await Gateway.open(endpoint, lambda: Credentials(ACCOUNT, "devstack"))
        stack.push_async_callback(gateway.close)
        store = SenderStore(db, db, system.name("matches"), system.name("broadcasts"), 60)
        yield Tools(db, gateway, store, system.name("subscriptions"), cell_rate=1_000)


def make_starter(
    system: System, cell_states: CellStates, *, kind: type[ApiGateway] = ApiGateway, watchdog_seconds: int = 30
) -> Any:
    """A starter, of a ``kind``, for the running system's state machine."""
    return kind(
        cell_states, client(system, "stepfunctions"), system.resolve("state_machine"), Budget(2_000, 1_000),
        start_seconds(watchdog_seconds), THREADS,
    )  # fmt: skip


def as_kind(kind: type[SenderStore], store: SenderStore) -> SenderStore:
    """The same store, as an object of another class."""
    return kind(**{each.name: getattr(store, each.name) for each in fields(store)})


async def send(tools: Tools, task: SenderTask, seconds: float = 3600.0) -> Batch:
    """Run one invocation that has so many seconds; returns the batch with its progress."""
    return await Carousel(tools, task, asyncio.get_running_loop().time() + seconds).run()


def task(match: str, first: int, last: int, *, batch: int = 0, senders: int = 1) -> SenderTask:
    """The first input of one sender, as the state machine's Map makes it."""
    whole = Batch(batch, first, last, initial_shards(60_000), senders)
    return SenderTask(match, 2, OWNER, start_owner("test"), "test", 1, whole)


@pytest.fixture
def starter(system: System, cell_states: CellStates) -> Started:
    """Starts real executions."""
    starter: Started = make_starter(system, cell_states, kind=Started)
    object.__setattr__(starter, "started", [])
    object.__setattr__(starter, "failures", 0)
    return starter


@pytest.fixture
def fanout(ledger: Ledger, cell_states: CellStates, starter: Started, system: System) -> Fanout:
    """A fan-out in this process."""
    sqs = client(system, "sqs")
    queue = WatchdogQueue(sqs, system.resolve("queue.watchdog"), 2)
    cells = Cells({REGION: Cell(CellDescription(REGION, REGION, DEFAULT), cell_states, starter)}, queue, THREADS)
    return Fanout(ledger, cells, sqs, system.resolve("queue.set-aside"), THREADS)


@pytest.fixture
def set_aside(system: System) -> Callable[[str], list[dict[str, Any]]]:
    """Reads what lies in the set-aside queue for a partition key or a match."""
    sqs = client(system, "sqs")

    def read(key: str) -> list[dict[str, Any]]:
        found = []
        while messages := sqs.receive_message(
            QueueUrl=system.resolve("queue.set-aside"), MaxNumberOfMessages=10, VisibilityTimeout=600
        ).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
        return [each for each in found if key in (each.get("partition_key"), each.get("match"))]

    return read


@pytest.fixture
def other(operator: Any, match: str) -> str:
    """Another match of the same batch."""
    other = f"{match}-b"
    operator.create_match(match=other, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    return other
