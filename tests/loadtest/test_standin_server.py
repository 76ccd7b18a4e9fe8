"""The stand-in as a program: its port, its paths, its beginning and end."""

from __future__ import annotations

import asyncio
import json
import signal
import socket as sockets
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from devstack.stack.ministack import StackError, free_port
from devstack.stack.standin_process import StandIn
from devstack.stack.whole_stack import Stack
from devstack.system import ACCOUNT, REGION, ROOT, SECRET, System
from tests.loadtest.conftest import API, PATIENCE, Bench, ask, hear

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

COMMAND = [sys.executable, "-m", "loadtest.standin.server", "--api", json.dumps(API), "--limits", '{"check_every":0}']
COMMAND += ["--handler", "tests.loadtest.standin_functions.handler"]


def signed(bench: Bench, connection: str, data: bytes, *, equals: str = "%3D", more: tuple[str, ...] = ()) -> bytes:
    """A POST as it goes over the wire."""
    url = f"{bench.http}/@connections/{connection.replace('=', equals)}"
    request = AWSRequest("POST", url, data=data)
    SigV4Auth(Credentials(ACCOUNT, SECRET), "execute-api", REGION).add_auth(request)
    head = [f"POST {url.removeprefix(bench.root)} HTTP/1.1", f"Host: 127.0.0.1:{bench.port}"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    head += more
    return "\r\n".join([*head, f"Content-Length: {len(data)}", "", ""]).encode() + data


async def answer_to(reader: asyncio.StreamReader) -> int:
    """The status of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    assert b"Content-Length: 0" in head
    return int(head.split()[1])


@pytest.mark.parametrize("check_every", [0, 1])
@pytest.mark.parametrize("pieces", [[], [5], [60], [200, 210], [-1], [-3]])
async def test_a_post_may_come_in_pieces(
    bench: Bench, socket: ClientConnection, connection: str, check_every: int, pieces: list[int]
) -> None:
    """A POST that arrives in any pieces is delivered once, and so is the next one on the connection."""
    bench.limit(check_every=check_every)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    for number in range(3):
        request = signed(bench, connection, json.dumps(number).encode())
        cuts = [0, *(cut % len(request) for cut in pieces), len(request)]
        for start, end in pairwise(cuts):
            writer.write(request[start:end])
            await writer.drain()
            await asyncio.to_thread(bench.stats)  # a round trip: the piece has been read
        assert await answer_to(reader) == 200
        assert await hear(socket) == number
    writer.close()


@pytest.mark.parametrize("check_every", [0, 1])
async def test_an_id_may_be_quoted_or_not(
    bench: Bench, socket: ClientConnection, connection: str, check_every: int
) -> None:
    """The id is the same connection with ``=`` and with ``%3D`` in the path."""
    bench.limit(check_every=check_every)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    for number, equals in enumerate(("%3D", "%3d", "=", "%3D")):
        writer.write(signed(bench, connection, json.dumps(number).encode(), equals=equals))
        assert await answer_to(reader) == 200
        assert await hear(socket) == number
    writer.close()


@pytest.mark.parametrize("latency", [0, 1])
async def test_who_asks_for_it_is_closed_after_the_answer(bench: Bench, connection: str, latency: int) -> None:
    """A request with ``Connection: close`` is answered, and then the connection is closed."""
    bench.limit(latency_ms=latency)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(signed(bench, connection, b"1", more=("Connection: close",)))
    assert await answer_to(reader) == 200
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_a_body_that_looks_like_a_post_is_a_body(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """A body that looks like a request stays a body, also if it arrives in another piece than its head."""
    bench.limit(check_every=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(signed(bench, connection, b'"first"'))
    assert await answer_to(reader) == 200
    body = signed(bench, connection, b'"within"')
    request = signed(bench, connection, body)
    for piece in (request[: -len(body)], body):
        writer.write(piece)
        await writer.drain()
        await asyncio.to_thread(bench.stats)  # a round trip: the piece has been read
    assert await answer_to(reader) == 200
    assert [await hear(socket), await asyncio.wait_for(socket.recv(), PATIENCE)] == ["first", body.decode()]
    writer.close()


async def test_requests_may_be_pipelined(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """Requests that come together are answered in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(
        signed(bench, connection, b"1") + signed(bench, "L0SM9cOFvHcCIhw=", b"2") + signed(bench, connection, b"3")
    )
    assert [await answer_to(reader) for _ in range(3)] == [200, 410, 200]
    assert [await hear(socket), await hear(socket)] == [1, 3]
    writer.close()


@pytest.mark.parametrize("check_every", [0, 1])
async def test_an_unsigned_post_is_refused(bench: Bench, connection: str, check_every: int) -> None:
    """An unsigned POST is answered 403, whether its signature would be verified or not."""
    bench.limit(check_every=check_every)
    answer = await asyncio.to_thread(httpx.post, f"{bench.http}/@connections/{connection}", content=b"{}")
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


async def test_latency_delays_the_answer_not_the_frame(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """The viewer has the frame while the sender still waits, and other requests are answered meanwhile."""
    bench.limit(latency_ms=3_600_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(signed(bench, connection, b'"now"'))
    assert await hear(socket) == "now"
    assert (await ask(socket, action="ask"))["id"] == connection
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    writer.close()


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"speed": 1}, "There is no limit speed"),
        ({"account_rate": "fast"}, "account_rate is a number"),
        ({"frame_bytes": 1.5}, "frame_bytes is a whole number"),
        ({"age_seconds": -1}, "age_seconds is 0 or more"),
        ({"lose_disconnect": 2}, "from 0 to 1"),
    ],
)
def test_a_wrong_limit_is_refused_whole(bench: Bench, limits: dict[str, Any], why: str) -> None:
    """A PATCH with one wrong limit is answered 400 with a sentence, and changes nothing."""
    before = httpx.get(f"{bench.root}/_standin/limits").json()
    answer = bench.limit(idle_seconds=1, **limits)
    assert answer.status_code == 400
    assert why in answer.json()["message"]
    assert httpx.get(f"{bench.root}/_standin/limits").json() == before


def test_other_paths_are_refused(bench: Bench) -> None:
    """Unknown paths are answered with an error, and the counters can be reset."""
    assert httpx.get(f"{bench.root}/other").status_code == 403
    assert httpx.get(f"{bench.root}/_standin/other").status_code == 404
    assert httpx.get(f"{bench.root}/_standin/health").json()["status"] == "ok"
    assert httpx.post(f"{bench.root}/_standin/reset").json()["posts"] == 0


def test_a_port_in_use_is_a_sentence() -> None:
    """A port in use ends the program with exit status 1 and a sentence, without a traceback."""
    with sockets.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = subprocess.run([*COMMAND, "--port", str(port)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"gateway: Port {port} of 127.0.0.1 cannot be used: Address already in use.\n"
        with pytest.raises(StackError, match="in use"):
            StandIn(System(1, gateway_port=port)).start()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, None])
def test_it_ends_when_told_and_with_its_parent(end: signal.Signals | None) -> None:
    """SIGTERM, SIGINT and the end of stdin stop it with exit status 0."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "--with-parent"], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert httpx.get(f"http://127.0.0.1:{ready['port']}/_standin/health").status_code == 200
        if end is None:
            process.stdin.close()
        else:
            process.send_signal(end)
        assert process.wait(PATIENCE) == 0


def test_a_gateway_that_dies_is_noticed() -> None:
    """``livescore up`` reports a gateway that dies, and does not go on without viewers."""
    system = System(1, gateway_port=free_port())
    system.raw["websocket_api"] = API
    standin = StandIn(system, handler="tests.loadtest.standin_functions.handler").start()
    others: Any = standin
    try:
        Stack(others, standin).check()
        Stack(others, None).check()
    finally:
        standin.stop()
    with pytest.raises(StackError, match="ended by itself"):
        Stack(others, standin).check()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{system.gateway_port}/_standin/health")


def test_what_is_missing_is_a_sentence() -> None:
    """Without credentials the stand-in starts only if it verifies no signature."""
    command = [each for each in COMMAND if "check_every" not in each and each != "--limits"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={})
    assert ran.returncode == 1
    assert ran.stderr.startswith("gateway: There are no credentials")
