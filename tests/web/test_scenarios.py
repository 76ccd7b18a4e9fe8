"""Every scene of the table, played by both clients: against the stand-in, and on each broadcasting transport."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from client.cell_address import API_GATEWAY, CellAddress, read_cells
from tests.web.broadcast_scene import BroadcastScene
from tests.web.clients import start
from tests.web.relay import relay
from tests.web.scene import Scene
from tests.web.table import TABLE, seqs
from tests.web.transports import CELL
from tests.web.transports import address as service_address

if TYPE_CHECKING:
    from tests.web.clients import Seen
    from tests.web.scene import Stage
    from tests.web.transports import Services


def scene_transports(scene: dict[str, Any], client: str, default: str) -> list[str]:
    """The transports on which a client can play a scene; ``default`` if the scene names none."""
    only = scene.get("only", {"on": [default]})
    named: list[str] = only.get(client, only["on"])
    return named


SCENES = [
    pytest.param(client, transport, scene, id=f"{client}-{scene['name']}" if transport == API_GATEWAY else
                 f"{client}-{transport}-{scene['name']}")
    for transport, clients in TABLE["transports"].items()
    for scene, client in itertools.product(TABLE["scenes"], clients)
    if client in scene.get("clients", clients) and transport in scene_transports(scene, client, transport)
]  # fmt: skip

NOBODY = 1
"""A port that nobody listens on."""


def as_expected(seen: Seen, then: dict[str, Any]) -> bool:
    """Whether a client shows what it has to in the end."""
    shown = then["shown"] if isinstance(then["shown"], dict) else {"m": then["shown"]}
    board = then.get("board", {})
    now = seen.boards.get("m", {})
    return (
        all(seen.shown[match] == seqs(wanted) for match, wanted in shown.items())
        and {name: now.get(name) for name in board} == board
        and seen.errors == then.get("errors", [])
        and not any(each["gap"] for each in seen.boards.values())
    )


def address(transport: str, port: int) -> CellAddress:
    """The cell of a scene, at this port."""
    if transport == API_GATEWAY:
        return CellAddress(API_GATEWAY, f"ws://127.0.0.1:{port}/live")
    return read_cells({"version": 1, "cells": {CELL: service_address(transport, port)}})[CELL]


@pytest.mark.parametrize(("which", "transport", "scene"), SCENES)
async def test_a_scene_ends_as_the_table_says(
    which: str,
    transport: str,
    scene: dict[str, Any],
    theatre: Stage,
    services: Services,
    request: pytest.FixtureRequest,
) -> None:
    """Each event is shown once and in order through all faults of network and server, and nothing else is asked."""
    node: str | None = request.getfixturevalue("node") if which == "node" else None
    then, director = scene["then"], theatre.director
    upstream = theatre.port if transport == API_GATEWAY else services.port
    async with relay(upstream) as here, relay(NOBODY) as dead:
        director.begin(f"127.0.0.1:{here.port}")
        ports = [(here if cell == "here" else dead).port for cell in scene.get("cells", ["here"])]
        cells = [address(transport, port) for port in ports]
        play = Scene(theatre, here) if transport == API_GATEWAY else BroadcastScene(theatre, here, services, scene)
        try:
            await play.play(scene.get("before", []))
            play.client = await start(node, scene, cells, director.api)
            await play.play(scene["steps"])
            await play.until(lambda: as_expected(play.seen(), then), f"as expected, {then}")
            seen = play.seen()
            if node is not None and "live" in then:
                assert seen.live == seqs(then["live"])
            if "more" not in then:
                assert len(director.connections) == then.get("connections", 1)
                assert then.get("reads") == "any" or play.reads() == then.get("reads", [])
                assert play.unasked() == []
        finally:
            director.end()
            if play.client is not None:
                await play.client.stop()
            await play.play(scene.get("after", []))
