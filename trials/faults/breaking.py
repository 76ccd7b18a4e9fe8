"""Breaks a caller's connection, lets it hang, and makes the body of a repeated call."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from devstack.stack.call_proxy import Call

HANG_SECONDS = 60.0


def renamed(call: Call) -> bytes:
    """The body for a repeated call. A repeated StartExecution gets another name, so that it starts an execution."""
    if call.operation != "StartExecution":
        return call.body
    request = orjson.loads(call.body)
    return orjson.dumps({**request, "name": f"{request['name']}-again"})


def cut(request: web.BaseRequest, *, reset: bool = True) -> web.StreamResponse:
    """End the connection without an answer: with RST if ``reset``, else with FIN."""
    transport = request.transport
    if transport is not None:
        held = transport.get_extra_info("socket")
        if reset and held is not None:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
    return web.Response()


async def hang(request: web.BaseRequest) -> None:
    """Wait until the caller closes the connection, for at most ``HANG_SECONDS``."""
    loop = asyncio.get_running_loop()
    until = loop.time() + HANG_SECONDS
    while request.transport is not None and not request.transport.is_closing() and loop.time() < until:
        await asyncio.sleep(0.1)
