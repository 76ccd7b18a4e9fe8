"""The place of a viewer's token: API Gateway accepts WebSocket URLs of at most 4,096 characters."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from client.token_placement import PROTOCOL, QUERY_TOKEN, TokenTooLongError, place_token
from client.viewer import Viewer
from client.websocket import dial

LONG = "x" * (QUERY_TOKEN + 1)


def test_a_token_goes_into_the_query_only_without_tls() -> None:
    """With ``wss:`` a token of any length is a subprotocol; with ``ws:`` it is in the query."""
    assert place_token("wss://example.org/live?v=1", LONG) == (
        "wss://example.org/live?v=1",
        {"Sec-WebSocket-Protocol": f"livescore.v1, {LONG}"},
    )
    assert place_token("ws://127.0.0.1/live?v=1", "a/b") == ("ws://127.0.0.1/live?v=1&token=a%2Fb", {})
    assert place_token("ws://127.0.0.1/live?v=1", None) == ("ws://127.0.0.1/live?v=1", {})


@pytest.mark.parametrize("token", [LONG, "/" * (QUERY_TOKEN // 3 + 1)])
def test_a_token_that_is_too_long_for_an_address_is_a_sentence(token: str) -> None:
    """A token that is too long is refused before a connection opens, and the sentence does not repeat it."""
    for give in (token, lambda: token):
        with pytest.raises(
            TokenTooLongError, match=r"^The viewer's token has [\d,]+ characters\. .* 3,072 at most\.$"
        ) as found:
            asyncio.run(Viewer("ws://127.0.0.1:1/live", ["m"], token=give).run())
        assert token not in str(found.value)


async def test_a_subprotocol_reaches_the_server() -> None:
    """The handshake offers the fixed subprotocol and the token, and a server that echoes the fixed one is accepted."""
    offered: list[str] = []
    done = asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        offered.append(connection.request.headers["Sec-WebSocket-Protocol"])
        done.set()
        await connection.wait_closed()

    server = serve(
        handle,
        "127.0.0.1",
        0,
        select_subprotocol=lambda _, __: Subprotocol(PROTOCOL),
        subprotocols=[Subprotocol(PROTOCOL)],
    )
    async with server as running, asyncio.timeout(10):
        port = running.sockets[0].getsockname()[1]
        wire = await dial(
            f"ws://127.0.0.1:{port}/live", lambda _: None, {"Sec-WebSocket-Protocol": f"{PROTOCOL}, {LONG}"}
        )
        await done.wait()
        wire.close()
    assert offered == [f"{PROTOCOL}, {LONG}"]
