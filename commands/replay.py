"""The command that plays matches of a file: replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text as RichText

from commands.common import LOCAL, Api, AsJson, Cell, Site, WebSocket, err, errors_end_the_command, out, say
from commands.common import operator as operator_at
from devstack import signals
from devstack.operator.event_words import describe, minute
from devstack.replay import openfootball
from devstack.replay.match_replay import Replayed, failures, replay
from loadtest.cell_choice import choose
from loadtest.terminal_text import printable


def replay_file(
    file: Annotated[Path, typer.Argument(help="File of matches in the openfootball format.")],
    match: Annotated[str | None, typer.Option(help='The one match to replay, such as "Argentina - France".')] = None,
    all_matches: Annotated[bool, typer.Option("--all", help="Replay all matches of the file, side by side.")] = False,
    pace: Annotated[float, typer.Option(min=0, help="Seconds between two events of a match.")] = 0.0,
    check: Annotated[bool, typer.Option("--check", help="Only check the file; post nothing.")] = False,
    api: Api = LOCAL.api_url,
    websocket: WebSocket = LOCAL.websocket_url,
    cell: Cell = None,
    site: Site = None,
    as_json: AsJson = False,
) -> None:
    """Replay matches from a file, watched by a real viewer. The exit status is 0 if each ended as the file states.

    Matches that cannot be read are named with the reason, and the others are replayed.
    """
    if (match is None) == (not all_matches):
        raise typer.BadParameter('say which: --match "Argentina - France" or --all')

    def on_event(of: str, event: dict[str, Any]) -> None:
        if not as_json:
            out.print(printable(f"{of:20} {minute(event):>6} {describe(event)}"), markup=False, highlight=False)

    with errors_end_the_command(), operator_at(api) as operator:
        feed = openfootball.read(file) if match is None else openfootball.find(file, match)
        for line in openfootball.remarks(feed):
            say(line)
        for line in openfootball.complaints(feed):
            _complain(line)
        chosen = [] if check else feed.matches
        where = websocket if cell is None and site is None else choose(cell, site)
        results = signals.run(replay(chosen, operator, where, pace=pace, on_event=on_event)) if chosen else []
    if as_json:
        print(json.dumps(_replayed(feed, results), ensure_ascii=False))  # noqa: T201
    elif any(each.failed is None for each in results):
        _show_replayed([each for each in results if each.failed is None])
    for line in failures(results):
        _complain(line)
    raise typer.Exit(0 if not feed.left_out and all(each.agrees for each in results) else 1)


def _complain(text: str) -> None:
    err.print(f"livescore: {printable(text)}", style="red", markup=False, highlight=False, soft_wrap=True)


def _replayed(feed: openfootball.Feed, results: list[Replayed]) -> dict[str, Any]:
    """The object that ``replay --json`` prints."""
    return {
        "matches": [each.to_dict() for each in results],
        "left_out": [{"number": each.number, "match": each.title, "why": each.why} for each in feed.left_out],
        "unplayed": len(feed.unplayed),
        "notes": [{"match": each.title, "note": note} for each in feed.matches for note in each.notes],
    }


def _show_replayed(results: list[Replayed]) -> None:
    table = Table("match", "home", "score", "away", "shoot-out", "events", "viewer saw")
    for each in results:
        cells = (
            each.match or "", each.home, _pair(each.score), each.away, _pair(each.shootout), each.events,
            _pair(each.viewer_score),
        )  # fmt: skip
        table.add_row(*(RichText(printable(cell)) for cell in cells))
    out.print(table)


def _pair(pair: tuple[int, int] | None) -> str:
    return "–".join(map(str, pair)) if pair else ""
