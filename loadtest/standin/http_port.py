"""The HTTP port: a fast path of microseconds for @connections, and httptools for everything else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import httptools

from loadtest.page_requests import refusal
from loadtest.standin import control_api, http_answers
from loadtest.standin.viewer_sockets import ViewerSocket

if TYPE_CHECKING:
    from loadtest.standin.core import Core

HEAD_BYTES = 64 * 1024
"""The most bytes of headers; AWS allows 10,240 bytes in all
(https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html), but counts differently."""

REQUEST_SECONDS = 10.0
"""Seconds within which a new connection must send its first request, and every request must be complete; else the
connection is closed."""

_VERSION = b" HTTP/1.1\r\n"
_LENGTH = b"\r\nContent-Length: "
_AUTHORIZATION = b"\r\nAuthorization: AWS4-HMAC-SHA256 "


class HttpConnection(asyncio.Protocol):
    """One connection to the port, until a WebSocket takes it over."""

    __slots__ = (
        "_begun", "_body", "_core", "_fed", "_head_size", "_headers", "_held", "_in_head", "_length_at", "_parser",
        "_signed_at", "_size", "_target", "_timer", "_transport",
    )  # fmt: skip

    def __init__(self, core: Core) -> None:
        self._core = core
        self._parser: httptools.HttpRequestParser | None = None
        self._length_at = self._signed_at = 0
        self._begun = self._in_head = False
        self._fed = 0
        """Bytes of this request in later pieces than its first one."""
        self._held = False
        """Whether the parser is within a request: then the fast path must not read."""
        self._clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._wait()

    def connection_lost(self, _error: Exception | None) -> None:
        """The connection has ended."""
        self._timer.cancel()

    def _wait(self) -> None:
        self._timer = self._core.loop.call_later(REQUEST_SECONDS, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Serve a complete signed POST in one piece here, as senders write it; everything else goes to the parser."""
        core = self._core
        start = core.post_prefix_size
        # The first request goes to the parser, to find out whether this client keeps the connection open.
        if core.unchecked > 1 and self._parser is not None and not self._held and data.startswith(core.post_prefix):
            # A sender's requests are alike: its headers are mostly at the same places as in the request before.
            at = self._length_at
            if not data.startswith(_LENGTH, at):
                self._length_at = at = data.find(_LENGTH)
            signed = self._signed_at
            if not data.startswith(_AUTHORIZATION, signed):
                self._signed_at = signed = data.find(_AUTHORIZATION)
            end = data.find(b" ", start, start + 64)
            if signed > 0 and at > 0 and data.startswith(_VERSION, end):
                at += len(_LENGTH)
                length = data[at : data.find(b"\r", at)]
                head = len(data) - int(length) if length.isdigit() else 0
                if head > max(at, signed) and data.startswith(b"\r\n\r\n", head - 4):
                    core.unchecked -= 1
                    core.answer(self._transport, core.post(data[start:end], data[head:]))
                    return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._begun = False
            self._parser.feed_data(data)
            self._fed = 0 if self._begun else self._fed + len(data)
            # The parser keeps an incomplete header or target, and reports nothing about it.
            if self._in_head and self._fed > HEAD_BYTES:
                self._end(http_answers.answer(400, {"message": "Bad Request"}, "BadRequestException", close=True))
        except httptools.HttpParserUpgrade:
            self._upgrade(self._parser.get_method().decode())
        except httptools.HttpParserError:
            self._end(http_answers.answer(400, {"message": "Bad Request"}, "BadRequestException", close=True))

    def on_message_begin(self) -> None:
        """The parser has a new request."""
        self._clear()
        self._held = self._in_head = self._begun = True
        self._timer.cancel()
        self._wait()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head = False

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_BYTES:
            raise ValueError("headers are too large")
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        """A piece of the body. Bytes above the limit are counted, but not kept."""
        self._size += len(body)
        if self._size <= self._core.limits.message_bytes:
            self._body += body

    def on_message_complete(self) -> None:
        """Answer the request, unless it is a handshake."""
        self._held = False
        self._timer.cancel()
        parser = self._parser
        if parser is None or parser.should_upgrade():
            return
        if (why := refusal(self._headers)) is not None:
            self._end(http_answers.answer(403, {"message": why}, "ForbiddenException", close=True))
            return
        method, last = parser.get_method().decode(), not parser.should_keep_alive()
        if not self._target.startswith(b"/_standin/"):
            self._core.answer(self._transport, self._answer(method), last=last)
            return
        path = self._target.decode("latin-1").partition("?")[0]
        self._transport.write(control_api.answer(self._core, method, path, bytes(self._body)))
        if last:
            self._transport.close()

    def _answer(self, method: str) -> bytes:
        core, target = self._core, self._target.decode("latin-1")
        stage, _, rest = unquote(target.partition("?")[0]).lstrip("/").partition("/")
        where, _, connection = rest.partition("/")
        if stage != core.api.stage or where != "@connections" or not connection:
            return http_answers.FORBIDDEN
        if self._size > core.limits.message_bytes:
            return http_answers.TOO_LARGE  # Its body was not kept, so its signature cannot be verified.
        return self._refused(method, target) or self._serve(method, connection)

    def _serve(self, method: str, connection: str) -> bytes:
        core, quoted = self._core, connection.replace("=", "%3D").encode()
        if method == "POST":
            return core.post(quoted, bytes(self._body))
        if method not in ("GET", "DELETE"):
            return http_answers.FORBIDDEN
        if not core.may_call():
            return http_answers.THROTTLED
        socket = core.sockets.get(quoted)
        if socket is None:
            return core.absent(quoted)
        if method == "DELETE":
            socket.close(1000, "Connection Closed Normally")
            return http_answers.NO_CONTENT
        identity = {"sourceIp": socket.who.source_ip, "userAgent": socket.who.user_agent}
        times = {
            "connectedAt": _iso(socket.who.connected_at / 1000),
            "lastActiveAt": _iso(core.clock_offset + socket.active),
        }
        return http_answers.answer(200, {**times, "identity": identity})

    def _refused(self, method: str, target: str) -> bytes | None:
        """The answer 403 for a request without a signature, or with a wrong one if it is verified; else None."""
        core = self._core
        headers = {name.lower(): value for name, value in self._headers}
        due = core.due()
        if not due and "authorization" in headers:
            return None
        core.stats.signatures_checked += 1
        refusal = core.verifier.refusal(method, target, headers, bytes(self._body))
        if refusal is None:
            return None
        core.stats.signatures_wrong += 1
        return http_answers.answer(403, {"message": refusal.message}, refusal.error)

    def _upgrade(self, method: str) -> None:
        """Give the connection to a WebSocket."""
        if not any(name.lower() == "upgrade" and value.lower() == "websocket" for name, value in self._headers):
            self._end(http_answers.answer(400, {"message": "Bad Request"}, "BadRequestException", close=True))
            return
        if (why := refusal(self._headers, local_pages=True, origins=self._core.origins)) is not None:
            self._core.stats.connects_refused += 1
            self._end(http_answers.answer(403, {"message": why}, "ForbiddenException", close=True))
            return
        lines = [f"{method} {self._target.decode('latin-1')} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self._headers]
        socket = ViewerSocket(self._core, self._transport)
        self._transport.set_protocol(socket)
        socket.handshake("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _end(self, data: bytes) -> None:
        self._transport.write(data)
        self._transport.close()

    def _clear(self) -> None:
        self._target = bytearray()
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()
        self._size = self._head_size = 0


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"
