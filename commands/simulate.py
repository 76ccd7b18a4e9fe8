"""The command that plays broadcasts in virtual time: simulate."""

from __future__ import annotations

import json
import resource
import time
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from commands.common import AsJson, WrongOptionError, errors_end_the_command, out, progress
from commands.quota_option import Quotas, quotas_of
from commands.simulate_modes import KICK_OFF, STORMS, check_given, mode_of
from devstack.stack_cells import API_GATEWAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecast.account import Account
    from forecast.simulation.scenario import Goal, Scenario

MOST_VIEWERS = 50_000_000
"""The numbers of connections have eight digits."""

DIFFERS = 1
"""Exit status when a simulation differs too much from what it is compared with, or somebody missed a goal."""


def simulate(
    context: typer.Context,
    viewers: Annotated[int, typer.Option(help="Viewers of all matches together.")] = 10_000,
    goals: Annotated[int, typer.Option(help="Goals of each match.")] = 2,
    gap: Annotated[float, typer.Option(help="Seconds between two goals of a match.")] = 60.0,
    matches: Annotated[int, typer.Option(help="Matches, whose goals fall at the same moments.")] = 1,
    cells: Annotated[int, typer.Option(help="Cells, each with the rate of a region of its own.")] = 1,
    send_rate: Annotated[int, typer.Option(help="POSTs a second of all senders of a cell.")] = 7_500,
    sender_rate: Annotated[int, typer.Option(help="POSTs a second of one sender.")] = 3_000,
    account_rate: Annotated[
        float | None, typer.Option(help="Requests a second of the account; 2,500 more than the senders'.")
    ] = None,
    latency: Annotated[float, typer.Option(help="Milliseconds from a POST to its answer.")] = 30.0,
    jitter: Annotated[float, typer.Option(help="Standard deviation of these milliseconds.")] = 0.0,
    gone: Annotated[float, typer.Option(help="Share of viewers that have left: 410.")] = 0.0,
    slow: Annotated[float, typer.Option(help="Share of viewers that read nothing: 429.")] = 0.0,
    errors: Annotated[float, typer.Option(help="Share of POSTs that are answered 500.")] = 0.0,
    lost: Annotated[float, typer.Option(help="Share of accepted frames that do not reach their viewer.")] = 0.0,
    down_cell: Annotated[int | None, typer.Option(help="Number, from 0, of a cell that is down for a while.")] = None,
    down_from: Annotated[float, typer.Option(help="Second from which that cell is down.")] = 0.0,
    down_for: Annotated[float, typer.Option(help="Seconds for which it is down.")] = 60.0,
    down_posts_only: Annotated[
        bool, typer.Option("--down-posts-only", help="That cell takes no POST and answers all other calls.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of all chance.")] = 0,
    transport: Annotated[str, typer.Option(help="Transport of the cells, such as appsync-events.")] = "api-gateway",
    quota: Quotas = None,
    drop_after: Annotated[
        float | None,
        typer.Option(help="Seconds for which a broadcasting service keeps a frame above its rate, then drops it."),
    ] = None,
    storm: Annotated[
        str | None, typer.Option(help=f"Play connections instead of goals: {', '.join(STORMS)}.", metavar="STORM")
    ] = None,
    spread: Annotated[float, typer.Option(help="Seconds within which viewers come at kick-off.")] = 300.0,
    as_bench: Annotated[str | None, typer.Option(help="Run a bench and simulate its cases beside it: budget.")] = None,
    against_plan: Annotated[bool, typer.Option("--against-plan", help="Compare the planner in 200 settings.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Play goals to many viewers in virtual time, with the product's own senders and modelled services.

    Exit 0 only if nobody who reads missed a goal; with --as-bench only if the simulation agrees with the measurement,
    with --against-plan only if the planner agrees with the simulation.
    """
    with errors_end_the_command():
        _check_transport(transport)
        mode = mode_of(as_bench=as_bench, against_plan=against_plan, storm=storm, transport=transport)
        sources = {name: context.get_parameter_source(name) for name in context.params}
        check_given(mode, [name for name, source in sources.items() if source is None or source.name != "DEFAULT"])
    if as_bench is not None:
        _as_bench(as_bench, as_json)
    if against_plan:
        from commands.against_plan import against_plan as agree

        with errors_end_the_command():
            agrees = agree(as_json, seed)
        raise typer.Exit(0 if agrees else DIFFERS)
    with errors_end_the_command():
        _check_counts({"--viewers": viewers, "--goals": goals, "--matches": matches, "--cells": cells})
        _check_shares({"--gone": gone, "--slow": slow, "--errors": errors, "--lost": lost})
        _check_times({"--gap": gap, "--latency": latency, "--jitter": jitter, "--spread": spread})
        _check_times({"--down-from": down_from, "--down-for": down_for, "--drop-after": drop_after or 0.0})
        if storm is not None:
            report = _storm(storm, viewers, matches, cells, transport, spread, quotas_of(quota), seed)
        elif transport != API_GATEWAY:
            if drop_after == 0:
                raise WrongOptionError("--drop-after is above 0: a frame needs some time to leave.")
            report = _service(
                transport, viewers, _goals(goals, gap, matches), matches, cells, quotas_of(quota), drop_after, seed
            )
        else:
            if send_rate < 1 or sender_rate < 1 or not (account_rate is None or 1 <= account_rate < float("inf")):
                raise WrongOptionError("--send-rate, --sender-rate and --account-rate are numbers above 0.")
            if down_cell is not None and not 0 <= down_cell < cells:
                raise WrongOptionError(f"--down-cell is the number of a cell, from 0 to {cells - 1}, not {down_cell}.")
            from forecast.simulation.scenario import MOST_AWAKE, Gateway, Scenario

            rate = account_rate or send_rate + 2_500
            scenario = Scenario(
                viewers=tuple(viewers * (each + 1) // matches - viewers * each // matches for each in range(matches)),
                goals=_goals(goals, gap, matches),
                cells=cells,
                down_cell=down_cell,
                down_from_s=down_from,
                down_until_s=down_from + down_for,
                down_for_posts_only=down_posts_only,
                send_rate=send_rate,
                sender_rate=sender_rate,
                gateway=Gateway(
                    rate, rate / 2, latency / 1000, jitter / 1000, gone=gone, slow=slow, errors=errors, lost=lost
                ),
                seed=seed,
            )
            if scenario.awake > MOST_AWAKE:
                raise WrongOptionError(
                    f"With --lost {lost} up to {scenario.awake:,} viewers lack a frame at once, and 2 GB are enough "
                    f"for {MOST_AWAKE:,}. Choose a smaller --lost, --send-rate or --viewers."
                )
            report = _senders(scenario)
    _print(report, as_json)
    raise typer.Exit(DIFFERS if report.get("missed") else 0)


def _goals(goals: int, gap: float, matches: int) -> tuple[Goal, ...]:
    """This many goals of each match, ``gap`` seconds apart."""
    from forecast.simulation.scenario import Goal

    return tuple(Goal(number * gap, match) for match in range(matches) for number in range(goals))


def _senders(scenario: Scenario) -> dict[str, Any]:
    """Play goals with the product's own senders."""
    from forecast.simulation.simulator import simulate as play

    begun = time.monotonic()
    report = play(scenario).report()
    report["wall_s"] = round(time.monotonic() - begun, 1)
    report["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report


def _storm(
    storm: str, viewers: int, matches: int, cells: int, transport: str, spread: float, quotas: dict[str, float],
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Play connections."""
    from forecast.planner import refusal
    from forecast.quota_uses import join_quotas
    from forecast.simulation.arrivals import Storm, check, play
    from forecast.times import join_rates, joining

    kick_off = storm == KICK_OFF
    account = _account(quotas, join_quotas(transport, opens_page=kick_off), f"--storm {storm} on {transport}")
    rates = join_rates(transport, account, matches=matches, cells=cells, opens_page=kick_off)
    _, binds = joining(transport, viewers / cells, rates)
    played = Storm(viewers, list(rates.values()), spread if kick_off else 0.0, cells, seed)
    check(played, binds)
    return {
        "storm": storm, "transport": transport, "matches": matches, "cells": cells, "binds": binds,
        "a_second": round(rates[binds], 1), "refuses": refusal(transport, viewers / cells, account),
        **play(played).report(),
    }  # fmt: skip


def _service(
    transport: str, viewers: int, goals: Sequence[Goal], matches: int, cells: int, quotas: dict[str, float],
    drop_after: float | None, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Play goals on a transport that broadcasts itself."""
    from forecast.planner import refusal
    from forecast.quota_uses import goal_quotas
    from forecast.simulation.services import Service, play
    from forecast.times import outbound

    account = _account(quotas, goal_quotas(transport), f"A goal on {transport}")
    _, rate = outbound(transport, account)
    # The cell with the most viewers, and its matches.
    in_cell = ceil(viewers / cells)
    audience = [in_cell * (each + 1) // matches - in_cell * each // matches for each in range(matches)]
    service = Service(rate, float("inf") if drop_after is None else drop_after)
    return {
        "viewers": viewers, "viewers_in_cell": in_cell, "transport": transport, "deliveries_a_second": rate,
        "refuses": refusal(transport, in_cell, account), **play(audience, goals, service, seed=seed).report(),
    }  # fmt: skip


def _account(quotas: dict[str, float], used: set[str], about: str) -> Account:
    """The account with these quotas. Raises QuestionError for a quota that changes nothing."""
    from devstack.quotas import quotas as known
    from forecast.asking import ground
    from forecast.bill import Options
    from forecast.quota_uses import check_quotas

    check_quotas(quotas, known(), used, about)
    return ground("us-east-1", Options()).account(quotas)


def _check_transport(transport: str) -> None:
    """Raises WrongOptionError."""
    from forecast.asking import transports

    if transport not in transports():
        raise WrongOptionError(f"There is no transport {transport}; there are {', '.join(transports())}.")


def _print(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(report))  # noqa: T201
    else:
        _show(report)


def _check_counts(counts: dict[str, int]) -> None:
    """Raises WrongOptionError."""
    for name, value in counts.items():
        most = MOST_VIEWERS if name == "--viewers" else 1_000
        if not 1 <= value <= most:
            raise WrongOptionError(f"{name} is a whole number from 1 to {most:,}, not {value}.")
    if counts["--matches"] > counts["--viewers"]:
        raise WrongOptionError("There are more matches than viewers.")


def _check_shares(shares: dict[str, float]) -> None:
    """Raises WrongOptionError."""
    for name, share in shares.items():
        if not 0 <= share <= 0.5:
            raise WrongOptionError(f"{name} is a share from 0 to 0.5, not {share}.")


def _check_times(times: dict[str, float]) -> None:
    """Raises WrongOptionError."""
    for name, value in times.items():
        if not 0 <= value <= 36_000:
            raise WrongOptionError(f"{name} is a number from 0 to 36,000, not {value}.")


def _show(report: dict[str, Any]) -> None:
    table = Table("figure", "simulated", title="simulate")
    for name, value in report.items():
        if name not in ("cells", "refuses"):
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    out.print(table)
    if report.get("refuses") is not None:
        out.print(f"{report['refuses']}, and the audience is larger.", highlight=False)


def _as_bench(name: str, as_json: bool) -> None:
    """Run the bench, simulate its cases, print both, and end the command."""
    if name != "budget":
        raise typer.BadParameter(
            f"{name} is no bench that can be simulated: budget is the only one", param_hint="--as-bench"
        )
    from devstack.measurements.bench_runs import run
    from forecast.simulation.as_bench import agrees, compare

    with errors_end_the_command(), out.status("") as status:
        figures = run(name, progress(status)).figures
        cases = compare(figures["cases"], figures["warm_first_viewer_s"], figures["viewers"])
    if as_json:
        print(json.dumps({"bench": name, "missed": figures["missed"], "cases": cases}))  # noqa: T201
    else:
        table = Table(
            "case", "last viewer, measured", "simulated", "differs", "POSTs, measured", "simulated", "differs"
        )
        for each in cases:
            measured, simulated, differs = each["measured"], each["simulated"], each["differs"]
            table.add_row(
                each["name"], f"{measured['last_viewer_s']} s", f"{simulated['last_viewer_s']} s",
                f"{100 * differs['last_viewer_s']:+.1f} %", f"{measured['posts']:,}", f"{simulated['posts']:,}",
                f"{100 * differs['posts']:+.1f} %",
            )  # fmt: skip
        out.print(table)
    raise typer.Exit(0 if all(map(agrees, cases)) else DIFFERS)
