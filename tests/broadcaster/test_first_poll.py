"""The first poll of a sender: it takes the lease over, while the first page of rows is being read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import CarriedEvent
from broadcaster.send.sender_store import SenderStore
from matches.events import EVENT, AcceptedEvent
from matches.match_rows import events_query, parse_event, score_prev
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import partition, row_key
from tests.broadcaster.conftest import OWNER, as_kind, send, task
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellStates
    from broadcaster.control.payload import SenderTask
    from broadcaster.send.carousel import Tools
    from broadcaster.send.polls import Poll
    from matches.ledger import Ledger

SHARDS = initial_shards(60_000)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The frames that senders have built, in order."""
    frames: list[Any] = []
    build = SenderStore.frames

    async def keep(*given: Any) -> Any:
        frames.append(await build(*given))
        return frames[-1]

    monkeypatch.setattr(SenderStore, "frames", keep)
    return frames


@pytest.fixture
def carried(ledger: Ledger, dynamodb: Any) -> Callable[[str, int], tuple[CarriedEvent, ...]]:
    """The events after a seq as the starter's payload carries them."""

    def carried(match: str, after: int) -> tuple[CarriedEvent, ...]:
        items = dynamodb.query(**events_query(ledger.table, match, after, 100, newest=False))["Items"]
        return tuple(CarriedEvent(parse_event(item), score_prev(item)) for item in items)

    return carried


async def test_a_sender_takes_the_lease_over_from_the_starter(
    tools: Tools, numbered: str, cell_states: CellStates, plant: Any, grant_lease: Any
) -> None:
    """After the first poll the execution has the lease, for its whole length."""
    plant(numbered, 5)
    grant_lease(numbered, owner=start_owner("test"), seconds=3)
    before = cell_states.read(numbered).lease_until
    result = await send(tools, task(numbered, 0, SHARDS))
    found = cell_states.read(numbered)
    assert (result.reached_seq, found.owner) == (2, OWNER)
    assert found.lease_until > before + 50


async def test_a_second_execution_sends_nothing(
    tools: Tools, numbered: str, plant: Any, rows_of: Any, grant_lease: Any
) -> None:
    """Promise 5: of two executions that one start began, only the first one to take the lease over posts."""
    plant(numbered, 5)
    grant_lease(numbered, owner=start_owner("test"))
    first = task(numbered, 0, SHARDS)
    assert await tools.store.first_poll(first) is not None
    second = await send(tools, replace(first, owner=f"{OWNER}-2"))
    assert (second.done, second.lease_lost, len(rows_of(numbered))) == (True, True, 5)
    assert (await send(tools, first)).counts.gone == 5


async def test_an_invocation_that_goes_on_takes_no_lease_over_twice(
    tools: Tools, numbered: str, cell_states: CellStates, plant: Any, grant_lease: Any
) -> None:
    """The second invocation of a batch only reads the lease; in a hand-over it takes the lease over all the same."""
    plant(numbered, 40)
    grant_lease(numbered)
    begun = task(numbered, 0, SHARDS)
    walking = replace(begun, batch=await send(replace(tools, cell_rate=40), begun, 0.3))
    assert (walking.batch.done, walking.batch.counts.invocations) == (False, 1)
    before = cell_states.read(numbered)
    poll = await tools.store.first_poll(walking)
    assert poll is not None
    assert (poll.cell_state.owner, poll.cell_state.lease_until) == (OWNER, before.lease_until)
    handed = replace(walking, owner=f"{OWNER}-2", previous_owner=OWNER)
    assert await tools.store.first_poll(handed) is not None
    assert cell_states.read(numbered).owner == f"{OWNER}-2"
    assert await tools.store.first_poll(walking) is None
    assert await tools.store.first_poll(replace(handed, round=2)) is None


async def test_events_of_the_payload_are_not_read(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any, carried: Any, frames: list[Any]
) -> None:
    """A sender whose payload carries all events after ``told_seq`` sends the frame that it would have read."""
    plant(numbered, 5)
    grant_lease(numbered)
    await send(tools, task(numbered, 0, SHARDS))

    class Blind(SenderStore):
        """Its home has no events."""

        def __getattribute__(self, name: str) -> Any:
            if name == "home" and frames[1:] == []:
                return _WithoutQuery(super().__getattribute__(name))
            return super().__getattribute__(name)

    plant(numbered, 5)
    given = replace(task(numbered, 0, SHARDS), events=carried(numbered, 0))
    result = await send(replace(tools, store=as_kind(Blind, tools.store)), given)
    assert (result.reached_seq, result.counts.gone) == (2, 5)
    assert frames[1] == frames[0]


class _WithoutQuery:
    """A client that reads single rows only."""

    def __init__(self, client: Any) -> None:
        self.get_item = client.get_item


@pytest.mark.parametrize("after", [1, 2])
async def test_events_that_the_payload_lacks_are_read(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any, carried: Any, frames: list[Any], after: int
) -> None:
    """Promise 8: if the payload lacks an event after ``told_seq``, the frame has it all the same."""
    plant(numbered, 1)
    grant_lease(numbered)
    await send(tools, replace(task(numbered, 0, SHARDS), events=carried(numbered, after)))
    [frame] = frames
    assert b'"kick_off"' in frame.everything_frame
    assert b'"goal"' in frame.everything_frame


async def test_a_viewer_that_comes_after_the_first_page_misses_no_newer_event(
    tools: Tools, numbered: str, ledger: Ledger, plant: Any, grant_lease: Any
) -> None:
    """Promise 2: a viewer subscribes after the first page was read, and before a newer event is numbered.

    Its snapshot lacks the event, so the sender has to read its row, although the page was read without it.
    """
    plant(numbered, 3)
    grant_lease(numbered)
    late = next(name for name in (f"late{number}=" for number in range(10_000)) if shard_of(name, SHARDS) == 0)
    read: list[str] = []
    query = tools.db.query

    async def watched(**given: Any) -> Any:
        page = await query(**given)
        if given["TableName"] == tools.subscriptions:
            read.append(given["ExpressionAttributeValues"][":pk"]["S"])
        return page

    class Waiting(SenderStore):
        async def first_poll(self, given: SenderTask) -> Poll | None:
            await eventually(lambda: read, seconds=10)
            await tools.db.put_item(
                TableName=tools.subscriptions,
                Item={**row_key(partition(numbered, 0), late), "ttl": {"N": "9999999999"}},
            )
            event = {"kind": "goal", "team": "home", "minute": 4, "event_id": "newer"}
            ledger.apply_event(AcceptedEvent(numbered, 1, EVENT.validate_python(event)))
            return await super().first_poll(given)

    tools.db.query = watched
    try:
        result = await send(replace(tools, store=as_kind(Waiting, tools.store)), task(numbered, 0, SHARDS))
    finally:
        del tools.db.query
    assert (result.reached_seq, result.counts.rows) == (3, 4)


async def test_the_first_page_is_read_once(tools: Tools, numbered: str, plant: Any, grant_lease: Any) -> None:
    """The page that was read beside the first poll is the first page of the lap: no shard is read twice."""
    plant(numbered, 3)
    grant_lease(numbered)
    pages: list[str] = []
    query = tools.db.query

    async def counted(**given: Any) -> Any:
        if given["TableName"] == tools.subscriptions:
            pages.append(given["ExpressionAttributeValues"][":pk"]["S"])
        return await query(**given)

    tools.db.query = counted
    try:
        result = await send(tools, task(numbered, 0, SHARDS))
    finally:
        del tools.db.query
    assert sorted(pages) == sorted(partition(numbered, shard) for shard in range(SHARDS))
    assert result.counts.queries == SHARDS


async def test_a_batch_states_when_its_first_post_went_out(
    tools: Tools, numbered: str, plant: Any, grant_lease: Any
) -> None:
    """The counts say when the first sender began, when its first POST was sent, and when the last answer came."""
    plant(numbered, 50)
    grant_lease(numbered)
    counts = (await send(replace(tools, cell_rate=100), task(numbered, 0, SHARDS))).counts
    assert 0 < counts.started <= counts.first_post <= counts.ended
    assert counts.ended - counts.first_post >= 100, "fifty posts at a hundred a second"
