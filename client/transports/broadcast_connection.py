"""A connection to a service that fans out itself, which looks to a viewer like a WebSocket of ours.

The viewer sends the requests of docs/protocol.md. New events come from the channels of the service, and every snapshot
comes over HTTP:

- A ``subscribe`` joins the match's channel. After the service's answer it reads the snapshot, and some seconds
  later it looks once more, because an acknowledged subscription may begin late.
- A ``sync`` asks the service for a sign of life, and then reads a snapshot that is not older than the request.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from ..http_reader import ReadError
from ..token_claims import end_of, feed_of_subject
from .channel_memory import ChannelMemory
from .service import Listener
from .snapshots import Snapshots, as_update, channel_of, is_news

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ..broadcast_times import BroadcastTimes
    from ..cell_address import CellAddress
    from ..frame_types import Position, RawFrame
    from ..http_reader import HttpReader
    from ..viewer_connection import Deliver, Dial
    from .service import OpenService, Outcome, Service

_UNKNOWN, _BAD = 404, (400, 422)


@dataclass(slots=True)
class _Held:
    """One match on one connection."""

    feed: str
    channel: str = ""
    """Empty until the service has acknowledged the subscription."""
    asked: str = ""
    """The channel for which the service has been asked and has not answered."""
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Two subscriptions at once would leave one of them behind."""
    following: asyncio.Task[Any] | None = None
    """The task that changes to another channel."""
    is_reading: bool = False
    """The channel or the snapshot is being read."""
    heard_epoch: str | None = None
    """The epoch of the newest frame from the channel; None after an answer that is not older than its request."""


def broadcasting(cell: CellAddress, open_service: OpenService, reader: HttpReader, times: BroadcastTimes) -> Dial:
    """The function that opens connections to a cell for one viewer."""
    memory = ChannelMemory()

    async def dial(token: str | None, deliver: Deliver) -> BroadcastConnection:
        connection = BroadcastConnection(reader, deliver, memory, token, times, subjects=cell.subjects)
        connection.service = await open_service(token, Listener(connection.ready, connection.take, connection.doubt))
        return connection

    return dial


class BroadcastConnection:
    """See ``Connection``. ``service`` is set when it is open."""

    service: Service

    def __init__(
        self,
        reader: HttpReader,
        deliver: Deliver,
        memory: ChannelMemory,
        token: str | None,
        times: BroadcastTimes,
        *,
        subjects: str,
    ) -> None:
        """``subjects``: the channel of messages to single viewers."""
        self._snapshots = Snapshots(reader, times)
        self._deliver = deliver
        self._memory = memory
        self._token = token
        self._times = times
        self._subjects = subjects
        self._held: dict[str, _Held] = {}
        self._subscribing: dict[str, asyncio.Task[None]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._hears_messages = False
        """Whether the service has acknowledged the channel of the messages to the viewer's subject."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._failure: BaseException | None = None
        left = end_of(token) - time.time()
        # A token that has ended by our clock was accepted all the same, so the clock is wrong.
        self.ends_at = time.monotonic() + left if left > 0 else math.inf

    @property
    def last_frame_at(self) -> float:
        """When the last sign of life came."""
        return self.service.signs.last_frame_at

    @property
    def last_message_at(self) -> float:
        """When the service said something the last time."""
        return self.service.signs.last_message_at

    @property
    def longest_frame_silence(self) -> float:
        """Seconds of the longest silence that a sign of life has ended."""
        return self.service.signs.longest_frame_silence

    @property
    def longest_message_silence(self) -> float:
        """Seconds of the longest silence that a message has ended."""
        return self.service.signs.longest_message_silence

    @property
    def last_use_at(self) -> float:
        """When the connection was last used."""
        return self.service.last_use_at

    @property
    def open(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return self.service.open

    def send(self, text: bytes) -> None:
        """Carry out a request of our protocol, if the connection is open."""
        if not self.open:
            return
        request: dict[str, Any] = orjson.loads(text)
        match = request.get("match", "")
        match request["action"]:
            case "subscribe":
                self._ask(match, request.get("only", "all"), request.get("since"))
            case "sync":
                since = {"epoch": request["epoch"], "seq": request["seq"]} if "epoch" in request else None
                self._begin(self._sync(match, since))  # type: ignore[arg-type]  # a Position
            case "unsubscribe":
                self._unsubscribe(match)
            case "listen":
                # Two subscriptions would bring each message twice.
                if self._listening is not None:
                    self._listening.cancel()
                self._listening = self._begin(self._listen())

    def ping(self) -> None:
        """Ask the service for a sign of life."""
        self.service.ping()

    def close(self) -> None:
        """Say goodbye and close."""
        self._cancel()
        self.service.close()

    def abort(self) -> None:
        """Break the connection."""
        self.service.abort()

    async def closed(self) -> None:
        """Wait for the end of the connection.

        Raises LostError if the service did not let the viewer in, and the error of a callback that ended it.
        """
        try:
            await self.service.closed()
        finally:
            if self.service.closes_when_refused:
                # The service answers in order, so it has not looked at the later subscriptions.
                for match in [each for each, held in self._held.items() if held.asked][:1]:
                    self._memory.cut(match)
            self._cancel()
        if self._failure is not None:
            raise self._failure

    def ready(self) -> None:
        """The service has let the viewer in. An object without a type is a sign of life for the viewer."""
        self._ready.set()
        self._deliver({})

    def take(self, text: str | bytes) -> None:
        """A channel has brought a frame."""
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict):
            self._deliver(text.encode() if isinstance(text, str) else text)
            return
        held = self._held.get(frame["match"]) if isinstance(frame.get("match"), str) else None
        if held is not None and isinstance(frame.get("epoch"), str):
            held.heard_epoch = frame["epoch"]
        self._deliver(frame)

    def doubt(self, channel: str) -> None:
        """Frames of a channel may be missing: read at once what the match has."""
        for match, held in self._held.items():
            if held.channel == channel:
                self._begin(self._look_twice(match, held))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = error
            self.abort()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ask(self, match: str, feed: str, since: Position | None) -> None:
        """Begin a subscribe. If the same one is being read for, that one will be answered."""
        held, running = self._held.get(match), self._subscribing.get(match)
        if held is not None and held.feed != feed:
            self._leave(match)
        if running is not None and not running.done():
            if held is not None and held.feed == feed and held.is_reading:
                return
            running.cancel()
        self._subscribing[match] = self._begin(self._subscribe(match, feed, since))

    async def _subscribe(self, match: str, feed: str, since: Position | None) -> None:
        await self._ready.wait()
        held = self._held.setdefault(match, _Held(feed))
        held.is_reading = True
        try:
            if not held.channel:
                channel = await self._channel(match)
                held.is_reading = False
                async with held.joining:
                    if not held.channel and not await self._join(match, held, channel):
                        return
                held.is_reading = True
            answer = await self._answer(match, held, since)
        except ReadError as error:
            self._refuse(match, *_reason(error))
            return
        finally:
            held.is_reading = False
        self._deliver(answer)
        if not await self._follow(match, held, answer):
            await self._look_later(match, held, answer)

    async def _channel(self, match: str) -> str:
        """The match's channel. Raises ReadError."""
        if match not in self._memory.channels:
            self._memory.channels[match] = await self._snapshots.channel(match)
        return self._memory.channels[match]

    async def _join(self, match: str, held: _Held, channel: str) -> bool:
        """Subscribe at the service; returns whether it has begun. Otherwise the viewer has been told."""
        outcome: Outcome = "refused"
        if self._memory.may_ask(match, self._token, time.monotonic()):
            held.asked = self._memory.channels[match] = channel
            try:
                outcome = await self.service.subscribe(channel, held.feed)
            finally:
                held.asked = ""
            self._memory.answered(match, outcome, self._token, time.monotonic())
        if outcome == "joined":
            held.channel = channel
            return True
        if outcome == "failed":
            self._refuse(match, "unavailable", "The server could not do this. Try again.")
        else:
            self._refuse(match, "not_entitled", "Your token does not cover this match's competition.")
        return False

    async def _follow(self, match: str, held: _Held, snapshot: RawFrame) -> bool:
        """Change to another channel: a match that was created again may have another competition.

        Returns whether the match has changed, and reads then what came before the service has begun. If the service
        does not begin, the connection ends: on the next one the viewer subscribes again, after a pause that grows.
        """
        if not await self._change(match, held, channel_of(snapshot)):
            return False
        await self._look(match, held, snapshot)
        await self._look_later(match, held, snapshot)
        return True

    async def _change(self, match: str, held: _Held, channel: str | None) -> bool:
        async with held.joining:
            if channel is None or held.channel in ("", channel) or self._held.get(match) is not held:
                return False
            self.service.unsubscribe(held.channel, held.feed)
            held.channel, held.following = "", asyncio.current_task()
            try:
                async with asyncio.timeout(self._times.joined):
                    if await self._join(match, held, channel):
                        return True
            except TimeoutError:
                pass
            finally:
                held.following = None
            self.abort()
            return False

    async def _answer(self, match: str, held: _Held, since: Position | None) -> RawFrame:
        """The snapshot for a subscribe. Raises ReadError."""
        snapshot = await self._snapshots.read(match, since)
        known = {since["epoch"]} if since is not None else set()
        if held.heard_epoch is not None:
            known.add(held.heard_epoch)
        if known <= {snapshot["epoch"]}:
            return snapshot
        # The match was created again. Either the answer is of before that, or the viewer is.
        return await self._newest(match, held, since)

    async def _newest(self, match: str, held: _Held | None, since: Position | None) -> RawFrame:
        """A snapshot that is not older than this call. Raises ReadError."""
        snapshot = await self._snapshots.newest(match, since)
        if held is not None:
            held.heard_epoch = None
        return snapshot

    async def _look(self, match: str, held: _Held, before: RawFrame | None, name: str = "look") -> None:
        """Deliver what HTTP has after an earlier snapshot; without one, the newest events. ``name``: of the request.

        It is delivered as an update: a snapshot would look like the answer to a sync that waits for one.
        """
        since: Any = {"epoch": before["epoch"], "seq": before["seq"]} if before is not None else None
        try:
            snapshot = await self._snapshots.read(match, since, name)
            is_same_epoch = before is None or snapshot["epoch"] == before["epoch"]
            if not is_same_epoch:
                snapshot = await self._newest(match, held, since)
        except ReadError:
            return  # The viewer reads after a silence, and after the next frame.
        if self._held.get(match) is held and (before is None or is_news(snapshot, before)):
            self._deliver(as_update(snapshot) if is_same_epoch else snapshot)
            await self._follow(match, held, snapshot)

    async def _look_later(self, match: str, held: _Held, before: RawFrame) -> None:
        """Look when a subscription that begins late has begun."""
        await asyncio.sleep(random.uniform(*self._times.second_read))
        await self._look(match, held, before)

    async def _look_twice(self, match: str, held: _Held) -> None:
        """Look at once, and again when no answer can be older than the doubt: the first may lack the newest event."""
        await self._look(match, held, None)
        await asyncio.sleep(self._times.settle)
        await self._look(match, held, None, "again")

    async def _sync(self, match: str, since: Position | None) -> None:
        """Without an answer of the service nothing is delivered: the viewer leaves a dead connection."""
        held = self._held.get(match)
        probe = asyncio.create_task(self.service.probe())
        try:
            snapshot = await self._newest(match, held, since)
            await probe
        except ReadError:
            return  # The viewer repairs the gap again.
        finally:
            probe.cancel()
        self._deliver(snapshot)
        if held is not None:
            await self._follow(match, held, snapshot)

    def _unsubscribe(self, match: str) -> None:
        if (running := self._subscribing.pop(match, None)) is not None:
            running.cancel()
        self._leave(match)
        answer: RawFrame = {"type": "unsubscribed", "match": match}
        asyncio.get_running_loop().call_soon(self._deliver, answer)

    async def _listen(self) -> None:
        if self._hears_messages:
            self._deliver({"type": "listening"})
            return
        await self._ready.wait()
        feed = feed_of_subject(self._token)
        if feed is None:
            self._deliver({"type": "error", "code": "no_subject", "message": "You have no token with a subject."})
        elif await self.service.subscribe(self._subjects, feed) == "joined":
            self._hears_messages = True
            self._deliver({"type": "listening"})

    def _leave(self, match: str) -> None:
        held = self._held.pop(match, None)
        if held is None:
            return
        if held.following is not None:
            held.following.cancel()
        for channel in {held.channel, held.asked} - {""}:
            self.service.unsubscribe(channel, held.feed)

    def _refuse(self, match: str, code: str, message: str) -> None:
        self._deliver({"type": "error", "code": code, "message": message, "match": match})


def _reason(error: ReadError) -> tuple[str, str]:
    """The code and the sentence of an error frame for a read that failed."""
    if error.status == _UNKNOWN:
        return "unknown_match", "There is no such match."
    if error.status in _BAD:
        return "bad_request", "This is not the id of a match."
    return "unavailable", "The server could not do this. Try again."
