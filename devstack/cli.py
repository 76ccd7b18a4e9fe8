"""The command ``livescore``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from devstack import openfootball
from devstack.demo import Demo, Report
from devstack.load import Load
from devstack.load import run as run_load
from devstack.ministack import StackError, free_port
from devstack.operator import ApiError, Operator
from devstack.replay import Replayed, replay
from devstack.stack import DEFAULT_PORT, Gateway, running
from devstack.system import System
from devstack.watch import watch as watch_match
from devstack.words import describe, minute, score
from loadtest.bench import NAMES
from loadtest.limits import allow_sockets
from loadtest.report import render
from loadtest.shapes import SHAPES
from matches.events import DECISIONS, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
match_app = typer.Typer(no_args_is_help=True, help="Matches.")
app.add_typer(match_app, name="match")
out = Console(width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, soft_wrap=True)

_LOCAL = System(DEFAULT_PORT)
Api = Annotated[str, typer.Option(envvar="LIVESCORE_API", help="URL of the operators' API.")]
WebSocket = Annotated[str, typer.Option(envvar="LIVESCORE_WS", help="URL of the viewers' WebSocket.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Match = Annotated[str, typer.Argument(help="Id of the match.")]
Team = Annotated[str, typer.Argument(help="home, away or a team's name.")]
Minute = Annotated[int | None, typer.Option(min=0, max=120)]
Stoppage = Annotated[int | None, typer.Option(min=1, max=30, help="Minutes of stoppage time.")]
Text = Annotated[str | None, typer.Option()]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; a free one by default.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
GatewayOption = Annotated[
    Gateway, typer.Option("--gateway", help="Who plays API Gateway for the viewers: MiniStack, or a stand-in for load.")
]


@app.command()
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = DEFAULT_PORT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the URLs as one line of JSON when ready.")] = False,
    gateway: GatewayOption = "ministack",
) -> None:
    """Start the whole system on this machine and stay until Ctrl-C."""
    with _said(), running(port, say=_say, gateway=gateway) as (system, stack):
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        if as_json:
            print(json.dumps({"api": system.api_url, "websocket": system.websocket_url}), flush=True)  # noqa: T201
        else:
            _show_urls(system)
        while not ended.wait(0.5):
            stack.check()


@app.command()
def demo(
    viewers: Annotated[int, typer.Option(min=10, max=10_000, envvar="VIEWERS")] = 200,
    port: Port = None,
    json_file: JsonFile = None,
    gateway: GatewayOption = "ministack",
) -> None:
    """Play the 2022 World Cup final to viewers on real WebSockets; exit 0 only if nobody missed anything."""
    _writable(json_file)
    with (
        _said(),
        running(_port_for(viewers, port), say=_say, gateway=gateway) as (system, _),
        out.status("") as status,
    ):
        report = uvloop.run(Demo(system, viewers, _progress(status)).run())
    _show_report(report)
    if json_file is not None:
        json_file.write_text(report.to_json() + "\n")
    raise typer.Exit(0 if report.passed else 1)


@app.command()
def loadtest(
    viewers: Annotated[int, typer.Option(min=10, max=15_000)] = 500,
    goals: Annotated[int, typer.Option(min=1, max=10_000)] = 30,
    shape: Annotated[str, typer.Option(help=", ".join(SHAPES), metavar="SHAPE")] = "goal-storm",
    matches: Annotated[int, typer.Option(min=1, max=1000, help="Matches played at once.")] = 1,
    pace: Annotated[float, typer.Option(min=0.0, max=600.0, help="Seconds between goals.")] = 1.0,
    join_rate: Annotated[float, typer.Option(min=1.0, help="Viewers a second that join before the storm.")] = 100.0,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Processes that hold viewers.")] = 1,
    port: Port = None,
    report: Annotated[Path, typer.Option(help="The HTML report.")] = Path("loadtest.html"),
    json_file: JsonFile = None,
    gateway: GatewayOption = "standin",
) -> None:
    """Put a stack on this machine under load with locust; exit 0 only if nobody who stayed missed anything."""
    if shape not in SHAPES:
        raise typer.BadParameter(f"{shape} is not one of {', '.join(SHAPES)}", param_hint="--shape")
    _writable(report, json_file)
    load = Load(viewers, goals, shape, matches, pace, join_rate, processes, gateway)
    with (
        _said(),
        running(_port_for(viewers, port), say=_say, gateway=gateway) as (system, _),
        out.status("") as status,
    ):
        result = run_load(system, load, status.update if out.is_terminal else _say)
    _show_load(result, report)
    with _said():
        report.write_text(render(result, load.command))
        if json_file is not None:
            json_file.write_text(json.dumps(result, indent=2) + "\n")
    raise typer.Exit(0 if result["passed"] else 1)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help=f"{', '.join(NAMES)}, or all.")],
    json_file: JsonFile = None,
    plot: Annotated[Path | None, typer.Option(help="Draw them into this file, .svg or .png.")] = None,
) -> None:
    """Measure side by side: sending, paging, a million rows, the stand-in, a goal to 10,000 viewers, the budget.

    With "all", --json and --plot name folders.
    """
    if name not in (*NAMES, "all"):
        raise typer.BadParameter(f"{name} is not one of {', '.join(NAMES)}, all")
    from devstack.bench import run as run_bench  # much to import, for this command only

    names, folders = NAMES if name == "all" else (name,), name == "all"
    for path in (json_file, plot):
        if folders and path is not None and not path.is_dir():
            raise typer.BadParameter(f"{path} is no folder that exists")
    if not folders:
        _writable(json_file, plot)
        if plot is not None and plot.suffix not in (".svg", ".png"):
            raise typer.BadParameter(f"{plot} ends neither in .svg nor in .png")
    measured = True
    for each in names:
        with _said(), out.status("") as status:
            result = run_bench(each, _progress(status))
        for table in result.tables():
            out.print(table)
        for sentence in result.missing:
            err.print(f"livescore: {sentence}", style="yellow", highlight=False)
        measured = measured and bool(result.rows or result.figures)
        with _said():
            if json_file is not None:
                (json_file / f"{each}.json" if folders else json_file).write_text(result.to_json())
            if plot is not None and (result.rows or result.figures):
                result.plot(plot / f"{each}.svg" if folders else plot)
    raise typer.Exit(0 if measured else 1)


@match_app.command("create")
def match_create(
    home: Annotated[str, typer.Argument()],
    away: Annotated[str, typer.Argument()],
    kickoff: Annotated[
        str | None, typer.Option(help="2022-12-18T18:00+03:00; UTC without an offset; now by default.")
    ] = None,
    match_id: Annotated[str | None, typer.Option("--id", help="At most 20 of a-z, 0-9 and hyphens.")] = None,
    competition: Text = None,
    audience: Annotated[int | None, typer.Option(min=1, help="Viewers you expect.")] = None,
    api: Api = _LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Create and schedule a match."""
    try:
        when = datetime.fromisoformat(kickoff) if kickoff else datetime.now(UTC).replace(microsecond=0)
    except ValueError:
        raise typer.BadParameter(f"{kickoff} is not a date and time") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    wanted = {"match": match_id, "competition": competition, "audience": audience}
    with _said(), Operator(api) as operator:
        made = operator.create_match(home=home, away=away, kickoff=when.isoformat(), **_given(wanted))
    _print(made, as_json, f"{made['match']}: {made['home']} – {made['away']}, kick-off {made['kickoff']}")


@match_app.command("show")
def match_show(match: Match, api: Api = _LOCAL.api_url, as_json: AsJson = False) -> None:
    """Show a match and its events with their ids."""
    with _said(), Operator(api) as operator:
        snapshot, events = operator.snapshot(match), operator.events(match)
    if as_json:
        print(json.dumps({**snapshot, "events": events}, ensure_ascii=False))  # noqa: T201
        return
    table = Table("seq", "minute", "what", "score", "id", "")
    table.title = f"{snapshot['home']} {score(snapshot)} {snapshot['away']}, {snapshot['status'].replace('_', ' ')}"
    for each in events:
        cancelled = f"cancelled by {each['cancelled_by']}" if "cancelled_by" in each else ""
        table.add_row(str(each["seq"]), minute(each), describe(each), score(each), each["event_id"], cancelled)
    out.print(table)


@app.command()
def goal(
    match: Match,
    team: Team,
    minute: Annotated[int, typer.Option(min=0, max=120)],
    player: Text = None,
    assist: Text = None,
    stoppage: Stoppage = None,
    own: Annotated[bool, typer.Option("--own", help="An own goal; TEAM is who it counts for.")] = False,
    penalty: Annotated[bool, typer.Option("--penalty")] = False,
    event_id: Annotated[str | None, typer.Option("--id", help="The same id again changes nothing.")] = None,
    api: Api = _LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post a goal."""
    if own and penalty:
        raise typer.BadParameter("a goal is --own or --penalty, not both")
    kind = "own_goal" if own else "penalty_goal" if penalty else "goal"
    more = {"player": player, "assist": assist, "stoppage": stoppage, "event_id": event_id}
    _post(api, match, {"kind": kind, "team": team, "minute": minute, **_given(more)}, as_json)


@app.command()
def event(
    match: Match,
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    team: Text = None,
    minute: Minute = None,
    stoppage: Stoppage = None,
    player: Text = None,
    assist: Text = None,
    player_on: Text = None,
    player_off: Text = None,
    scored: Annotated[bool | None, typer.Option("--scored/--missed", help="Of a shoot-out kick.")] = None,
    decision: Annotated[str | None, typer.Option(help=f"Of a var_decision: {', '.join(DECISIONS)}.")] = None,
    about: Annotated[str | None, typer.Option(help="Id of the event under review.")] = None,
    cancels: Annotated[str | None, typer.Option(help="Id of the event to take back.")] = None,
    reason: Text = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The same id again changes nothing.")] = None,
    api: Api = _LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post any event."""
    more = {
        "team": team, "minute": minute, "stoppage": stoppage, "player": player, "assist": assist,
        "player_on": player_on, "player_off": player_off, "scored": scored, "decision": decision, "about": about,
        "cancels": cancels, "reason": reason, "event_id": event_id,
    }  # fmt: skip
    _post(api, match, {"kind": kind.replace("-", "_"), **_given(more)}, as_json)


@app.command()
def watch(
    match: Match,
    websocket: WebSocket = _LOCAL.websocket_url,
    until_full_time: Annotated[bool, typer.Option("--until-full-time", help="End with the final whistle.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Follow a match on a live scoreboard."""
    with _said():
        asyncio.run(watch_match(websocket, match, out, as_json=as_json, until_full_time=until_full_time))


@app.command("replay")
def replay_file(
    file: Annotated[Path, typer.Argument(help="Matches in the openfootball format.")],
    match: Annotated[str | None, typer.Option(help='One match: "Argentina - France".')] = None,
    all_matches: Annotated[bool, typer.Option("--all", help="All matches of the file, side by side.")] = False,
    pace: Annotated[float, typer.Option(min=0, help="Seconds between the events of a match.")] = 0.0,
    api: Api = _LOCAL.api_url,
    websocket: WebSocket = _LOCAL.websocket_url,
    as_json: AsJson = False,
) -> None:
    """Replay matches from a file, watched by a real viewer."""
    if (match is None) == (not all_matches):
        raise typer.BadParameter('say which: --match "Argentina - France" or --all')

    def on_event(of: str, event: dict[str, Any]) -> None:
        if not as_json:
            out.print(f"{of:20} {minute(event):>6} {describe(event)}", markup=False, highlight=False)

    with _said(), Operator(api) as operator:
        chosen = openfootball.read(file) if match is None else [openfootball.find(file, match)]
        results = asyncio.run(replay(chosen, operator, websocket, pace=pace, on_event=on_event))
    if as_json:
        print(json.dumps({"matches": [each.to_dict() for each in results]}, ensure_ascii=False))  # noqa: T201
    else:
        _show_replayed(results)
    for each in (each for each in results if not each.agrees):
        err.print(f"livescore: {each.match} did not end as the file states", style="red", highlight=False)
    raise typer.Exit(0 if all(each.agrees for each in results) else 1)


@app.command()
def receipts(match: Match, api: Api = _LOCAL.api_url, as_json: AsJson = False) -> None:
    """What became of a match's broadcasts. Accepted by the gateway is not yet seen by a viewer."""
    with _said(), Operator(api) as operator:
        found = operator.receipts(match)
    if as_json:
        print(json.dumps({"match": match, "receipts": found}))  # noqa: T201
        return
    columns = ("seq", "rows", "accepted", "gone", "failed", "skipped", "throttled", "batches", "set_aside", "ms")
    table = Table(*columns, title=f"Broadcasts of {match}")
    for each in found:
        table.add_row(*(str(each[name]) for name in columns))
    out.print(table)


def _post(api: str, match: str, posted: dict[str, Any], as_json: bool) -> None:
    """Post an event and say what became of it; exit 1 if the rules refused it."""
    with _said(), Operator(api) as operator:
        event_id = operator.post_event(match, posted)["event_id"]
        outcome = operator.settled(match, event_id)
        refused = outcome["status"] == "refused"
        text = f"refused: {outcome['reason']}" if refused else f"applied as seq {outcome['seq']}"
    _print(outcome, as_json, f"{event_id} {text}")
    raise typer.Exit(1 if refused else 0)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _print(body: dict[str, Any], as_json: bool, text: str) -> None:
    if as_json:
        print(json.dumps(body, ensure_ascii=False))  # noqa: T201
    else:
        out.print(text, markup=False, highlight=False)


def _say(text: str) -> None:
    err.print(text, style="dim", highlight=False)


def _writable(*files: Path | None) -> None:
    """Raises BadParameter for a file that cannot be written, before anything is measured for it."""
    for file in files:
        if file is None:
            continue
        if not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file} is in no folder that exists")
        if file.is_dir() or not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
            raise typer.BadParameter(f"{file} cannot be written")


def _port_for(viewers: int, port: int | None) -> int:
    """The port of a stack for so many sockets; raises StackError if this machine does not allow them."""
    if (refusal := allow_sockets(viewers)) is not None:
        raise StackError(refusal)
    return port or free_port()


def _progress(status: Any) -> Any:
    """Shows progress in one line on a terminal, line by line elsewhere."""
    if out.is_terminal:
        return status.update
    often = ("are watching", "dead connections", "rows written")
    return lambda text: _say(text) if not text.endswith(often) else None


@contextmanager
def _said() -> Iterator[None]:
    """Turns what went wrong into a sentence on stderr and exit status 1; a signal ends the command tidily."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except (StackError, ApiError, openfootball.FeedError, OSError) as error:
        err.print(f"livescore: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _show_urls(system: System) -> None:
    environment = f"LIVESCORE_API='{system.api_url}' LIVESCORE_WS='{system.websocket_url}'"
    lines = [
        "ready",
        f"operators  {system.api_url}",
        f"viewers    {system.websocket_url}",
        "",
        "Try, in other terminals:",
        *([f"  export {environment}"] if system.port != DEFAULT_PORT or system.gateway_port else []),
        "  livescore match create Argentina France --id wc22-final",
        "  livescore watch wc22-final",
        "  livescore event wc22-final kick_off",
        "  livescore goal wc22-final Argentina --player 'Lionel Messi' --minute 23",
        "or with what you have:",
        f"  curl '{system.api_url}/matches/wc22-final'",
        f"  python -m websockets '{system.websocket_url}?v=1'",
        """  then: {"action":"subscribe","match":"wc22-final"}""",
        "",
        "Ctrl-C stops it.",
    ]
    out.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)


def _show_replayed(results: list[Replayed]) -> None:
    table = Table("match", "home", "score", "away", "shoot-out", "events", "viewer saw")
    for each in results:
        shootout = "–".join(map(str, each.shootout)) if each.shootout else ""
        score, seen = "–".join(map(str, each.score)), "–".join(map(str, each.viewer_score))
        table.add_row(each.match, each.home, score, each.away, shootout, str(each.events), seen)
    out.print(table)


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
    for sentence in (trouble and f"The run was cut short: {trouble}.", result["bottleneck"]):
        if sentence:
            err.print(sentence, style="yellow", highlight=False)
    out.print(f"The report is {report}", soft_wrap=True, highlight=False, markup=False)
    out.print("[bold green]passed[/]" if result["passed"] else "[bold red]failed[/]")


def _show_report(report: Report) -> None:
    table = Table(
        "seq", "minute", "what", "score", "reached", "pruned", "first", "median", "last", caption="times in ms"
    )
    for line in report.lines:
        cells = (line.seq, line.minute, line.what, line.score, line.reached, line.pruned, line.first, line.median)
        table.add_row(*map(str, cells), str(line.last))
    out.print(table)
    glass = report.goal_to_glass_ms
    out.print(
        f"{report.viewers} viewers, {report.dropped} of them vanished, {report.planted} dead rows planted.\n"
        f"{report.events} events: {report.applied} applied, {report.missed} missed, "
        f"{report.out_of_order} out of order.\n"
        f"{report.pruned} rows pruned, {report.rows_left} dead rows left.\n"
        f"Goal to glass: median {glass['p50']} ms, 95 % {glass['p95']} ms, at most {glass['max']} ms.",
        highlight=False,
    )
    out.print("[bold green]passed[/]" if report.passed else "[bold red]failed[/]")
