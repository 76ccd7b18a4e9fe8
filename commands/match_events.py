"""The commands of operators and viewers: the events of a match, what viewers see, what became of its broadcasts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from commands.common import (
    LOCAL,
    Api,
    AsJson,
    Match,
    checked,
    errors_end_the_command,
    given,
    out,
    pair,
    show,
)
from commands.common import operator as operator_at
from loadtest.terminal_text import printable
from matches.event_kinds import DECISIONS, KINDS

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
    with errors_end_the_command():
        more = {
            "team": team, "minute": minute, "stoppage": stoppage, "player": player, "assist": assist,
            "player_on": player_on, "player_off": player_off, "no_replacement": no_replacement or None,
            "late": late or None, "bench": bench or None, "scored": scored, "decision": decision, "about": about,
            "score": pair(score, "--score"), "cancels": cancels, "amends": amends, "reason": reason,
            "event_id": event_id,
        }  # fmt: skip
    posted = {name: None if amends is not None and value == "" else value for name, value in given(more).items()}
    _post(api, match, {"kind": kind.replace("-", "_"), **posted}, OPTIONS, as_json)


def receipts(
    match: Match,
    with_cost: Annotated[
        bool, typer.Option("--cost", help="Add what each broadcast cost, by AWS's list prices in us-east-1.")
    ] = False,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """List what became of a match's broadcasts. Accepted by the gateway is not yet seen by a viewer."""
    with errors_end_the_command(), operator_at(api) as operator:
        found: list[dict[str, Any]] = list(operator.receipts(match))
        if with_cost:
            from forecast.goal_cost import report
            from forecast.price_file import prices

            listed = prices()
            found = [{**each, "cost": report(each, listed)} for each in found]
    if as_json:
        print(json.dumps({"match": match, "receipts": found}))  # noqa: T201
        return
    columns = ("seq", "rows", "accepted", "gone", "failed", "skipped", "throttled", "batches", "set_aside", "ms")
    table = Table(*columns, title=f"Broadcasts of {match}")
    for each in found:
        if "published" not in each:
            table.add_row(*(str(each[name]) for name in columns))
    out.print(table)
    for each in found:
        if "published" in each:
            out.print(_published(each), markup=False, highlight=False)
    if with_cost:
        out.print(_costs(match, found))


def _costs(match: str, found: list[dict[str, Any]]) -> Table:
    """The cost of each broadcast by line, in dollars."""
    names = list(dict.fromkeys(line["name"] for each in found for line in each["cost"]["lines"]))
    columns = (f"seq {each['seq']} in {printable(each['cell'])}" for each in found)
    table = Table("dollars", *columns, title=f"Cost of the broadcasts of {match}, list prices of us-east-1")
    for name in names:
        usd = [{line["name"]: line["usd"] for line in each["cost"]["lines"]}.get(name, "") for each in found]
        table.add_row(name, *("unknown" if value is None else f"{value:.6f}" if value != "" else "" for value in usd))
    totals = [f"{each['cost']['usd']:.6f}{'' if each['cost']['complete'] else ' and more'}" for each in found]
    table.add_row("together", *totals, style="bold")
    return table


def _published(receipt: dict[str, Any]) -> str:
    """The receipt of a cell whose transport broadcasts, as a line of text."""
    feeds = ", ".join(f"{each['feed']} ({each['bytes']:,} bytes)" for each in receipt["published"])
    took = max(each["taken_at"] for each in receipt["published"]) - receipt["due_at"]
    refused = f"; refused before: {len(receipt['refused'])}" if receipt["refused"] else ""
    return (
        f"seq {receipt['seq']} in {printable(receipt['cell'])} ({printable(receipt['transport'])}): published {feeds} "
        f"after {took:,} ms{refused}. The service does not say which viewers it reached."
    )


def stop(match: Match, api: Api = LOCAL.api_url, as_json: AsJson = False) -> None:
    """End a broadcast that should not go on. The next event is broadcast again, with what had not been told."""
    with errors_end_the_command(), operator_at(api) as operator:
        ended = operator.stop(match)
    told = " and ".join(f"{cell['told']} in {name}" for name, cell in ended["cells"].items())
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
    with errors_end_the_command(), operator_at(api) as operator:
        # The models take CPU to import, and --help does without them.
        from matches.events import EVENT

        checked(EVENT.validate_python, posted, options)
        taken = operator.post_event(match, posted)
        event_id = taken["event_id"]
        outcome = operator.settled(match, event_id, request=taken.get("request"))
        refused = outcome["status"] == "refused"
        text = f"refused: {outcome['reason']}" if refused else f"applied as seq {outcome['seq']}"
    show(outcome, as_json, f"{event_id} {text}")
    raise typer.Exit(1 if refused else 0)
