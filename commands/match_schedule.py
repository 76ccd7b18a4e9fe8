"""The commands for a match as it is scheduled: create, change, remove, list, show, lineups."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text as RichText

from commands.common import (
    LOCAL,
    Api,
    AsJson,
    Match,
    WrongOptionError,
    checked,
    confirm,
    errors_end_the_command,
    given,
    out,
    pair,
    show,
)
from commands.common import operator as operator_at
from devstack.operator.event_words import describe, marks, minute, score, status
from loadtest.terminal_text import printable

_OPTIONS = {"home": "HOME", "away": "AWAY", "match": "--id"}
"""Field of a new match -> how a person states it, where that is not an option of the same name."""

Home = Annotated[str | None, typer.Argument(help='Name of the home team. "" if it is not decided yet.')]
Away = Annotated[str | None, typer.Argument(help='Name of the away team. "" if it is not decided yet.')]
Kickoff = Annotated[
    str | None,
    typer.Option(
        help="Kick-off: 2022-12-18T18:00+03:00, in UTC without an offset; 2022-12-18 if the time is not known yet."
    ),
]
Neutral = Annotated[bool | None, typer.Option("--neutral/--no-neutral", help="The ground is neutral.")]
Leg = Annotated[int | None, typer.Option(help="Leg of a tie over two legs: 1 or 2.")]
FirstLeg = Annotated[
    str | None,
    typer.Option(help="Goals in the first leg of this match's home and away team, such as 2-1.", metavar="HOME-AWAY"),
]
Half = Annotated[int | None, typer.Option(help="Length of a half in minutes. 45 unless stated.")]
ExtraHalf = Annotated[int | None, typer.Option(help="Length of a half of extra time in minutes. 15 unless stated.")]
Lineups = Annotated[
    Path | None,
    typer.Option(help='JSON file with the players of both teams: {"home": ["Name", …], "away": ["Name", …]}.'),
]


def create(
    home: Home = None,
    away: Away = None,
    kickoff: Kickoff = None,
    match_id: Annotated[
        str | None, typer.Option("--id", help="Id of the match: at most 20 of a-z, 0-9 and single hyphens.")
    ] = None,
    competition: Annotated[str | None, typer.Option(help="Name of the competition.")] = None,
    audience: Annotated[int | None, typer.Option(min=1, help="Number of viewers that you expect.")] = None,
    neutral: Neutral = None,
    leg: Leg = None,
    first_leg: FirstLeg = None,
    half_minutes: Half = None,
    extra_half_minutes: ExtraHalf = None,
    lineups: Lineups = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Create and schedule a match. Without --kickoff it kicks off now."""
    with errors_end_the_command(), operator_at(api) as operator:
        if not (home or away or match_id):
            raise WrongOptionError("Name at least one team, or give the match an id with --id.")
        wanted = {
            "match": match_id, "home": home or None, "away": away or None, "competition": competition,
            "audience": audience, "kickoff": _when(kickoff) or datetime.now(UTC).replace(microsecond=0).isoformat(),
            **_about(neutral, leg, first_leg, half_minutes, extra_half_minutes, lineups),
        }  # fmt: skip
        # The models take CPU to import, and --help does without them.
        from matches.schedule import NewMatch

        made = operator.create_match(**checked(NewMatch.model_validate, given(wanted), _OPTIONS))
    show(made, as_json, f"{made['match']}: {_line(made)}")


def change(
    match: Match,
    home: Annotated[str | None, typer.Option(help="New name of the home team.")] = None,
    away: Annotated[str | None, typer.Option(help="New name of the away team.")] = None,
    kickoff: Kickoff = None,
    neutral: Neutral = None,
    leg: Leg = None,
    first_leg: FirstLeg = None,
    half_minutes: Half = None,
    extra_half_minutes: ExtraHalf = None,
    lineups: Lineups = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Change a match that has not begun. --lineups may be given at any time."""
    with errors_end_the_command():
        about = _about(neutral, leg, first_leg, half_minutes, extra_half_minutes, lineups)
        wanted = given({"home": home, "away": away, "kickoff": _when(kickoff), **about})
        if not wanted:
            raise WrongOptionError("Name at least one thing to change, such as --kickoff or --home.")
        from matches.schedule import MatchChange

        with operator_at(api) as operator:
            changed = operator.change_match(match, **checked(MatchChange.model_validate, wanted, {}))
    show(changed, as_json, f"{changed['match']}: {_line(changed)}")


def remove(
    match: Match,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the match without asking.")] = False,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Remove a match that has not begun. For one that has events, see `livescore match reset`."""
    with errors_end_the_command(), operator_at(api) as operator:
        if not yes:
            confirm(f"Remove match {match}?", "remove the match", "removed")
        operator.remove_match(match)
    show({"match": match, "removed": True}, as_json, f"{match} is removed")


def lineups(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """List the players of both teams."""
    with errors_end_the_command(), operator_at(api) as operator:
        found = operator.lineups(match)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))  # noqa: T201
        return
    for side in ("home", "away"):
        names = ", ".join(map(printable, found[side]))
        out.print(f"{side}: {names or 'no players are named'}", markup=False, highlight=False)


def list_matches(
    day: Annotated[str | None, typer.Option(help="Day in UTC, such as 2022-12-18; today by default.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """List the matches of a day, by kick-off."""
    with errors_end_the_command(), operator_at(api) as operator:
        found = operator.matches(day)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))  # noqa: T201
        return
    columns = ("id", "kick-off", "home", "score", "away", "status", "viewers")
    table = Table(*columns, title=f"Matches of {found['day']} (UTC)")
    for each in found["matches"]:
        cells = (
            each["match"], each["kickoff"], each["home"], score(each), each["away"],
            status(each["status"]), _count(each["viewers"]),
        )  # fmt: skip
        table.add_row(*(RichText(printable(cell)) for cell in cells))
    out.print(table)


def show_match(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """Show a match and its events with their ids."""
    with errors_end_the_command(), operator_at(api) as operator:
        snapshot, events = operator.snapshot(match), operator.events(match)
    if as_json:
        print(json.dumps({**snapshot, "events": events}, ensure_ascii=False))  # noqa: T201
        return
    teams = {"home": snapshot["home"], "away": snapshot["away"]}
    title = f"{teams['home']} {score(snapshot)} {teams['away']}, {status(snapshot['status'])}"
    if snapshot["viewers"] is not None:
        title += f", {_count(snapshot['viewers'])} watching"
    # An id that is cut short cannot be copied into another command.
    id_column = Column("id", no_wrap=True, min_width=max((len(each["event_id"]) for each in events), default=0))
    table = Table("seq", "minute", "what", "team", "score", id_column, "", title=RichText(printable(title)))
    if facts := _facts(snapshot):
        table.caption = RichText(printable(facts))
    for each in events:
        when = "" if each["kind"] == "amendment" else minute(each)
        what, team = describe(each, events, teams), teams.get(each.get("team", ""), "")
        cells = (each["seq"], when, what, team, score(each), each["event_id"], marks(each))
        table.add_row(*(RichText(printable(cell)) for cell in cells))
    out.print(table)


def _about(
    neutral: bool | None,
    leg: int | None,
    first_leg: str | None,
    half: int | None,
    extra_half: int | None,
    lineups: Path | None,
) -> dict[str, Any]:
    """The fields of a match that the options state, under the names of the API. Raises WrongOptionError."""
    return {
        "neutral": neutral, "leg": leg, "first_leg": pair(first_leg, "--first-leg"), "half_minutes": half,
        "extra_half_minutes": extra_half, "lineups": None if lineups is None else _names(lineups),
    }  # fmt: skip


def _when(kickoff: str | None) -> str | None:
    """The kick-off as the API takes it: a day, or a time with its offset; raises WrongOptionError."""
    if kickoff is None:
        return None
    try:
        if len(kickoff) == len("2022-12-18"):
            return date.fromisoformat(kickoff).isoformat()
        when = datetime.fromisoformat(kickoff)
    except ValueError:
        raise WrongOptionError(
            "--kickoff is a time such as 2022-12-18T18:00+03:00, or a day such as 2022-12-18."
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()


def _names(file: Path) -> Any:
    """The content of a file of players. Raises WrongOptionError for one that is no JSON."""
    try:
        return json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise WrongOptionError(f"--lineups: {file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise WrongOptionError(f"--lineups: {file} is not JSON.") from None


def _line(match: dict[str, Any]) -> str:
    """A match in one line: ``Argentina – France, kick-off 2022-12-18T18:00:00+03:00, neutral ground``."""
    facts = _facts(match)
    line = f"{match['home']} – {match['away']}, kick-off {match['kickoff']}"
    return f"{line}, {facts}" if facts else line


def _facts(match: dict[str, Any]) -> str:
    """The special facts of a match: ``neutral ground, leg 2, 3–2 on aggregate, halves of 35 minutes``."""
    facts = ["neutral ground"] if match.get("neutral") else []
    if match.get("leg"):
        facts.append(f"leg {match['leg']}")
    if first := match.get("first_leg"):
        facts.append(f"{first[0] + match['score'][0]}–{first[1] + match['score'][1]} on aggregate")
    if match.get("half_minutes", 45) != 45:
        facts.append(f"halves of {match['half_minutes']} minutes")
    if match.get("extra_half_minutes", 15) != 15:
        facts.append(f"halves of extra time of {match['extra_half_minutes']} minutes")
    return ", ".join(facts)


def _count(viewers: int | None) -> str:
    """The number of viewers, as people write it; empty if nobody knows."""
    return "" if viewers is None else f"{viewers:,}"
