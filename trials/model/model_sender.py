"""An invocation of a sender: the real carousel and gateway client, which wait before many side effects at once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broadcaster.send.carousel import Carousel, Tools
from broadcaster.send.connection import ConnectionState
from broadcaster.send.gateway import Gateway
from broadcaster.send.sender_store import SenderStore
from broadcaster.send.signing import Credentials, Endpoint
from devstack.system import REGION
from trials.model import seams
from trials.model.actors import Invocation, Turn
from trials.model.cloud import lost, refusal
from trials.model.virtual_time import BEGIN

if TYPE_CHECKING:
    from broadcaster.control.payload import Batch, SenderTask
    from trials.model.connections_api import Post
    from trials.model.world import World


_FAULTS = {Turn.FAIL: "throttled", Turn.ANSWER_LOST: "answer lost"}
"""The outcomes of a POST in these turns."""


class ModelSender(Invocation):
    """One invocation of a sender, with its own gateway client."""

    def __init__(self, world: World, number: int, task: SenderTask, skew: float) -> None:
        super().__init__(f"sender {number} of {task.owner}", world.loop, skew=skew)
        self.number = number
        self.owner = task.owner
        self.batch = task.batch.number
        self.gateway: Gateway | None = None
        self._world = world
        self._input = task

    def start(self, seconds: float) -> None:
        """Run, with ``seconds`` until the invocation must end."""

        async def work() -> Batch:
            world = self._world
            url = f"http://127.0.0.1:{world.gateway.connections.port}/{self.number}"
            credentials = Credentials("model", "model")
            gateway = self.gateway = await Gateway.open(
                Endpoint.parse(url, REGION), lambda: credentials,
                connections=2, clock=lambda: BEGIN, elapsed=world.clock.monotonic,
            )  # fmt: skip
            db = _AsyncDb(self, world)
            matches, broadcasts = world.system.name("matches"), world.system.name("broadcasts")
            store = SenderStore(db, db, matches, broadcasts, world.gateway.lease_seconds)
            tools = Tools(db, gateway, store, world.system.name("subscriptions"), 100_000, world.clock.time)
            try:
                return await Carousel(tools, self._input, world.loop.time() + seconds).run()
            finally:
                await gateway.close()

        self.begin(work)

    def posts(self) -> list[Post]:
        """Its POSTs that wait for an answer."""
        return self._world.gateway.connections.of(self.number) if not self.ended else []

    def choices(self) -> int:
        """The number of its waiting calls and POSTs."""
        return super().choices() + len(self.posts())

    def step(self, choice: int = 0, turn: Turn = Turn.GO) -> None:
        """Let a call happen or, with a higher ``choice``, a POST; see ``_FAULTS``."""
        calls, posts = super().choices(), self.posts()
        if turn in _FAULTS:
            self._world.gateway.refuse(self)
        choice %= max(1, calls + len(posts))
        if choice < calls:
            super().step(choice, turn)
            return
        self.effects += 1
        if turn is not Turn.DIE_BEFORE:
            self._world.gateway.connections.answer(posts[choice - calls], _FAULTS.get(turn))
            self._loop.settle()
        if turn in (Turn.DIE_BEFORE, Turn.DIE_AFTER):
            self.die()

    def in_flight(self) -> bool:
        """Whether its bytes are on their way between two sockets."""
        if self.gateway is None or self.ended:
            return False
        states = [each.state for each in self.gateway.pool.connections.values()]
        opening = ConnectionState.OPENING in states or ConnectionState.HANDSHAKE in states
        return opening or states.count(ConnectionState.BUSY) > len(self.posts())


class _AsyncDb:
    """DynamoDB for a sender: each call waits for its turn. Pages of subscriptions are small."""

    def __init__(self, sender: ModelSender, world: World) -> None:
        self._sender = sender
        self._world = world
        self.exceptions = world.raw.exceptions

    def __getattr__(self, name: str) -> Any:
        async def call(**arguments: Any) -> Any:
            turn = await self._sender.pause(name)
            if turn is Turn.FAIL:
                raise refusal(name, "ProvisionedThroughputExceededException")
            if turn is Turn.ANSWER_LOST:
                with suppress(ClientError):
                    self._world.call(name, arguments)
                raise lost(name)
            if name == "query" and arguments["TableName"] == self._world.system.name("subscriptions"):
                arguments["Limit"] = seams.SMALL
            return self._world.call(name, arguments, twice=turn is Turn.TWICE)

        return call
