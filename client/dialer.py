"""Chooses how a viewer connects to a cell: the one place in the client that knows the transports."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING

from .broadcast_times import BROADCAST_TIMES
from .cell_address import API_GATEWAY, CellAddress
from .token_placement import place_token
from .websocket import dial

if TYPE_CHECKING:
    from .broadcast_times import BroadcastTimes
    from .http_reader import HttpReader
    from .viewer_connection import Connection, Deliver, Dial

BROADCASTING = {
    "appsync-events": "appsync_events",
    "appsync-graphql": "appsync_graphql",
    "iot-core": "iot_core",
    "momento": "momento",
}
"""Transport whose service fans out itself -> its module in ``transports``, which is imported at first use."""

SCHEMES = {"momento": ("http", "https")}
"""Transport -> schemes of its address, if they are not ``ws`` and ``wss``."""


def as_cell(cell: str | CellAddress) -> CellAddress:
    """The address of a cell; a plain URL is that of a WebSocket of API Gateway."""
    return cell if isinstance(cell, CellAddress) else CellAddress(API_GATEWAY, cell)


def dialer(cell: str | CellAddress, reader: HttpReader | None, times: BroadcastTimes = BROADCAST_TIMES) -> Dial:
    """The function that opens connections to a cell, for one viewer.

    Raises ValueError for a transport that this client does not know, and for a broadcasting transport without a
    ``reader``: its snapshots come over HTTP.
    """
    address = as_cell(cell)
    if address.transport == API_GATEWAY:
        return _api_gateway(address.url)
    if address.transport not in BROADCASTING:
        raise ValueError(f"This client does not know the transport {address.transport}.")
    if reader is None:
        raise ValueError(f"The transport {address.transport} needs `api`, because snapshots come over HTTP.")
    module = import_module(f".transports.{BROADCASTING[address.transport]}", __package__)
    dial_cell: Dial = module.dialer(address, reader, times)
    return dial_cell


@lru_cache(maxsize=64)
def _api_gateway(url: str) -> Dial:
    """Kept, because the thousands of viewers of a load test need one such function and not one each."""
    return partial(_dial_api_gateway, f"{url}?v=1")


async def _dial_api_gateway(url: str, token: str | None, deliver: Deliver) -> Connection:
    url, headers = place_token(url, token)
    return await dial(url, deliver, headers)
