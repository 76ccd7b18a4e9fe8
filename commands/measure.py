"""The commands that measure: loadtest, bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from commands.common import (
    JsonFile,
    Port,
    WrongOptionError,
    err,
    errors_end_the_command,
    gateway_for,
    out,
    port_for,
    progress,
    say,
    writable,
)
from devstack.measurements.locust_run import Load
from devstack.measurements.locust_run import run as run_load
from devstack.stack.whole_stack import running
from devstack.stack_cells import API_GATEWAY, REGION, StackCell
from devstack.system import Gateway
from devstack.transports.registry import TRANSPORTS, settings_for
from loadtest.bench import IN_ALL, NAMES
from loadtest.crowd_needs import MOST_VIEWERS
from loadtest.html_report import render
from loadtest.shapes import SHAPES

JOIN_RATE, SLOW_JOIN_RATE = 100.0, 10.0
"""Viewers that join in each second. MiniStack starts a process of the authorizer for each viewer that connects at the
same moment, which takes a second of CPU."""

MOST_OF_OTHERS = 1000
"""The most viewers of a broadcasting transport: as many as ``livescore bench transports`` opens."""


def loadtest(
    viewers: Annotated[int, typer.Option(min=10, max=15_000, help="Number of viewers.")] = 500,
    goals: Annotated[int, typer.Option(min=1, max=10_000, help="Number of goals in each match.")] = 30,
    shape: Annotated[
        str, typer.Option(help=f"Shape of the load: {', '.join(SHAPES)}.", metavar="SHAPE")
    ] = "goal-storm",
    matches: Annotated[int, typer.Option(min=1, max=1000, help="Number of matches that are played at once.")] = 1,
    pace: Annotated[float, typer.Option(min=0.0, max=600.0, help="Seconds between two goals.")] = 1.0,
    join_rate: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            help=f"Number of viewers that join in each second before the storm: {JOIN_RATE:.0f} by default, and "
            f"{SLOW_JOIN_RATE:.0f} on another transport than API Gateway.",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Number of processes that hold viewers.")] = 1,
    port: Port = None,
    report: Annotated[Path, typer.Option(help="File for the HTML report.")] = Path("loadtest.html"),
    json_file: JsonFile = None,
    gateway: Annotated[
        Gateway | None,
        typer.Option("--gateway", help="The program that plays API Gateway: the stand-in by default, or MiniStack."),
    ] = None,
    transport: Annotated[
        str, typer.Option(help=f"Transport of the cell under load: {', '.join(TRANSPORTS)}.", metavar="NAME")
    ] = API_GATEWAY,
) -> None:
    """Put a stack on this machine under load with locust; exit 0 only if nobody who stayed missed anything."""
    if transport not in TRANSPORTS:
        raise typer.BadParameter(f"{transport} is not one of {', '.join(TRANSPORTS)}", param_hint="--transport")
    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape} is not one of {', '.join(SHAPES)}", param_hint="--shape")
    writable(report, json_file)
    cell = StackCell(REGION if transport == API_GATEWAY else "loaded", REGION, transport)
    with errors_end_the_command():
        chosen = _gateway(transport, viewers, shape, gateway)
        rate = join_rate or (JOIN_RATE if transport == API_GATEWAY else SLOW_JOIN_RATE)
        load = Load(viewers, goals, shape, matches, pace, rate, processes, chosen, transport)
        settings = settings_for([cell], viewers)
        free = port_for(viewers, port)
    with (
        errors_end_the_command(),
        running(free, settings, say=say, gateway=chosen, cells=[cell]) as (system, _),
        out.status("") as status,
    ):
        result = run_load(system, load, status.update if out.is_terminal else say)
    _show_load(result, report)
    with errors_end_the_command():
        report.write_text(render(result, load.command))
        if json_file is not None:
            json_file.write_text(json.dumps(result, indent=2) + "\n")
    raise typer.Exit(0 if result["passed"] else 1)


def _gateway(transport: str, viewers: int, shape: str, gateway: Gateway | None) -> Gateway:
    """The program that plays API Gateway. Raises WrongOptionError for options that do not fit the transport."""
    if transport == API_GATEWAY:
        return gateway_for(viewers, gateway or "standin")
    if gateway is not None:
        raise WrongOptionError(
            f"--gateway chooses the program that plays API Gateway, and a cell of {transport} has none. Leave it out."
        )
    if viewers > MOST_OF_OTHERS:
        raise WrongOptionError(
            f"The service that plays {transport} on this machine takes {MOST_OF_OTHERS:,} viewers at most, and "
            f"{viewers:,} were asked for. Only the stand-in for API Gateway is made for more."
        )
    if transport == "momento" and SHAPES[shape].cut_after is not None:
        raise WrongOptionError(
            f"The shape {shape} breaks all connections at once, and viewers of momento hold none: they poll. "
            "Choose another shape."
        )
    return "ministack"


VIEWERS = {"goal": (1, 15_000), "transports": (1, 15_000), "crowd": (2, MOST_VIEWERS)}
"""Bench -> the fewest and the most viewers that it takes."""


def bench(
    name: Annotated[str, typer.Argument(help=f"Name of the bench: {', '.join(NAMES)}, or all.")],
    json_file: JsonFile = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the figures into this file, .svg or .png.")] = None,
    viewers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_VIEWERS,
            help="Number of viewers, for the benches goal (usually 10,000), transports (1,000) and crowd (100,000).",
        ),
    ] = None,
) -> None:
    """Measure: sending, paging, a million rows, the stand-in, a goal, a goal in a burst, budget, cold starts, pages.

    "transports" measures a goal on each transport in turn. "crowd" opens 100,000 real WebSockets. "all" leaves both
    out, because they take long. With "all", --json and --plot name folders.
    "goal --viewers 1" measures the way of a goal alone.
    """
    if name not in (*NAMES, "all"):
        raise typer.BadParameter(f"{name} is not one of {', '.join(NAMES)}, all")
    if viewers is not None:
        _check_viewers(name, viewers)
    from devstack.measurements.bench_runs import run as run_bench  # much to import, for this command only

    names, folders = IN_ALL if name == "all" else (name,), name == "all"
    for path in (json_file, plot):
        if folders and path is not None and not path.is_dir():
            raise typer.BadParameter(f"{path} is no folder that exists")
    if not folders:
        writable(json_file, plot)
        if plot is not None and plot.suffix not in (".svg", ".png"):
            raise typer.BadParameter(f"{plot} ends neither in .svg nor in .png")
    measured = True
    for each in names:
        with errors_end_the_command(), out.status("") as status:
            result = run_bench(each, progress(status), viewers)
        for table in result.tables():
            out.print(table)
        for sentence in result.missing:
            err.print(f"livescore: {sentence}", style="yellow", highlight=False)
        measured = measured and bool(result.rows or result.figures)
        with errors_end_the_command():
            if json_file is not None:
                (json_file / f"{each}.json" if folders else json_file).write_text(result.to_json())
            if plot is not None and (result.rows or result.figures):
                result.plot(plot / f"{each}.svg" if folders else plot)
    raise typer.Exit(0 if measured else 1)


def _check_viewers(name: str, viewers: int) -> None:
    least, most = VIEWERS.get(name, (0, 0))
    if not most:
        raise typer.BadParameter(f"bench {name} has its own number of viewers", param_hint="--viewers")
    if not least <= viewers <= most:
        raise typer.BadParameter(f"bench {name} takes {least} to {most} viewers", param_hint="--viewers")


def _show_load(result: dict[str, Any], report: Path) -> None:
    table = Table("ms", *result["goal_to_glass_ms"])
    rows = {"goal to glass": result["goal_to_glass_ms"], **result["times_ms"], "own lag": result["own_lag_ms"]}
    for name, figures in rows.items():
        table.add_row(name.replace("_", " "), *map(str, figures.values()))
    out.print(table)
    goals, missed, trouble = result["goals"], result["missed"], result["about"]["trouble"]
    out.print(
        f"{goals['posted']} of {goals['wanted']} goals, {result['deliveries']} deliveries timed. "
        f"The {result['stayed']} viewers that stayed missed {'an unknown number' if missed is None else missed}.",
        highlight=False,
    )
    counts = result["counts"]
    if counts.get("cut"):
        last = result["times_ms"].get("back", {}).get("max")
        out.print(
            f"{counts['cut']} connections were cut at once; the last of those viewers was back after {last} ms. "
            f"{counts.get('failed_connects', 0)} attempts to connect were refused or failed.",
            highlight=False,
        )
    for sentence in (trouble and f"The run was cut short: {trouble}.", result["bottleneck"]):
        if sentence:
            err.print(sentence, style="yellow", highlight=False)
    out.print(f"The report is {report}", soft_wrap=True, highlight=False, markup=False)
    out.print("[bold green]passed[/]" if result["passed"] else "[bold red]failed[/]")
