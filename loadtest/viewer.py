"""A viewer on a real WebSocket: follows matches, repairs gaps, comes back when the connection is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import orjson

from broadcaster.pacing import backoff
from loadtest.repairs import Repairs
from loadtest.wire import LostError, dial
from subscriptions.follower import Follower
from subscriptions.repair import SPREAD_SECONDS, patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.reader import Reader
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

ASK_SECONDS = 60.0
"""A subscribe that has not been answered is sent again after ``CARE_SECONDS``, then after twice as long each time, up
to this: whoever is slow to answer thousands is not helped by more questions."""

SILENCE_SECONDS = 60.0
"""After so long without a frame of a match, give or take a quarter, a viewer looks whether it missed the last one: no
later frame would tell."""


class Viewer:
    """One connection that follows ``matches``: one task, and a timer of the loop instead of a second one.

    ``on_event(match, event, at)`` gets each event once and in order, with the time it came (ms since the epoch);
    ``on_frame`` gets every frame as it comes over the socket. With a ``reader`` of the HTTP API what was missed is read
    there; without one, and where that does not help, the socket is asked. A ``token`` that is a function is asked for
    one before each connection. ``chance`` is what jitter comes from: numbers in [0, 1).
    """

    def __init__(
        self,
        url: str,
        matches: list[str],
        *,
        reader: Reader | None = None,
        only: Literal["score"] | None = None,
        on_event: Callable[[str, dict[str, Any], int], None] | None = None,
        on_frame: Callable[[dict[str, Any]], None] | None = None,
        care_seconds: float = CARE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        pong_seconds: float = PONG_SECONDS,
        age_seconds: tuple[float, float] = AGE_SECONDS,
        token: str | Callable[[], str] | None = None,
        spread_seconds: float = SPREAD_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url = f"{url}?v=1"
        self._token = token
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
        """Times that a frame was found missing."""
        self.repaired = 0
        """Times that missing events were brought back: gaps that were closed, and checks that found some."""
        self.repair_ms: list[float] = []
        """How long each of those took, from noticing. Whoever reads them may clear the list."""
        self.checks = 0
        """Times that this viewer looked after a silence."""
        self.synced = 0
        """Times that the socket had to be asked for what was missed."""
        self.junk = 0
        """Messages that were no JSON objects."""
        self._wire: Wire | None = None
        self._care_timer: asyncio.TimerHandle | None = None
        self._pinged: float | None = None
        self._leave_at = self._checked_at = self._ask_after = self._ask_at = 0.0
        self._attempt = 0
        self._heard: dict[str, float] = {}
        self._answered: set[str] = set()
        """Matches whose subscribe has been answered on this connection."""
        self._gap_since: dict[str, float] = {}
        self._synced: Counter[str] = Counter()
        """How often the socket has been asked for each match and not answered: what it answers is the best there is."""
        self._failure: BaseException | None = None
        self._chance = chance
        self._patience = patience(silence_seconds, chance())
        self._repairs = (
            Repairs(reader, self._show, self._sync, self._fail, spread_seconds) if reader is not None else None
        )
        self._care_seconds = care_seconds
        self._silence_seconds = silence_seconds
        self._idle_seconds = idle_seconds
        self._pong_seconds = pong_seconds
        self._age_seconds = age_seconds

    async def run(self) -> None:
        """Follow the matches until cancelled, connecting again with full jitter whenever the connection is lost.

        Raises what ``on_event`` or ``on_frame`` raises.
        """
        try:
            await self._stay()
        finally:
            if self._repairs is not None:
                await self._repairs.close()

    async def _stay(self) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            begun = time.monotonic()
            try:
                self._wire = await dial(self._address(), self._take)
            except LostError:
                self.failed += 1
            else:
                self.connects += 1
                self.opened_at = time.monotonic()
                self.connect_ms = (self.opened_at - begun) * 1000
                await self._follow(self._wire)
            self._attempt += 1
            await asyncio.sleep(backoff(self._attempt, self._chance(), base=0.25, cap=30))

    def _address(self) -> str:
        token = self._token() if callable(self._token) else self._token
        return self._url + (f"&token={quote(token, safe='')}" if token else "")

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
            self._answered.clear()
            self._synced.clear()
            self._ask_after = self._care_seconds
            self._ask()
            self._care_later()
            await wire.closed()
        finally:
            if self._care_timer is not None:
                self._care_timer.cancel()
            wire.close()

    def _fail(self, error: BaseException) -> None:
        """End the viewer with what a callback raised."""
        self._failure = error
        if self._wire is not None:
            self._wire.abort()

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
        overdue = len(self._answered) < len(self.followers) and now >= self._ask_at
        if overdue:
            self._ask()
        for follower in self.followers.values():
            if follower.epoch is None:
                continue
            if follower.gap:
                self._repair(follower)
            elif overdue and self._repairs is not None and follower.match not in self._answered:
                # In a storm of reconnects the socket is slow to answer; HTTP has what happened meanwhile.
                self._checked_at = now
                self._repair(follower)
            elif now - self._heard.get(follower.match, 0.0) > self._patience:
                self.checks += 1
                self._heard[follower.match] = self._checked_at = now
                self._patience = patience(self._silence_seconds, self._chance())
                self._repair(follower)
        if self._pinged is None and now - wire.used > self._idle_seconds:
            self._pinged = now
            wire.ping()
        self._care_later()

    def _repair(self, follower: Follower) -> None:
        """Bring back what may be missing: over HTTP, or over the socket if that is all there is."""
        if self._repairs is None:
            self._sync(follower)
        else:
            self._repairs.begin(follower)

    def _show(
        self, follower: Follower, events: list[dict[str, Any]], at: int | None = None, *, mended: bool = True
    ) -> None:
        """Hand on what is new, and keep account of what was missing; ``mended`` is what somebody had asked for."""
        at = time.time_ns() // 1_000_000 if at is None else at
        for event in events:
            if self._on_event is not None:
                self._on_event(follower.match, event, at)
        now, since = time.monotonic(), self._gap_since.get(follower.match)
        if follower.gap and since is None:
            self.gaps += 1
            self._gap_since[follower.match] = now
            self._repair(follower)
        elif since is not None and not follower.gap:
            del self._gap_since[follower.match]
            self._count_repair(now - since)
        elif mended and events and since is None:
            self._count_repair(now - self._checked_at)

    def _count_repair(self, seconds: float) -> None:
        self.repaired += 1
        self.repair_ms.append(seconds * 1000)

    def _sync(self, follower: Follower) -> None:
        if not self.connected:
            return  # the subscribe of the next connection asks for the same
        self.synced += 1
        self._synced[follower.match] += 1
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {"seq": 0})})

    def _ask(self) -> None:
        """Subscribe to what has not been answered on this connection."""
        for match, follower in self.followers.items():
            if match not in self._answered:
                self._subscribe(follower)
        self._ask_at = time.monotonic() + self._ask_after * (0.5 + self._chance() / 2)
        self._ask_after = min(ASK_SECONDS, self._ask_after * 2)

    def _subscribe(self, follower: Follower) -> None:
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
            # What is shown to a person is text, whoever sent it.
            self.errors.append({**frame, "message": str(frame.get("message"))})
            return
        follower = self.followers.get(str(frame.get("match")))
        if follower is None or kind is None:
            return
        self._attempt = 0
        self._heard[follower.match] = time.monotonic()
        self.errors.clear()
        patient = self._repairs is not None and not self._synced[follower.match]
        mended = kind == "snapshot" and self._synced[follower.match] > 0
        if mended:
            # Which of two questions it answers is not said. Taken for the sync's, the worst is one more subscribe.
            self._synced[follower.match] -= 1
        elif kind == "snapshot":
            self._answered.add(follower.match)
        self._show(follower, follower.take(frame, patient=patient), at, mended=mended)
        if not self.subscribed.is_set() and all(each.epoch for each in self.followers.values()):
            self.subscribed.set()
