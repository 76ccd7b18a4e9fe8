"""The state that all connections of the stand-in share: connections, limits, counters, the functions' threads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sys
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loadtest.standin import http_answers
from loadtest.standin.gateway_limits import Bucket, Limits
from loadtest.standin.lambda_events import is_connection_id
from loadtest.standin.websocket_frames import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from loadtest.standin.lambda_events import Api
    from loadtest.standin.signatures import Verifier
    from loadtest.standin.viewer_sockets import ViewerSocket

    Handler = Callable[[dict[str, Any], Any], Any]

SWEEP_SECONDS, LONGEST_SECONDS = 0.5, 600.0
"""The least and the most seconds between two looks for connections that are idle or too old."""

LAG_SECONDS = 0.1
_NEVER = sys.maxsize

logger = logging.getLogger("standin")


@dataclass(slots=True)
class Stats:
    """Counters since the start or the last reset."""

    posts: int = 0
    """POSTs whose signature was not refused."""
    delivered: int = 0
    """POSTs that became a frame."""
    gone: int = 0
    throttled_account: int = 0
    """POSTs and viewers' messages."""
    throttled_stage: int = 0
    """POSTs that the stage's default throttle refused."""
    throttled_route: int = 0
    """Handshakes and viewers' messages."""
    throttled_buffer: int = 0
    signatures_checked: int = 0
    signatures_wrong: int = 0
    connects_refused: int = 0
    handler_errors: int = 0
    messages: int = 0
    """Messages from viewers."""
    disconnects_lost: int = 0
    lag_last: float = 0.0
    lag_max: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """The context that a function gets beside its event, as far as the stand-in knows it."""

    aws_request_id: str
    function_name: str = "standin"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:standin"


class Core:
    """One WebSocket API. Only its functions run in threads; everything else runs on the event loop."""

    def __init__(  # noqa: PLR0917  # all of them are what it is made of
        self,
        api: Api,
        handler: Handler,
        limits: Limits,
        verifier: Verifier,
        threads: int,
        authorizer: Handler | None = None,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self.api = api
        self.origins = origins
        """Origins of other machines whose pages may open a viewer's WebSocket."""
        self.authorizer = authorizer
        self.loop = asyncio.get_running_loop()
        self.verifier = verifier
        self.sockets: dict[bytes, ViewerSocket] = {}
        """The connections that accept POSTs, by the percent-encoded id of a path."""
        self.stats = Stats()
        self.post_prefix = f"POST /{api.stage}/@connections/".encode()
        self.post_prefix_size = len(self.post_prefix)
        self.clock_offset = time.time() - self.loop.time()
        self._handler = handler
        self._pool = ThreadPoolExecutor(threads, "function")
        self._stopped = False
        self._waiting: deque[tuple[float, asyncio.Transport, bytes, bool]] = deque()
        self._sweeping: asyncio.TimerHandle | None = None
        self._lagging: asyncio.TimerHandle | None = None
        self.set_limits(limits)
        self._sweep()
        self._look_at_lag(None)

    def set_limits(self, limits: Limits) -> None:
        """Use these limits from now on. The buckets begin full, and delayed answers leave."""
        while self._waiting:
            self._write_first()
        now = self.loop.time()
        self.limits = limits
        self._account = Bucket(limits.account_rate, limits.account_burst, now)
        is_counted = limits.stage_rate or limits.stage_burst
        self._stage = Bucket(limits.stage_rate, limits.stage_burst, now) if is_counted else None
        self._connects = Bucket(limits.connects_per_second, limits.connects_per_second, now)
        self._routes = {
            route: Bucket(*rate_and_burst, now)
            for route in self.api.routes
            if (rate_and_burst := self.api.throttles.get(route, self.api.throttles.get("default")))
        }
        self._buffer_bytes = limits.buffer_bytes
        if self._sweeping is not None:
            # Connections may end sooner with the new limits.
            self._sweeping.cancel()
            self._sweeping = self.loop.call_later(SWEEP_SECONDS, self._sweep)
        self.unchecked = limits.check_every or _NEVER
        """Requests up to the next one whose signature is verified."""

    def post(self, quoted: bytes, body: bytes) -> bytes:
        """Send ``body`` to the connection of a path; returns the answer. Every line of this hot path costs time."""
        stats = self.stats
        stats.posts += 1
        now = self.loop.time()
        if not self._account.take(now):
            stats.throttled_account += 1
            return http_answers.THROTTLED
        if self._stage is not None and not self._stage.take(now):
            stats.throttled_stage += 1
            return http_answers.THROTTLED
        if len(body) > self.limits.message_bytes:
            return http_answers.TOO_LARGE
        socket = self.sockets.get(quoted) or self.find(quoted)
        if socket is None:
            return self.absent(quoted)
        transport = socket.transport
        if transport.get_write_buffer_size() > self._buffer_bytes:
            stats.throttled_buffer += 1
            return http_answers.BUFFER_FULL
        transport.write(frames(body, self.limits.frame_bytes))
        socket.active = now
        stats.delivered += 1
        return http_answers.OK

    def find(self, quoted: bytes) -> ViewerSocket | None:
        """The connection with an id, whose ``=`` may be percent-encoded or not."""
        return self.sockets.get(quoted.replace(b"%3d", b"=").replace(b"=", b"%3D"))

    def absent(self, quoted: bytes) -> bytes:
        """The answer for an id without a connection."""
        connection = quoted.decode("latin-1").replace("%3D", "=").replace("%3d", "=")
        if not is_connection_id(connection):
            return http_answers.answer(400, {"message": f"Invalid connectionId: {connection}"}, "BadRequestException")
        self.stats.gone += 1
        return http_answers.GONE

    def due(self) -> bool:
        """Count a request to @connections; returns whether its signature must be verified."""
        self.unchecked -= 1
        if self.unchecked > 0:
            return False
        self.unchecked = self.limits.check_every or _NEVER
        return True

    def answer(self, transport: asyncio.Transport, data: bytes, *, last: bool = False) -> None:
        """Write an answer of @connections after the latency; answers never overtake each other.

        The ``last`` answer closes its connection. One timer serves all delayed answers: a timer for each would cost as
        much as the POST itself.
        """
        if not self.limits.latency_ms and not self._waiting:
            transport.write(data)
            if last:
                transport.close()
            return
        due = self.loop.time() + self.limits.latency_ms / 1000
        self._waiting.append((due, transport, data, last))
        if len(self._waiting) == 1:
            self.loop.call_at(due, self._write_due)

    def _write_due(self) -> None:
        now, waiting = self.loop.time(), self._waiting
        while waiting and waiting[0][0] <= now:
            self._write_first()
        if waiting:
            self.loop.call_at(max(waiting[0][0], now + 0.001), self._write_due)

    def _write_first(self) -> None:
        _, transport, data, last = self._waiting.popleft()
        if not transport.is_closing():
            transport.write(data)
            if last:
                transport.close()

    def may_connect(self) -> bool:
        """Take a token from the buckets of new connections and of ``$connect``."""
        return self._connects.take(self.loop.time()) and self.may_route("$connect")

    def may_route(self, route: str) -> bool:
        """Take a token from a route's bucket, if it has a throttle."""
        bucket = self._routes.get(route)
        if bucket is None or bucket.take(self.loop.time()):
            return True
        self.stats.throttled_route += 1
        return False

    def may_call(self) -> bool:
        """Take a token from the account's bucket."""
        if self._account.take(self.loop.time()):
            return True
        self.stats.throttled_account += 1
        return False

    def invoke(
        self, event: dict[str, Any], done: Callable[[Any, BaseException | None], None], handler: Handler | None = None
    ) -> None:
        """Call the function, or another one, in a thread; ``done(answer, error)`` is called on the event loop."""
        about = event["requestContext"]
        if self._stopped:
            return
        future = self._pool.submit(handler or self._handler, event, Context(str(uuid.uuid4())))

        def settle(ended: Future[Any]) -> None:
            # The loop may be closed by the time a slow function ends.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(tell, ended)

        def tell(ended: Future[Any]) -> None:
            error = None if ended.cancelled() else ended.exception()
            if error is not None:
                self.stats.handler_errors += 1
                logger.error("%s failed for %s", about["routeKey"], about["connectionId"], exc_info=error)
            done(None if error is not None or ended.cancelled() else ended.result(), error)

        future.add_done_callback(settle)

    def loses_disconnect(self) -> bool:
        """Whether this connection's ``$disconnect`` is lost."""
        lost = random.random() < self.limits.lose_disconnect
        self.stats.disconnects_lost += lost
        return lost

    def reset(self) -> None:
        """Set all counters to 0."""
        self.stats = Stats()

    def stop(self) -> None:
        """Close every socket and accept no more work; functions that still run are not awaited."""
        self._stopped = True
        for timer in (self._sweeping, self._lagging):
            if timer is not None:
                timer.cancel()
        for socket in list(self.sockets.values()):
            socket.close(1001, "Going away")
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _sweep(self) -> None:
        """Close connections that are idle or too old, and look again when the next one can be.

        A look at 17,000 connections twice a second would cost more than a tenth of the CPU of a goal.
        """
        now = self.loop.time()
        idle, age = self.limits.idle_seconds, self.limits.age_seconds
        due = min(idle, age)  # A connection that comes later ends no sooner.
        for socket in list(self.sockets.values()):
            left = min(socket.active + idle, socket.since + age) - now
            if left < 0:
                socket.close(1001, "Going away")
            due = min(due, left)
        self._sweeping = self.loop.call_later(min(max(due, SWEEP_SECONDS), LONGEST_SECONDS), self._sweep)

    def _look_at_lag(self, due: float | None) -> None:
        now = time.monotonic()
        if due is not None:
            self.stats.lag_last = max(0.0, now - due)
            self.stats.lag_max = max(self.stats.lag_max, self.stats.lag_last)
        self._lagging = self.loop.call_later(LAG_SECONDS, self._look_at_lag, now + LAG_SECONDS)
