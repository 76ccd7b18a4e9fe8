"""The sender on real tables and a real gateway: one POST for each row, dead rows pruned, memory flat."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.payload import RoundEnd
from broadcaster.control.receipt import Receipts
from broadcaster.send.lap_rows import LapRows
from broadcaster.send.post_queue import PreparedRequest
from broadcaster.send.row_pages import Page, read_page
from devstack.system import REGION
from subscriptions.shards import initial_shards
from subscriptions.store import partition, row_key
from subscriptions.viewer_counts import ViewerCounts
from tests.broadcaster.conftest import OWNER, send, task
from tests.support import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.send.carousel import Tools
    from devstack.system import System
    from matches.ledger import Ledger

SHARDS = initial_shards(60_000)
PADDING = {"padding": {"S": "x" * 400}}
"""An attribute of planted rows that no sender reads: with it a page of 1 MB has ten times fewer rows to plant."""


def receipts_of(ledger: Ledger, tools: Tools) -> Receipts:
    """The end of a round, in the same tables."""
    client = ledger._db  # noqa: SLF001
    return Receipts(
        ledger, tools.store.broadcasts, client, ViewerCounts(ledger.table, client), cell=REGION, lease_seconds=60
    )


async def lap_of(tools: Tools, match: str, shards: int) -> tuple[int, int]:
    """Do one lap without sending; returns the numbers of rows and of queries."""
    come = asyncio.Event()

    async def read(pk: str, after: str | None) -> Page:
        return await read_page(tools.db, tools.subscriptions, pk, after, time.time())

    rows = LapRows(read, [partition(match, shard) for shard in range(shards)], come.set)
    rows.everything_request = PreparedRequest(b"", lambda _: b"")
    rows.start()
    while not rows.exhausted:
        if rows.next_row() is None and not rows.exhausted:
            await come.wait()
            come.clear()
    assert rows.error is None
    return rows.posts, rows.queries


async def test_the_gone_are_pruned_and_the_living_are_told(
    tools: Tools, numbered: str, system: System, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """Promise 4: the rows of all dead connections are deleted. A living viewer gets the frame and keeps its row."""
    plant(numbered, 60)
    grant_lease(numbered)
    async with connect(system.websocket_url) as socket:
        await socket.send(json.dumps({"action": "subscribe", "match": numbered}))
        await socket.recv()
        result = await send(tools, task(numbered, 0, SHARDS))
        frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
        counts = result.counts
        assert (frame["prev"], frame["seq"], len(frame["events"])) == (0, 2, 2)
        assert (counts.rows, counts.accepted, counts.gone, counts.failed) == (61, 1, 60, 0)
        assert (result.done, result.lease_lost, result.reached_seq) == (True, False, 2)
        assert len(rows_of(numbered)) == 1


async def test_a_sender_out_of_time_goes_on_from_its_cursor(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """Promise 2: several invocations that each end early reach every row together, and their counts add up."""
    plant(numbered, 300)
    grant_lease(numbered)
    state = task(numbered, 0, SHARDS).batch
    slow = replace(tools, cell_rate=200)
    invocations = 0
    while not state.done:
        state = await send(slow, replace(task(numbered, 0, SHARDS), batch=state), 0.4)
        invocations += 1
    assert invocations > 1
    assert state.counts.gone == state.counts.rows == 300
    assert state.counts.invocations == invocations
    assert rows_of(numbered) == []


async def test_a_repeated_invocation_counts_nothing_twice(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any
) -> None:
    """A repeated invocation overwrites the batch's progress, and the receipt counts the batch once."""
    grant_lease(numbered)
    plant(numbered, 10, ttl=600)
    await send(tools, task(numbered, 0, SHARDS))
    plant(numbered, 10, ttl=600)
    result = await send(tools, task(numbered, 0, SHARDS))
    receipts = receipts_of(ledger, tools)
    receipts.finish(RoundEnd(numbered, OWNER, "test", 1, 2, 5, 6, (result,)))
    assert [(each["gone"], each["batches"]) for each in counted(ledger.receipts(numbered))] == [(10, 1)]


async def test_a_match_that_has_grown_since_the_plan_is_read_whole(
    tools: Tools, numbered: str, dynamodb: Any, plant: Any, rows_of: Any, grant_lease: Any, system: System
) -> None:
    """Promise 2: a sender reaches the rows of shards that came after the plan, because the match has doubled."""
    grant_lease(numbered)
    dynamodb.update_item(
        TableName=system.name("broadcasts"), Key=cell_state_key(numbered),
        UpdateExpression="SET shards = :double", ExpressionAttributeValues={":double": {"N": str(SHARDS * 2)}},
    )  # fmt: skip
    plant(numbered, 200, audience=60_000 * 2)
    halves = [task(numbered, 0, SHARDS // 2), task(numbered, SHARDS // 2, SHARDS)]
    counts = [(await send(tools, half)).counts.gone for half in halves]
    assert sum(counts) == 200
    assert min(counts) > 0
    assert rows_of(numbered, 60_000 * 2) == []


async def test_pruning_that_fails_holds_up_nobody(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """Promises 2 and 4: if DynamoDB refuses all deletes, the broadcast still ends well, and the next one prunes."""
    plant(numbered, 30)
    grant_lease(numbered)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "BatchWriteItem")

    events = tools.db.meta.events
    events.register("before-parameter-build.dynamodb.BatchWriteItem", refuse, unique_id="refuse")
    result = await send(tools, task(numbered, 0, SHARDS))
    events.unregister("before-parameter-build.dynamodb.BatchWriteItem", unique_id="refuse")
    assert (result.done, result.counts.rows, result.counts.gone) == (True, 30, 0)
    assert (await send(tools, task(numbered, 0, SHARDS))).counts.gone == 30
    assert rows_of(numbered) == []


async def test_expired_rows_are_skipped(tools: Tools, numbered: str, plant: Any, grant_lease: Any) -> None:
    """A row that has expired gets no POST, although DynamoDB deletes it late."""
    plant(numbered, 20, ttl=-5)
    grant_lease(numbered)
    result = await send(tools, task(numbered, 0, SHARDS))
    assert result.counts.rows == 0


async def test_a_sender_without_the_lease_stops(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """A sender that has lost the lease posts nothing: another execution tells everyone."""
    plant(numbered, 5)
    grant_lease(numbered, owner="another")
    result = await send(tools, task(numbered, 0, SHARDS))
    assert (result.done, result.lease_lost) == (True, True)
    assert len(rows_of(numbered)) == 5


async def test_a_batch_that_cannot_read_its_rows_fails(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """If a page cannot be read, the invocation fails, and the state machine tries again."""
    plant(numbered, 5)
    grant_lease(numbered)
    without_table = replace(tools, subscriptions="no-such-table")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        await send(without_table, task(numbered, 0, SHARDS))
    assert len(rows_of(numbered)) == 5


@pytest.fixture(scope="module")
def big_shard(dynamodb: Any, system: System) -> Callable[[int], str]:
    """Fills one shard of a match of its own with so many rows."""

    @cache
    def fill(rows: int) -> str:
        match = f"big-{rows}"
        until = {"N": str(int(time.time()) + 600)}
        pk = partition(match, 0)
        puts = [
            {"PutRequest": {"Item": {**row_key(pk, f"L0SM9c{n:06d}CIh="), "ttl": until, **PADDING}}}
            for n in range(rows)
        ]
        for start in range(0, rows, 25):
            dynamodb.batch_write_item(RequestItems={system.name("subscriptions"): puts[start : start + 25]})
        return match

    return fill


async def test_a_lap_queries_once_per_megabyte_and_per_shard(tools: Tools, big_shard: Callable[[int], str]) -> None:
    """At most one Query per started megabyte of rows plus one per shard."""
    rows = 6_000
    row_bytes = len("pk") + len("big-6000#0") + len("sk") + 16 + len("ttl") + 6 + len("padding") + 400
    taken, queries = await lap_of(tools, big_shard(rows), 4)
    assert taken == rows
    megabytes = -(-rows * row_bytes // 1_000_000)
    assert queries <= megabytes + 4


async def test_memory_stays_flat(tools: Tools, big_shard: Callable[[int], str]) -> None:
    """A shard of four times as many pages needs no more memory, because a sender never collects its rows."""
    peaks = []
    for rows in (6_000, 24_000):
        match = big_shard(rows)
        gc.collect()
        tracemalloc.start()
        taken, _ = await lap_of(tools, match, 1)
        assert taken == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


async def test_a_broadcast_writes_little(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any
) -> None:
    """At most 10 writes and 2 per sender invocation, beside pruning; one Query per shard for rows that fit a page."""
    plant(numbered, 50)
    writes: list[str] = []

    def count(model: Any, **_: Any) -> None:
        if model.name in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
            writes.append(model.name)

    grant_lease(numbered)
    events = [tools.db.meta.events, ledger._db.meta.events]  # noqa: SLF001
    for each in events:
        each.register("before-call.dynamodb.*", count, unique_id="count")
    try:
        state = task(numbered, 0, SHARDS).batch
        slow = replace(tools, cell_rate=60)
        invocations = 0
        while not state.done:
            state = await send(slow, replace(task(numbered, 0, SHARDS), batch=state), 0.3)
            invocations += 1
        receipts = receipts_of(ledger, tools)
        assert receipts.finish(RoundEnd(numbered, OWNER, "test", 1, 2, 5, 6, (state,))) is False
    finally:
        for each in events:
            each.unregister("before-call.dynamodb.*", unique_id="count")
    of_the_starter = 2  # the lease and the rate share
    assert len(writes) + of_the_starter <= 10 + 2 * invocations
    assert len(writes) >= 2 * invocations
    # A page that was being sent and one that was read ahead are read again by the next invocation.
    assert state.counts.queries <= SHARDS + 2 * invocations
