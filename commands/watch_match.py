"""The command that shows viewers' side of a match: watch."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from commands.common import LOCAL, Api, Cell, Match, Site, WebSocket, errors_end_the_command, out
from devstack import signals
from devstack.operator.terminal_scoreboard import watch as watch_match
from loadtest.cell_choice import LOCAL_SITE, choose


def watch(
    match: Match,
    websocket: WebSocket = LOCAL.websocket_url,
    api: Api = LOCAL.api_url,
    cell: Cell = None,
    site: Site = None,
    until_full_time: Annotated[bool, typer.Option("--until-full-time", help="End when the match is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Follow a match on a live scoreboard, in the cell of --websocket, or in --cell on any transport.

    LIVESCORE_VIEWER_TOKEN is a viewer's token, where one is needed.
    """
    token = os.environ.get("LIVESCORE_VIEWER_TOKEN")
    with errors_end_the_command():
        by_site = cell is not None or site is not None
        where, reads = (choose(cell, site), site or LOCAL_SITE) if by_site else (websocket, api)
        signals.run(
            watch_match(where, reads, match, out, as_json=as_json, until_full_time=until_full_time, token=token)
        )
