"""A gateway on loopback that does what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.http11 import Request, Response

SECONDS = 10.0
Script = Callable[["Gateway", ServerConnection], Awaitable[None]]


class Gateway:
    """Counts connections and runs one script for each; the last one is used again."""

    def __init__(self, scripts: list[Script], refusals: list[int]) -> None:
        self._scripts, self._refusals = scripts, refusals
        self.connections: list[ServerConnection] = []
        self.requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.pings = asyncio.Event()
        self.url = ""

    def refuse(self, connection: ServerConnection, _: Request) -> Response | None:
        """Answer the handshake with the next refusal, if one is left."""
        return connection.respond(self._refusals.pop(0), "no\n") if self._refusals else None

    async def handle(self, connection: ServerConnection) -> None:
        """Run the script of this connection, and stay until it ends."""
        self.connections.append(connection)
        script = self._scripts[min(len(self.connections), len(self._scripts)) - 1]
        await script(self, connection)
        await connection.wait_closed()

    async def asked(self, connection: ServerConnection) -> dict[str, Any]:
        """The next request of a connection."""
        request: dict[str, Any] = orjson.loads(await asyncio.wait_for(connection.recv(), SECONDS))
        return request


@asynccontextmanager
async def gateway(*scripts: Script, refusals: list[int] | None = None) -> AsyncIterator[Gateway]:
    """A server on loopback while the block runs."""
    here = Gateway(list(scripts), refusals or [])

    class Connection(ServerConnection):
        def process_event(self, event: Any) -> None:
            if isinstance(event, Frame) and event.opcode is Opcode.PING:
                here.pings.set()
            super().process_event(event)

    async with serve(
        here.handle, "127.0.0.1", 0, process_request=here.refuse, create_connection=Connection, close_timeout=0.5
    ) as server:
        here.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield here


def snapshot(seq: int, events: list[int]) -> str:
    """A snapshot of match ``m``."""
    return frame("snapshot", seq, events, home="A", away="B", recovered=True)


def frame(kind: str, seq: int, events: list[Any], **more: Any) -> str:
    """A frame of match ``m`` with these events, or events of these seqs."""
    body = {"type": kind, "match": "m", "epoch": "e", "seq": seq, "status": "first_half", "score": [0, 0], **more}
    full = [each if isinstance(each, dict) else {"seq": each, "at": 0} for each in events]
    return orjson.dumps({**body, "events": full}).decode()


async def welcome(here: Gateway, connection: ServerConnection) -> None:
    """Answer subscribe with a snapshot at seq 1."""
    here.requests.put_nowait(await here.asked(connection))
    await connection.send(snapshot(1, [1]))
