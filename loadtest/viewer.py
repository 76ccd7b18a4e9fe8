"""A viewer on a real WebSocket: follows matches, repairs gaps, comes back when the connection is lost."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, Literal

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.protocol import State

from broadcaster.pacing import backoff
from subscriptions.follower import Follower

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

IDLE_SECONDS = 240.0
"""A ping that often keeps API Gateway from closing an idle connection (10 minutes,
apigateway-execution-service-websocket-limits-table.html)."""


CARE_SECONDS = 5.0
"""How often a viewer looks whether an answer is overdue; each time at a random moment around it."""

SILENCE_SECONDS = 60.0
"""After so long without a frame of a match a viewer asks whether it missed the last one: no later frame would tell."""


class Viewer:
    """One connection that follows ``matches``.

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
        self._socket: ClientConnection | None = None
        self._heard: dict[str, float] = {}
        self._care_seconds = care_seconds
        self._silence_seconds = silence_seconds

    async def run(self) -> None:
        """Follow the matches until cancelled, connecting again with full jitter whenever the connection is lost."""
        attempt = 0
        while True:
            try:
                async with connect(self._url, ping_interval=IDLE_SECONDS, open_timeout=30) as socket:
                    self._socket, attempt = socket, 0
                    for follower in self.followers.values():
                        await self._subscribe(follower)
                    care = asyncio.create_task(self._care())
                    try:
                        async for text in socket:
                            await self._take(orjson.loads(text))
                    finally:
                        care.cancel()
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                pass
            attempt += 1
            await asyncio.sleep(backoff(attempt, random.random(), base=0.25, cap=30))

    @property
    def connected(self) -> bool:
        """Whether the socket is open, as far as this end knows."""
        return self._socket is not None and self._socket.state is State.OPEN

    def drop(self) -> None:
        """Vanish without a word: no close frame, the TCP connection is aborted."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _care(self) -> None:
        """Ask again for what has not been answered, and for what may have been missed in silence."""
        while True:
            await asyncio.sleep(self._care_seconds * (0.5 + random.random()))
            for follower in self.followers.values():
                if follower.epoch is None:
                    await self._subscribe(follower)
                elif follower.gap or time.monotonic() - self._heard.get(follower.match, 0.0) > self._silence_seconds:
                    await self._sync(follower)

    async def _sync(self, follower: Follower) -> None:
        await self._send({"action": "sync", "match": follower.match, **(follower.since() or {"seq": 0})})

    async def _subscribe(self, follower: Follower) -> None:
        request: dict[str, Any] = {"action": "subscribe", "match": follower.match}
        if self._only:
            request["only"] = self._only
        if (since := follower.since()) is not None:
            request["since"] = since
        await self._send(request)

    async def _send(self, request: dict[str, Any]) -> None:
        if self._socket is not None:
            await self._socket.send(orjson.dumps(request).decode())

    async def _take(self, frame: dict[str, Any]) -> None:
        at = time.time_ns() // 1_000_000
        if self._on_frame is not None:
            self._on_frame(frame)
        if frame.get("type") == "error":
            self.errors.append(frame)
            return
        follower = self.followers.get(frame.get("match", ""))
        if follower is None:
            return
        self._heard[follower.match] = time.monotonic()
        self.errors.clear()
        had_gap = follower.gap
        for event in follower.take(frame):
            if self._on_event is not None:
                self._on_event(follower.match, event, at)
        if follower.gap and not had_gap:
            await self._sync(follower)
        if all(each.epoch for each in self.followers.values()):
            self.subscribed.set()
