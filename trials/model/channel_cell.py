"""The model's cell that broadcasts: its service takes a frame once, and carries it to everyone who hears the channel.

The service promises little, like the real ones: a subscription may begin a second after its acknowledgement, and a
frame may come late, out of order, twice or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from broadcaster.control.cell_state import CellStates
from broadcaster.home.cells import Cell
from broadcaster.transports.description import CellDescription
from broadcaster.transports.publisher import Publisher
from devstack.inline import Inline
from devstack.system import REGION
from matches.channels import Channels
from matches.ledger import Ledger
from trials.model.actors import Actor, Turn
from trials.model.cloud import effect, lost, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.transports.service import Outcome
    from trials.model.world import World

NAME: Final = "events"
TRANSPORT: Final = "appsync-events"

LATE_SECONDS: Final = 1.0
"""An acknowledged subscription begins at the latest after so many seconds (client/broadcast_times.py)."""

_ANSWER: Final = b""
"""Stands for the service's answer among the things that are on the way to a viewer."""


class Subscription(Actor):
    """One viewer's subscription to a channel. The service's answer and each frame wait for a turn on their way.

    A turn FAIL loses the thing, TWICE brings a frame twice, ANSWER_LOST brings it and keeps it for another time. With
    the other turns the connection breaks.
    """

    def __init__(self, name: str, channel: str, ends: Callable[[Subscription], None]) -> None:
        super().__init__(name, 0.0)
        self.channel = channel
        self.begun = False
        self.answered: Callable[[Outcome], None] = lambda _: None
        """Called when the service's answer comes."""
        self.hears: Callable[[bytes], None] = lambda _: None
        """Called with each frame."""
        self.loses: Callable[[], None] = lambda: None
        """Called when a frame is lost on its way."""
        self.breaks: Callable[[], None] = lambda: None
        """Called when the connection breaks."""
        self._ends = ends
        self._coming: list[bytes] = [_ANSWER]

    def carry(self, frame: bytes) -> None:
        """The service sends a frame."""
        self._coming.append(frame)

    def choices(self) -> int:
        """As in ``Actor``: the number of things on the way."""
        return 0 if self.ended else len(self._coming)

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """As in ``Actor``: one of the things arrives, or does not."""
        self.effects += 1
        if turn in (Turn.DIE_BEFORE, Turn.DIE_AFTER):
            self.die()
            return
        thing = self._coming.pop(choice % len(self._coming))
        if thing is _ANSWER:
            self.answered("failed" if turn is Turn.FAIL else "joined")
            return
        if turn is Turn.FAIL:
            self.loses()
            return
        for _ in range(2 if turn is Turn.TWICE else 1):
            self.hears(thing)
        if turn is Turn.ANSWER_LOST and not self.ended:
            self._coming.append(thing)

    def end(self) -> None:
        """The viewer hears the channel no longer, also nothing that is on the way."""
        if not self.ended:
            self.ended, self.begun = True, False
            self._coming.clear()
            self._ends(self)

    def die(self) -> None:
        """As in ``Actor``: the service breaks the viewer's connection."""
        if not self.ended:
            self.breaks()
            self.end()


class ChannelService:
    """The service, with its channels. Home publishes to it (``broadcaster.transports.transport.Service``)."""

    frame_bytes: Final = 240 * 1024

    def __init__(self, world: World) -> None:
        self.trouble: Turn | None = None
        """The outcome of every publish while the service is down: FAIL is an error, ANSWER_LOST no answer."""
        self._world = world
        self._subscriptions: list[Subscription] = []

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame, in the turn of the actor that does it."""
        effect("Publish", lambda: self._take(channel, frame))

    def subscribe(self, viewer: str, channel: str) -> Subscription:
        """A viewer asks for a channel."""
        subscription = Subscription(f"{channel} to {viewer}", channel, self._subscriptions.remove)
        self._subscriptions.append(subscription)
        self._world.actors.append(subscription)
        return subscription

    def acknowledge(self, subscription: Subscription, *, late: bool) -> None:
        """The viewer has the answer. A subscription that is late begins at the last moment that the client expects."""

        def begin() -> None:
            subscription.begun = not subscription.ended

        if late:
            self._world.loop.call_later(LATE_SECONDS, begin)
        else:
            begin()

    def _take(self, channel: str, frame: bytes) -> None:
        if self.trouble is not None:
            self._world.faults += 1
            raise refusal("Publish") if self.trouble is Turn.FAIL else lost("Publish")
        body = orjson.loads(frame)
        self._world.reference.published(body["match"], channel.rpartition("/")[2], (body["prev"], body["seq"]))
        for each in self._subscriptions:
            if each.begun and each.channel == channel:
                each.carry(frame)


class ChannelCell:
    """The cell and its parts. It keeps no rows, and has no execution and no lease."""

    name = NAME

    def __init__(self, world: World) -> None:
        self.service = ChannelService(world)
        self.description = CellDescription(NAME, REGION, TRANSPORT, f"-{NAME}")
        self.table = world.system.name("broadcasts") + self.description.suffix
        self.states = CellStates(self.table, world.raw)
        """For looks at the cell's rows, which no turn decides."""
        self._world = world

    def cell(self) -> Cell:
        """The cell as home calls it."""
        states = CellStates(self.table, self._world.db)
        ledger = Ledger(self._world.system.name("matches"), self._world.db)
        channels = Channels(self._world.system.prefix)
        publisher = Publisher(self.description, states, ledger, self.service, Inline(), channels)
        return Cell(self.description, states, publisher)
