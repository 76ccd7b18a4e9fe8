"""The @connections client against a server that answers as API Gateway may."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from broadcaster.gateway import TRIES, Answer, Gateway, Tally
from devstack.system import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ERRORS = {400: "BadRequestException", 403: "ForbiddenException", 410: "GoneException", 413: "PayloadTooLargeException",
          429: "LimitExceededException", 500: "InternalServerError", 503: "ServiceUnavailable"}  # fmt: skip


class Server:
    """Answers each connection with the statuses that its id spells: ``503-200`` fails once, then accepts."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one POST."""
        connection = request.match_info["connection"]
        self.bodies.append(await request.read())
        statuses = connection.rstrip("=").split("-")
        status = statuses[min(self.tries[connection], len(statuses) - 1)]
        self.tries[connection] += 1
        if status == "silence":
            await asyncio.sleep(30)
        if status == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, _, message = status.partition(" ")
        error = ERRORS.get(int(status))
        headers = {"x-amzn-ErrorType": error} if error else {}
        return web.json_response({"message": message}, status=int(status), headers=headers)


async def at_once() -> None:
    """No pace at all."""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_post("/live/@connections/{connection}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/live"
    yield server
    await runner.cleanup()


@pytest.fixture
async def gateway(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    """A client of that server, whose back-off takes no time."""
    for name, value in (("ACCESS_KEY_ID", ACCOUNT), ("SECRET_ACCESS_KEY", "devstack"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    gateway = Gateway(server.url, connections=4, chance=lambda: 0.0)
    await gateway.open()
    yield gateway
    await gateway.close()


@pytest.mark.parametrize(
    ("connection", "answer", "tries", "throttled"),
    [
        ("200=", Answer.ACCEPTED, 1, 0),
        ("410=", Answer.GONE, 1, 0),
        ("400 Invalid connectionId=", Answer.GONE, 1, 0),
        ("400 Bad header=", Answer.FAILED, 1, 0),
        ("413=", Answer.FAILED, 1, 0),
        ("429-429-200=", Answer.ACCEPTED, 3, 2),
        ("503-200=", Answer.ACCEPTED, 2, 0),
        ("reset-200=", Answer.ACCEPTED, 2, 0),
        ("429-410=", Answer.GONE, 2, 1),
        ("500=", Answer.FAILED, TRIES, 0),
        ("429=", Answer.FAILED, TRIES, TRIES),
    ],
)
async def test_each_answer_has_its_meaning(
    gateway: Gateway, server: Server, connection: str, answer: Answer, tries: int, throttled: int
) -> None:
    """Only 410, and 400 for the id, prune; 429, 5xx and resets are tried again, a bounded number of times."""
    tally = Tally()
    deadline = asyncio.get_running_loop().time() + 30
    assert await gateway.post(connection, b'{"goal":1}', deadline, tally, at_once) is answer
    assert server.tries[connection] == tries
    assert set(server.bodies) == {b'{"goal":1}'}
    assert tally.throttled == throttled


async def test_a_refused_signature_is_nobodys_connection(gateway: Gateway) -> None:
    """403 means that we may not post at all: it is raised, or every row would seem to fail by itself."""
    with pytest.raises(ClientError, match="Forbidden"):
        await gateway.post("403=", b"{}", asyncio.get_running_loop().time() + 30, Tally(), at_once)


async def test_no_answer_is_awaited_past_the_deadline(gateway: Gateway, server: Server) -> None:
    """A gateway that does not answer cannot keep a sender beyond its time."""
    deadline = asyncio.get_running_loop().time() + 0.2
    assert await gateway.post("silence=", b"{}", deadline, Tally(), at_once) is Answer.FAILED
    assert server.tries["silence="] == 1


async def test_every_try_is_paced(gateway: Gateway) -> None:
    """Promise 5: a retry costs the budget as much as the first try."""
    taken = 0

    async def pace() -> None:
        nonlocal taken
        taken += 1

    await gateway.post("429-503-200=", b"{}", asyncio.get_running_loop().time() + 30, Tally(), pace)
    assert taken == 3
