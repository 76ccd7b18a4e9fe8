"""The command that breaks things: faults."""

from __future__ import annotations

import json
import random
from typing import Annotated

import typer
from rich.table import Table

from commands.common import JsonFile, Port, err, errors_end_the_command, out, port_for, progress, writable
from trials.faults.fault_kinds import KINDS, SHORT

LONG_ROUNDS = 3
SOCKETS = 600


def faults(
    long: Annotated[
        bool, typer.Option("--long", help=f"Inject all kinds, each {LONG_ROUNDS} times, with more viewers.")
    ] = False,
    json_file: JsonFile = None,
    kinds: Annotated[
        str | None, typer.Option(help="Inject only these kinds, separated by commas.", metavar="KIND,…")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Number that decides the order of the faults; random by default.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the kinds of fault, and stop.")] = False,
    port: Port = None,
) -> None:
    """Inject faults into a stack that broadcasts; exit 0 only if nothing was lost and nothing came twice."""
    if listed:
        table = Table("kind", "promises", "what happens")
        for kind in KINDS.values():
            table.add_row(kind.name, ", ".join(map(str, kind.promises)), kind.what)
        out.print(table)
        return
    names = [each.strip() for each in kinds.split(",")] if kinds else list(KINDS if long else SHORT)
    if unknown := [each for each in names if each not in KINDS]:
        raise typer.BadParameter(f"{', '.join(unknown)}: see livescore faults --list", param_hint="--kinds")
    writable(json_file)
    from trials.faults.run import Plan, run  # much to import, for this command only

    chosen = [KINDS[each] for each in dict.fromkeys(names)]
    seeded = random.randrange(1_000_000) if seed is None else seed
    plan = Plan(chosen, LONG_ROUNDS, told=8, quick=3, seed=seeded) if long else Plan(chosen, seed=seeded)
    with errors_end_the_command(), out.status("") as status:
        report = run(plan, port_for(SOCKETS, port), progress(status))
    result = report.to_dict()
    table = Table("kind", "injected", "repaired", "worst ms")
    for name, figures in result["by_kind"].items():
        table.add_row(name, *(str(figures[each]) for each in ("injected", "repaired", "worst_ms")))
    out.print(table)
    out.print(
        f"{result['injected']} faults of {result['kinds']} kinds in {result['seconds']} s, seed {seeded}.\n"
        f"{result['events']} events to {result['viewers']} viewers: {result['lost']} lost, "
        f"{result['duplicated']} duplicated, {result['repaired']} repaired within {result['repair_ms']['p99']} ms "
        "(99 %).",
        highlight=False,
    )
    for sentence in result["trouble"]:
        err.print(f"livescore: {sentence}", style="red", markup=False, highlight=False)
    if json_file is not None:
        with errors_end_the_command():
            json_file.write_text(json.dumps(result, indent=2) + "\n")
    out.print("[bold green]passed[/]" if report.passed else "[bold red]failed[/]")
    raise typer.Exit(0 if report.passed else 1)
