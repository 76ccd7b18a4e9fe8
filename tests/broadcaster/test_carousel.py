"""The carousel on real tables and a real gateway: a newer goal, another match, other batches, another execution."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control import rate_share
from broadcaster.send import polls
from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.post_queue import PreparedRequest
from broadcaster.send.pruning import Pruning
from broadcaster.send.sender_store import SenderStore
from broadcaster.send.signing import Credentials, Endpoint
from matches.events import EVENT, AcceptedEvent
from matches.match_rows import state_key
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import partition, row_key
from tests.broadcaster.conftest import as_kind, send, task
from tests.support import eventually

if TYPE_CHECKING:
    from broadcaster.control.rate_share import RateShare
    from broadcaster.send.carousel import Tools
    from devstack.system import System
    from matches.ledger import Ledger

SHARDS = initial_shards(60_000)


@pytest.fixture
def announce(dynamodb: Any, system: System) -> Any:
    """Writes the rate-share row of a broadcast, as the starter does."""

    def announce(
        match: str, batches: int, *, ended: int = 0, seconds: int = 60, broadcast: str = "test", left: int | None = None
    ) -> None:
        item: dict[str, Any] = {
            **rate_share.rate_share_key(match), "broadcast": {"S": broadcast}, "batches": {"N": str(batches)},
            "ttl": {"N": str(int(time.time()) + seconds)},
        }  # fmt: skip
        if left is not None:
            item |= {f"left{batch}": {"N": str(left)} for batch in range(batches)}
        if ended:
            item["done"] = {"NS": [str(99 - number) for number in range(ended)]}
        dynamodb.put_item(TableName=system.name("broadcasts"), Item=item)

    yield announce
    for item in dynamodb.query(**rate_share.rate_share_query(system.name("broadcasts")))["Items"]:
        dynamodb.delete_item(TableName=system.name("broadcasts"), Key=rate_share.rate_share_key(item["sk"]["S"]))


def goal(ledger: Ledger, match: str, number: int) -> None:
    """Number another goal."""
    event = {"kind": "goal", "team": "home", "minute": 4, "event_id": f"late{number}"}
    ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python(event)))


async def test_a_newer_goal_is_swapped_in_where_the_sender_stands(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any, announce: Any, monkeypatch: Any
) -> None:
    """Promise 8: the second of two goals costs only the posts that were sent before it, not a second whole lap."""
    plant(numbered, 400)
    grant_lease(numbered)
    announce(numbered, 1)
    posted: list[str] = []
    # So that the dead rows are met again on the second lap, like living ones.
    monkeypatch.setattr(Pruning, "add", lambda _, post: posted.append(post[0]))
    sending = asyncio.create_task(send(replace(tools, cell_rate=200), task(numbered, 0, SHARDS)))
    await eventually(lambda: len(posted) >= 50, seconds=10)
    goal(ledger, numbered, 1)
    result = await sending
    assert (result.done, result.reached_seq, result.counts.rows) == (True, 3, 400)
    times = Counter(Counter(posted).values())
    assert set(times) == {1, 2}
    assert 50 <= times[2] < 400


async def test_a_newer_goal_between_two_invocations_begins_a_lap_where_the_first_stood(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any, announce: Any, monkeypatch: Any
) -> None:
    """Promise 2: a new lap meets the rows that only got the older frame, also in the next invocation."""
    plant(numbered, 200)
    grant_lease(numbered)
    announce(numbered, 1)
    posted: list[str] = []
    monkeypatch.setattr(Pruning, "add", lambda _, post: posted.append(post[0]))
    first = await send(replace(tools, cell_rate=200), task(numbered, 0, SHARDS), 0.4)
    assert not first.done
    before, at = list(posted), len(posted)
    goal(ledger, numbered, 1)
    second = await send(tools, replace(task(numbered, 0, SHARDS), batch=first))
    assert (second.done, second.reached_seq, second.counts.rows) == (True, 3, 200)
    assert sorted(posted[at:]) == sorted(set(posted))
    assert set(before) < set(posted)
    assert set(posted[-len(before) :]) == set(before), "they come last: the lap begins behind them"


async def test_a_batch_that_is_done_waits_for_the_others_and_takes_what_is_newer(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any, announce: Any
) -> None:
    """A finished batch sends a newer goal at once, while another batch still sends."""
    plant(numbered, 20)
    grant_lease(numbered)
    announce(numbered, 2)
    announced: list[tuple[bool, set[int]]] = []

    class Recording(SenderStore):
        async def announce_done(self, match: str, broadcast: str, batch: int, *, is_done: bool) -> RateShare | None:
            row = await super().announce_done(match, broadcast, batch, is_done=is_done)
            assert row is not None
            announced.append((is_done, set(row.done)))
            return row

    def changes() -> list[tuple[bool, set[int]]]:
        """The announcements, each once: the store may repeat one."""
        return [each for each, _ in groupby(announced)]

    store = as_kind(Recording, tools.store)
    sending = asyncio.create_task(send(replace(tools, store=store), task(numbered, 0, SHARDS, senders=2)))
    await eventually(lambda: changes() == [(True, {0})], seconds=10)
    assert not sending.done()
    goal(ledger, numbered, 1)
    await eventually(lambda: changes() == [(True, {0}), (False, set()), (True, {0})], seconds=10)
    await tools.store.announce_done(numbered, "test", 1, is_done=True)
    result = await asyncio.wait_for(sending, 10)
    assert (result.done, result.reached_seq) == (True, 3)


async def test_a_batch_that_cannot_say_that_it_goes_on_has_not_reached_the_newer_event(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any, announce: Any
) -> None:
    """Promise 2: an event that a finished batch has seen, and has not sent, does not count as told."""
    plant(numbered, 20)
    grant_lease(numbered)
    announce(numbered, 2)

    class Refusing(SenderStore):
        async def announce_done(self, match: str, broadcast: str, batch: int, *, is_done: bool) -> RateShare | None:
            if not is_done:
                raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "UpdateItem")
            rate_share_of_match = await super().announce_done(match, broadcast, batch, is_done=is_done)
            goal(ledger, match, 1)
            return rate_share_of_match

    store = as_kind(Refusing, tools.store)
    result = await asyncio.wait_for(send(replace(tools, store=store), task(numbered, 0, SHARDS, senders=2)), 10)
    assert (result.done, result.reached_seq) == (True, 2)


async def test_a_batch_that_has_nothing_to_tell_only_passes_on(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """A batch that reached the newest event in an earlier round posts nothing, and keeps its rows."""
    plant(numbered, 5)
    grant_lease(numbered)
    begun = task(numbered, 0, SHARDS)
    result = await send(tools, replace(begun, batch=replace(begun.batch, reached_seq=2, previous_rows=5)))
    assert (result.done, result.reached_seq, result.counts.rows) == (True, 2, 5)
    assert len(rows_of(numbered)) == 5


async def test_matches_in_progress_share_the_rate(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any, announce: Any
) -> None:
    """Promise 7: a sender has a quarter of the rate beside three other broadcasts, and then the whole rate."""
    plant(numbered, 100)
    grant_lease(numbered)
    announce(numbered, 1)
    for other in "abc":
        announce(f"other-{other}", 4, left=10_000)
    poll = await tools.store.poll(numbered)
    shared = rate_share.share(poll.rate_shares, numbered, 1, tools.cell_rate, time.time())
    for other in "abc":
        announce(f"other-{other}", 4, ended=4)
    poll = await tools.store.poll(numbered)
    alone = rate_share.share(poll.rate_shares, numbered, 1, tools.cell_rate, time.time())
    assert (shared, alone) == (tools.cell_rate / 4, tools.cell_rate)


async def test_a_sender_announces_the_posts_that_it_has_left(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any, announce: Any
) -> None:
    """Other matches can read the need of a match: all its rows soon after it begins, and fewer as it goes on."""
    plant(numbered, 400)
    grant_lease(numbered)
    announce(numbered, 1)
    seen: list[int] = []

    async def read_announcements() -> None:
        while True:
            rows, _ = rate_share.parse(
                (await tools.db.query(**rate_share.rate_share_query(tools.store.broadcasts)))["Items"],
                time.time(),
            )
            seen.extend(left for each in rows if each.match == numbered for left in each.left.values())
            await asyncio.sleep(0.01)

    reading = asyncio.create_task(read_announcements())
    try:
        # So slow that the first announcement is within its bounds, even half a second late on a busy machine.
        await send(replace(tools, cell_rate=100), task(numbered, 0, SHARDS))
    finally:
        reading.cancel()
    assert 350 <= seen[0] <= 450
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] <= 100
    assert len(set(seen)) <= 12, "an announcement for each halving, not for each poll"


async def test_a_sender_keeps_the_lease_and_its_place(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any, announce: Any, monkeypatch: Any
) -> None:
    """A sender renews the lease and the rate-share row every few seconds, so its broadcast does not count as dead."""
    monkeypatch.setattr(polls, "RENEW_SECONDS", 0.1)
    plant(numbered, 100)
    begun = int(time.time())
    grant_lease(numbered, seconds=50)
    announce(numbered, 1, seconds=50)
    await send(replace(tools, cell_rate=100), task(numbered, 0, SHARDS))
    poll = await tools.store.poll(numbered)
    [row] = [each for each in poll.rate_shares if each.match == numbered]
    assert poll.cell_state.lease_until >= begun + tools.store.lease_seconds
    assert row.until >= begun + tools.store.lease_seconds


async def test_a_sender_that_loses_the_lease_stops_where_it_is(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any, announce: Any
) -> None:
    """Promise 2: after another execution has acquired the lease, a sender stops, and its batch reaches no event."""
    plant(numbered, 300)
    grant_lease(numbered)
    announce(numbered, 1)
    sending = asyncio.create_task(send(replace(tools, cell_rate=100), task(numbered, 0, SHARDS)))
    await eventually(lambda: len(rows_of(numbered)) < 300, seconds=10)
    grant_lease(numbered, owner="successor")
    result = await asyncio.wait_for(sending, 10)
    assert (result.done, result.lease_lost, result.reached_seq) == (True, True, None)
    assert rows_of(numbered)


async def test_an_outage_tells_nobody(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any, announce: Any
) -> None:
    """Promise 2: if the gateway accepts connections and breaks them, the batch fails, and nothing counts as told."""
    plant(numbered, 10)
    grant_lease(numbered)
    announce(numbered, 1)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        endpoint = Endpoint.parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/live", "us-east-1")
        gateway = await Gateway.open(endpoint, lambda: Credentials("A", "S"))
        with pytest.raises(GatewayError, match="10 posts"):
            await send(replace(tools, gateway=gateway), task(numbered, 0, SHARDS))
        await gateway.close()
    assert len(rows_of(numbered)) == 10


async def test_pruning_ends_in_time() -> None:
    """Rows that DynamoDB does not delete in time wait for the next broadcast, and the function does not time out."""

    class Slow:
        calls = 0

        async def batch_write_item(self, **_: Any) -> dict[str, Any]:
            self.calls += 1
            await asyncio.sleep(3600 if self.calls > 2 else 0)
            return {}

    pruning = Pruning(Slow(), "rows")
    for number in range(500):
        pruning.add((str(number), PreparedRequest(b"", lambda _: b""), "m#0", 0))
    await asyncio.wait_for(pruning.finish(asyncio.get_running_loop().time() + 0.2), 10)
    assert pruning.pruned == 50


async def test_damaged_rows_of_others_and_of_viewers_end_no_lap(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any, announce: Any
) -> None:
    """Promises 4 and 7: damaged rate-share rows and viewers' rows end no lap, and every viewer gets a POST."""
    plant(numbered, 20)
    grant_lease(numbered)
    announce(numbered, 1)
    damaged = {**rate_share.rate_share_key(f"{numbered}-x"), "broadcast": {"N": "1"}, "batches": {"S": "two"}}
    await tools.db.put_item(TableName=tools.store.broadcasts, Item=damaged)
    for connection, ttl in (("strange1=", {}), ("strange2=", {"ttl": {"S": "soon"}})):
        key = row_key(partition(numbered, shard_of(connection, SHARDS)), connection)
        await tools.db.put_item(TableName=tools.subscriptions, Item={**key, **ttl})
    result = await send(tools, task(numbered, 0, SHARDS))
    assert (result.done, result.reached_seq, result.counts.rows, result.counts.gone) == (True, 2, 22, 22)
    assert rows_of(numbered) == []


async def test_a_match_that_is_damaged_while_it_is_told_is_told_to_the_end(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any, announce: Any, monkeypatch: Any
) -> None:
    """Promise 2: a sender goes on with the match as its last poll found it, even if its row at home is gone."""
    plant(numbered, 100)
    grant_lease(numbered)
    announce(numbered, 1)
    posted: list[str] = []
    monkeypatch.setattr(Pruning, "add", lambda _, post: posted.append(post[0]))
    sending = asyncio.create_task(send(replace(tools, cell_rate=100), task(numbered, 0, SHARDS)))
    await eventually(lambda: len(posted) >= 20, seconds=10)
    await tools.db.put_item(TableName=ledger.table, Item={**state_key(numbered), "board": {"S": "{"}})
    await eventually(lambda: len(posted) >= 60, seconds=10)
    await tools.db.delete_item(TableName=ledger.table, Key=state_key(numbered))
    result = await sending
    assert (result.done, result.reached_seq, len(posted)) == (True, 2, 100)


async def test_a_sender_of_a_match_that_was_reset_only_says_so(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """A sender posts nothing for a match that was reset, and its batch counts as lost instead of set aside."""
    plant(numbered, 5)
    grant_lease(numbered)
    await tools.db.delete_item(TableName=ledger.table, Key=state_key(numbered))
    result = await send(tools, task(numbered, 0, SHARDS))
    assert (result.done, result.lease_lost, result.reached_seq) == (True, True, None)
    assert len(rows_of(numbered)) == 5
