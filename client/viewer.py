"""A viewer on a real WebSocket: follows matches, repairs gaps, comes back when the connection is lost."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import orjson

from .follower import Follower
from .repair_plan import SPREAD_SECONDS, backoff, grace, looking, patience, quiet
from .repairer import Repairer
from .token_placement import place_token
from .websocket import LostError, dial

if TYPE_CHECKING:
    from collections.abc import Callable

    from .http_reader import HttpReader
    from .websocket import Connection

IDLE_SECONDS = 240.0
"""A ping that often keeps API Gateway from closing an idle connection (10 minutes,
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""

QUIET_SECONDS = 36.0
"""After so long without a frame on the connection, give or take a quarter, a ping asks whether frames still come
through; after each silence that a frame has ended, only after twice that one."""

PONG_SECONDS = 10.0
"""A connection that leaves a ping, or the question after what HTTP has found, unanswered for so long is given up."""

FIRST_SECONDS = 20.0
"""A new connection without a first message for so long is given up; after each one in a row twice as long, up to a
minute. After about a quarter of it matches of which nothing is known are read over HTTP."""

AGE_SECONDS = (6300.0, 6900.0)
"""A viewer comes back on a new connection at a random age between these: API Gateway closes at two hours (same page),
and those who came together would all come back together."""

CARE_SECONDS = 5.0
"""Seconds between two looks for an overdue answer. Each pause is random, around this."""

ASK_SECONDS = 60.0
"""A subscribe that has not been answered is sent again after ``CARE_SECONDS``, then after twice as long each time, up
to this: whoever is slow to answer thousands is not helped by more questions."""

SILENCE_SECONDS = 30.0
"""After so long without a frame of a match, give or take a quarter, a viewer looks whether it missed the last one: no
later frame would tell."""

SILENCE_MOST_SECONDS = 150.0
"""On a connection that works, a viewer looks after the longest silence that a message has ended, up to this."""


@dataclass(slots=True)
class _Link:
    """The state of one connection of a viewer. Times are of ``time.monotonic``."""

    leave_at: float = 0.0
    first_by: float = 0.0
    """The first message has to come by then."""
    help_at: float = 0.0
    """From then on matches of which nothing is known are read over HTTP."""
    ask_after: float = 0.0
    ask_at: float = 0.0
    quiet_chance: float = 0.0
    """Where in its quarter more or less the next ping of a quiet connection lies."""
    pinged: float | None = None
    doubted: float | None = None
    """When the socket was asked because HTTP had what it had not said."""
    spoken: bool = False
    """The server has said something."""
    answered: set[str] = field(default_factory=set)
    """Matches whose subscribe has been answered."""
    refused: set[str] = field(default_factory=set)
    """Matches whose subscribe was answered with an error."""
    synced: Counter[str] = field(default_factory=Counter)
    """By match: requests over the socket that have no answer yet. An answer of the socket is the newest state there
    is."""


class Viewer:
    """One connection that follows ``matches``: one task, and a timer of the loop instead of a second one.

    ``on_event(match, event, at)`` gets each event once and in order, with the time it came (ms since the epoch);
    ``on_frame`` gets every frame as it comes over the socket, ``on_lost`` why a connection could not be opened. With a
    ``reader`` of the HTTP API what was missed is read there; without one, and where that does not help, the socket is
    asked. A ``token`` that is a function is asked for one before each connection. ``chance`` is what jitter comes from:
    numbers in [0, 1).
    """

    def __init__(
        self,
        url: str,
        matches: list[str],
        *,
        reader: HttpReader | None = None,
        only: Literal["score"] | None = None,
        on_event: Callable[[str, dict[str, Any], int], None] | None = None,
        on_frame: Callable[[dict[str, Any]], None] | None = None,
        on_lost: Callable[[LostError], None] | None = None,
        care_seconds: float = CARE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        pong_seconds: float = PONG_SECONDS,
        first_seconds: float = FIRST_SECONDS,
        age_seconds: tuple[float, float] = AGE_SECONDS,
        token: str | Callable[[], str] | None = None,
        spread_seconds: float = SPREAD_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url = f"{url}?v=1"
        self._token = token
        self._only = only
        self._on_event, self._on_frame, self._on_lost = on_event, on_frame, on_lost
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
        """Milliseconds that the last connection took to open."""
        self.opened_at = 0.0
        """When it was open (``time.monotonic``)."""
        self.gaps = 0
        """Times that a frame was found missing."""
        self.repaired = 0
        """Times that missing events were brought back: gaps that were closed, and checks that found some."""
        self.repair_ms: list[float] = []
        """Milliseconds that each repair took, from noticing the gap. A reader of the list may clear it."""
        self.checks = 0
        """Times that this viewer looked after a silence."""
        self.synced = 0
        """Times that the socket had to be asked for what was missed."""
        self.mutes = 0
        """Connections in a row that opened and brought nothing."""
        self.junk = 0
        """Messages that were no JSON objects."""
        self._wire: Connection | None = None
        self._care_timer: asyncio.TimerHandle | None = None
        self._link = _Link()
        self._checked_at = 0.0
        self._attempt = 0
        self._heard: dict[str, float] = {}
        self._gap_since: dict[str, float] = {}
        self._failure: BaseException | None = None
        self._chance = chance
        self._silence_chance = chance()
        self._repairs = (
            Repairer(reader, self._show, self._sync, self._fail, spread_seconds, found=self._found)
            if reader is not None
            else None
        )
        self._care_seconds = care_seconds
        self._silence_seconds = silence_seconds
        self._idle_seconds = idle_seconds
        self._quiet_seconds = quiet_seconds
        self._pong_seconds = pong_seconds
        self._first_seconds = first_seconds
        self._age_seconds = age_seconds

    async def run(self) -> None:
        """Follow the matches until cancelled, connecting again with full jitter whenever the connection is lost.

        Raises what ``on_event``, ``on_frame`` or ``on_lost`` raises, and TokenTooLongError for a token that no address
        holds.
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
                url, headers = place_token(self._url, self._token() if callable(self._token) else self._token)
                self._wire = await dial(url, self._take, headers)
            except LostError as error:
                self.failed += 1
                if self._on_lost is not None:
                    self._on_lost(error)
            else:
                self.connects += 1
                self.opened_at = time.monotonic()
                self.connect_ms = (self.opened_at - begun) * 1000
                await self._follow(self._wire)
                if self.mutes:
                    self._read_all()
            self._attempt += 1
            await asyncio.sleep(backoff(self._attempt, self._chance()))

    @property
    def connected(self) -> bool:
        """Whether the socket is open, as far as this end knows."""
        return self._wire is not None and self._wire.open

    @property
    def live(self) -> bool:
        """Whether the socket is open and has brought something, as far as this end knows."""
        return self.connected and self._link.spoken

    def drop(self) -> None:
        """Vanish without a word: no close frame, the TCP connection is aborted."""
        if self._wire is not None:
            self._wire.abort()

    async def _follow(self, wire: Connection) -> None:
        """From the open connection to its end."""
        self._link = _Link(
            leave_at=self.opened_at + random.uniform(*self._age_seconds),
            first_by=self.opened_at + grace(self._first_seconds, self.mutes),
            help_at=self.opened_at + patience(self._first_seconds / 4, self._chance()),
            ask_after=self._care_seconds,
            quiet_chance=self._chance(),
        )
        try:
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
        if self._care_timer is not None:
            self._care_timer.cancel()
        now = time.monotonic()
        due = [each + self._pong_seconds for each in (self._link.pinged, self._link.doubted) if each is not None]
        if not self._link.spoken:
            due.append(self._link.first_by)
        if self._link.help_at > now:
            due.append(self._link.help_at)
        wait = min([self._care_seconds * (0.5 + random.random()), *(at - now for at in due)])
        self._care_timer = asyncio.get_running_loop().call_later(max(0.01, wait), self._care)

    def _care(self) -> None:
        """Ask again for what has not been answered, and for what may have been missed in silence."""
        now, wire = time.monotonic(), self._wire
        if wire is None:
            return
        if now > self._link.leave_at:
            wire.close()
            return
        if self._is_dead(wire, now):
            wire.abort()
            return
        if now >= self._link.help_at:
            self._help(now)
        self._check(now)
        silent = now - wire.heard > quiet(self._quiet_seconds, wire.proven, self._link.quiet_chance)
        if self._link.pinged is None and (silent or now - wire.used > self._idle_seconds):
            self._link.pinged, self._link.quiet_chance = now, self._chance()
            wire.ping()
        self._care_later()

    def _is_dead(self, wire: Connection, now: float) -> bool:
        """Whether a question has been left without an answer for too long, or nothing has come at all."""
        if self._link.pinged is not None and wire.heard >= self._link.pinged:
            self._link.pinged = None
        if self._link.doubted is not None and wire.told >= self._link.doubted:
            self._link.doubted = None
        if not self._link.spoken and now >= self._link.first_by:
            self.mutes += 1
            return True
        asked = [each for each in (self._link.pinged, self._link.doubted) if each is not None]
        return any(now - each >= self._pong_seconds for each in asked)

    def _check(self, now: float) -> None:
        """Ask again for what is overdue, and begin the repairs that are due."""
        overdue = len(self._link.answered) < len(self.followers) and now >= self._link.ask_at
        if overdue:
            self._ask()
        for follower in self.followers.values():
            if follower.epoch is None:
                continue
            if follower.gap:
                self._repair(follower)
            elif overdue and self._repairs is not None and follower.match not in self._link.answered:
                # In a storm of reconnects the socket is slow to answer; HTTP has what happened meanwhile.
                self._checked_at = now
                self._repair(follower)
            elif now - self._heard.get(follower.match, 0.0) > self._patience():
                self.checks += 1
                self._heard[follower.match] = self._checked_at = now
                self._silence_chance = self._chance()
                self._repair(follower)

    def _patience(self) -> float:
        """Seconds without a frame of a match after which this viewer looks whether it missed one."""
        trusted = self._wire.trusted if self._wire is not None else 0.0
        return looking(self._silence_seconds, SILENCE_MOST_SECONDS, trusted, self._silence_chance)

    def _help(self, now: float) -> None:
        """Read over HTTP matches of which nothing is known, while the answer to their subscribe takes long."""
        patience_now = patience(self._silence_seconds, self._silence_chance)
        for match, follower in self.followers.items():
            late = now - self._heard.get(match, -math.inf) > patience_now
            if self._repairs is not None and follower.epoch is None and late and match not in self._link.refused:
                self._heard[match] = self._checked_at = now
                self._repairs.look(follower)

    def _read_all(self) -> None:
        """Read every match over HTTP: the socket opens and brings nothing."""
        for follower in self.followers.values():
            if self._repairs is not None:
                self._heard[follower.match] = self._checked_at = time.monotonic()
                (self._repairs.begin if follower.epoch else self._repairs.look)(follower)

    def _found(self, since: float) -> None:
        """HTTP had what the socket, silent ``since`` then, had not said: perhaps that only looks open."""
        wire = self._wire
        if wire is None or not wire.open or wire.told >= since or self._link.doubted is not None:
            return
        follower = next(each for each in self.followers.values() if each.epoch is not None)
        self._link.doubted = time.monotonic()
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {})})
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
        self._link.synced[follower.match] += 1
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {"seq": 0})})

    def _ask(self) -> None:
        """Subscribe to what has not been answered on this connection."""
        for match, follower in self.followers.items():
            if match not in self._link.answered:
                self._subscribe(follower)
        self._link.ask_at = time.monotonic() + self._link.ask_after * (0.5 + self._chance() / 2)
        self._link.ask_after = min(ASK_SECONDS, self._link.ask_after * 2)

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
        self._link.spoken, self.mutes = True, 0
        kind = frame.get("type")
        if kind == "error":
            self._link.refused.add(str(frame.get("match")))
            # A message is shown to a person, so it must be text, whatever the server sent.
            self.errors.append({**frame, "message": str(frame.get("message"))})
            return
        follower = self.followers.get(str(frame.get("match")))
        if follower is None or kind is None:
            return
        self._attempt = 0
        self._heard[follower.match] = time.monotonic()
        self.errors.clear()
        patient = self._repairs is not None and not self._link.synced[follower.match]
        mended = kind == "snapshot" and self._link.synced[follower.match] > 0
        if mended:
            # A snapshot does not say whether it answers the sync or the subscribe. Taking it for the sync's costs one
            # more subscribe at worst.
            self._link.synced[follower.match] -= 1
        elif kind == "snapshot":
            self._link.answered.add(follower.match)
        self._show(follower, follower.take(frame, patient=patient), at, mended=mended)
        if not self.subscribed.is_set() and len(self._link.answered) == len(self.followers):
            self.subscribed.set()
