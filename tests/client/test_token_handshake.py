"""The handshake of a viewer's WebSocket carries its token."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from client.token_placement import PROTOCOL, QUERY_TOKEN
from client.websocket import dial

LONG = "x" * (QUERY_TOKEN + 1)


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
