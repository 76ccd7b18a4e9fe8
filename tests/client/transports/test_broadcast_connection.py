"""A connection to a service that fans out itself: when it believes HTTP, and what is left of it at its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest

from client.broadcast_times import BroadcastTimes
from client.transports.broadcast_connection import BroadcastConnection
from client.transports.channel_memory import ChannelMemory
from tests.support import eventually
from tests.web.table import frame
from tests.web.transports import NAMESPACE

TIMES = BroadcastTimes(second_read=(60.0, 61.0), settle=0.01, joined=0.05)
OTHER = "livescore/c-other/m"
"""The match's channel after it was created again in another competition."""


class Everything:
    """A service that acknowledges every subscription, and a reader of the API. A test changes its attributes."""

    closes_when_refused = False

    def __init__(self) -> None:
        self.alive = asyncio.Event()
        """Set: the service gives signs of life."""
        self.ended = asyncio.Event()
        self.reads: list[str] = []
        self.read_at: list[float] = []
        self.channel = f"{NAMESPACE}/m"
        """The match's channel at the API."""
        self.seq = 1
        """The match's newest event."""
        self.outcomes: dict[str, str] = {}
        """Channel -> the answer to its subscription; without one ``joined``."""
        self.silent: set[str] = set()
        """Channels whose subscription gets no answer."""
        self.slow = asyncio.Event()
        """Not set: subscriptions wait."""
        self.slow.set()
        self.heard: list[str] = []
        """The channels of the subscriptions that the service has begun and the viewer has not left."""
        self.asked: list[str] = []
        self.left: list[str] = []
        """The channels that the viewer has left, acknowledged or not."""

    @property
    def open(self) -> bool:
        """Whether nobody has ended the connection."""
        return not self.ended.is_set()

    async def subscribe(self, channel: str, _feed: str) -> str:
        """Answer."""
        self.asked.append(channel)
        await self.slow.wait()
        if channel in self.silent:
            await asyncio.Event().wait()
        outcome = self.outcomes.get(channel, "joined")
        if outcome == "joined":
            self.heard.append(channel)
        return outcome

    def unsubscribe(self, channel: str, _feed: str) -> None:
        """Leave the newest subscription of a channel."""
        self.left.append(channel)
        if channel in self.heard:
            self.heard.remove(channel)

    def abort(self) -> None:
        """End."""
        self.ended.set()

    async def probe(self) -> None:
        """Wait for a sign of life."""
        await self.alive.wait()

    async def closed(self) -> None:
        """Wait for the end."""
        await self.ended.wait()

    async def get(self, path: str) -> Any:
        """A snapshot."""
        self.reads.append(path)
        self.read_at.append(time.monotonic())
        has = [*range(1, self.seq + 1)]
        return {**frame({"snapshot": self.seq, "has": has, "match": "m"}), "channel": self.channel}


def connected(
    memory: ChannelMemory | None = None, times: BroadcastTimes = TIMES
) -> tuple[BroadcastConnection, Everything, list[Any]]:
    """A connection that the service has let in; and what it delivers with a type."""
    service, delivered, memory = Everything(), list[Any](), memory or ChannelMemory()
    connection = BroadcastConnection(service, delivered.append, memory, None, times, subjects="livescore/subjects")  # type: ignore[arg-type]
    connection.service = service  # type: ignore[assignment]
    connection.ready()
    delivered.clear()
    return connection, service, delivered


async def test_a_sync_is_answered_only_after_a_sign_of_life() -> None:
    """An answer over HTTP says nothing about the connection: without a sign of life the viewer has to leave it."""
    connection, service, delivered = connected()
    connection.send(orjson.dumps({"action": "sync", "match": "m", "epoch": "e", "seq": 0}))
    await eventually(lambda: service.reads)
    for _ in range(10):
        await asyncio.sleep(0)
    assert delivered == []
    service.alive.set()
    await eventually(lambda: [each["type"] for each in delivered] == ["snapshot"])


async def test_a_sync_is_read_when_no_answer_can_be_older_than_it() -> None:
    """An answer at once may lack the event that the viewer misses: a process of the API keeps a match for a second."""
    settle = 0.2
    connection, service, delivered = connected(times=BroadcastTimes(settle=settle))
    service.alive.set()
    began = time.monotonic()
    connection.send(SYNC)
    await eventually(lambda: [each["type"] for each in delivered] == ["snapshot"])
    [read_at] = service.read_at
    # A timer of asyncio may be early by the resolution of its clock.
    assert read_at - began > settle - 0.01


async def test_a_new_epoch_is_confirmed_when_no_answer_can_be_older_than_the_question() -> None:
    """An answer whose epoch is not the viewer's may be of before the reset, so it is read again, later."""
    settle = 0.2
    connection, service, delivered = connected(times=BroadcastTimes(second_read=(60.0, 61.0), settle=settle))
    connection.send(orjson.dumps({"action": "subscribe", "match": "m", "since": {"epoch": "another", "seq": 7}}))
    await eventually(lambda: delivered)
    doubted, confirmed = service.read_at[-2:]
    assert confirmed - doubted > settle - 0.01


async def test_no_task_outlives_a_connection() -> None:
    """A viewer that has left waits for no second look and no sign of life."""
    connection, service, delivered = connected()
    before = asyncio.all_tasks()
    connection.send(orjson.dumps({"action": "subscribe", "match": "m"}))
    connection.send(orjson.dumps({"action": "sync", "match": "m"}))
    await eventually(lambda: len(service.reads) == 3 and delivered)
    begun = asyncio.all_tasks() - before
    assert begun
    service.ended.set()
    await connection.closed()
    await eventually(lambda: all(each.done() for each in begun))


SUBSCRIBE = orjson.dumps({"action": "subscribe", "match": "m"})
SYNC = orjson.dumps({"action": "sync", "match": "m"})


async def follow(memory: ChannelMemory | None = None) -> tuple[BroadcastConnection, Everything, list[Any]]:
    """A connection that follows the match, whose service is alive."""
    connection, service, delivered = connected(memory)
    service.alive.set()
    connection.send(SUBSCRIBE)
    await eventually(lambda: [each["type"] for each in delivered] == ["snapshot"])
    delivered.clear()
    return connection, service, delivered


@pytest.mark.parametrize("answer", ["failed", "refused", "none"])
async def test_a_match_whose_new_channel_cannot_be_heard_ends_the_connection(answer: str) -> None:
    """The viewer has its answer and does not subscribe again, so the next connection has to join the new channel."""
    connection, service, _ = await follow()
    service.channel = OTHER
    service.silent = {OTHER} if answer == "none" else set()
    service.outcomes = {OTHER: answer}
    connection.send(SYNC)
    async with asyncio.timeout(20.0):
        await connection.closed()
    assert service.asked == [f"{NAMESPACE}/m", OTHER]


async def test_the_next_connection_joins_the_new_channel_first() -> None:
    """The old channel would answer at once, and the viewer would connect again and again without a pause."""
    memory = ChannelMemory()
    connection, service, _ = await follow(memory)
    service.channel, service.outcomes = OTHER, {OTHER: "failed"}
    connection.send(SYNC)
    await eventually(lambda: not service.open)
    after, later, _ = connected(memory)
    after.send(SUBSCRIBE)
    await eventually(lambda: later.asked)
    assert later.asked[0] == OTHER


async def test_events_before_the_new_subscription_are_read() -> None:
    """The service may begin to carry a channel after the snapshot that named it: the viewer reads once more."""
    connection, service, delivered = await follow()
    service.channel = OTHER
    service.slow.clear()
    connection.send(SYNC)
    await eventually(lambda: OTHER in service.asked)
    service.seq = 2
    service.slow.set()
    await eventually(lambda: [(each["type"], each["seq"]) for each in delivered] == [("snapshot", 1), ("update", 2)])


async def test_two_answers_at_once_join_a_new_channel_once() -> None:
    """Two syncs that both find the new channel leave one subscription, and none that nobody leaves again."""
    connection, service, delivered = await follow()
    service.channel = OTHER
    service.slow.clear()
    connection.send(SYNC)
    connection.send(SYNC)
    await eventually(lambda: len(delivered) == 2)
    service.slow.set()
    await eventually(lambda: OTHER in service.heard)
    for _ in range(10):
        await asyncio.sleep(0)
    assert service.heard == [OTHER]
    assert service.asked == [f"{NAMESPACE}/m", OTHER]


async def test_who_unsubscribes_leaves_the_channel() -> None:
    """After an unsubscribe the service carries nothing more of the match to this viewer."""
    connection, service, delivered = await follow()
    connection.send(orjson.dumps({"action": "unsubscribe", "match": "m"}))
    await eventually(lambda: delivered == [{"type": "unsubscribed", "match": "m"}])
    assert service.heard == []


async def test_who_unsubscribes_leaves_a_channel_that_has_no_acknowledgement_yet() -> None:
    """The service may acknowledge the subscription later, and would carry the match to a viewer that left it."""
    connection, service, delivered = connected()
    service.slow.clear()
    connection.send(SUBSCRIBE)
    await eventually(lambda: service.asked)
    connection.send(orjson.dumps({"action": "unsubscribe", "match": "m"}))
    await eventually(lambda: delivered == [{"type": "unsubscribed", "match": "m"}])
    assert service.left == service.asked == [f"{NAMESPACE}/m"]


async def test_who_unsubscribes_joins_no_new_channel() -> None:
    """A change of channel that has no answer yet ends with the unsubscribe."""
    connection, service, _ = await follow()
    service.channel = OTHER
    service.slow.clear()
    connection.send(SYNC)
    await eventually(lambda: OTHER in service.asked)
    connection.send(orjson.dumps({"action": "unsubscribe", "match": "m"}))
    service.slow.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert service.heard == []
    assert service.open


@pytest.mark.parametrize(
    "junk",
    [
        {"epoch": ["e"]}, {"seq": "1"}, {"seq": None}, {"channel": "none"}, {"channel": 7},
        {"channel": "a/b/" + "c" * 70_000},
    ],
    ids=["epoch", "seq", "no-seq", "form", "type", "length"],
)  # fmt: skip
async def test_junk_of_the_api_ends_no_connection(junk: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot with a value of another type or form is an error of the match, and the viewer asks again."""
    connection, service, delivered = connected()
    get = service.get

    async def answer(path: str) -> Any:
        return await get(path) | junk

    monkeypatch.setattr(service, "get", answer)
    connection.send(SUBSCRIBE)
    await eventually(lambda: delivered)
    assert [each.get("code") for each in delivered] == ["unavailable"]
    assert service.open


@pytest.mark.parametrize("seq", ["x", None, [1]], ids=str)
async def test_junk_in_the_events_of_a_look_ends_no_connection(seq: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The viewer gets such an answer and counts it as junk; the connection stays."""
    connection, service, delivered = await follow()
    get = service.get

    async def answer(path: str) -> Any:
        return {**await get(path), "events": [{"seq": seq}]}

    monkeypatch.setattr(service, "get", answer)
    connection.doubt(f"{NAMESPACE}/m")
    await eventually(lambda: delivered or not service.open)
    assert service.open
