"""A viewer on a real WebSocket: follows matches, repairs gaps, comes back when the connection is lost."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, Literal

import orjson

from broadcaster.pacing import backoff
from loadtest.wire import LostError, dial
from subscriptions.follower import Follower

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.wire import Wire

IDLE_SECONDS = 240.0
"""A ping that often keeps API Gateway from closing an idle connection (10 minutes,
apigateway-execution-service-websocket-limits-table.html)."""

PONG_SECONDS = 20.0
"""A connection that leaves a ping unanswered for so long is given up."""

AGE_SECONDS = (6300.0, 6900.0)
"""A viewer comes back on a new connection at a random age between these: API Gateway closes at two hours (same page),
and those who came together would all come back together."""

CARE_SECONDS = 5.0
"""How often a viewer looks whether an answer is overdue; each time at a random moment around it."""

SILENCE_SECONDS = 60.0
"""After so long without a frame of a match a viewer asks whether it missed the last one: no later frame would tell."""


class Viewer:
    """One connection that follows ``matches``: one task, and a timer of the loop instead of a second one.

    ``on_event(match, event, at)`` gets each event once and in order, with the time it came (ms since the epoch);
    ``on_frame`` gets every frame as it comes.
    """

    def __init__(
        self,
        url: str,
        matches: list[str],
        *,
        only: Literal["score"] | None = None,
        on_event: Callable[[str, dict[str, Any], int], None] | None = None,
        on_frame: Callable[[dict[str, Any]], None] | None = None,
        care_seconds: float = CARE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        pong_seconds: float = PONG_SECONDS,
        age_seconds: tuple[float, float] = AGE_SECONDS,
    ) -> None:
        self._url = f"{url}?v=1"
        self._only = only
        self._on_event = on_event
        self._on_frame = on_frame
        self.followers = {match: Follower(match) for match in matches}
        self.subscribed = asyncio.Event()
        """Set once every match has answered with a snapshot."""
        self.errors: list[dict[str, Any]] = []
        """Error frames since the last good one."""
        self.connects = 0
        """Connections that were opened."""
        self.failed = 0
        """Attempts to open one that failed."""
        self.connect_ms = 0.0
        """How long the last one took to open."""
        self.opened_at = 0.0
        """When it was open (``time.monotonic``)."""
        self.gaps = 0
        """Times that a frame was found missing; each is repaired."""
        self.junk = 0
        """Messages that were no JSON objects."""
        self._wire: Wire | None = None
        self._care_timer: asyncio.TimerHandle | None = None
        self._pinged: float | None = None
        self._leave_at = 0.0
        self._attempt = 0
        self._heard: dict[str, float] = {}
        self._unanswered: set[str] = set()
        self._care_seconds = care_seconds
        self._silence_seconds = silence_seconds
        self._idle_seconds = idle_seconds
        self._pong_seconds = pong_seconds
        self._age_seconds = age_seconds

    async def run(self) -> None:
        """Follow the matches until cancelled, connecting again with full jitter whenever the connection is lost.

        Raises what ``on_event`` or ``on_frame`` raises.
        """
        while True:
            begun = time.monotonic()
            try:
                self._wire = await dial(self._url, self._take)
            except LostError:
                self.failed += 1
            else:
                self.connects += 1
                self.opened_at = time.monotonic()
                self.connect_ms = (self.opened_at - begun) * 1000
                await self._follow(self._wire)
            self._attempt += 1
            await asyncio.sleep(backoff(self._attempt, random.random(), base=0.25, cap=30))

    @property
    def connected(self) -> bool:
        """Whether the socket is open, as far as this end knows."""
        return self._wire is not None and self._wire.open

    def drop(self) -> None:
        """Vanish without a word: no close frame, the TCP connection is aborted."""
        if self._wire is not None:
            self._wire.abort()

    async def _follow(self, wire: Wire) -> None:
        """From the open connection to its end."""
        self._pinged = None
        self._leave_at = time.monotonic() + random.uniform(*self._age_seconds)
        try:
            for follower in self.followers.values():
                self._subscribe(follower)
            self._care_later()
            await wire.closed()
        finally:
            if self._care_timer is not None:
                self._care_timer.cancel()
            wire.close()

    def _care_later(self) -> None:
        delay = self._care_seconds * (0.5 + random.random())
        self._care_timer = asyncio.get_running_loop().call_later(delay, self._care)

    def _care(self) -> None:
        """Ask again for what has not been answered, and for what may have been missed in silence."""
        now, wire = time.monotonic(), self._wire
        if wire is None:
            return
        if now > self._leave_at:
            wire.close()
            return
        if self._pinged is not None and wire.heard >= self._pinged:
            self._pinged = None
        if self._pinged is not None and now - self._pinged > self._pong_seconds:
            wire.abort()
            return
        for follower in self.followers.values():
            if follower.match in self._unanswered:
                # Whoever only asked for a snapshot now would be told of nothing: there may be no row.
                self._subscribe(follower)
            elif follower.gap or now - self._heard.get(follower.match, 0.0) > self._silence_seconds:
                self._sync(follower)
        if self._pinged is None and now - wire.used > self._idle_seconds:
            self._pinged = now
            wire.ping()
        self._care_later()

    def _sync(self, follower: Follower) -> None:
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {"seq": 0})})

    def _subscribe(self, follower: Follower) -> None:
        self._unanswered.add(follower.match)
        request: dict[str, Any] = {"action": "subscribe", "match": follower.match}
        if self._only:
            request["only"] = self._only
        if (since := follower.since()) is not None:
            request["since"] = since
        self._send(request)

    def _send(self, request: dict[str, Any]) -> None:
        if self._wire is not None:
            self._wire.send(orjson.dumps(request))

    def _take(self, text: bytes | memoryview) -> None:
        at = time.time_ns() // 1_000_000
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict):
            self.junk += 1
            return
        if self._on_frame is not None:
            self._on_frame(frame)
        kind = frame.get("type")
        if kind == "error":
            self.errors.append(frame)
            return
        follower = self.followers.get(str(frame.get("match")))
        if follower is None or kind is None:
            return
        self._attempt = 0
        self._heard[follower.match] = time.monotonic()
        self.errors.clear()
        if kind == "snapshot":
            self._unanswered.discard(follower.match)
        had_gap = follower.gap
        for event in follower.take(frame):
            if self._on_event is not None:
                self._on_event(follower.match, event, at)
        if follower.gap and not had_gap:
            self.gaps += 1
            # The answer to a subscribe repairs the gap as well, and must not be taken for that to a sync.
            if follower.match not in self._unanswered:
                self._sync(follower)
        if not self.subscribed.is_set() and all(each.epoch for each in self.followers.values()):
            self.subscribed.set()
