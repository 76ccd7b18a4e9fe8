"""Behaviour of AWS's API Gateway that MiniStack's lacks: each case cites AWS.

MiniStack has no throttles, no size, idle, age or connect limits, verifies no signature, never loses ``$disconnect``,
passes no subprotocol on, and answers routes without a route response.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.loadtest.conftest import PATIENCE, Bench, ask, hear, management
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

KB = 1024


async def refused(bench: Bench, connection: str, data: bytes = b"{}", client: Any = None) -> tuple[int, str, str]:
    """Status, code and message of a POST that must not be accepted."""
    client = client or bench.client
    with pytest.raises(ClientError) as error:
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection, Data=data)
    answer: Any = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"].get("Message", "")


async def closed(socket: ClientConnection) -> int | None:
    """The code with which the other side closes."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionClosed):
            async for _ in socket:
                pass
        await socket.wait_closed()
    return socket.close_code


async def test_the_accounts_throttle(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """With an empty bucket POSTs are answered 429, and viewers get the frame ``Too Many Requests``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html
    """
    bench.limit(account_rate=0, account_burst=2)
    await bench.post(connection, b'"first"')
    assert await ask(socket, action="ask") == "first"
    assert (await hear(socket))["route"] == "ask"
    assert await refused(bench, connection) == (429, "LimitExceededException", "Too Many Requests")
    assert (await ask(socket, action="ask"))["message"] == "Too Many Requests"
    assert bench.stats()["throttled_account"] == 2


async def test_a_slow_viewers_buffer(bench: Bench) -> None:
    """Only POSTs to a viewer that does not read are answered 429, until it reads (PostToConnection).

    LimitExceededException: "The client is sending more than the allowed number of requests per unit of time or the
    WebSocket client side buffer is full."
    """
    async with connect(bench.url, max_queue=1) as slow, connect(bench.url) as quick:
        connection, other = [(await ask(each, action="ask"))["id"] for each in (slow, quick)]
        posted, full = 0, None
        while full is None and posted < 1_000:
            try:
                await bench.post(connection, b"x" * 128 * KB)
                posted += 1
            except bench.client.exceptions.LimitExceededException as error:
                full = error
        assert "buffer is full" in str(full)
        await bench.post(other, b'"still"')
        assert await hear(quick) == "still"
        for _ in range(posted):
            assert len(await asyncio.wait_for(slow.recv(), PATIENCE)) == 128 * KB
        await bench.post(connection, b'"again"')
        assert await hear(slow) == "again"
    assert bench.stats()["throttled_buffer"] == 1


async def test_a_post_is_at_most_128_kb(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """A POST that is a byte too large is answered 413, and the socket stays open.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    assert (await refused(bench, connection, b"x" * (128 * KB + 1)))[:2] == (413, "PayloadTooLargeException")
    assert (await refused(bench, connection, b"x" * 1_000 * KB))[:2] == (413, "PayloadTooLargeException")
    await bench.post(connection, b'"still"')
    assert await hear(socket) == "still"


@pytest.mark.parametrize("parts", [[32 * KB + 1], [200 * KB], [32 * KB] * 4 + [1]])
async def test_a_viewer_sends_at_most_32_kb_a_frame_and_128_kb_a_message(bench: Bench, parts: list[int]) -> None:
    """A larger message of a viewer closes its socket with 1009.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
    """
    async with connect(bench.url) as socket:
        await socket.send(["x" * (32 * KB)] * 4)
        assert len((await hear(socket))["body"]) == 128 * KB
        await socket.send(["x" * part for part in parts])
        assert await closed(socket) == 1009


async def test_an_idle_connection_is_closed(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """An idle connection is closed with 1001; POSTs get 410, and ``$disconnect`` comes (same table)."""
    bench.limit(idle_seconds=0.1)
    assert await closed(socket) == 1001
    assert (await refused(bench, connection))[:2] == (410, "GoneException")
    ends = await eventually(lambda: bench.events(eventType="DISCONNECT", connectionId=connection), seconds=PATIENCE)
    assert [end["requestContext"]["disconnectStatusCode"] for end in ends] == [1001]


async def test_an_old_connection_is_closed(bench: Bench, socket: ClientConnection) -> None:
    """A connection is closed at its greatest age, also a busy one (connection duration, same table)."""
    bench.limit(age_seconds=0.1)

    async def busy() -> None:
        while True:
            await socket.send('{"action":"quiet"}')
            await asyncio.sleep(0.02)

    task = asyncio.create_task(busy())
    assert await closed(socket) == 1001
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_new_connections_have_a_rate(bench: Bench) -> None:
    """Above the rate of new connections a handshake is answered 429 (same table)."""
    bench.limit(connects_per_second=0)
    with pytest.raises(InvalidStatus) as error:
        async with connect(bench.url):
            pass
    assert error.value.response.status_code == 429
    assert bench.stats()["connects_refused"] == 1


async def test_nobody_is_there_before_connect_has_finished(bench: Bench, tmp_path: Path) -> None:
    """A POST while ``$connect`` runs is answered 410, and accepted after it (aws/chalice#1772)."""
    go = tmp_path / "go"
    known = {each["requestContext"]["connectionId"] for each in bench.events(eventType="CONNECT")}
    entering = asyncio.create_task(connect(f"{bench.url}?until={go}").__aenter__())

    def newcomer() -> list[str]:
        events = bench.events(eventType="CONNECT")
        return [each["requestContext"]["connectionId"] for each in events if each["requestContext"]["connectionId"] not in known]  # noqa: E501  # fmt: skip

    (connection,) = await eventually(newcomer, seconds=PATIENCE)
    assert (await refused(bench, connection))[:2] == (410, "GoneException")
    go.touch()
    socket = await entering
    await bench.post(connection, b'"hello"')
    assert await hear(socket) == "hello"
    await socket.close()


async def test_who_leaves_before_connect_has_finished_has_left(bench: Bench, tmp_path: Path) -> None:
    """``$disconnect`` follows a ``$connect`` that allowed a viewer which had left meanwhile."""
    go = tmp_path / "go"
    _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    head = [f"GET /live?until={go} HTTP/1.1", "Host: 127.0.0.77", "Upgrade: websocket", "Connection: Upgrade"]
    head += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13", "", ""]
    writer.write("\r\n".join(head).encode())
    await eventually(lambda: bench.events(eventType="CONNECT", domainName="127.0.0.77"), seconds=PATIENCE)
    writer.close()
    await writer.wait_closed()
    await asyncio.to_thread(bench.stats)  # a round trip: the end has been read
    go.touch()
    await eventually(lambda: bench.events(eventType="DISCONNECT", domainName="127.0.0.77"), seconds=PATIENCE)


@pytest.mark.parametrize(("answered", "seen"), [(400, 400), (401, 401), (403, 403), (599, 502)])
async def test_connect_refuses_with_its_status(bench: Bench, answered: int, seen: int) -> None:
    """A handshake has the status of the function's answer.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
    """
    with pytest.raises(InvalidStatus) as error:
        async with connect(f"{bench.url}?status={answered}"):
            pass
    assert error.value.response.status_code == seen


@pytest.mark.parametrize(
    ("wish", "status"),
    [("Deny", 403), ("another", 403), ("raise-Unauthorized", 401), ("raise-something", 500), ("nothing", 500)],
)
async def test_the_authorizer_refuses(bench: Bench, wish: str, status: int) -> None:
    """A deny is answered 403, ``Unauthorized`` 401, another failure 500; ``$connect`` is not called.

    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html,
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html)
    """
    known = len(bench.events(eventType="CONNECT"))
    with pytest.raises(InvalidStatus) as error:
        async with connect(f"{bench.url}?auth={wish}"):
            pass
    assert error.value.response.status_code == status
    assert set(json.loads(error.value.response.body or b"")) == {"message"}
    assert len(bench.events(eventType="CONNECT")) == known


async def test_the_authorizers_context_goes_with_every_event(bench: Bench, connection: str) -> None:
    """Later events have the authorizer's context, each value as text, and the principal.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
    """
    expected = {"principalId": "somebody", "type": "REQUEST", "number": "7", "flag": "true"}
    for kind in ("CONNECT", "MESSAGE"):
        (event,) = bench.events(eventType=kind, connectionId=connection)
        assert event["requestContext"]["authorizer"] == expected
    await asyncio.to_thread(bench.client.delete_connection, ConnectionId=connection)
    (event,) = await eventually(lambda: bench.events(eventType="DISCONNECT", connectionId=connection), seconds=PATIENCE)
    assert event["requestContext"]["authorizer"] == expected


async def test_the_subprotocol_is_what_connect_says(bench: Bench) -> None:
    """A subprotocol is echoed only if the function's headers have it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-connect-route-subprotocol.html
    """
    async with connect(bench.url, subprotocols=[Subprotocol("other"), Subprotocol("livescore.v1")]) as socket:
        assert socket.subprotocol == "livescore.v1"
    async with connect(bench.url, subprotocols=[Subprotocol("other")]) as socket:
        assert socket.subprotocol is None


async def test_disconnect_is_best_effort(bench: Bench) -> None:
    """``$disconnect`` may be lost; POSTs to the id are answered 410 all the same.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-keys-connect-disconnect.html
    """
    bench.limit(lose_disconnect=1)
    async with connect(bench.url) as socket:
        lost = (await ask(socket, action="ask"))["id"]
    await eventually(lambda: bench.stats()["disconnects_lost"], seconds=PATIENCE)
    assert (await refused(bench, lost))[0] == 410
    bench.limit(lose_disconnect=0)
    async with connect(bench.url) as socket:
        told = (await ask(socket, action="ask"))["id"]
    await eventually(lambda: bench.events(eventType="DISCONNECT", connectionId=told), seconds=PATIENCE)
    assert not bench.events(eventType="DISCONNECT", connectionId=lost)


async def test_a_route_without_a_response_does_not_answer(bench: Bench, socket: ClientConnection) -> None:
    """The answer of a route without a route response is not sent.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-route-response.html
    """
    await socket.send('{"action":"quiet"}')
    assert (await ask(socket, action="ask"))["route"] == "ask"
    assert bench.events(routeKey="quiet")


async def test_a_function_that_fails(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """If a function fails, the viewer gets API Gateway's own frame, and the socket stays open."""
    frame = await ask(socket, action="fail")
    assert (frame["message"], frame["connectionId"]) == ("Internal server error", connection)
    assert (await ask(socket, action="ask"))["id"] == connection
    assert bench.stats()["handler_errors"] == 1


async def test_messages_of_a_viewer_are_served_in_order(socket: ClientConnection) -> None:
    """Messages of one viewer are served in order, also if many come at once."""
    for number in range(100):
        await socket.send(json.dumps({"action": "ask", "number": number}))
    answers = [json.loads((await hear(socket))["body"])["number"] for _ in range(100)]
    assert answers == list(range(100))


async def test_a_wrong_signature_is_refused(bench: Bench, socket: ClientConnection, connection: str) -> None:
    """Another secret or token is answered 403 in AWS's words (Signature Version 4, CommonErrors)."""
    wrong = management(bench.http, secret="other")
    assert (await refused(bench, connection, client=wrong))[:2] == (403, "InvalidSignatureException")
    stranger = management(bench.http, token="a token")
    assert (await refused(bench, connection, client=stranger))[:2] == (403, "UnrecognizedClientException")
    await bench.post(connection, b'"signed"')
    assert await hear(socket) == "signed"
    stats = bench.stats()
    assert (stats["signatures_checked"], stats["signatures_wrong"], stats["posts"]) == (3, 2, 1)
