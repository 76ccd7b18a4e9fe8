"""Acts that damage rows: rows of another match, rows of the played match, or rows that all matches share.

The other match is in the same shard of the stream, and its records precede the events of the played match. These events
must still reach every viewer, and every record that cannot be handled must be set aside with its reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.progress import progress_item
from broadcaster.control.rate_share import rate_share_key
from devstack.system import REGION
from matches.events import EVENT, AcceptedEvent
from matches.match_rows import event_item, row_key
from subscriptions.shard_counts import broadcast_key
from subscriptions.shards import DEFAULT_SHARDS, shard_of
from subscriptions.store import partition
from subscriptions.store import row_key as subscription_key
from subscriptions.viewer_counts import audience_partition
from trials.faults.play import FaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from trials.faults.play import Play

    Act = Callable[[Play], AbstractAsyncContextManager[None]]

RECORDS = 20
"""The number of goals of the damaged match that precede the events."""

EMPTY_BOARD = '{"status":"scheduled","score":[0,0],"shootout":null,"kicks":0,"clock":null,"phases":[]}'

_numbers = itertools.count(1)


def damaged_state(reason: str, **attributes: Any) -> Act:
    """Another match's state row is damaged: its records must be set aside with ``reason``.

    ``attributes`` are the new values; None removes an attribute.
    """

    @asynccontextmanager
    async def act(play: Play) -> AsyncIterator[None]:
        other = await _other(play)
        await asyncio.to_thread(_damage, play, row_key(other, "state"), "matches", attributes)
        await asyncio.to_thread(_post, play, other)
        yield
        await _set_aside(play, "record", other, reason)
        day = await asyncio.to_thread(play.world.operator.matches, "2022-12-18")
        listed = {each["match"] for each in day["matches"]}
        if other in listed or (play.match not in listed and not day["more"]):
            raise FaultError(f"the list of the day has {sorted(listed)}")

    return act


@asynccontextmanager
async def made_again(play: Play) -> AsyncIterator[None]:
    """Another match's state row is new, as after a second creation, but its old event row still exists."""
    other = await _other(play)
    fresh = {
        "newest_seq": {"N": "0"},
        "newest_score_seq": {"N": "0"},
        "board": {"S": EMPTY_BOARD},
        "epoch": {"S": "again"},
    }
    await asyncio.to_thread(_damage, play, row_key(other, "state"), "matches", fresh)
    await asyncio.to_thread(_post, play, other)
    yield
    await _set_aside(play, "record", other, f"but the row {event_item(1)} exists")


@asynccontextmanager
async def damaged_event(play: Play) -> AsyncIterator[None]:
    """An event row of another match is damaged JSON: an event that names it is set aside, and the match goes on."""
    other = await _other(play)
    await asyncio.to_thread(_damage, play, row_key(other, event_item(1)), "matches", {"body": {"S": "{"}})
    cancellation = {"kind": "cancellation", "cancels": "first", "event_id": "cancels"}
    await asyncio.to_thread(_put, play, other, cancellation)
    await asyncio.to_thread(_put, play, other, {"kind": "half_time", "event_id": "next"})
    yield
    await _set_aside(play, "record", other, f"the row {event_item(1)} of match {other} cannot be read")
    await play.until(lambda: play.world.ledger.state(other).newest_seq == 2, f"{other} does not go on")
    events = await asyncio.to_thread(play.world.operator.events, other)
    if [each["event_id"] for each in events] != ["next"]:
        raise FaultError(f"the events of {other} are {events}")


@asynccontextmanager
async def damaged_id(play: Play) -> AsyncIterator[None]:
    """The outcome row of another match's event cannot be read: the event is set aside, and the match goes on."""
    other = await _other(play)
    event = {"kind": "half_time", "event_id": "unknown"}
    # Without the digest of the event, the row would be that of another event with this id, and readable.
    digest = AcceptedEvent(other, 0, EVENT.validate_python(event)).digest
    item = {**row_key(other, "id#unknown"), "v": {"N": "1"}, "digest": {"S": digest}}
    await asyncio.to_thread(play.world.client("dynamodb").put_item, TableName=_table(play, "matches"), Item=item)
    await asyncio.to_thread(_put, play, other, event)
    await asyncio.to_thread(_put, play, other, {"kind": "half_time", "event_id": "next"})
    yield
    await _set_aside(play, "record", other, f"the row id#unknown of match {other} cannot be read")
    await play.until(lambda: play.world.ledger.state(other).newest_seq == 2, f"{other} does not go on")


@asynccontextmanager
async def damaged_cell_state(play: Play) -> AsyncIterator[None]:
    """A cell's row of another match cannot be read: its event gets a seq, and the watchdog's message is set aside."""
    other = await _other(play)
    await asyncio.to_thread(_damage, play, cell_state_key(other), "broadcasts", {"due_seq": {"S": "seven"}})
    await asyncio.to_thread(_put, play, other, {"kind": "half_time", "event_id": "next"})
    yield
    await _set_aside(play, "watch", other, "its attribute due_seq is")
    await play.until(lambda: play.world.ledger.state(other).newest_seq == 2, f"{other} does not go on")


@asynccontextmanager
async def damaged_rate_share(play: Play) -> AsyncIterator[None]:
    """A rate-share row, which all senders of the cell read, cannot be read."""
    item = {**rate_share_key(f"{play.match}-x"), "owner": {"N": "1"}, "batches": {"S": "two"}}
    async with _row(play, "broadcasts", item):
        yield


@asynccontextmanager
async def damaged_audience(play: Play) -> AsyncIterator[None]:
    """The count of the match's viewers is not a number: viewers still subscribe and get every event."""
    item = {**row_key(audience_partition(play.match), REGION), "net": {"S": "many"}}
    async with _row(play, "matches", item):
        play.watchers[0].viewer.drop()
        yield


@asynccontextmanager
async def damaged_receipt(play: Play) -> AsyncIterator[None]:
    """A receipt of the match is damaged JSON: the API still lists the other receipts."""
    item = {**row_key(play.match, "receipt#00000000#damaged"), "body": {"S": "{"}}
    async with _row(play, "matches", item):
        yield
        if not await asyncio.to_thread(play.world.operator.receipts, play.match):
            raise FaultError("no receipt is listed")


@asynccontextmanager
async def damaged_progress(play: Play) -> AsyncIterator[None]:
    """A progress row of the current round is damaged JSON: the round still ends, and every viewer gets the event."""
    yield
    name = (await asyncio.to_thread(play.world.cell_states.read, play.match)).round_name
    if name is None:
        raise FaultError("no round has begun")
    item = {**broadcast_key(play.match, progress_item(name, 999)), "body": {"S": "{"}}
    async with _row(play, "broadcasts", item):
        await play.told(await play.settled())


@asynccontextmanager
async def strange_subscriptions(play: Play) -> AsyncIterator[None]:
    """Some subscription rows have no readable ``ttl``: the lap goes on, and gone connections are pruned."""
    ids = [f"strange{number:08d}=" for number in range(4)]
    ttls: tuple[dict[str, Any], ...] = ({}, {"ttl": {"S": "soon"}}, {"ttl": {"NULL": True}}, {"ttl": {"L": []}})
    for connection, ttl in zip(ids, ttls, strict=True):
        key = subscription_key(partition(play.match, shard_of(connection, DEFAULT_SHARDS)), connection)
        await asyncio.to_thread(
            play.world.client("dynamodb").put_item, TableName=_table(play, "subscriptions"), Item={**key, **ttl}
        )
    play.slack = max(play.slack, len(ids))
    yield


@asynccontextmanager
async def _row(play: Play, table: str, item: dict[str, Any]) -> AsyncIterator[None]:
    """Put a row, and delete it after the events have reached all viewers."""
    dynamodb, name = play.world.client("dynamodb"), _table(play, table)
    await asyncio.to_thread(dynamodb.put_item, TableName=name, Item=item)
    try:
        yield
        await play.reached(await play.settled())
    finally:
        key = {each: item[each] for each in ("match_id", "item", "pk", "sk") if each in item}
        await asyncio.to_thread(dynamodb.delete_item, TableName=name, Key=key)


async def _other(play: Play) -> str:
    """Another match, in the same shard of the stream, that has kicked off."""
    other = next(each for each in (f"{play.match}-x{n}" for n in _numbers) if _half(each) == _half(play.match))

    def begin() -> None:
        operator = play.world.operator
        operator.create_match(match=other, home="Croatia", away="Morocco", kickoff="2022-12-18T15:00:00Z")
        operator.settled(other, operator.post_event(other, {"kind": "kick_off", "event_id": "first"})["event_id"])

    await asyncio.to_thread(begin)
    await play.until(lambda: play.world.cell_states.read(other).told_seq == 1, f"{other} was not told")
    return other


def _half(match: str) -> int:
    """The shard, 0 or 1, to which Kinesis maps a partition key.

    https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
    """
    return hashlib.md5(match.encode(), usedforsecurity=False).digest()[0] >> 7


def _damage(play: Play, key: dict[str, Any], table: str, attributes: dict[str, Any]) -> None:
    dynamodb, name = play.world.client("dynamodb"), _table(play, table)
    row = dynamodb.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    changed = {each: value for each, value in {**row, **attributes}.items() if value is not None}
    dynamodb.put_item(TableName=name, Item=changed)


def _post(play: Play, match: str) -> None:
    """Put records of a match into the stream before the next events: a kick-off, then goals."""
    _put(play, match, {"kind": "kick_off", "event_id": "begins"})
    for number in range(RECORDS):
        _put(play, match, {"kind": "goal", "team": "home", "minute": 1, "event_id": f"g{number}"})


def _put(play: Play, match: str, event: dict[str, Any]) -> None:
    """Put a record into the stream directly, because the API refuses events of a match that it cannot read."""
    accepted = AcceptedEvent(match, time.time_ns() // 1_000_000, EVENT.validate_python(event))
    play.world.client("kinesis").put_record(
        StreamName=play.world.system.resolve("stream"), Data=accepted.to_record(), PartitionKey=match
    )


async def _set_aside(play: Play, kind: str, match: str, reason: str) -> None:
    named = {"partition_key": match} if kind == "record" else {"match": match}
    if await play.world.set_aside.find(kind=kind, reason=reason, **named) is None:
        reasons = [each.get("reason") for each in play.world.set_aside.bodies if match in str(each)]
        raise FaultError(f"no {kind} of {match} was set aside because {reason!r}, but: {reasons[:3]}")


def _table(play: Play, name: str) -> str:
    return play.world.system.name(name)


ACTS: dict[str, Act] = {
    "row-made-again": made_again,
    "row-lacks": damaged_state("its attribute kickoff is missing", kickoff=None),
    "row-type": damaged_state("its attribute newest_seq is", newest_seq={"S": "one"}),
    "row-json": damaged_state("its attribute board is damaged JSON", board={"S": "{"}),
    "row-version": damaged_state("its version v is", v={"N": "99"}),
    "row-event": damaged_event,
    "row-id": damaged_id,
    "row-cell-state": damaged_cell_state,
    "row-rate-share": damaged_rate_share,
    "row-audience": damaged_audience,
    "row-receipt": damaged_receipt,
    "row-progress": damaged_progress,
    "row-subscription": strange_subscriptions,
}
