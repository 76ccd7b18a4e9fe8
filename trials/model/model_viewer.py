"""A viewer of the model: the follower of the project's client, on a connection that comes, sleeps and goes.

Its connection is one of API Gateway. channel_viewer.py has the viewers of cells that broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from client.follower import Follower
from trials.model.reference import Connection

if TYPE_CHECKING:
    from trials.model.world import World


class ModelViewer:
    """Follows one match; ``wants`` says whether it wants to."""

    def __init__(self, world: World, name: str, match: str) -> None:
        self.world = world
        self.name = name
        self.match = match
        self.score_only = False
        self.wants = False
        self.connection: Connection | None = None
        self.follower = Follower(match)
        self.answered = True
        """Whether its latest request on this connection was granted."""
        self.asking = 0
        """Requests without an answer yet. A client waits for them before it sends another subscribe."""

    @property
    def there(self) -> bool:
        """Whether it is connected and reads."""
        return self.connection is not None and self.connection.open and self.connection.awake

    @property
    def busy(self) -> bool:
        """Whether its client waits for something by itself."""
        return False

    def come(self, *, score_only: bool) -> None:
        """Connect and subscribe, with its position if it has one."""
        if self.connection is None or not self.connection.open:
            self.connection = self._open()
        elif not self.there:
            return  # A viewer that sleeps sends nothing.
        self.subscribe(score_only=score_only)

    def subscribe(self, *, score_only: bool) -> None:
        """Subscribe, perhaps with another ``only`` than before."""
        if self.score_only and not score_only:
            # A score-only follower may have skipped cards before its position: begin again.
            self.follower = Follower(self.match)
            self.world.reference.shown.pop(self.name, None)
        self.score_only, self.wants = score_only, True
        request: dict[str, Any] = {"action": "subscribe", "match": self.match}
        if score_only:
            request["only"] = "score"
        if (since := self.follower.since()) is not None:
            request["since"] = since
        self._ask(request)

    def unsubscribe(self) -> None:
        """Stop following, and stay connected."""
        self.wants = False
        self._ask({"action": "unsubscribe", "match": self.match})

    def leave(self, *, noticed: bool) -> None:
        """Leave; ``$disconnect`` may come or not."""
        if self.connection is not None and self.connection.open:
            self.connection.open = False
            if noticed:
                self.world.disconnect(self.connection)

    def sync(self) -> None:
        """Ask for events that it may have missed."""
        self._ask({"action": "sync", "match": self.match, **(self.follower.since() or {"seq": 0})})

    def care(self) -> bool:
        """Repeat requests without an answer; returns whether there were any."""
        if not self.there:
            return False
        if not self.answered and self.wants:
            self.subscribe(score_only=self.score_only)
        elif not self.answered:
            self.unsubscribe()
        elif self.wants and self.follower.gap:
            self.sync()
        else:
            return False
        return True

    def take(self, frame: Any) -> None:
        """A frame has come."""
        if frame.get("match") != self.match:
            return
        had_gap = self.follower.gap
        for event in self.follower.take(frame):
            self.world.reference.showed(self.name, self.match, event)
        if self.follower.lost:
            self.world.reference.breaks(f"{self.name} lost {self.follower.lost} events")
        if self.follower.gap and not had_gap:
            self.sync()

    def _open(self) -> Connection:
        """A new connection; no function does anything for that."""
        connection = Connection(f"viewer{self.world.number():04d}=", self.match, self.world.loop.time())
        self.world.reference.connections[connection.name] = connection
        return connection

    def _ask(self, request: dict[str, Any]) -> None:
        connection = self.connection
        if connection is None or not self.there:
            return
        changes = request["action"] != "sync"
        subscribes = request["action"] == "subscribe"
        connection.refused = False
        if changes:
            connection.row, self.answered = False, False
        self.asking += 1

        def answered(text: str | None) -> None:
            frame: dict[str, Any] = orjson.loads(text) if text is not None else {"type": "error"}
            self.asking -= 1
            if frame["type"] == "snapshot":
                self.world.reference.answered(connection, frame["seq"], subscribes=subscribes)
            if text is None or self.connection is not connection or not self.there:
                return
            self.answered = self.answered or (changes and frame["type"] != "error")
            self.take(frame)

        self.world.route(connection, request, answered)
