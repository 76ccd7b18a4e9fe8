"""A viewer of the model in a cell that broadcasts: the connection of the project's client, with its second look."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from client.broadcast_times import BroadcastTimes
from client.http_reader import FRESH_SECONDS, ReadError
from client.transports.broadcast_connection import BroadcastConnection
from client.transports.channel_memory import ChannelMemory
from client.transports.service import Silences
from trials.model.model_viewer import ModelViewer
from trials.model.reference import Connection

if TYPE_CHECKING:
    from client.frame_types import RawFrame
    from client.transports.service import Outcome, Signs
    from trials.model.channel_cell import ChannelService, Subscription
    from trials.model.world import World

TIMES = BroadcastTimes(second_read=(3.1, 3.1))
"""The client's own times; every second look comes at the first moment at which it may come."""


class Reader:
    """Reads snapshots from the API for one viewer, through caches that keep an answer for a second for all viewers."""

    def __init__(self, viewer: ChannelViewer, world: World) -> None:
        self._viewer = viewer
        self._world = world

    async def get(self, path: str) -> RawFrame:
        """The answer to a GET. Raises ReadError."""
        asked_at = self._world.loop.time()
        kept_at, kept = self._world.kept_answers.get(path, (0.0, {}))
        if asked_at - kept_at < FRESH_SECONDS:
            return kept
        answer: asyncio.Future[dict[str, Any] | None] = self._world.loop.create_future()

        def answered(body: dict[str, Any] | None) -> None:
            self._world.in_loop(lambda: None if answer.done() else answer.set_result(body))

        self._world.read(path, answered)
        body = await answer
        if body is None:
            self._viewer.misses()
            raise ReadError("the API has not answered")
        self._world.kept_answers[path] = asked_at, body
        return body


class ViewerService:
    """One viewer's connection to the service (``client.transports.service.Service``)."""

    closes_when_refused = False

    def __init__(self, viewer: ChannelViewer, service: ChannelService, world: World) -> None:
        self.open = True
        self.last_use_at = 0.0
        self.listener: BroadcastConnection
        self._viewer = viewer
        self._service = service
        self._world = world
        self._signs = Silences(0.0)
        self._heard: dict[tuple[str, str], Subscription] = {}

    @property
    def signs(self) -> Signs:
        """The signs of life, which the model does not read."""
        return self._signs

    @property
    def waits(self) -> bool:
        """Whether something is on the way."""
        return any(each.choices() for each in self._heard.values())

    async def subscribe(self, channel: str, feed: str) -> Outcome:
        """Hear a feed of a channel."""
        subscription = self._service.subscribe(self._viewer.name, f"{channel}/{feed}")
        self._heard[channel, feed] = subscription
        late = self._viewer.begins_late
        answer: asyncio.Future[Outcome] = self._world.loop.create_future()

        def answered(outcome: Outcome) -> None:
            def bring() -> None:
                if not answer.done():
                    answer.set_result(outcome)

            if outcome == "joined":
                self._service.acknowledge(subscription, late=late)
            self._world.in_loop(bring)

        subscription.answered = answered
        subscription.hears = lambda frame: self._world.in_loop(lambda: self.listener.take(frame))
        subscription.loses = self._viewer.misses
        subscription.breaks = self.abort
        try:
            outcome = await answer
        except asyncio.CancelledError:
            self.unsubscribe(channel, feed)
            raise
        if outcome != "joined":
            self.unsubscribe(channel, feed)
        return outcome

    def unsubscribe(self, channel: str, feed: str) -> None:
        """Hear a feed no longer. A thin frame that is still on its way is dropped by the page (web/livescore.js)."""
        if (subscription := self._heard.pop((channel, feed), None)) is not None:
            subscription.end()

    async def probe(self) -> None:
        """The service answers at once."""

    def ping(self) -> None:
        """Needs no answer: here a connection that breaks is noticed."""

    def close(self) -> None:
        """Say goodbye and close."""
        self.open = False
        for each in list(self._heard):
            self.unsubscribe(*each)

    def abort(self) -> None:
        """The connection breaks, or an error of the client has ended it."""
        self.close()
        self._viewer.is_cut()
        if (error := self.listener._failure) is not None:  # noqa: SLF001
            self._world.reference.breaks(f"{self._viewer.name}: {error!r}")

    async def closed(self) -> None:
        """Nobody waits for the end: ``close`` and ``abort`` say it."""


class ChannelViewer(ModelViewer):
    """Follows one match through channels and snapshots over HTTP."""

    def __init__(self, world: World, name: str, match: str) -> None:
        super().__init__(world, name, match)
        self.begins_late = False
        """Whether its next subscriptions begin some time after their acknowledgement."""
        self.missed = True
        """Whether something was lost on the way to it since it last asked: then only the next event shows it."""
        self._memory = ChannelMemory()
        self._broadcast: BroadcastConnection | None = None
        self._service: ViewerService

    @property
    def busy(self) -> bool:
        """Whether its client waits for something."""
        return self._broadcast is not None and bool(self._broadcast._tasks)  # noqa: SLF001

    @property
    def settled(self) -> bool:
        """Whether it needs no other event: nothing was lost or is on the way, and its client waits for nothing."""
        follows = self.there and self.wants and self.answered
        return follows and not (self.missed or self.busy or self._broadcast is None or self._service.waits)

    def leave(self, *, noticed: bool) -> None:
        """As in ``ModelViewer``; the service always notices."""
        del noticed
        self._close()

    def misses(self) -> None:
        """Something was lost on the way to it."""
        self.missed = True

    def is_cut(self) -> None:
        """The service has ended the connection."""
        if self.connection is not None:
            self.connection.open = False

    def _open(self) -> Connection:
        self._close()
        world = self.world
        connection = Connection(f"viewer{world.number():04d}", self.match, world.loop.time())
        reader: Any = Reader(self, world)
        broadcast = BroadcastConnection(
            reader, lambda frame: self._heard(connection, frame), self._memory, None, TIMES, subjects=""
        )
        broadcast.service = self._service = ViewerService(self, world.channels.service, world)
        self._service.listener, self._broadcast, self.asking = broadcast, broadcast, 0
        broadcast.ready()
        return connection

    def _close(self) -> None:
        if self._broadcast is not None:
            self.world.in_loop(self._broadcast.close)
        self.is_cut()

    def _ask(self, request: dict[str, Any]) -> None:
        broadcast = self._broadcast
        if broadcast is None or not self.there:
            return
        if request["action"] != "sync":
            self.answered, self.asking = False, 1
        if request["action"] != "unsubscribe":
            self.missed = False  # The answer has it, or the second look.
        self.world.in_loop(lambda: broadcast.send(orjson.dumps(request)))

    def _heard(self, connection: Connection, message: bytes | memoryview | RawFrame) -> None:
        """The client's connection has brought a frame of our protocol."""
        frame: Any = message if isinstance(message, dict) else orjson.loads(message)
        if self.connection is not connection or frame.get("match") != self.match:
            return
        is_answer = frame["type"] != "update"
        self.asking = 0 if is_answer else self.asking
        if not self.there:
            self.missed = True
            return
        if is_answer:
            self.answered = frame["type"] != "error"
        self.take(frame)
