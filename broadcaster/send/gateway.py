"""The @connections client: one signed POST per viewer over hundreds of kept-alive connections.

API Gateway has no broadcast, so the price of one POST is the price of everything. The bytes that are constant for a
frame are prepared once (``signing``). The usual answer is recognised without a parser (``gateway_answers``). The
sockets have an epoll of their own (``connection``). The event loop only learns that some socket is ready; then a plain
loop reads, judges, signs and sends. One request is on its way per connection: API Gateway is not known to allow
pipelining.
"""

from __future__ import annotations

import asyncio
import select
import time
from typing import TYPE_CHECKING, Any, Self

from aws_lambda_powertools import Logger

from broadcaster.send.addresses import Addresses
from broadcaster.send.connection import CHUNK, WOULD_BLOCK, ConnectionState
from broadcaster.send.connection_pool import ConnectionPool
from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway_answers import Answer, AnswerReader, MalformedAnswerError, UsualAccept, excerpt, meaning
from broadcaster.send.prepared_requests import PreparedRequests
from broadcaster.send.signing import prepare
from broadcaster.send.wire import SYSTEM
from runtime import aws, refusals, tls_context
from runtime.thaw import seconds

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from broadcaster.send.connection import Connection
    from broadcaster.send.post_queue import Post, PostQueue
    from broadcaster.send.signing import Credentials, Endpoint, MakeSigner
    from broadcaster.send.wire import Wire

CONNECTIONS = 400
"""The most connections: a Lambda function has 1,024 file descriptors. Rate times latency says how many are opened."""

AGAIN_SECONDS = 5.0
"""Seconds until the next try, after credentials or addresses could not be renewed."""

SWEEP_SECONDS = 0.25
"""Seconds between two looks for requests and connections whose time has run out."""

TICK_SECONDS = 0.001
"""The shortest timer: seconds until the next post when nothing else wakes the gateway."""

_EVENTS = 512
"""Socket events handled in one call of the event loop, at most."""

logger = Logger(service="sender")


class Gateway:
    """Posts frames; one ``deliver`` at a time. Its connections stay open from one to the next.

    ``open`` makes a gateway that is ready at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Callable[[], Credentials],
        *,
        connections: int = CONNECTIONS,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = seconds,
        wire: Wire = SYSTEM,
        make_signer: MakeSigner = prepare,
    ) -> None:
        """Make a gateway on the running loop that uses neither network nor credentials before ``refresh``.

        ``connections`` is the most that are open at once. ``clock`` tells seconds since 1970, for signatures.
        ``elapsed`` tells seconds of a clock that also runs while the function is frozen. ``wire`` and ``make_signer``
        are the operating system's and ``signing.prepare``, except in a simulation.
        """
        # First, because it may fail: a file of authorities that does not exist must not leave an epoll behind.
        tls_used = (tls or tls_context.http1_context(aws.ca_bundle())) if endpoint.tls else None
        self._authority = endpoint.authority
        self._region = endpoint.region
        self._loop = asyncio.get_running_loop()
        self._epoll = wire.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._on_ready)
        self._addresses = Addresses(endpoint, elapsed)
        self.requests = PreparedRequests(endpoint, credentials, clock, make_signer)
        """The requests that ``deliver`` posts."""
        self.pool = ConnectionPool(
            self._epoll,
            limit=connections,
            tls=tls_used,
            tls_name=endpoint.host,
            elapsed=elapsed,
            now=self._loop.time(),
            wire=wire,
        )
        self._usual = UsualAccept()
        self._queue: PostQueue | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._swept = 0.0
        self._give_up = 0.0

    @classmethod
    async def open(cls, endpoint: Endpoint, credentials: Callable[[], Credentials], **options: Any) -> Self:
        """Make a gateway that is ready to send; the options are those of the constructor.

        Raises GatewayError when the host cannot be found, and whatever ``credentials`` raises.
        """
        gateway = cls(endpoint, credentials, **options)
        await gateway.refresh()
        return gateway

    async def refresh(self) -> None:
        """Renew addresses, credentials and dates if they are old. Raises as ``open`` does."""
        await self._addresses.refresh()
        await self.requests.refresh()

    async def close(self) -> None:
        """Close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        self.pool.close()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    async def deliver(self, queue: PostQueue, give_up: float) -> None:
        """Post until the queue is finished. A post that has no answer by ``give_up`` (loop's clock) has failed.

        Raises GatewayError when no POST can succeed.
        """
        if self._queue is not None:
            raise RuntimeError("the gateway is delivering another queue")
        await self.refresh()
        self._queue, self._give_up = queue, give_up
        self._done = self._loop.create_future()
        refreshing = self._loop.create_task(self._keep_fresh())
        try:
            self.pool.begin(self._loop.time())
            self._on_ready()  # finds the connections that the gateway closed while the function was frozen
            await self._done
        finally:
            self._queue = self._done = None
            refreshing.cancel()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.pool.end(self._loop.time())

    def wake(self) -> None:
        """Go on sending: there may be new rows, or another pace."""
        if self._queue is not None:
            self._pump(self._loop.time())

    def _on_ready(self) -> None:
        """The hot path: read the answers that have come, and send the next posts. Each line costs once per viewer."""
        now = self._loop.time()
        queue = self._queue
        if queue is None:
            for fd, mask in self._epoll.poll(0, _EVENTS):
                self._on_event(self.pool.connections[fd], mask, None, now)
            return
        pool, busy, following = self.pool, ConnectionState.BUSY, queue.next_post
        connections, is_accept = pool.connections, self._usual.is_accept
        tokens, accepted_posts, further_tries, posts = queue.pace.bucket.tokens(now), 0, 0, 0
        for fd, mask in self._epoll.poll(0, _EVENTS):
            connection = connections.get(fd)
            if connection is None:
                continue
            data = None
            # EPOLLIN: the first bytes of an answer, and the whole request has gone out.
            if mask == 1 and connection.state is busy and connection.reader is None and not connection.unsent:
                try:
                    data = connection.recv(CHUNK)
                except WOULD_BLOCK:
                    continue
                except OSError:
                    data = b""
                if is_accept(data):
                    accepted_posts += 1
                    further_tries += connection.post[3] > 0  # type: ignore[index] # a busy connection has a post
                    connection.reused = True
                    post = following(now) if posts < tokens else None
                    if post is None:
                        pool.free(connection, now)
                        continue
                    posts += 1
                    # As Connection.start does, without the call.
                    connection.post, connection.since = post, now
                    request = post[1].sign(post[0])
                    try:
                        bytes_sent = connection.send(request)
                    except WOULD_BLOCK:
                        bytes_sent = 0
                    except OSError:
                        self._connection_broke(connection, now)
                        continue
                    if bytes_sent != len(request):
                        connection.keep(request[bytes_sent:])
                    continue
            self._on_event(connection, mask, data, now)
        queue.tally.accepted_posts += accepted_posts
        queue.tally.accepted_further_tries += further_tries
        queue.pace.bucket.spend(posts)
        self._pump(now)

    def _on_event(self, connection: Connection, mask: int, data: bytes | None, now: float) -> None:
        """Handle every event but the bare 200 of the hot path. ``data``: the bytes read already, if any."""
        try:
            self._handle(connection, mask, data, now)
        except (OSError, MalformedAnswerError):
            self._connection_broke(connection, now)

    def _handle(self, connection: Connection, mask: int, data: bytes | None, now: float) -> None:
        if connection.state in (ConnectionState.OPENING, ConnectionState.HANDSHAKE):
            self.pool.open_further(connection, now)
            return
        if mask & select.EPOLLOUT and connection.unsent:
            connection.send_further()
        if data is None and mask & ~select.EPOLLOUT:
            data = connection.receive()
        if data is None:
            return
        if connection.state is ConnectionState.IDLE:
            # No request is on its way: the gateway has closed the connection, or sends bytes that answer nothing.
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
            self.pool.free(connection, now)
        else:
            # The answer came before the whole request had gone out. The gateway would take the rest for a new request.
            connection.post = None
            self.pool.drop(connection)
        if post is not None:
            self._answered(post, reader, now)

    def _answered(self, post: Post, reader: AnswerReader, now: float) -> None:
        answer = meaning(reader.status, reader.body)
        if answer is Answer.FORBIDDEN:
            reason = excerpt(reader.body)
            refusals.report(self._region, "apigatewaymanagementapi", "PostToConnection", "Forbidden", reason)
            self._fail(GatewayError(f"The gateway answers 403: {reason}"))
        elif self._queue is not None:
            self._queue.answered(post, answer, now)

    def _pump(self, now: float) -> None:
        """Send the due posts that the pace allows, open the connections that they need, and end if nothing is left."""
        queue, pool = self._queue, self.pool
        if queue is None:
            return
        bucket, idle = queue.pace.bucket, pool.idle
        tokens, posts = bucket.tokens(now), 0
        while idle and posts < tokens and (post := queue.next_post(now)) is not None:
            connection = idle.pop()
            pool.busy += 1
            posts += 1
            try:
                connection.start(post, post[1].sign(post[0]), now)
            except OSError:
                self._connection_broke(connection, now)
        bucket.spend(posts)
        if posts and queue.tally.first_post is None:
            # Every connection is idle before its first request, so the first request of all is sent here.
            queue.tally.first_post = now
        waits = queue.waits(now)
        if not idle and posts < tokens and waits == 0.0:
            wanted = min(tokens - posts, queue.due_posts(now))
            if not pool.open_more(wanted, self._addresses.known, now):
                self._check_reachable(now)
        if now - self._swept >= SWEEP_SECONDS:
            self._sweep(queue, now)
        if pool.busy == 0 and queue.finished(now):
            self._finish()
        else:
            self._arm(max(waits, bucket.wait()) if waits is not None else SWEEP_SECONDS)

    def _arm(self, wait: float) -> None:
        """Call ``wake`` after ``wait`` seconds, if nothing happens before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(min(SWEEP_SECONDS, max(TICK_SECONDS, wait)), self.wake)

    def _check_reachable(self, now: float) -> None:
        """A connection could not be opened: end the delivery if the gateway is unreachable."""
        if self.pool.is_unreachable(now):
            self._fail(GatewayError(f"{self._authority} cannot be reached"))

    def _connection_broke(self, connection: Connection, now: float) -> None:
        """The connection has broken: drop it, and try the post that was on its way again."""
        opening = connection.state in (ConnectionState.OPENING, ConnectionState.HANDSHAKE)
        post, unanswered = connection.post, connection.reader is None
        self.pool.drop(connection)
        if opening:
            self.pool.note_failure(now)
            self._check_reachable(now)
        elif post is not None and self._queue is not None:
            self._queue.connection_broke(post, now, was_reused=connection.reused and unanswered)

    def _sweep(self, queue: PostQueue, now: float) -> None:
        """Let the pace judge the answers, and drop connections and posts whose time has run out."""
        self._swept = now
        queue.adjust_pace(now)
        for connection in self.pool.overdue(now):
            connection.reused = False
            self._connection_broke(connection, now)
        if now >= self._give_up:
            for connection in self.pool.waiting_for_answers():
                is_post = connection.post is not None and not connection.post[1].closes
                queue.tally.failed_posts += is_post
                queue.tally.outage_posts += is_post
                self.pool.drop(connection)
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
            except Exception:  # a provider may raise anything; the credentials in use are good for a while
                logger.exception("refresh_failed")
                await asyncio.sleep(AGAIN_SECONDS)
