"""The commands that run a stack of their own: up, demo."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer
import uvloop
from rich.markup import escape
from rich.table import Table

from commands.common import (
    LOCAL,
    MINISTACK_VIEWERS,
    Api,
    GatewayOption,
    JsonFile,
    Port,
    errors_end_the_command,
    gateway_for,
    out,
    port_for,
    progress,
    say,
    writable,
)
from devstack import signals
from devstack.operator.local_tokens import LocalTokens, tokens_of
from devstack.replay.demo import Demo
from devstack.replay.demo_report import Report, to_json
from devstack.stack import site, stack_leftovers
from devstack.stack.identity_provider import CLIENTS
from devstack.stack.ministack import check_port, free_port
from devstack.stack.site import DEFAULT_PORT as SITE_PORT
from devstack.stack.site import url as site_url
from devstack.stack.whole_stack import enough_files, running
from devstack.stack_cells import API_GATEWAY, REGION, CellsError, StackCell, parse
from devstack.system import DEFAULT_PORT, Gateway, System
from devstack.transports.registry import settings_for


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = DEFAULT_PORT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the URLs as one line of JSON when ready.")] = False,
    gateway: GatewayOption = "ministack",
    cells: Annotated[
        str,
        typer.Option(
            help="The cells, separated by commas: a region, or name=region/transport. Each cell has viewers of its own."
        ),
    ] = REGION,
    site_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help=f"Port of the pages: {SITE_PORT} by default, or a free one if --port is given."
        ),
    ] = None,
) -> None:
    """Start the whole system on this machine and stay until Ctrl-C; its matches and events are gone then."""
    wanted = _cells(cells)
    site_port = site_port or (SITE_PORT if port == DEFAULT_PORT else free_port())
    with errors_end_the_command():
        enough_files()
        check_port(port)
        site.check_port(site_port)
    with (
        errors_end_the_command(),
        running(port, say=say, gateway=gateway, cells=wanted) as (system, stack),
        site.serving(system, site_port) as pages,
    ):
        try:
            stack_leftovers.note_site(stack.ministack.state, pages)
            if as_json:
                print(json.dumps(_urls(system, pages, tokens_of(system).url)), flush=True)  # noqa: T201
            else:
                _show_urls(system, pages)
            while True:
                time.sleep(0.5)
                stack.check(say)
        except KeyboardInterrupt:
            pass
        finally:
            say("The matches and events of this stack go with it: the next `livescore up` begins empty.")


def demo(
    viewers: Annotated[int, typer.Option(min=10, max=10_000, envvar="VIEWERS", help="Number of viewers.")] = 200,
    port: Port = None,
    json_file: JsonFile = None,
    gateway: Annotated[
        Gateway | None,
        typer.Option(
            "--gateway",
            help=f"The program that plays API Gateway: MiniStack up to {MINISTACK_VIEWERS} viewers, else the stand-in.",
        ),
    ] = None,
    cells: Annotated[
        str | None,
        typer.Option(help="The cells, as `up` takes them. Each cell has viewers, a table and figures of its own."),
    ] = None,
) -> None:
    """Play the 2022 World Cup final to viewers on real connections; exit 0 only if nobody missed anything."""
    writable(json_file)
    wanted = _cells(cells or REGION)
    with (
        errors_end_the_command(),
        running(
            port_for(viewers * len(wanted), port),
            settings_for(wanted, viewers),
            say,
            gateway=gateway_for(viewers, gateway),
            cells=wanted,
        ) as (system, _),
        out.status("") as status,
    ):
        reports = signals.run(Demo(system, viewers, progress(status)).run(), uvloop.new_event_loop)
    for name, report in reports.items():
        _show_report(report, name if cells else None)
    if json_file is not None:
        json_file.write_text(to_json(reports, by_cell=bool(cells)) + "\n")
    raise typer.Exit(0 if all(each.passed for each in reports.values()) else 1)


def _cells(text: str) -> tuple[StackCell, ...]:
    """The cells of the option. Raises BadParameter for a list that is wrong."""
    try:
        return parse(text, LOCAL.transports)
    except CellsError as error:
        raise typer.BadParameter(str(error)) from None


def _urls(system: System, site: str, tokens: str) -> dict[str, Any]:
    """The JSON of ``up --json``. ``websocket`` is the URL of the first cell of API Gateway, null without one."""
    addresses = {each.cell.name: each.address() for each in system.each_cell() if each.cell}
    return {
        "api": system.api_url,
        "websocket": _websocket(system),
        "token": tokens,
        "site": site,
        "cells": {name: each["url"] for name, each in addresses.items()},
        "addresses": addresses,
    }


def _websocket(system: System) -> str | None:
    """The URL at which ``livescore watch`` connects; None if no cell has API Gateway."""
    gateways = system.each_cell(API_GATEWAY)
    return gateways[0].websocket_url if gateways else None


def _show_urls(system: System, site: str) -> None:
    websocket = _websocket(system)
    environment = f"LIVESCORE_API='{system.api_url}'" + (f" LIVESCORE_WS='{websocket}'" if websocket else "")
    if site != site_url(SITE_PORT):
        environment += f" LIVESCORE_SITE='{site}'"
    elsewhere = (system.api_url, websocket, site) != (LOCAL.api_url, LOCAL.websocket_url, site_url(SITE_PORT))
    events = f"{system.api_url}/matches/wc22-final/events"
    lines = [
        "ready",
        f"pages      {site}  and  {site}operator.html",
        f"operators  {system.api_url}",
        *_viewers(system),
        f"tokens     {tokens_of(system).url}",
        "",
        "Try, in other terminals:",
        *([f"  export {environment}"] if elsewhere else []),
        "  livescore match create Argentina France --id wc22-final",
        *_watching(system),
        "  livescore event wc22-final kick_off",
        "  livescore goal wc22-final Argentina --player 'Lionel Messi' --minute 23",
        "or with what you have:",
        f"  curl '{system.api_url}/matches/wc22-final'",
        "  export LIVESCORE_TOKEN=$(livescore token)     # an operator's, for an hour",
        f"""  curl -H "Authorization: Bearer $LIVESCORE_TOKEN" -d '{{"kind":"half_time"}}' '{events}'""",
        *(
            [f"  python -m websockets '{websocket}?v=1'", """  then: {"action":"subscribe","match":"wc22-final"}"""]
            if websocket
            else []
        ),
        "",
        "Ctrl-C stops it. It keeps matches and events in memory only: they are gone then.",
    ]
    out.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)


def _watching(system: System) -> list[str]:
    """A command for each cell in which a person may watch. A single cell of API Gateway needs no name."""
    watch = "  livescore watch wc22-final"
    if len(system.cells) == 1 and system.cells[0].transport == API_GATEWAY:
        return [watch]
    return [f"{watch} --cell {each.name}" for each in system.cells]


def _viewers(system: System) -> list[str]:
    """A line for each cell: its address, and which cell it is if that is not plain."""
    lines = []
    for each in system.each_cell():
        assert each.cell is not None  # noqa: S101
        cell, url = each.cell, each.address()["url"]
        note = (
            "" if cell == StackCell(cell.region, cell.region) else f"  ({cell.name}: {cell.transport}, {cell.region})"
        )
        lines.append(f"viewers    {url}{note}")
    return lines


def token(
    client: Annotated[
        str, typer.Argument(help=f"App client that the token is for: {', '.join(CLIENTS)}.")
    ] = "operator",
    api: Api = LOCAL.api_url,
) -> None:
    """Print a token of one of the app clients of the stack that `up` has started."""
    if client not in CLIENTS:
        raise typer.BadParameter(f"{client} is not one of {', '.join(CLIENTS)}")
    with errors_end_the_command():
        text = LocalTokens(api, client).token()
    print(text)  # noqa: T201


def _show_report(report: Report, name: str | None) -> None:
    """Print the table and the figures of a cell, below its name if it has one."""
    if report.trouble is not None:
        out.print(f"{name or 'The cell'} ({report.transport}): {escape(report.trouble)}", highlight=False)
        out.print("[bold red]failed[/]")
        return
    has_rows = report.rows_left is not None
    heads = ["seq", "minute", "what", "score", "reached", *(["pruned"] if has_rows else []), "first", "median", "last"]
    title = f"{name} ({report.transport})" if name else None
    table = Table(*heads, title=title, caption="times in ms")
    for line in report.lines:
        columns = [getattr(line, head) for head in heads]
        table.add_row(*(escape(str(each)) for each in columns))
    out.print(table)
    glass = report.goal_to_glass_ms
    vanished = f", {report.dropped} of them vanished, {report.planted} dead rows planted" if has_rows else ""
    rows = f"{report.pruned} rows pruned, {report.rows_left} dead rows left.\n" if has_rows else ""
    out.print(
        f"{report.viewers} viewers{vanished}.\n"
        f"{report.events} events: {report.applied} applied, {report.missed} missed, "
        f"{report.out_of_order} out of order.\n"
        f"{rows}"
        f"Goal to glass: median {glass['p50']} ms, 95 % {glass['p95']} ms, at most {glass['max']} ms.",
        highlight=False,
    )
    out.print("[bold green]passed[/]" if report.passed else "[bold red]failed[/]")
