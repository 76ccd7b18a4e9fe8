"""The @connections client: one signed POST per viewer over hundreds of kept-alive connections.

API Gateway has no broadcast, so the price of one POST is the price of everything. The bytes that are constant for a
frame are prepared once (``signing``). The usual answer is recognised without a parser (``gateway_answers``). The
sockets have an epoll of their own (``connection``). The event loop only learns that some socket is ready; then a plain
loop reads, judges, signs and sends. One request is on its way per connection: API Gateway is not known to allow
pipelining.
"""

from __future__ import annotations

import asyncio
import random
import select
import time
from typing import TYPE_CHECKING, Any, Self

from aws_lambda_powertools import Logger

from broadcaster.send.connection import CHUNK, WOULD_BLOCK, Connection, ConnectionState, addresses, tls_context
from broadcaster.send.gateway_answers import Answer, AnswerReader, MalformedAnswerError, Usual, excerpt, meaning
from broadcaster.send.pacing import backoff
from broadcaster.send.post_queue import PreparedRequest
from broadcaster.send.signing import Credentials, prepare
from runtime.errors import TransientError
from runtime.thaw import IDLE_SECONDS, seconds

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from broadcaster.send.post_queue import Post, PostQueue
    from broadcaster.send.signing import Endpoint, Signer

CONNECTIONS = 400
"""At most; a Lambda function has 1,024 file descriptors. As many are opened as rate times latency needs."""

OPENING = 32
"""Connections that are being opened at once."""

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
UNREACHABLE_SECONDS = 10.0
"""When no connection could be opened for so long, the invocation fails."""

SIGNED_SECONDS = 60.0
"""Signatures are made anew after so long; AWS takes them for five minutes."""

RESOLVED_SECONDS = 60.0
AGAIN_SECONDS = 5.0
"""After so long it is tried again to get credentials or addresses."""

_PATIENCE = {ConnectionState.BUSY: ANSWER_SECONDS, ConnectionState.IDLE: IDLE_SECONDS}
"""Seconds for which a connection may be in a stage; CONNECT_SECONDS in the others."""

SWEEP_SECONDS = 0.25
TICK_SECONDS = 0.001
_EVENTS = 512

logger = Logger(service="sender")


class GatewayError(TransientError):
    """Nothing can be posted at all, and that is nobody's connection: our credentials, our URL, or the network."""


class Gateway:
    """Posts frames; one ``deliver`` at a time. Its connections are kept from one to the next. Made by ``open``."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Callable[[], Credentials],
        *,
        connections: int,
        tls: ssl.SSLContext | None,
        clock: Callable[[], float],
        elapsed: Callable[[], float],
    ) -> None:
        self._endpoint = endpoint
        self._ask_credentials = credentials
        self._limit = connections
        self._tls = tls
        self._clock = clock
        self._elapsed = elapsed
        self._loop = asyncio.get_running_loop()
        self._ahead = elapsed() - self._loop.time()
        """Seconds by which ``elapsed`` was ahead of the loop's clock after the last queue. The loop's clock may
        stand still in a freeze."""
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._on_ready)
        self._addresses: list[Any] = []
        self._resolved = float("-inf")
        self._credentials = Credentials("", "")
        self._signed = float("-inf")
        self._requests: list[PreparedRequest] = []
        self._usual = Usual()
        self._connections: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._opening = 0
        self._busy = 0
        self._failures = 0
        self._failing_since: float | None = None
        self._open_after = 0.0
        self._queue: PostQueue | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._swept = 0.0
        self._give_up = 0.0

    @classmethod
    def prepared(
        cls,
        endpoint: Endpoint,
        credentials: Callable[[], Credentials],
        *,
        connections: int = CONNECTIONS,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = seconds,
    ) -> Self:
        """A gateway on the running loop that has used neither network nor credentials yet: ``refresh`` does.

        ``credentials`` is asked again every minute, off the loop: a Lambda function's never change, but others rotate.
        ``clock`` tells the time for signatures, ``elapsed`` seconds, those of a freeze included.
        """
        context = (tls or tls_context()) if endpoint.tls else None
        return cls(endpoint, credentials, connections=connections, tls=context, clock=clock, elapsed=elapsed)

    @classmethod
    async def open(cls, endpoint: Endpoint, credentials: Callable[[], Credentials], **options: Any) -> Self:
        """A gateway on the running loop, ready to send; the options are those of ``prepared``.

        Raises GatewayError when the host cannot be found, and what ``credentials`` raises.
        """
        gateway = cls.prepared(endpoint, credentials, **options)
        await gateway.refresh()
        return gateway

    async def refresh(self) -> None:
        """New addresses, credentials and dates, if the old ones have been used for long enough. Raises as ``open``."""
        if self._elapsed() - self._resolved >= RESOLVED_SECONDS:
            try:
                self._addresses = await addresses(self._endpoint.host, self._endpoint.port)
            except OSError as error:
                if not self._addresses:
                    raise GatewayError(f"{self._endpoint.host} cannot be found: {error}") from error
            self._resolved = self._elapsed()
        now = self._clock()
        if now - self._signed >= SIGNED_SECONDS:
            # This may ask a metadata service, which must not hold up the posts.
            try:
                self._credentials = await self._loop.run_in_executor(None, self._ask_credentials)
                self._signed = now
            finally:
                # With new credentials or the old ones, the date has to be a new one.
                for request in self._requests:
                    request.sign = self._prepare(request.frame, "DELETE" if request.closes else "POST")

    async def close(self) -> None:
        """Close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def prepare_post(self, frame: bytes) -> PreparedRequest:
        """A frame made ready for ``deliver``."""
        request = PreparedRequest(frame, self._prepare(frame))
        self._requests.append(request)
        return request

    def prepare_close(self) -> PreparedRequest:
        """A DELETE of connections, made ready for ``deliver``."""
        request = PreparedRequest(b"", self._prepare(b"", "DELETE"), closes=True)
        self._requests.append(request)
        return request

    def replace_frame(self, request: PreparedRequest, frame: bytes) -> None:
        """From now on the lane carries another frame."""
        request.frame, request.sign = frame, self._prepare(frame)

    def forget_requests(self) -> None:
        """The lanes made so far are not needed any more."""
        self._requests.clear()

    async def deliver(self, queue: PostQueue, give_up: float) -> None:
        """Post until the delivery is finished; what has not been answered by ``give_up`` (loop's clock) has failed.

        Raises GatewayError when nothing can be posted at all.
        """
        if self._queue is not None:
            raise RuntimeError("one delivery at a time")
        await self.refresh()
        self._queue, self._give_up = queue, give_up
        self._failures, self._failing_since, self._open_after = 0, None, 0.0
        self._done = self._loop.create_future()
        refreshing = self._loop.create_task(self._keep_fresh())
        try:
            self._drop_rested()
            self._on_ready()  # Connections whose end was heard of while the function was frozen are found here.
            await self._done
        finally:
            self._queue = self._done = None
            self._ahead = self._elapsed() - self._loop.time()
            refreshing.cancel()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            # A half-open connection would be dead when a frozen function thaws, and would count as a failure then.
            for connection in [each for each in self._connections.values() if each.state is not ConnectionState.IDLE]:
                self._drop(connection)

    def _drop_rested(self) -> None:
        """Drop connections that have been idle for long: the network may have forgotten them without a word."""
        now = self._loop.time()
        frozen = max(0.0, self._elapsed() - now - self._ahead)
        for connection in list(self._idle):
            connection.since -= frozen
            if now - connection.since > IDLE_SECONDS:
                self._drop(connection)

    def wake(self) -> None:
        """There may be more to send: rows have come, or the pace has changed."""
        if self._queue is not None:
            self._pump(self._loop.time())

    def _on_ready(self) -> None:
        """The hot path: take what has come, send the next. Every line here is paid for once per viewer."""
        now = self._loop.time()
        queue = self._queue
        if queue is None:
            for fd, mask in self._epoll.poll(0, _EVENTS):
                self._on_event(self._connections[fd], mask, None, now)
            return
        connections, busy, following = self._connections, ConnectionState.BUSY, queue.next_post
        is_accept = self._usual.is_accept
        tokens, accepted, again, sent = queue.pace.bucket.tokens(now), 0, 0, 0
        for fd, mask in self._epoll.poll(0, _EVENTS):
            connection = connections.get(fd)
            if connection is None:
                continue
            data = None
            # EPOLLIN, for the first bytes of an answer to a request that has gone out whole.
            if mask == 1 and connection.state is busy and connection.reader is None and not connection.unsent:
                try:
                    data = connection.recv(CHUNK)
                except WOULD_BLOCK:
                    continue
                except OSError:
                    data = b""
                if is_accept(data):
                    accepted += 1
                    again += connection.post[3] > 0  # type: ignore[index] # a busy connection has a post
                    connection.reused = True
                    post = following(now) if sent < tokens else None
                    if post is None:
                        self._free(connection, now)
                        continue
                    sent += 1
                    # As Connection.start does, without the call.
                    connection.post, connection.since = post, now
                    request = post[1].sign(post[0])
                    try:
                        taken = connection.send(request)
                    except WOULD_BLOCK:
                        taken = 0
                    except OSError:
                        self._lost(connection, now)
                        continue
                    if taken != len(request):
                        connection.keep(request[taken:])
                    continue
            self._on_event(connection, mask, data, now)
        queue.tally.accepted += accepted
        queue.tally.accepted_again += again
        queue.pace.bucket.spend(sent)
        self._pump(now)

    def _on_event(self, connection: Connection, mask: int, data: bytes | None, now: float) -> None:
        """Handle every event but the bare 200 of the hot path. ``data``: the bytes read already, if any."""
        try:
            self._take(connection, mask, data, now)
        except (OSError, MalformedAnswerError):
            self._lost(connection, now)

    def _take(self, connection: Connection, mask: int, data: bytes | None, now: float) -> None:
        if connection.state in (ConnectionState.OPENING, ConnectionState.HANDSHAKE):
            if connection.open_further(self._tls, now):
                self._opening -= 1
                self._failures, self._failing_since, self._open_after = 0, None, 0.0
                self._idle.append(connection)
            return
        if mask & select.EPOLLOUT and connection.unsent:
            connection.send_further()
        if data is None and mask & ~select.EPOLLOUT:
            data = connection.receive()
        if data is None:
            return
        if connection.state is ConnectionState.IDLE:
            # Nothing was asked: the peer has closed it, or it says what nobody can use.
            raise ConnectionResetError
        while data is not None:
            self._read(connection, data, now)
            data = connection.receive_rest(data) if connection.state is ConnectionState.BUSY else None

    def _read(self, connection: Connection, data: bytes, now: float) -> None:
        reader = connection.reader
        if reader is None and not data:
            raise ConnectionResetError
        if reader is None:
            reader = connection.reader = AnswerReader()
        if not (reader.feed(data) if data else reader.closed()):
            if not data:
                raise ConnectionResetError
            return
        post = connection.post
        if reader.keep_alive and not connection.unsent:
            self._free(connection, now)
        else:
            # An answer before the request was all sent: the rest of it would be taken for another.
            connection.post = None
            self._drop(connection)
        if post is not None:
            self._answered(post, reader, now)

    def _answered(self, post: Post, reader: AnswerReader, now: float) -> None:
        answer = meaning(reader.status, reader.body)
        if answer is Answer.FORBIDDEN:
            self._fail(GatewayError(f"the gateway answers 403: {excerpt(reader.body)}"))
        elif self._queue is not None:
            self._queue.answered(post, answer, now)

    def _pump(self, now: float) -> None:
        """Send what is due as far as the pace allows, open what connections that takes, and see whether it is over."""
        queue = self._queue
        if queue is None:
            return
        bucket, idle = queue.pace.bucket, self._idle
        tokens, sent = bucket.tokens(now), 0
        while idle and sent < tokens and (post := queue.next_post(now)) is not None:
            connection = idle.pop()
            self._busy += 1
            sent += 1
            try:
                connection.start(post, post[1].sign(post[0]), now)
            except OSError:
                self._lost(connection, now)
        bucket.spend(sent)
        waits = queue.waits(now)
        if not idle and sent < tokens and waits == 0.0:
            self._open_more(min(tokens - sent, queue.ready(now)), now)
        if now - self._swept >= SWEEP_SECONDS:
            self._sweep(queue, now)
        if self._busy == 0 and queue.finished(now):
            self._finish()
        else:
            self._arm(max(waits, bucket.wait()) if waits is not None else SWEEP_SECONDS)

    def _arm(self, wait: float) -> None:
        """Poll again after so long, if nothing happens before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(min(SWEEP_SECONDS, max(TICK_SECONDS, wait)), self.wake)

    def _open_more(self, wanted: int, now: float) -> None:
        if now < self._open_after:
            return
        room = min(wanted - self._opening, OPENING - self._opening, self._limit - len(self._connections))
        for _ in range(room):
            address = self._addresses[random.randrange(len(self._addresses))]
            try:
                connection = Connection(self._epoll, address, self._endpoint.host if self._tls else None, now)
            except OSError:
                self._not_opened(now)
                return
            self._connections[connection.fd] = connection
            self._opening += 1

    def _not_opened(self, now: float) -> None:
        self._failing_since = self._failing_since or now
        if now >= self._open_after:  # those that were opened together fail together
            self._failures += 1
            self._open_after = now + backoff(self._failures, random.random())
        nobody = not self._idle and self._busy == 0
        if nobody and now - self._failing_since > UNREACHABLE_SECONDS:
            self._fail(GatewayError(f"{self._endpoint.authority} cannot be reached"))

    def _free(self, connection: Connection, now: float) -> None:
        self._busy -= 1
        connection.finished(now)
        self._idle.append(connection)

    def _lost(self, connection: Connection, now: float) -> None:
        """The connection is of no use any more; what was on its way is tried again."""
        opening = connection.state in (ConnectionState.OPENING, ConnectionState.HANDSHAKE)
        post, unanswered = connection.post, connection.reader is None
        self._drop(connection)
        if opening:
            self._not_opened(now)
        elif post is not None and self._queue is not None:
            self._queue.lost(post, now, idle=connection.reused and unanswered)

    def _drop(self, connection: Connection) -> None:
        if connection.state is ConnectionState.IDLE:
            self._idle.remove(connection)
        elif connection.state is ConnectionState.BUSY:
            self._busy -= 1
        elif connection.state is not ConnectionState.CLOSED:
            self._opening -= 1
        self._connections.pop(connection.fd, None)
        connection.close()

    def _sweep(self, queue: PostQueue, now: float) -> None:
        """Let the pace judge the answers, and drop connections and posts whose time has run out."""
        self._swept = now
        queue.adjust_pace(now)
        for connection in list(self._connections.values()):
            if now - connection.since > _PATIENCE.get(connection.state, CONNECT_SECONDS):
                connection.reused = False
                self._lost(connection, now)
        if now >= self._give_up:
            for connection in [each for each in self._connections.values() if each.state is ConnectionState.BUSY]:
                is_post = connection.post is not None and not connection.post[1].closes
                queue.tally.failed += is_post
                queue.tally.unreached += is_post
                self._drop(connection)
            queue.give_up()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.refresh()
            except Exception:  # whatever a provider of credentials raises: those at hand are good for a while
                logger.exception("could not refresh")
                await asyncio.sleep(AGAIN_SECONDS)

    def _prepare(self, frame: bytes, method: str = "POST") -> Signer:
        return prepare(self._endpoint, frame, self._credentials, self._clock(), method=method)
