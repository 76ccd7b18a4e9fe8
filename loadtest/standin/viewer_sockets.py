"""The viewers' WebSockets: a handshake that waits for ``$connect``, then messages for the function, one by one."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from loadtest.standin import lambda_events
from loadtest.standin.gateway_limits import Bucket
from loadtest.standin.policy import judge
from loadtest.standin.websocket_frames import frames

if TYPE_CHECKING:
    from websockets.http11 import Response

    from loadtest.standin.core import Core
    from loadtest.standin.lambda_events import Connection

CLOSE_SECONDS = 5.0
"""Seconds that a viewer has to answer a close frame."""

QUEUED = 16
"""The most messages of one viewer that wait for the function; above it the stand-in stops reading."""


FRAMES = 1_024
"""The most frames of one message, empty ones included; more close the socket with 1008."""

CONTROLS_PER_SECOND, CONTROLS_BURST = 50.0, 500.0
"""Pings and pongs of one viewer; more close the socket with 1008."""

SLICE_BYTES = 8 * 1024
"""The most bytes of one viewer that are served before other viewers are."""

EARLY_BYTES = 64 * 1024
"""The most bytes of a viewer that are read before its handshake is answered."""


class ViewerSocket(asyncio.Protocol):
    """One viewer. It gets its transport and the handshake's request from the HTTP port."""

    # One process has ten thousand of these.
    __slots__ = (
        "_busy", "_controls", "_core", "_ending", "_entered", "_frames", "_full", "_held", "_message", "_paused",
        "_protocol", "_queue", "_rest", "_size", "_text", "_turn", "_who", "active", "since", "transport",
    )  # fmt: skip

    def __init__(self, core: Core, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.since = self.active = core.loop.time()
        """When it connected, and when the last byte came or went (seconds of the loop's clock)."""
        self._core = core
        self._protocol = ServerProtocol(max_size=max(core.limits.message_bytes, 1))
        self._who: Connection | None = None
        self._queue: deque[str | bytes] = deque()
        self._entered = self._ending = self._busy = False
        self._paused = self._full = self._held = self._turn = False
        """Nothing is read: because messages wait; because the viewer does not read; because bytes wait. And whether the
        next turn of those that wait is due already."""
        self._rest = b""
        """Bytes that have come and are not served yet."""
        self._controls: Bucket | None = None
        self._message: list[bytes] = []
        self._size = self._frames = 0
        """Of the incomplete message."""
        self._text = False

    @property
    def who(self) -> Connection:
        """The viewer's connection, after the handshake was read."""
        assert self._who is not None  # noqa: S101
        return self._who

    def handshake(self, request: bytes) -> None:
        """Begin with the handshake's request. ``$connect`` is called before the answer."""
        self._protocol.receive_data(request)
        asked = next((each for each in self._protocol.events_received() if isinstance(each, Request)), None)
        if asked is None:
            self._flush()
            return
        path, _, query = asked.path.partition("?")
        if path.rstrip("/") != f"/{self._core.api.stage}":
            self._refuse(403, "Forbidden")
            return
        if not self._core.may_connect():
            self._refuse(429, "Too Many Requests")
            return
        response = self._protocol.accept(asked)
        if response.status_code != 101:
            self._core.stats.connects_refused += 1
            self._protocol.send_response(response)
            self._flush()
            return
        peer = self.transport.get_extra_info("peername") or ("", 0)
        headers, now = asked.headers, int((self._core.clock_offset + self.since) * 1000)
        agent, host = headers.get("User-Agent", ""), headers.get("Host", "")
        self._who = lambda_events.Connection(lambda_events.new_id(), now, str(peer[0]), agent, host)
        core, raw = self._core, list(headers.raw_items())
        if core.authorizer is None:
            self._connect(response, raw, query)
            return

        def decided(answer: Any, error: BaseException | None) -> None:
            verdict = judge(answer, error, core.api.connect_arn)
            if self.transport.is_closing():
                return
            if verdict.refusal is not None:
                self._refuse(*verdict.refusal)
                return
            self._who = replace(self.who, authorizer=verdict.context)
            self._connect(response, raw, query)

        request_id = str(uuid.uuid4())
        core.invoke(
            lambda_events.authorizer_event(core.api, self._who, raw, query, request_id), decided, core.authorizer
        )

    def _connect(self, response: Response, headers: list[tuple[str, str]], query: str) -> None:
        """Call ``$connect`` and answer the handshake by its answer."""

        def connected(answer: Any, error: BaseException | None) -> None:
            status = answer.get("statusCode") if isinstance(answer, dict) else None
            if self.transport.is_closing():
                # The viewer left meanwhile. If the function has accepted it, the function must get the end.
                if isinstance(status, int) and 200 <= status < 300:
                    self._disconnect()
                return
            if error is not None or type(status) is not int:
                self._refuse(502, "Internal server error")
            elif not 200 <= status < 300:
                self._refuse(status, "Refused")
            else:
                given = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
                if "sec-websocket-protocol" in given:
                    response.headers["Sec-WebSocket-Protocol"] = given["sec-websocket-protocol"]
                self._protocol.send_response(response)
                self._enter()

        event = lambda_events.connect_event(self._core.api, self.who, headers, query, str(uuid.uuid4()))
        self._core.invoke(event, connected)

    def _enter(self) -> None:
        """The handshake is done: from now on the connection accepts POSTs."""
        self._entered = True
        self.active = self._core.loop.time()
        self._core.sockets[self._key()] = self
        self.transport.set_write_buffer_limits(high=max(self._core.limits.buffer_bytes, 1))
        self._flush()
        self._read()

    def _refuse(self, status: int, message: str) -> None:
        self._core.stats.connects_refused += 1
        try:
            response = self._protocol.reject(status, f'{{"message": "{message}"}}')
        except ValueError:  # A function may answer 299 or 999, which have no phrase.
            response = self._protocol.reject(502, '{"message": "Internal server error"}')
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        self._protocol.send_response(response)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Read the viewer's frames, a slice at a time."""
        self.active = self._core.loop.time()
        self._rest = self._rest + data if self._rest else data
        if not self._entered and self._who is not None and not self._protocol.close_expected():
            # $connect has not accepted it yet.
            self._held = len(self._rest) > EARLY_BYTES
            self._read_on()
        elif not self._turn:
            self._read()

    def _read(self) -> None:
        """Serve a slice of the waiting bytes, and the rest in later iterations of the loop."""
        self._turn = False
        if self._rest and not (self._paused or self._full):
            piece, self._rest = self._rest[:SLICE_BYTES], self._rest[SLICE_BYTES:]
            self._protocol.receive_data(piece)
            for event in self._protocol.events_received():
                if isinstance(event, Frame):
                    self._take(event)
            self._flush()
        self._held = bool(self._rest)
        if self._held and not (self._paused or self._full):
            self._turn = True
            self._core.loop.call_soon(self._read)
        self._read_on()

    def _read_on(self) -> None:
        """Pause or resume reading from the transport."""
        if self.transport.is_closing():
            return
        if self._paused or self._full or self._held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The viewer does not read its frames: stop reading from it until it does."""
        self._full = True
        self._read_on()

    def resume_writing(self) -> None:
        """The viewer reads again."""
        self._full = False
        if not self._turn:
            self._turn = True
            self._core.loop.call_soon(self._read)

    def eof_received(self) -> None:
        """The viewer sends no more."""
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection has ended, for any reason."""
        self._protocol.receive_eof()
        if self._entered:
            self._core.sockets.pop(self._key(), None)
            self._disconnect()

    def send(self, payload: bytes) -> None:
        """Send a text message that is not a POST: a route's answer, or API Gateway's own frame."""
        if self._protocol.state is OPEN and not self.transport.is_closing():
            self.active = self._core.loop.time()
            self.transport.write(frames(payload, self._core.limits.frame_bytes))

    def close(self, code: int, reason: str = "") -> None:
        """Close from this side; the connection accepts no more POSTs."""
        self._core.sockets.pop(self._key(), None)
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
        self._flush()

    def _key(self) -> bytes:
        return self.who.id.replace("=", "%3D").encode()

    def _flush(self) -> None:
        """Write the protocol's bytes. An empty string means that it has no more."""
        transport = self.transport
        for data in self._protocol.data_to_send():
            if transport.is_closing():
                return
            if data:
                transport.write(data)
            else:
                # Closing here could reset the connection before the close frame has left. Nothing can follow that
                # frame.
                if self._entered:
                    self._core.sockets.pop(self._key(), None)
                transport.write_eof()
        if self._protocol.close_expected() and not self._ending:
            self._ending = True
            if self._entered:
                self._core.sockets.pop(self._key(), None)
            self._core.loop.call_later(CLOSE_SECONDS, transport.abort)

    def _take(self, frame: Frame) -> None:
        """Join frames to messages, within the limits."""
        if self._protocol.state is not OPEN:
            return
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._count_control()
            return
        limits = self._core.limits
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
        self._frames += 1
        if frame.data:
            self._message.append(bytes(frame.data))
            self._size += len(frame.data)
        if len(frame.data) > limits.frame_bytes or self._size > limits.message_bytes:
            self._protocol.fail(CloseCode.MESSAGE_TOO_BIG, "Message Too Long")
        elif self._frames > FRAMES:
            self._protocol.fail(CloseCode.POLICY_VIOLATION, "Too many frames in a message")
        elif frame.fin:
            whole, self._message = b"".join(self._message), []
            self._size = self._frames = 0
            try:
                self._queue.append(whole.decode() if self._text else whole)
            except UnicodeDecodeError:
                self._protocol.fail(CloseCode.INVALID_DATA, "Not UTF-8")
                return
            self._paused = self._paused or len(self._queue) >= QUEUED
            self._next()

    def _count_control(self) -> None:
        """Count a ping or a pong; the stand-in answers a ping."""
        now = self._core.loop.time()
        if self._controls is None:
            self._controls = Bucket(CONTROLS_PER_SECOND, CONTROLS_BURST, now)
        if not self._controls.take(now):
            self._protocol.fail(CloseCode.POLICY_VIOLATION, "Too many pings")

    def _next(self) -> None:
        """Give the next message to the function, unless it is serving one."""
        core = self._core
        while self._queue and not self._busy:
            body = self._queue.popleft()
            if self._paused and len(self._queue) < QUEUED // 2:
                self._paused = False
                if not self._turn:
                    self._turn = True
                    core.loop.call_soon(self._read)
            request_id = str(uuid.uuid4())
            core.stats.messages += 1
            if not core.may_call():
                self.send(lambda_events.error_frame("Too Many Requests", self.who, request_id))
                continue
            route = core.api.route(body if isinstance(body, str) else "")
            if route is None:
                self.send(lambda_events.error_frame("Forbidden", self.who, request_id))
                continue
            if not core.may_route(route):
                self.send(lambda_events.error_frame("Too Many Requests", self.who, request_id))
                continue
            self._busy = True
            self._invoke(lambda_events.message_event(core.api, self.who, route, body, request_id), route, request_id)

    def _invoke(self, event: dict[str, Any], route: str, request_id: str) -> None:
        def answered(answer: Any, error: BaseException | None) -> None:
            self._busy = False
            if error is not None:
                self.send(lambda_events.error_frame("Internal server error", self.who, request_id))
            elif route in self._core.api.two_way and isinstance(answer, dict) and isinstance(answer.get("body"), str):
                self.send(answer["body"].encode())
            self._next()

        self._core.invoke(event, answered)

    def _disconnect(self) -> None:
        """Send ``$disconnect`` to the function, unless it is lost."""
        core = self._core
        self._queue.clear()
        if core.loses_disconnect():
            return
        code = self._protocol.close_code or 1006
        reason = self._protocol.close_reason or ""
        event = lambda_events.disconnect_event(core.api, self.who, code, reason, str(uuid.uuid4()))
        core.invoke(event, lambda _answer, _error: None)
