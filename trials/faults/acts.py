"""Acts: the parts of faults that rules cannot do, such as viewers that leave, poison records, wrong clocks, new code.

An act is a context manager around the events that are posted under the fault. It prepares the fault, yields, then makes
its own checks and cleans up. It raises FaultError if the fault did not take effect, or if something was lost.
"""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.payload import Batch, ExecutionInput
from subscriptions.shards import DEFAULT_SHARDS, shard_of
from subscriptions.store import partition, row_key
from trials.faults import damaged_row_acts
from trials.faults.broadcasting_acts import acknowledged_early, service_down, slow_beside
from trials.faults.crowd import Watcher, enter
from trials.faults.fairness_acts import slow_viewers_among_the_others, unwatched_matches
from trials.faults.machinery import account_throttle, deploy, disconnect_lost, happened, wrong_clock
from trials.faults.play import FaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from trials.faults.play import Play

STORM = 40
DEAD_ROWS = 30
LEASE_SECONDS = 4
OLD_ID = "AAAAAAAAAA{:05d}="
"""A format of connection ids that look like AWS's and belong to no connection."""


@asynccontextmanager
async def nothing(_play: Play) -> AsyncIterator[None]:
    """Do nothing."""
    yield


@asynccontextmanager
async def returning(play: Play) -> AsyncIterator[None]:
    """A viewer's connection breaks, and the viewer reconnects."""
    play.watchers[0].viewer.drop()
    yield


@asynccontextmanager
async def returned(play: Play) -> AsyncIterator[None]:
    """A viewer has reconnected before the first event, so it has a new subscription row."""
    watcher = play.watchers[0]
    before = watcher.snapshots
    watcher.viewer.drop()

    async def back() -> bool:
        return watcher.snapshots > before

    await happened(back, "the viewer did not come back")
    yield


@asynccontextmanager
async def returning_to_ministack(play: Play) -> AsyncIterator[None]:
    """The connection of a viewer at MiniStack, where routes run in separate processes, breaks and comes back."""
    play.watchers[-1].viewer.drop()
    yield


@asynccontextmanager
async def everyone_returns(play: Play) -> AsyncIterator[None]:
    """Every connection breaks at once."""
    yield
    for watcher in play.watchers:
        watcher.viewer.drop()


@asynccontextmanager
async def storm(play: Play) -> AsyncIterator[None]:
    """New viewers connect while events are sent. In the end each has every event, and leaves."""
    crowd = [Watcher(play.world.system.websocket_url, play.match, play.world.reader) for _ in range(STORM)]
    entering = asyncio.create_task(enter(crowd))
    play.passing += crowd
    try:
        yield
        await entering
        await play.reached(await play.settled(), crowd)
    finally:
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)


@asynccontextmanager
async def dead_rows(play: Play) -> AsyncIterator[None]:
    """Among the match's rows are rows of connections that ended without a ``$disconnect``."""
    await asyncio.to_thread(_plant, play)
    play.slack = DEAD_ROWS
    yield


def _plant(play: Play) -> None:
    table = play.world.system.name("subscriptions")
    until = {"N": str(int(time.time()) + 3600)}
    ids = [OLD_ID.format(number) for number in range(DEAD_ROWS)]
    puts = [
        {"PutRequest": {"Item": {**row_key(partition(play.match, shard_of(each, DEFAULT_SHARDS)), each), "ttl": until}}}
        for each in ids
    ]
    for start in range(0, len(puts), 25):
        play.world.client("dynamodb").batch_write_item(RequestItems={table: puts[start : start + 25]})


@asynccontextmanager
async def dead_lease(play: Play) -> AsyncIterator[None]:
    """A dead execution has the match's lease for ``LEASE_SECONDS``."""
    await asyncio.to_thread(
        play.world.client("dynamodb").update_item,
        TableName=play.world.system.name("broadcasts"),
        Key=cell_state_key(play.match),
        UpdateExpression="SET lease_owner = :dead, lease_until = :until",
        ExpressionAttributeValues={":dead": {"S": "dead"}, ":until": {"N": str(int(time.time()) + LEASE_SECONDS)}},
    )
    yield


def poison(data: bytes, reason: str) -> Callable[[Play], AbstractAsyncContextManager[None]]:
    """A poison record precedes the events in the stream. It must be set aside with ``reason``."""

    @asynccontextmanager
    async def act(play: Play) -> AsyncIterator[None]:
        marked = data.replace(b"MARK", f"{play.match}-{time.monotonic_ns()}".encode())
        system = play.world.system
        await asyncio.to_thread(
            play.world.client("kinesis").put_record,
            StreamName=system.resolve("stream"), Data=marked, PartitionKey=play.match,
        )  # fmt: skip
        yield
        found = await play.world.set_aside.find(kind="record", data=base64.b64encode(marked).decode())
        if found is None:
            raise FaultError("the poison record was not set aside")
        if reason not in str(found["reason"]):
            raise FaultError(f"the poison record was set aside with another reason: {found['reason']!r}")

    return act


@asynccontextmanager
async def unknown_version(play: Play) -> AsyncIterator[None]:
    """The only execution for the event has a payload with a later version."""
    yield
    seq = await play.settled()
    given = ExecutionInput(
        play.match, seq, 0, "start#of-another-release", "of-another-release", 1, (Batch(0, 0, 16, 16, 1),)
    )
    await asyncio.to_thread(
        play.world.client("stepfunctions").start_execution,
        stateMachineArn=play.world.system.resolve("state_machine"),
        input=orjson.dumps({**given.dump(), "v": 99}).decode(),
    )
    found = await play.world.set_aside.find(kind="batch", match=play.match, reason="version 99")
    if found is None:
        raise FaultError("no batch was set aside because of its unknown version")


ACTS: dict[str, Callable[[Play], AbstractAsyncContextManager[None]]] = {
    "": nothing,
    "return": returning,
    "returned": returned,
    "return-to-ministack": returning_to_ministack,
    "everyone-returns": everyone_returns,
    "storm": storm,
    "dead-rows": dead_rows,
    "dead-lease": dead_lease,
    "poison-binary": poison(b"\x80\x00 MARK", "not JSON"),
    "poison-json": poison(b'{"v":1,"match":"MARK"}', ""),
    "poison-unknown": poison(
        b'{"v":1,"match":"nobody","at":1,"event":{"kind":"kick_off","event_id":"MARK"}}', "there is no match nobody"
    ),
    "account-throttle": account_throttle,
    "disconnect-lost": disconnect_lost,
    "deploy": deploy,
    "unknown-version": unknown_version,
    "slow-viewers": slow_viewers_among_the_others,
    "unwatched-matches": unwatched_matches,
    "service-down": service_down,
    "slow-beside": slow_beside,
    "acknowledged-early": acknowledged_early,
    **damaged_row_acts.ACTS,
}


def act(name: str) -> Callable[[Play], AbstractAsyncContextManager[None]]:
    """The act with this name. ``clock:FUNCTION:SECONDS`` changes one function's clock by so many seconds."""
    if name.startswith("clock:"):
        _, function, seconds = name.split(":")
        return wrong_clock(function, int(seconds))
    return ACTS[name]
