"""The command that says beforehand how long viewers wait and what a match costs: plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from commands.common import AsJson, WrongOptionError, errors_end_the_command, out, writable
from commands.quota_option import Quotas, quotas_of
from forecast.asking import ask, transports
from forecast.bill import GROUPS, Options
from forecast.planner import OURS, dollars, report
from forecast.question import Question, QuestionError
from forecast.wording import duration

if TYPE_CHECKING:
    from forecast.planner import Plan, Row

PAGES = ("match", "scoreboard", "none")


def plan(
    viewers: Annotated[int, typer.Option(help="Viewers of all matches together.")],
    events: Annotated[int, typer.Option(help="Events of each match.")] = 25,
    hours: Annotated[float, typer.Option(help="Hours for which every viewer stays.")] = 2.0,
    matches: Annotated[int, typer.Option(help="Matches at the same time.")] = 1,
    cells: Annotated[int, typer.Option(help="Cells, each in a region of its own.")] = 1,
    region: Annotated[str, typer.Option(help="Region whose default quotas count.")] = "us-east-1",
    transport: Annotated[str, typer.Option(help="Name of a transport, or all.")] = "all",
    quota: Quotas = None,
    within: Annotated[float | None, typer.Option(help="Seconds in which the last viewer is to have a goal.")] = None,
    page: Annotated[str, typer.Option(help="Page that viewers have open: match, scoreboard or none.")] = "match",
    keepalives: Annotated[
        bool | None,
        typer.Option("--keepalives-billed/--keepalives-free", help="Whether AppSync bills keep-alive frames."),
    ] = None,
    momento_price: Annotated[
        str | None, typer.Option(help="Dollars for a million operations of Momento: 0.5, or a range 0.2-0.9.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw seconds and dollars by audience into this SVG.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say how long the last viewer waits, what a match costs, which quotas to raise, and which transport to choose.

    All figures are computed from AWS's default quotas and list prices; nothing is called.
    """
    writable(plot)
    if plot is not None and plot.suffix != ".svg":
        raise typer.BadParameter(f"{plot} does not end in .svg", param_hint="--plot")
    if page not in PAGES:
        raise typer.BadParameter(f"{page} is not one of {', '.join(PAGES)}", param_hint="--page")
    with errors_end_the_command():
        question = Question(viewers, events, hours, matches, cells, region, quotas_of(quota), within)
        options = Options(keepalives, _range(momento_price), page)  # type: ignore[arg-type]
        wanted = _wanted(transport)
        if momento_price is not None and "momento" not in wanted:
            raise WrongOptionError("--momento-price says what Momento costs, and --transport leaves Momento out.")
        if keepalives is not None and "appsync-events" not in wanted:
            raise WrongOptionError(
                "--keepalives-billed and --keepalives-free are about appsync-events, which --transport leaves out."
            )
        found = ask(question, wanted, options)
        if plot is not None:
            from forecast.plan_plot import draw  # matplotlib is much to import

            draw(plot, question, wanted, options)
    if as_json:
        print(json.dumps(report(found), allow_nan=False))  # noqa: T201
    else:
        _show(found)


def _wanted(transport: str) -> list[str]:
    known = transports()
    if transport == "all":
        return known
    if transport not in known:
        raise QuestionError(f"There is no transport {transport}; there are {', '.join(known)}, and all.")
    return [transport]


def _range(stated: str | None) -> tuple[float, float] | None:
    if stated is None:
        return None
    low, _, high = stated.partition("-")
    try:
        found = float(low), float(high or low)
    except ValueError:
        found = (-1.0, -1.0)
    if not 0 <= found[0] <= found[1] <= 1_000_000:
        raise WrongOptionError(f"--momento-price is a number of dollars, or a range such as 0.2-0.9, not {stated}.")
    return found


def _show(found: Plan) -> None:
    question = found.question
    several = question.matches > 1
    columns = ["first", "median", "last viewer", *(["last, all at once"] if several else []), "all connected", "limit"]
    seconds = Table("transport", *columns, title="Seconds to a goal")
    for row in found.rows:
        times = [row.alone.first_s, row.alone.median_s, row.alone.last_s]
        times += [row.together.last_s] if several else []
        seconds.add_row(
            row.name, *map(duration, times), duration(row.join_s), OURS.get(row.alone.binds, row.alone.binds)
        )
    out.print(seconds)
    money = Table(
        "dollars", *(row.name for row in found.rows), title=f"Cost of the match, list prices of {found.prices_of[0]}"
    )
    for name in GROUPS:
        money.add_row(name.replace("_", " "), *(_money(*row.bill.group(name)) for row in found.rows))
    money.add_row("together", *(_total(row) for row in found.rows), style="bold")
    out.print(money)
    if question.region != found.prices_of[0]:
        where, read = found.prices_of
        sentence = (
            f"The price file has no prices of {question.region}: the dollars are those of {where}, read on {read}."
        )
        out.print(sentence, highlight=False)
    for row in found.rows:
        for sentence in _raises(row, question.within_s):
            out.print(f"{row.name}: {sentence}", highlight=False, markup=False)
    if found.recommended == "none":
        out.print(f"{found.reason[0].upper()}{found.reason[1:]}.", style="bold", highlight=False)
        return
    out.print(f"Recommended: {found.recommended}, because {found.reason}.", style="bold", highlight=False)


def _raises(row: Row, within: float | None) -> list[str]:
    found = [f"{row.refuses}, and the audience is larger."] if row.refuses is not None else []
    if row.join_binds in OURS:
        found.append(f"{OURS[row.join_binds]} limit how fast the audience connects.")
    raised = row.raised
    if within is not None and not raised.is_possible:
        return [*found, f"no quota helps: {row.alone.first_s:.2f} s pass before the first viewer has the goal."]
    wanted = [f"the quota {key} to {value:,}" for key, value in raised.quotas.items()]
    wanted += [f"the setting {key} to {value:,}" for key, value in raised.settings.items()]
    aim = f"for {within:g} s " if within is not None else ""
    cells = f" in each of {raised.cells} cells" if wanted and raised.cells > 1 else ""
    return [*found, f"{aim}raise {', '.join(wanted)}{cells}."] if wanted else found


def _money(low: float, high: float) -> str:
    return f"{high:,.2f}" if high - low < 0.005 else f"{low:,.2f} to {high:,.2f}"


def _total(row: Row) -> str:
    return dollars(row.bill) if row.bill.is_complete else f"{dollars(row.bill)} and Momento's price"
