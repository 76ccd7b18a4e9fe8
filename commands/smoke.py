"""The command that tries a running system: smoke."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from client.dialer import as_cell
from commands.common import LOCAL, AsJson, WrongOptionError, errors_end_the_command, out, say
from commands.common import operator as operator_at
from devstack import signals
from devstack.deployment.frame_posting import MOST_POSTS, Posting
from devstack.deployment.smoke_run import Smoke, Step
from devstack.operator.api_client import ApiError
from devstack.operator.local_system import NO_URL, is_http
from devstack.system import PREFIX
from loadtest.cell_choice import LOCAL_SITE, CellChoiceError, cells_of
from loadtest.terminal_text import printable, public_url

if TYPE_CHECKING:
    from client.cell_address import CellAddress


def smoke(
    url: Annotated[str, typer.Argument(envvar="LIVESCORE_API", help="URL of the HTTP API.")] = LOCAL.api_url,
    ws: Annotated[
        list[str] | None,
        typer.Option(
            envvar="LIVESCORE_WS",
            help="URL of the WebSocket of a cell that no site names; give it once for each such cell.",
        ),
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(
            envvar="LIVESCORE_SITE",
            help="URL of the pages. Its deployment.json names the cells, and its snapshots are read too. By default "
            "the site of `livescore up`.",
        ),
    ] = None,
    connections: Annotated[
        list[str] | None,
        typer.Option(
            envvar="LIVESCORE_CONNECTIONS",
            help="URL of a cell's @connections API, in the order of the site's API Gateway cells and then of --ws; "
            "needed for cells with a domain of their own.",
        ),
    ] = None,
    posts: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_POSTS,
            help="Frames to post to connections within a second; 0 leaves that out. More than this range allows do not "
            "go out within a second from one machine.",
        ),
    ] = 200,
    prefix: Annotated[str, typer.Option(help="Prefix of the deployment's names, as Terraform was given it.")] = PREFIX,
    competition: Annotated[str | None, typer.Option(help="Competition of the match that the test makes.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send one goal all the way, to a viewer in every cell. Exit 1 if anything went wrong.

    The cells are those of the site, on every transport, and those of --ws.

    LIVESCORE_TOKEN is an operator's token, or LIVESCORE_CLIENT_ID, LIVESCORE_CLIENT_SECRET and LIVESCORE_TOKEN_URL say
    where one is; LIVESCORE_VIEWER_TOKEN is a viewer's, where one is needed. devstack needs none of them. The AWS
    credentials of the shell post frames to connections; without them that step is skipped.
    """
    with errors_end_the_command(), operator_at(url) as operator:
        test = Smoke(
            operator,
            _cells(url, site or [], ws or []),
            site or [],
            competition,
            os.environ.get("LIVESCORE_VIEWER_TOKEN"),
            Posting(url, prefix, tuple(connections or ()), posts) if posts else None,
            say=(lambda _: None) if as_json else _show,
        )
        signals.run(test.run())
    if as_json:
        print(json.dumps(test.to_dict()))  # noqa: T201
    else:
        out.print(f"{test.match}: {'passed' if test.passed else 'failed'}", highlight=False)
    raise typer.Exit(0 if test.passed else 1)


def _cells(url: str, sites: list[str], websockets: list[str]) -> list[CellAddress]:
    """The cells of the sites and of the WebSockets, each once.

    A site need not name cells if the WebSockets do. Raises ApiError, CellChoiceError and WrongOptionError.
    """
    if not sites and not websockets:
        if not is_http(url):
            raise ApiError(NO_URL)
        if url != LOCAL.api_url:
            raise WrongOptionError(
                f"No option names the cells of {public_url(url)}. Add --site with the URL of its pages, or --ws with "
                "the URL of each cell's WebSocket."
            )
        sites = [LOCAL_SITE]
    found: dict[str, CellAddress] = {}
    for each in sites:
        try:
            found |= {cell.url: cell for cell in cells_of(each).values()}
        except CellChoiceError as error:
            if not websockets:
                raise
            say(f"{error} Only the cells of --ws are tried.")
    return [*found.values(), *(as_cell(each) for each in dict.fromkeys(websockets) if each not in found)]


def _show(step: Step) -> None:
    mark, style = "ok", "green"
    if step.wrong:
        mark, style = "failed", "red"
    elif step.skipped:
        mark, style = "skipped", "yellow"
    elif step.posted and not step.posted.conclusive:
        mark, style = "unclear", "yellow"
    said_of = step.wrong or step.skipped or (str(step.posted) if step.posted else f"{step.ms:.0f} ms")
    out.print(Text.assemble((f"{mark:7} ", style), f"{step.name}: {printable(said_of)}"), soft_wrap=True)
