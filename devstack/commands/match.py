"""The commands of operators and viewers: a match, its events, what viewers see, what became of its broadcasts."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text as RichText

from devstack import openfootball, signals
from devstack.commands.common import LOCAL, Api, AsJson, Match, Text, WebSocket, err, given, out, said, show
from devstack.commands.common import operator as operator_at
from devstack.replay import Replayed, replay
from devstack.watch import watch as watch_match
from devstack.words import describe, minute, score
from loadtest.shown import plain
from matches.events import DECISIONS, KINDS

Team = Annotated[str, typer.Argument(help="home, away or a team's name.")]
Minute = Annotated[int | None, typer.Option(min=0, max=120)]
Stoppage = Annotated[int | None, typer.Option(min=1, max=30, help="Minutes of stoppage time.")]


def create(
    home: Annotated[str, typer.Argument()],
    away: Annotated[str, typer.Argument()],
    kickoff: Annotated[
        str | None, typer.Option(help="2022-12-18T18:00+03:00; UTC without an offset; now by default.")
    ] = None,
    match_id: Annotated[str | None, typer.Option("--id", help="At most 20 of a-z, 0-9 and hyphens.")] = None,
    competition: Text = None,
    audience: Annotated[int | None, typer.Option(min=1, help="Viewers you expect.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Create and schedule a match."""
    try:
        when = datetime.fromisoformat(kickoff) if kickoff else datetime.now(UTC).replace(microsecond=0)
    except ValueError:
        raise typer.BadParameter(f"{kickoff} is not a date and time") from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    wanted = {"match": match_id, "competition": competition, "audience": audience}
    with said(), operator_at(api) as operator:
        made = operator.create_match(home=home, away=away, kickoff=when.isoformat(), **given(wanted))
    show(made, as_json, f"{made['match']}: {made['home']} – {made['away']}, kick-off {made['kickoff']}")


def list_matches(
    day: Annotated[str | None, typer.Option(help="A day in UTC, like 2022-12-18; today by default.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """List the matches that kick off on a day."""
    with said(), operator_at(api) as operator:
        found = operator.matches(day)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))  # noqa: T201
        return
    table = Table(
        "id", "kick-off", "home", "score", "away", "status", "viewers", title=f"Matches of {found['day']} (UTC)"
    )
    for each in found["matches"]:
        status = each["status"].replace("_", " ")
        cells = (
            each["match"],
            each["kickoff"],
            each["home"],
            score(each),
            each["away"],
            status,
            _count(each["viewers"]),
        )
        table.add_row(*(RichText(plain(cell)) for cell in cells))
    out.print(table)
    if found["more"]:
        out.print("There are more.")


def show_match(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """Show a match and its events with their ids."""
    with said(), operator_at(api) as operator:
        snapshot, events = operator.snapshot(match), operator.events(match)
    if as_json:
        print(json.dumps({**snapshot, "events": events}, ensure_ascii=False))  # noqa: T201
        return
    table = Table("seq", "minute", "what", "score", "id", "")
    title = f"{snapshot['home']} {score(snapshot)} {snapshot['away']}, {snapshot['status'].replace('_', ' ')}"
    if snapshot["viewers"] is not None:
        title += f", {_count(snapshot['viewers'])} watching"
    table.title = RichText(plain(title))
    for each in events:
        marks = [
            f"{words} by {each[name]}"
            for name, words in (("amended_by", "corrected"), ("cancelled_by", "cancelled"))
            if name in each
        ]
        when = "" if each["kind"] == "amendment" else minute(each)
        cells = (each["seq"], when, describe(each), score(each), each["event_id"], ", ".join(marks))
        table.add_row(*(RichText(plain(cell)) for cell in cells))
    out.print(table)


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
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post a goal."""
    if own and penalty:
        raise typer.BadParameter("a goal is --own or --penalty, not both")
    kind = "own_goal" if own else "penalty_goal" if penalty else "goal"
    more = {"player": player, "assist": assist, "stoppage": stoppage, "event_id": event_id}
    _post(api, match, {"kind": kind, "team": team, "minute": minute, **given(more)}, as_json)


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
    amends: Annotated[
        str | None, typer.Option(help='Of an amendment: id of the event to correct. --assist "" takes the name away.')
    ] = None,
    reason: Text = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The same id again changes nothing.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Post any event."""
    more = {
        "team": team, "minute": minute, "stoppage": stoppage, "player": player, "assist": assist,
        "player_on": player_on, "player_off": player_off, "scored": scored, "decision": decision, "about": about,
        "cancels": cancels, "amends": amends, "reason": reason, "event_id": event_id,
    }  # fmt: skip
    posted = {name: None if amends is not None and value == "" else value for name, value in given(more).items()}
    _post(api, match, {"kind": kind.replace("-", "_"), **posted}, as_json)


def watch(
    match: Match,
    websocket: WebSocket = LOCAL.websocket_url,
    api: Api = LOCAL.api_url,
    until_full_time: Annotated[bool, typer.Option("--until-full-time", help="End with the final whistle.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")] = False,
) -> None:
    """Follow a match on a live scoreboard. LIVESCORE_VIEWER_TOKEN is a viewer's token, where one is needed."""
    token = os.environ.get("LIVESCORE_VIEWER_TOKEN")
    with said():
        signals.run(
            watch_match(websocket, api, match, out, as_json=as_json, until_full_time=until_full_time, token=token)
        )


def replay_file(
    file: Annotated[Path, typer.Argument(help="Matches in the openfootball format.")],
    match: Annotated[str | None, typer.Option(help='One match: "Argentina - France".')] = None,
    all_matches: Annotated[bool, typer.Option("--all", help="All matches of the file, side by side.")] = False,
    pace: Annotated[float, typer.Option(min=0, help="Seconds between the events of a match.")] = 0.0,
    api: Api = LOCAL.api_url,
    websocket: WebSocket = LOCAL.websocket_url,
    as_json: AsJson = False,
) -> None:
    """Replay matches from a file, watched by a real viewer."""
    if (match is None) == (not all_matches):
        raise typer.BadParameter('say which: --match "Argentina - France" or --all')

    def on_event(of: str, event: dict[str, Any]) -> None:
        if not as_json:
            out.print(plain(f"{of:20} {minute(event):>6} {describe(event)}"), markup=False, highlight=False)

    with said(), operator_at(api) as operator:
        chosen = openfootball.read(file) if match is None else [openfootball.find(file, match)]
        results = signals.run(replay(chosen, operator, websocket, pace=pace, on_event=on_event))
    if as_json:
        print(json.dumps({"matches": [each.to_dict() for each in results]}, ensure_ascii=False))  # noqa: T201
    else:
        _show_replayed(results)
    for each in (each for each in results if not each.agrees):
        err.print(f"livescore: {each.match} did not end as the file states", style="red", markup=False, highlight=False)
    raise typer.Exit(0 if all(each.agrees for each in results) else 1)


def receipts(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """What became of a match's broadcasts. Accepted by the gateway is not yet seen by a viewer."""
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


def _count(viewers: int | None) -> str:
    """How many watch, as people write it; empty if nobody knows."""
    return "" if viewers is None else f"{viewers:,}"


def _post(api: str, match: str, posted: dict[str, Any], as_json: bool) -> None:
    """Post an event and say what became of it; exit 1 if the rules refused it."""
    with said(), operator_at(api) as operator:
        taken = operator.post_event(match, posted)
        event_id = taken["event_id"]
        outcome = operator.settled(match, event_id, request=taken.get("request"))
        refused = outcome["status"] == "refused"
        text = f"refused: {outcome['reason']}" if refused else f"applied as seq {outcome['seq']}"
    show(outcome, as_json, f"{event_id} {text}")
    raise typer.Exit(1 if refused else 0)


def _show_replayed(results: list[Replayed]) -> None:
    table = Table("match", "home", "score", "away", "shoot-out", "events", "viewer saw")
    for each in results:
        shootout = "–".join(map(str, each.shootout)) if each.shootout else ""
        score, seen = "–".join(map(str, each.score)), "–".join(map(str, each.viewer_score))
        cells = (each.match, each.home, score, each.away, shootout, each.events, seen)
        table.add_row(*(RichText(plain(cell)) for cell in cells))
    out.print(table)
