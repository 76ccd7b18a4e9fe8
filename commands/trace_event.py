"""The command that shows the way of one event through the system: trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.common import LOCAL, Api, AsJson, Match, errors_end_the_command, operator, out, writable
from devstack.operator.waterfall import COLUMNS, bars, lines, title
from loadtest.bars import KINDS, draw


def trace(
    match: Match,
    seq: Annotated[int, typer.Argument(min=1, help="Number of the event in its match.")],
    plot: Annotated[Path | None, typer.Option(help="Draw the stages into this file, .svg or .png.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Show the stages of an event, from the API to each cell's receipt, with the time that each stage took."""
    writable(plot)
    if plot is not None and plot.suffix not in KINDS:
        raise typer.BadParameter(f"{plot} ends neither in .svg nor in .png")
    with errors_end_the_command(), operator(api) as client:
        found = client.trace(match, seq)
        if plot is not None:
            draw(plot, bars(found), title=title(found), unit="ms after the API accepted the event")
    if as_json:
        print(json.dumps(found))  # noqa: T201
        return
    for line in lines(found, min(COLUMNS, out.width)):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
