"""The commands of operators and viewers: the events of a match, what viewers see, what became of its broadcasts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text as RichText

from devstack import openfootball, signals
from devstack.commands.common import (
    LOCAL,
    Api,
    AsJson,
    Match,
    WebSocket,
    checked,
    err,
    given,
    out,
    pair,
    said,
    say,
    show,
)
from devstack.commands.common import operator as operator_at
from devstack.replay import Replayed, failures, replay
from devstack.watch import watch as watch_match
from devstack.words import describe, minute
from loadtest.shown import plain
from matches.events import DECISIONS, EVENT, KINDS

Minute = Annotated[int | None, typer.Option(help="Minute of play; leave it out if it is not known.")]
Stoppage = Annotated[int | None, typer.Option(help="Minutes of stoppage time, after the last minute of a period.")]
EventId = Annotated[
    str | None, typer.Option("--id", help="Id of the event, chosen by you: the same event again then changes nothing.")
]

OPTIONS = {"kind": "KIND", "event_id": "--id", "scored": "--scored or --missed"}
"""Field of an event -> how a person states it, where that is not an option of the same name."""


def goal(
    match: Match,
    team: Annotated[str, typer.Argument(help="Side that the goal counts for: home, away or a team's name.")],
    minute: Minute = None,
    player: Annotated[str | None, typer.Option(help="Name of the scorer.")] = None,
    assist: Annotated[str | None, typer.Option(help="Name of the player who gave the assist.")] = None,
    stoppage: Stoppage = None,
    own: Annotated[
        bool, typer.Option("--own", help="The goal is an own goal; TEAM is the side it counts for.")
    ] = False,
    penalty: Annotated[bool, typer.Option("--penalty", help="The goal is a penalty.")] = False,
    event_id: EventId = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post a goal."""
    if own and penalty:
        raise typer.BadParameter("a goal is --own or --penalty, not both")
    kind = "own_goal" if own else "penalty_goal" if penalty else "goal"
    more = {"minute": minute, "player": player, "assist": assist, "stoppage": stoppage, "event_id": event_id}
    _post(api, match, {"kind": kind, "team": team, **given(more)}, {**OPTIONS, "team": "TEAM"}, as_json)


def event(
    match: Match,
    kind: Annotated[str, typer.Argument(help=f"Kind of event: {', '.join(KINDS)}.")],
    team: Annotated[
        str | None, typer.Option(help="Side that the event belongs to: home, away or a team's name.")
    ] = None,
    minute: Minute = None,
    stoppage: Stoppage = None,
    player: Annotated[str | None, typer.Option(help="Name of the player.")] = None,
    assist: Annotated[str | None, typer.Option(help="Name of the player who gave the assist.")] = None,
    player_on: Annotated[str | None, typer.Option(help="Name of the player who comes on.")] = None,
    player_off: Annotated[str | None, typer.Option(help="Name of the player who goes off.")] = None,
    no_replacement: Annotated[
        bool, typer.Option("--no-replacement", help="Nobody comes on for the player who goes off.")
    ] = False,
    late: Annotated[
        bool, typer.Option("--late", help="The event is entered late: the clock does not go by its minute.")
    ] = False,
    bench: Annotated[bool, typer.Option("--bench", help="The card is for somebody on the bench.")] = False,
    scored: Annotated[
        bool | None, typer.Option("--scored/--missed", help="Whether a kick of the shoot-out was scored.")
    ] = None,
    decision: Annotated[
        str | None, typer.Option(help=f"Decision of the video assistant: {', '.join(DECISIONS)}.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Id of the event under video review.")] = None,
    score: Annotated[
        str | None,
        typer.Option(help="Score that counts from now on in an awarded match, such as 3-0.", metavar="HOME-AWAY"),
    ] = None,
    cancels: Annotated[str | None, typer.Option(help="Id of the event that a cancellation takes back.")] = None,
    amends: Annotated[
        str | None,
        typer.Option(help='Id of the event that an amendment corrects. With it --assist "" takes the name away.'),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Reason that viewers are told: of a cancellation, a postponement and the like.")
    ] = None,
    event_id: EventId = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post any event. `livescore match show` has the ids that --cancels and --amends need."""
    with said():
        more = {
            "team": team, "minute": minute, "stoppage": stoppage, "player": player, "assist": assist,
            "player_on": player_on, "player_off": player_off, "no_replacement": no_replacement or None,
            "late": late or None, "bench": bench or None, "scored": scored, "decision": decision, "about": about,
            "score": pair(score, "--score"), "cancels": cancels, "amends": amends, "reason": reason,
            "event_id": event_id,
        }  # fmt: skip
    posted = {name: None if amends is not None and value == "" else value for name, value in given(more).items()}
    _post(api, match, {"kind": kind.replace("-", "_"), **posted}, OPTIONS, as_json)


def watch(
    match: Match,
    websocket: WebSocket = LOCAL.websocket_url,
    api: Api = LOCAL.api_url,
    until_full_time: Annotated[bool, typer.Option("--until-full-time", help="End when the match is over.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Follow a match on a live scoreboard. LIVESCORE_VIEWER_TOKEN is a viewer's token, where one is needed."""
    token = os.environ.get("LIVESCORE_VIEWER_TOKEN")
    with said():
        signals.run(
            watch_match(websocket, api, match, out, as_json=as_json, until_full_time=until_full_time, token=token)
        )


def replay_file(
    file: Annotated[Path, typer.Argument(help="File of matches in the openfootball format.")],
    match: Annotated[str | None, typer.Option(help='The one match to replay, such as "Argentina - France".')] = None,
    all_matches: Annotated[bool, typer.Option("--all", help="Replay all matches of the file, side by side.")] = False,
    pace: Annotated[float, typer.Option(min=0, help="Seconds between two events of a match.")] = 0.0,
    check: Annotated[bool, typer.Option("--check", help="Only check the file; post nothing.")] = False,
    api: Api = LOCAL.api_url,
    websocket: WebSocket = LOCAL.websocket_url,
    as_json: AsJson = False,
) -> None:
    """Replay matches from a file, watched by a real viewer. The exit status is 0 if each ended as the file states.

    Matches that cannot be read are named with the reason, and the others are replayed.
    """
    if (match is None) == (not all_matches):
        raise typer.BadParameter('say which: --match "Argentina - France" or --all')

    def on_event(of: str, event: dict[str, Any]) -> None:
        if not as_json:
            out.print(plain(f"{of:20} {minute(event):>6} {describe(event)}"), markup=False, highlight=False)

    with said(), operator_at(api) as operator:
        feed = openfootball.read(file) if match is None else openfootball.find(file, match)
        for line in openfootball.remarks(feed):
            say(line)
        for line in openfootball.complaints(feed):
            _complain(line)
        chosen = [] if check else feed.matches
        results = signals.run(replay(chosen, operator, websocket, pace=pace, on_event=on_event)) if chosen else []
    if as_json:
        print(json.dumps(_replayed(feed, results), ensure_ascii=False))  # noqa: T201
    elif any(each.failed is None for each in results):
        _show_replayed([each for each in results if each.failed is None])
    for line in failures(results):
        _complain(line)
    raise typer.Exit(0 if not feed.left_out and all(each.agrees for each in results) else 1)


def receipts(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """List what became of a match's broadcasts. Accepted by the gateway is not yet seen by a viewer."""
    with said(), operator_at(api) as operator:
        found = operator.receipts(match)
    if as_json:
        print(json.dumps({"match": match, "receipts": found}))  # noqa: T201
        return
    columns = ("seq", "rows", "accepted", "gone", "failed", "skipped", "throttled", "batches", "set_aside", "ms")
    table = Table(*columns, title=f"Broadcasts of {match}")
    for each in found:
        table.add_row(*(str(each[name]) for name in columns))
    out.print(table)


def stop(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """End a broadcast that should not go on. The next event is broadcast again, with what had not been told."""
    with said(), operator_at(api) as operator:
        ended = operator.stop(match)
    told = " and ".join(f"{cell['told']} in {region}" for region, cell in ended["cells"].items())
    text = (
        f"the broadcast of seq {ended['seq']} is ended; everyone has been told up to seq {told}"
        if ended["stopped"]
        else f"nothing of {match} is being broadcast"
    )
    show(ended, as_json, text)


def _post(api: str, match: str, posted: dict[str, Any], options: Mapping[str, str], as_json: bool) -> None:
    """Post an event and say what became of it; exit 1 if the rules refused it.

    ``options`` says by which option a person states a field, where it is not called as the field.
    """
    with said(), operator_at(api) as operator:
        checked(EVENT.validate_python, posted, options)
        taken = operator.post_event(match, posted)
        event_id = taken["event_id"]
        outcome = operator.settled(match, event_id, request=taken.get("request"))
        refused = outcome["status"] == "refused"
        text = f"refused: {outcome['reason']}" if refused else f"applied as seq {outcome['seq']}"
    show(outcome, as_json, f"{event_id} {text}")
    raise typer.Exit(1 if refused else 0)


def _complain(text: str) -> None:
    err.print(f"livescore: {plain(text)}", style="red", markup=False, highlight=False, soft_wrap=True)


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
        table.add_row(*(RichText(plain(cell)) for cell in cells))
    out.print(table)


def _pair(pair: tuple[int, int] | None) -> str:
    return "–".join(map(str, pair)) if pair else ""
