"""The @connections client against a server with the answers and faults of API Gateway and of networks."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from broadcaster.send.connection import ConnectionState
from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.pacing import Pace
from broadcaster.send.post_queue import TRIES, Post, PostQueue, Tally
from broadcaster.send.prepared_requests import SIGNED_SECONDS
from broadcaster.send.signing import Credentials, Endpoint
from runtime import refusals
from runtime.thaw import IDLE_SECONDS
from tests.broadcaster.test_signing import botocores, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

REGION = "us-east-1"
TOKEN = "IQoJb3JpZ2luX2VjE" * 64
REASONS = {"200": "OK", "204": "No Content",
           "400": "Bad Request", "403": "Forbidden", "410": "Gone", "413": "Too Large", "429": "Too Many",
           "500": "Internal Server Error", "503": "Service Unavailable"}  # fmt: skip


class Server:
    """A server whose answers are spelt by the connection ids: ``503-200=`` fails once, then accepts."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.bodies: set[bytes] = set()
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self.opened = 0
        self.now = 1_795_000_000.0
        self.keys = Credentials("AKID", "SECRET", TOKEN)
        self.wrong = 0
        """Requests that botocore would have signed otherwise."""
        self.url = ""
        self.frame = b""
        self.paused = 0.0
        """Seconds that the gateway's process was frozen, unseen by the loop's clock."""
        self.swallowed = 0
        self._forgotten = 0
        self._at_once = 0
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one TCP connection."""
        self.opened += 1
        number = self.opened
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
        with suppress(asyncio.IncompleteReadError, OSError):
            while await self._one(reader, writer, number):
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def freeze(self, seconds: float) -> None:
        """Let so many seconds pass, and forget all connections without a word."""
        self._forgotten, self.paused = self.opened, self.paused + seconds

    async def stop(self) -> None:
        """Let go of everybody."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if number <= self._forgotten:
            self.swallowed += 1
            await self._stopping.wait()
            return False
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        request = head + await reader.readexactly(length)
        path, headers, body = read(request)
        self.bodies.add(body)
        self.headers.append(headers)
        method = head.partition(b" ")[0].decode()
        theirs = botocores(self.url.removesuffix("/live") + path, body, REGION, self.keys, self.now, method)
        self.wrong += headers["authorization"] != theirs["authorization"]
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._do(path.rpartition("/")[2].removesuffix("%3D"), writer)
        finally:
            self._at_once -= 1

    async def _do(self, connection: str, writer: asyncio.StreamWriter) -> bool:
        steps = connection.partition(".")[0].split("-")
        step = steps[min(self.tries[connection], len(steps) - 1)]
        self.tries[connection] += 1
        status, _, how = step.partition("_")
        how = how or status
        bodies = {
            "id": "Invalid connectionId",
            "token": f"The signature does not match. The Canonical String is {TOKEN}",
        }
        body = b"" if status in ("200", "204") else json.dumps({"message": bodies.get(how, ".")}).encode()
        answer = f"HTTP/1.1 {status} {REASONS.get(status)}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        match how:
            case "silence":
                await self._stopping.wait()
                return False
            case "reset":
                writer.transport.abort()
                return False
            case "junk":
                writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            case "pieces":
                for byte in answer:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
            case "chunked":
                writer.write(f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
                writer.write(b"3\r\n{}\n\r\n0\r\n\r\n")
            case "close":
                writer.write(answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                return False
            case "hangup":
                writer.write(answer)  # and closes without having said so
                return False
            case "late":
                await asyncio.sleep(0.02)
                writer.write(answer)
            case _:
                writer.write(answer)
        return True


class Ids:
    """Rows for connection ids."""

    def __init__(self, gateway: Gateway, frame: bytes, connections: list[str]) -> None:
        self.request = gateway.requests.for_post(frame)
        self._left = list(reversed(connections))

    def next_row(self) -> Post | None:
        """The next row."""
        return (self._left.pop(), self.request, "m#0", 0) if self._left else None

    @property
    def fresh(self) -> bool:
        """Whether there is one."""
        return bool(self.waiting_rows)

    @property
    def waiting_rows(self) -> int:
        """The number of posts left."""
        return len(self._left)

    @property
    def exhausted(self) -> bool:
        """Whether there is none."""
        return not self._left


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority that the client trusts over TLS."""
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
async def server(request: pytest.FixtureRequest, authority: trustme.CA) -> AsyncIterator[Server]:
    """A server on loopback, once in the clear and once over TLS."""
    server, context = Server(), None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.url = f"{request.param}://localhost:{listening.sockets[0].getsockname()[1]}/live"
    yield server
    listening.close()
    await server.stop()


async def opened(server: Server, authority: trustme.CA, connections: int = 8) -> Gateway:
    """A client of that server."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return await Gateway.open(
        Endpoint.parse(server.url, REGION), lambda: server.keys, connections=connections, tls=context,
        clock=lambda: server.now, elapsed=lambda: asyncio.get_running_loop().time() + server.paused,
    )  # fmt: skip


@pytest.fixture
async def gateway(server: Server, authority: trustme.CA) -> AsyncIterator[Gateway]:
    """A client that is closed at the end."""
    gateway = await opened(server, authority)
    yield gateway
    await gateway.close()


async def post(
    gateway: Gateway, *connections: str, frame: bytes = b'{"goal":1}', gone: Callable[[Post], Any] = id,
    rate: float = 1e6, seconds: float = 30.0,
) -> Tally:  # fmt: skip
    """Post a frame to each connection; returns the tally."""
    now = asyncio.get_running_loop().time()
    rows = Ids(gateway, frame, list(connections))
    queue = PostQueue(rows, Pace(rate, now), until=now + seconds, on_gone=gone, chance=lambda: 0.0)
    await gateway.deliver(queue, now + seconds)
    return queue.tally


@pytest.mark.parametrize(
    ("connection", "fate", "tries"),
    [
        ("200=", {"accepted_posts": 1}, 1), ("410=", {"gone_connections": 1}, 1),
        ("400_id=", {"gone_connections": 1}, 1),
        ("400=", {"failed_posts": 1}, 1), ("413=", {"failed_posts": 1}, 1),
        ("429-429-200=", {"accepted_posts": 1, "accepted_further_tries": 1, "throttled_tries": 2,
                          "refused_further_tries": 1}, 3),
        ("503-200=", {"accepted_posts": 1, "accepted_further_tries": 1, "errored_tries": 1}, 2),
        ("429-410=", {"gone_connections": 1, "throttled_tries": 1}, 2),
        ("500=", {"failed_posts": 1, "outage_posts": 1, "errored_tries": TRIES,
                  "refused_further_tries": TRIES - 1}, TRIES),
        ("429=", {"failed_posts": 1, "throttled_tries": TRIES, "refused_further_tries": TRIES - 1}, TRIES),
        ("reset-200=", {"accepted_posts": 1, "accepted_further_tries": 1, "broken_connections": 1}, 2),
        ("junk-200=", {"accepted_posts": 1, "accepted_further_tries": 1, "broken_connections": 1}, 2),
        ("200_pieces=", {"accepted_posts": 1}, 1), ("410_pieces=", {"gone_connections": 1}, 1),
        ("200_chunked=", {"accepted_posts": 1}, 1),
        ("410_chunked=", {"gone_connections": 1}, 1), ("200_close=", {"accepted_posts": 1}, 1),
        ("410_close=", {"gone_connections": 1}, 1),
        ("200_late=", {"accepted_posts": 1}, 1),
    ],
)  # fmt: skip
async def test_each_answer_has_its_meaning(
    gateway: Gateway, server: Server, connection: str, fate: dict[str, int], tries: int
) -> None:
    """Only 410, and 400 for the id, prune; 429, 5xx and lost connections are tried again, a bounded number of times."""
    gone: list[Post] = []
    tally = await post(gateway, connection, gone=gone.append)
    assert tally == Tally(**fate)
    assert len(gone) == tally.gone_connections
    assert server.tries[connection[:-1]] == tries
    assert (server.bodies, server.wrong) == ({b'{"goal":1}'}, 0)


async def test_every_viewer_gets_its_frame_on_bad_connections(gateway: Gateway, server: Server) -> None:
    """Promise 2: among resets, hang-ups, closes, odd answers and slow ones, each of 300 connections gets its frame."""
    ways = ["200", "200_close", "200_hangup", "reset-200", "200_pieces", "429-200", "200_chunked", "410", "junk-200"]
    connections = [f"{ways[number % len(ways)]}.{number}=" for number in range(300)]
    gone: list[Post] = []
    tally = await post(gateway, *connections, gone=gone.append)
    assert (tally.accepted_posts + tally.gone_connections, tally.failed_posts) == (300, 0)
    assert {post[0] for post in gone} == {each for each in connections if each.startswith("410")}
    assert len(server.tries) == 300
    assert server.wrong == 0


async def test_connections_are_kept_and_bounded(gateway: Gateway, server: Server) -> None:
    """Hundreds of posts share a few connections, with one request at a time on each, also from goal to goal."""
    for _ in range(3):
        assert (await post(gateway, *[f"200_late.{number}=" for number in range(100)])).accepted_posts == 100
    assert server.opened <= 8
    assert 2 <= server.most_at_once <= 8


async def test_a_connection_that_died_idle_is_replaced(gateway: Gateway, server: Server) -> None:
    """If the gateway closed a connection between two goals, no viewer loses a try at the next goal."""
    await post(gateway, *[f"200_hangup.{number}=" for number in range(4)])
    tally = await post(gateway, *[f"200.{number}=" for number in range(50)])
    assert (tally.accepted_posts, tally.failed_posts) == (50, 0)


async def test_a_connection_that_died_in_a_long_freeze_is_not_used(gateway: Gateway, server: Server) -> None:
    """Promise: after a pause of more than 50 seconds no post waits for an answer on an old connection."""
    await post(gateway, *[f"200_late.{number}=" for number in range(8)])
    opened = server.opened
    server.freeze(51)
    tally = await post(gateway, *[f"200.{number}=" for number in range(50)])
    assert (tally.accepted_posts, tally.broken_connections, server.swallowed) == (50, 0, 0)
    assert server.opened > opened


async def test_a_connection_grows_old_over_several_freezes(gateway: Gateway, server: Server) -> None:
    """Promise: two freezes of 30 seconds make a connection stale, unless it was used between them."""
    await post(gateway, *[f"200_late.{number}=" for number in range(8)])
    opened = server.opened
    assert opened > 1
    server.paused += 30
    await post(gateway, "200.one=")
    assert server.opened == opened
    server.paused += 30
    await post(gateway, "200.two=")
    assert server.opened == opened
    await post(gateway, *[f"200_late.{number}.later=" for number in range(8)])
    assert server.opened > opened


async def test_a_connection_that_died_in_a_short_freeze_costs_one_try(
    gateway: Gateway, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise: a post on a dead connection that is not stale yet loses one try, and its viewer still gets the frame."""
    monkeypatch.setattr(
        "broadcaster.send.connection_pool._PATIENCE", {ConnectionState.BUSY: 0.3, ConnectionState.IDLE: IDLE_SECONDS}
    )
    await post(gateway, "200.one=")
    server.freeze(49)
    tally = await post(gateway, "200.two=")
    assert (tally.accepted_posts, tally.broken_connections, server.swallowed) == (1, 1, 1)


async def test_only_addresses_of_ipv4_are_used(gateway: Gateway, server: Server, authority: trustme.CA) -> None:
    """Promise: nothing is sent to the IPv6 addresses of a host, because Lambda has no route for them."""
    loop, asked = asyncio.get_running_loop(), list[Any]()
    real = loop.getaddrinfo
    port = int(server.url.rpartition(":")[2].partition("/")[0])
    elsewhere = Server()
    try:
        listening = await asyncio.start_server(elsewhere.serve, "::1", port)
    except OSError:
        pytest.skip("this machine has no IPv6 that could be used")

    async def both(host: str, port: int, *, family: int = 0, **given: Any) -> Any:
        """The answer of a resolver for a host with addresses of both kinds."""
        asked.append(family)
        found = await real("127.0.0.1", port, family=family, **given)
        return found if family == socket.AF_INET else found + await real("::1", port, **given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "getaddrinfo", both)
        client = await opened(server, authority)
    tally = await post(client, *[f"200_late.{number}=" for number in range(50)])
    await client.close()
    listening.close()
    assert (tally.accepted_posts, len(asked), elsewhere.opened) == (50, 1, 0)


async def test_a_refused_signature_ends_the_delivery(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """403 means that no POST can succeed: the delivery raises at once instead of failing each row, and is loud."""
    monkeypatch.setattr(refusals, "_reported", {})
    with pytest.raises(GatewayError, match="403") as refused:
        await post(gateway, "403_token=", "200=")
    assert "does not match" in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert (await post(gateway, "200=")).accepted_posts == 1
    assert [each.message for each in caplog.records].count("aws_refused") == 1


async def test_no_answer_is_awaited_past_the_deadline(gateway: Gateway, server: Server) -> None:
    """The delivery ends in time if the gateway does not answer, and the connection is not used again."""
    tally = await post(gateway, "silence=", seconds=0.3)
    assert (tally.accepted_posts, tally.failed_posts, tally.outage_posts) == (0, 1, 1)
    assert (await post(gateway, "200=")).accepted_posts == 1


async def test_frames_of_any_size_and_script(gateway: Gateway, server: Server) -> None:
    """A frame that is larger than the socket's buffer arrives whole, byte for byte."""
    frame = '{"player":"Ángel Di María, 李"}'.encode() * 40_000
    assert (await post(gateway, "200=", frame=frame)).accepted_posts == 1
    assert server.bodies == {frame}
    assert server.wrong == 0


async def test_new_credentials_and_a_new_day_are_taken_up_while_it_runs(gateway: Gateway, server: Server) -> None:
    """Every signature is right, also after keys rotate and a new day begins in the middle of a delivery."""
    signed = Counter[str]()
    server.now += 86_400 - server.now % 86_400 - 1

    async def change() -> None:
        while len(server.headers) < 20:
            await asyncio.sleep(0.01)
        server.now += SIGNED_SECONDS
        server.keys = Credentials("AKID2", "SECRET2", TOKEN + "2")

    changing = asyncio.create_task(change())
    tally = await post(gateway, *[f"200.{number}=" for number in range(400)], rate=400)
    await changing
    assert tally.accepted_posts == 400
    for headers in server.headers:
        signed[headers["authorization"].partition("Credential=")[2].partition("/us-east-1")[0]] += 1
    first, second = sorted(signed)
    assert first.startswith("AKID/")
    assert second.startswith("AKID2/")
    assert int(second[-8:]) != int(first[-8:])


async def test_an_unreachable_gateway_raises_an_error(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 2: if nothing listens, the whole batch fails, and the state machine tries again."""
    monkeypatch.setattr("broadcaster.send.connection_pool.UNREACHABLE_SECONDS", 0.3)
    nobody = Server()
    nobody.url = "http://127.0.0.1:9/live"
    gateway = await opened(nobody, authority)
    with pytest.raises(GatewayError, match="cannot be reached"):
        await post(gateway, "200=")
    await gateway.close()


async def test_an_unknown_host_raises_an_error(authority: trustme.CA) -> None:
    """A wrong host name raises an error with a sentence, before the first POST."""
    nobody = Server()
    nobody.url = "http://no-such-host.invalid/live"
    with pytest.raises(GatewayError, match=r"no-such-host\.invalid cannot be found"):
        await opened(nobody, authority)


@pytest.mark.parametrize("server", ["https"], indirect=True)
async def test_an_unknown_authority_is_not_trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS nothing is sent to a server whose certificate comes from an unknown authority."""
    monkeypatch.setattr("broadcaster.send.connection_pool.UNREACHABLE_SECONDS", 0.3)
    gateway = await opened(server, trustme.CA())
    with pytest.raises(GatewayError, match="cannot be reached"):
        await post(gateway, "200=")
    assert not server.headers
    await gateway.close()


def epoll_descriptors() -> set[int]:
    """The file descriptors of this process that are an epoll: a gateway opens one."""
    return {
        int(entry.name)
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink() and entry.readlink().name == "anon_inode:[eventpoll]"
    }


async def test_a_gateway_that_cannot_be_made_leaves_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway whose file of authorities is missing leaves nothing open: each invocation of a sender tries again."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nonexistent.pem")
    endpoint = Endpoint.parse("https://api.execute-api.us-east-1.amazonaws.com/live", "us-east-1")
    gc.collect()  # a loop of an earlier test must not give its number back in the middle of this test
    before = epoll_descriptors()
    for _ in range(3):
        with pytest.raises(OSError, match="No such file"):
            Gateway(endpoint, lambda: Credentials("A", "S"))
    assert epoll_descriptors() - before == set()
