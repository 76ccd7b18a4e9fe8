"""A viewer of one cell: follows matches, repairs gaps, and connects again when the connection is lost."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import TYPE_CHECKING, Any, Literal

import orjson

from .broadcast_times import BROADCAST_TIMES, BroadcastTimes
from .connection_state import ConnectionState
from .dialer import dialer
from .follower import Follower
from .frame_checks import as_text
from .listening import LISTEN, Listening
from .repair_plan import SPREAD_SECONDS, backoff, grace, looking, patience, quiet
from .repairer import Repairer
from .token_claims import renew_at
from .websocket import LostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cell_address import CellAddress
    from .event import Event
    from .frame_types import ErrorFrame, RawFrame
    from .http_reader import HttpReader
    from .viewer_connection import Connection, Dial

IDLE_SECONDS = 240.0
"""Seconds between two pings of an idle connection, which API Gateway would close after 10 minutes (
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html)."""

QUIET_SECONDS = 36.0
"""Seconds without a frame on the connection, up to a quarter more or less, after which a ping asks whether frames still
arrive. After a silence that a frame has ended, the next ping waits for twice that silence."""

PONG_SECONDS = 10.0
"""A connection is closed if a ping, or the sync after a read over HTTP that was ahead, has no answer for so many
seconds."""

FIRST_SECONDS = 20.0
"""A new connection is closed if its first message does not come within so many seconds. The time doubles with each such
connection in a row, up to a minute. After about a quarter of it matches without a snapshot are read over HTTP."""

AGE_SECONDS = (6300.0, 6900.0)
"""A viewer replaces its connection at a random age between these seconds. API Gateway closes a connection after two
hours (same page), and viewers that connected at one moment would all reconnect at one moment."""

CARE_SECONDS = 5.0
"""Seconds between two checks for an overdue answer; each pause is random around this."""

ASK_SECONDS = 60.0
"""A subscribe without an answer is sent again after ``CARE_SECONDS``, then after twice as long each time, up to this: a
server that is slow gets no more requests than needed."""

SILENCE_SECONDS = 30.0
"""Seconds without a frame of a match, up to a quarter more or less, after which a viewer reads over HTTP whether it
missed the last one: no later frame would show that."""

SILENCE_MOST_SECONDS = 150.0
"""On a connection that works, a viewer reads after the longest silence that a message has ended, up to this."""

REFUSALS = 3
"""After this many attempts in a row that opened no connection, a viewer reads over HTTP: at once what it does not know,
and the rest after a silence."""


class Viewer:
    """One connection that follows ``matches``: one task, and one timer of the event loop.

    ``cell`` is the address of a cell, or the URL of an API Gateway WebSocket. A cell whose transport broadcasts itself
    needs a ``reader``.

    ``on_event(match, event, at)`` gets each event once and in order, with the time at which it came (milliseconds since
    1970). ``on_frame`` gets every frame that comes over the socket. ``on_lost`` gets the error of a connection that
    could not be opened. ``on_message(key, body)`` gets each message to the token's subject. With a ``reader`` missed
    events are read over HTTP; without one, and if that does not help, the viewer asks over the socket. ``token`` may be
    a function, which is called before each connection. ``chance`` returns random numbers in [0, 1) for the jitter. A
    simulation passes a ``clock``, which counts seconds, and a ``dial`` that opens its own connections.
    """

    def __init__(
        self,
        cell: str | CellAddress,
        matches: list[str],
        *,
        reader: HttpReader | None = None,
        only: Literal["score"] | None = None,
        on_event: Callable[[str, Event, int], None] | None = None,
        on_frame: Callable[[RawFrame], None] | None = None,
        on_lost: Callable[[LostError], None] | None = None,
        on_message: Callable[[str, Any], None] | None = None,
        care_seconds: float = CARE_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        pong_seconds: float = PONG_SECONDS,
        first_seconds: float = FIRST_SECONDS,
        age_seconds: tuple[float, float] = AGE_SECONDS,
        token: str | Callable[[], str] | None = None,
        spread_seconds: float = SPREAD_SECONDS,
        broadcast_times: BroadcastTimes = BROADCAST_TIMES,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        dial: Dial | None = None,
    ) -> None:
        self._clock, self._dial = clock, dial or dialer(cell, reader, broadcast_times)
        self._token, self._only = token, only
        self._on_event, self._on_frame, self._on_lost = on_event, on_frame, on_lost
        self._listening = Listening(on_message)
        self.followers = {match: Follower(match) for match in matches}
        self.subscribed = asyncio.Event()
        """Set once every match has answered with a snapshot."""
        self.errors: list[ErrorFrame] = []
        """Error frames since the last frame of a match."""
        self.connects = 0
        """Connections that were opened."""
        self.failed = 0
        """Attempts to open one that failed."""
        self.connect_ms = 0.0
        """Milliseconds that the last connection took to open."""
        self.opened_at = 0.0
        """When the last connection was open (``time.monotonic``)."""
        self.gaps = 0
        """Times that a frame was found missing."""
        self.repaired = 0
        """Times that missed events were read: gaps that were closed, and checks that found events."""
        self.repair_ms: list[float] = []
        """Milliseconds that each repair took, from the gap's beginning. A reader of the list may clear it."""
        self.checks = 0
        """Reads after a silence."""
        self.syncs = 0
        """Syncs: requests over the socket for missed events."""
        self.silent_connections = 0
        """Connections in a row that opened and brought no message."""
        self.junk = 0
        """Messages that were no JSON objects."""
        self._socket: Connection | None = None
        self._care_timer: asyncio.TimerHandle | None = None
        self._state = ConnectionState()
        self._checked_at = 0.0
        self._attempt, self._refusals = 0, 0
        self._last_frame_at: dict[str, float] = {}
        self._gap_since: dict[str, float] = {}
        self._failure: BaseException | None = None
        self._chance, self._silence_chance = chance, chance()
        self._repairer: Repairer | None = None
        if reader is not None:
            self._repairer = Repairer(
                reader, self._show, self._sync, self._fail, spread_seconds, http_is_ahead=self._http_is_ahead,
                clock=clock,
            )  # fmt: skip
        self._care_seconds = care_seconds
        self._silence_seconds = silence_seconds
        self._idle_seconds = idle_seconds
        self._quiet_seconds = quiet_seconds
        self._pong_seconds = pong_seconds
        self._first_seconds = first_seconds
        self._age_seconds = age_seconds

    async def run(self) -> None:
        """Follow the matches until cancelled, connecting again with full jitter whenever the connection is lost.

        Raises the errors of ``on_event``, ``on_frame`` and ``on_lost``, and TokenTooLongError for a token that does not
        fit into an address.
        """
        try:
            await self._stay()
        finally:
            if self._repairer is not None:
                await self._repairer.close()

    async def _stay(self) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            begun = self._clock()
            try:
                token = self._token() if callable(self._token) else self._token
                self._socket = await self._dial(token, self._receive)
                self.connects += 1
                self._refusals = 0
                self.opened_at = self._clock()
                self.connect_ms = (self.opened_at - begun) * 1000
                await self._follow(self._socket)
                if self.silent_connections:
                    self._read_all()
            except LostError as error:
                self.failed += 1
                self._refusals += 1
                if self._on_lost is not None:
                    self._on_lost(error)
                if self._refusals >= REFUSALS:
                    self._read_all(patience(self._silence_seconds, self._silence_chance))
            self._attempt += 1
            await asyncio.sleep(backoff(self._attempt, self._chance()))

    @property
    def is_open(self) -> bool:
        """Whether the socket is open, as far as this side knows."""
        return self._socket is not None and self._socket.open

    @property
    def connected(self) -> bool:
        """Whether the socket is open and has answered the subscription to every match, as far as this side knows.

        A message alone proves less: a broadcasting connection may be let in while its service is down.
        """
        return self.is_open and len(self._state.answered) == len(self.followers)

    def drop(self) -> None:
        """Abort the TCP connection, without a close frame."""
        if self._socket is not None:
            self._socket.abort()

    async def _follow(self, socket: Connection) -> None:
        """Use an open connection until it ends."""
        until = renew_at(self.opened_at, socket.ends_at, self._chance(), renewable=callable(self._token))
        self._state = ConnectionState(
            leave_at=min(self.opened_at + random.uniform(*self._age_seconds), until),
            first_message_by=self.opened_at + grace(self._first_seconds, self.silent_connections),
            read_unknown_at=self.opened_at + patience(self._first_seconds / 4, self._chance()),
            subscribe_pause=self._care_seconds,
            quiet_chance=self._chance(),
        )
        self._listening.begin()
        try:
            self._subscribe_unanswered()
            self._care_later()
            await socket.closed()
        finally:
            if self._care_timer is not None:
                self._care_timer.cancel()
            socket.close()

    def _fail(self, error: BaseException) -> None:
        """End the viewer with the error of a callback."""
        self._failure = error
        if self._socket is not None:
            self._socket.abort()

    def _care_later(self) -> None:
        if self._care_timer is not None:
            self._care_timer.cancel()
        now = self._clock()
        due = [
            each + self._pong_seconds for each in (self._state.pinged_at, self._state.doubted_at) if each is not None
        ]
        if not self._state.has_message:
            due.append(self._state.first_message_by)
        if self._state.read_unknown_at > now:
            due.append(self._state.read_unknown_at)
        wait = min([self._care_seconds * (0.5 + random.random()), *(at - now for at in due)])
        self._care_timer = asyncio.get_running_loop().call_later(max(0.01, wait), self._care)

    def _care(self) -> None:
        """Repeat requests without an answer, and read over HTTP after a silence."""
        now, socket = self._clock(), self._socket
        if socket is None:
            return
        if now > self._state.leave_at:
            socket.close()
            return
        if self._is_dead(socket, now):
            socket.abort()
            return
        if now >= self._state.read_unknown_at:
            self._read_unknown(now)
        self._check(now)
        silent = now - socket.last_frame_at > quiet(
            self._quiet_seconds, socket.longest_frame_silence, self._state.quiet_chance
        )
        if self._state.pinged_at is None and (silent or now - socket.last_use_at > self._idle_seconds):
            self._state.pinged_at, self._state.quiet_chance = now, self._chance()
            socket.ping()
        self._care_later()

    def _is_dead(self, socket: Connection, now: float) -> bool:
        """Whether a request has had no answer for too long, or no first message has come."""
        if self._state.pinged_at is not None and socket.last_frame_at >= self._state.pinged_at:
            self._state.pinged_at = None
        if self._state.doubted_at is not None and socket.last_message_at >= self._state.doubted_at:
            self._state.doubted_at = None
        if not self._state.has_message and now >= self._state.first_message_by:
            self.silent_connections += 1
            return True
        requests = [each for each in (self._state.pinged_at, self._state.doubted_at) if each is not None]
        return any(now - each >= self._pong_seconds for each in requests)

    def _check(self, now: float) -> None:
        """Send overdue subscribes again, and begin the repairs that are due."""
        waits = self._listening.is_due or len(self._state.answered) < len(self.followers)
        overdue = waits and now >= self._state.subscribe_again_at
        if overdue:
            self._subscribe_unanswered()
        for follower in self.followers.values():
            if follower.epoch is None:
                continue
            if follower.gap:
                self._repair(follower)
            elif overdue and self._repairer is not None and follower.match not in self._state.answered:
                # In a storm of reconnects the socket answers slowly. HTTP has the events of the meantime.
                self._checked_at = now
                self._repair(follower)
            elif now - self._last_frame_at.get(follower.match, 0.0) > self._patience():
                self.checks += 1
                self._last_frame_at[follower.match] = self._checked_at = now
                self._silence_chance = self._chance()
                self._repair(follower)

    def _patience(self) -> float:
        """Seconds without a frame of a match after which this viewer reads whether it missed one."""
        silence = self._socket.longest_message_silence if self._socket is not None else 0.0
        return looking(self._silence_seconds, SILENCE_MOST_SECONDS, silence, self._silence_chance)

    def _read_unknown(self, now: float) -> None:
        """Read over HTTP the matches without a snapshot whose subscribe has had no answer for long."""
        longest = patience(self._silence_seconds, self._silence_chance)
        for match, follower in self.followers.items():
            late = now - self._last_frame_at.get(match, -math.inf) > longest
            if self._repairer is not None and follower.epoch is None and late and match not in self._state.refused:
                self._last_frame_at[match] = self._checked_at = now
                self._repairer.read_first(follower)

    def _read_all(self, silence: float = -math.inf) -> None:
        """Read each match without a frame for ``silence`` seconds over HTTP, because the socket brings no message."""
        now = self._clock()
        for match, follower in self.followers.items():
            if self._repairer is not None and now - self._last_frame_at.get(match, -math.inf) > silence:
                self._last_frame_at[match] = self._checked_at = now
                (self._repairer.begin if follower.epoch else self._repairer.read_first)(follower)

    def _http_is_ahead(self, since: float) -> None:
        """HTTP had events that the socket, silent since ``since``, has not brought: ask whether the socket is dead."""
        socket = self._socket
        if socket is None or not socket.open or socket.last_message_at >= since or self._state.doubted_at is not None:
            return
        follower = next(each for each in self.followers.values() if each.epoch is not None)
        self._state.doubted_at = self._clock()
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {})})
        self._care_later()

    def _repair(self, follower: Follower) -> None:
        """Read what may be missing: over HTTP, or over the socket if there is no reader."""
        if self._repairer is None:
            self._sync(follower)
        else:
            self._repairer.begin(follower)

    def _show(self, follower: Follower, events: list[Event], at: int | None = None, *, is_repair: bool = True) -> None:
        """Give new events to ``on_event`` and count gaps; ``is_repair`` if the events were asked for."""
        at = time.time_ns() // 1_000_000 if at is None else at
        for event in events:
            if self._on_event is not None:
                self._on_event(follower.match, event, at)
        now, since = self._clock(), self._gap_since.get(follower.match)
        if follower.gap and since is None:
            self.gaps += 1
            self._gap_since[follower.match] = now
            self._repair(follower)
        elif since is not None and not follower.gap:
            del self._gap_since[follower.match]
            self._count_repair(now - since)
        elif is_repair and events and since is None:
            self._count_repair(now - self._checked_at)

    def _count_repair(self, seconds: float) -> None:
        self.repaired += 1
        self.repair_ms.append(seconds * 1000)

    def _sync(self, follower: Follower) -> None:
        if not self.is_open:
            return  # The subscribe of the next connection asks for the same events.
        self.syncs += 1
        self._state.pending_syncs[follower.match] += 1
        self._send({"action": "sync", "match": follower.match, **(follower.since() or {"seq": 0})})

    def _subscribe_unanswered(self) -> None:
        """Subscribe to the matches without an answer on this connection, and listen if that has no answer."""
        for match, follower in self.followers.items():
            if match not in self._state.answered:
                self._subscribe(follower)
        if self._listening.is_due:
            self._send(LISTEN)
        self._state.subscribe_again_at = self._clock() + self._state.subscribe_pause * (0.5 + self._chance() / 2)
        self._state.subscribe_pause = min(ASK_SECONDS, self._state.subscribe_pause * 2)

    def _subscribe(self, follower: Follower) -> None:
        request: dict[str, Any] = {"action": "subscribe", "match": follower.match}
        if self._only:
            request["only"] = self._only
        if (since := follower.since()) is not None:
            request["since"] = since
        self._send(request)

    def _send(self, request: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(orjson.dumps(request))

    def _receive(self, message: bytes | memoryview | RawFrame) -> None:
        at = time.time_ns() // 1_000_000
        try:
            frame: Any = message if isinstance(message, dict) else orjson.loads(message)
        except orjson.JSONDecodeError:
            frame = None
        if not isinstance(frame, dict):
            self.junk += 1
            return
        if self._on_frame is not None:
            self._on_frame(frame)
        self._state.has_message, self.silent_connections = True, 0
        if self._listening.take(frame):
            return
        kind = frame.get("type")
        if kind == "error":
            self._state.refused.add(as_text(frame.get("match")))
            # People see the message, so it must be text, whatever the server sent.
            error: ErrorFrame = {"type": "error", "message": as_text(frame.get("message"))}
            if "code" in frame:
                error["code"] = as_text(frame["code"])
            if isinstance(frame.get("match"), str):
                error["match"] = frame["match"]
            self.errors.append(error)
            return
        follower = self.followers.get(as_text(frame.get("match")))
        if follower is None or kind is None:
            return
        self._attempt = 0
        self._last_frame_at[follower.match] = self._clock()
        self.errors.clear()
        patient = self._repairer is not None and not self._state.pending_syncs[follower.match]
        is_repair = kind == "snapshot" and self._state.pending_syncs[follower.match] > 0
        if is_repair:
            # A snapshot does not say whether it answers the sync or the subscribe. Counting it as the sync's answer
            # costs at worst one more subscribe.
            self._state.pending_syncs[follower.match] -= 1
        elif kind == "snapshot":
            self._state.answered.add(follower.match)
        self._show(follower, follower.take(frame, patient=patient), at, is_repair=is_repair)
        if not self.subscribed.is_set() and len(self._state.answered) == len(self.followers):
            self.subscribed.set()
