"""Breaks a caller's connection, and repeats a call."""

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
    """The body of a repeated call: a repeated execution needs another name, else it is the same execution."""
    if call.operation != "StartExecution":
        return call.body
    request = orjson.loads(call.body)
    return orjson.dumps({**request, "name": f"{request['name']}-again"})


def cut(request: web.BaseRequest, *, reset: bool = True) -> web.StreamResponse:
    """End the connection without an answer; ``reset``: with RST, not FIN."""
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
    """Wait until the caller gives up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + HANG_SECONDS
    while request.transport is not None and not request.transport.is_closing() and loop.time() < until:
        await asyncio.sleep(0.1)
