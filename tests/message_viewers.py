"""Viewers of several cells that listen for messages to their own subject, with the Python client."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import jwt

from client.cell_address import VERSION, read_cells
from client.http_reader import HttpReader
from client.viewer import Viewer
from devstack.operator.api_client import Operator
from devstack.operator.local_tokens import tokens_of
from devstack.stack_cells import API_GATEWAY
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from client.cell_address import CellAddress
    from devstack.system import System

SECONDS = 90.0


class Listener:
    """A viewer of one match in one cell, and the messages that it has got."""

    def __init__(self, cell: CellAddress, match: str, reader: HttpReader, token: str | None) -> None:
        self.cell = cell.name
        self.messages: list[tuple[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.viewer = Viewer(
            cell, [match], reader=reader, token=token, on_frame=self.frames.append,
            on_message=lambda key, body: self.messages.append((key, body)),
        )  # fmt: skip

    def has(self, kind: str, code: str | None = None) -> bool:
        """Whether a frame of this type has come, with this code if it is an error."""
        return any(each.get("type") == kind and each.get("code") == code for each in self.frames)


@asynccontextmanager
async def _running(listeners: list[Listener]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.viewer.run()) for each in listeners]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def messages_reach_only_their_subject(cells: System, match: str) -> None:
    """In each cell: two connections of one viewer get its message, another viewer gets only its own, anonymous none."""
    addresses = read_cells({
        "version": VERSION, "cells": {each.name: cells.at(each.name).address() for each in cells.cells},
    })  # fmt: skip
    mine, other = [await asyncio.to_thread(tokens_of(cells, name).token) for name in ("viewer", "guest")]
    subjects = [str(jwt.decode(each, options={"verify_signature": False})["sub"]) for each in (mine, other)]
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(HttpReader(cells.api_url))
        two = [Listener(each, match, reader, mine) for each in addresses.values() for _ in range(2)]
        others = [Listener(each, match, reader, other) for each in addresses.values()]
        nobody = [Listener(each, match, reader, None) for each in addresses.values()]
        await stack.enter_async_context(_running([*two, *others, *nobody]))
        await eventually(lambda: all(each.has("listening") for each in (*two, *others)), seconds=SECONDS)
        await eventually(lambda: all(each.has("error", "no_subject") for each in nobody), seconds=SECONDS)
        with Operator(cells.api_url, tokens_of(cells, "messenger")) as messenger:
            sent = {"key": "bet-settled", "body": {"won": 3}}
            answer = await asyncio.to_thread(messenger.send_message, subjects[0], sent)
            await eventually(lambda: all(each.messages for each in two), seconds=SECONDS)
            await asyncio.to_thread(messenger.send_message, subjects[1], {"key": "yours"})
            await eventually(lambda: all(each.messages for each in others), seconds=SECONDS)
    assert answer["taken"] == 2
    assert {name: each["taken"] for name, each in answer["cells"].items()} == {
        name: 2 if each.transport == API_GATEWAY else None for name, each in addresses.items()
    }
    # IoT Core carries a frame at least once, so a message may come twice
    # (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html).
    for listeners, message in ((two, ("bet-settled", {"won": 3})), (others, ("yours", None))):
        strangers = [(each.cell, got) for each in listeners for got in each.messages if got != message]
        assert not strangers, strangers
    assert not any(each.messages or each.has("listening") for each in nobody)
