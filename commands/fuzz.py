"""The command that fuzzes the parsers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status
from rich.table import Table

from commands.common import err, errors_end_the_command, out
from devstack.system import STATE
from trials.fuzz.fuzz_runner import TARGETS, Failure, Fuzzed, again, save, target_of
from trials.fuzz.fuzz_runner import fuzz as run

FAILURES = STATE / "fuzz"


def fuzz(
    parser: Annotated[
        list[str] | None, typer.Argument(help=f"Parsers to try, all by default: {', '.join(TARGETS)}.")
    ] = None,
    inputs: Annotated[int, typer.Option(min=1, help="Number of inputs for each parser.")] = 100_000,
    seed: Annotated[
        int | None, typer.Option(help="Number that decides the inputs, to try the same again; random by default.")
    ] = None,
    again_file: Annotated[
        Path | None, typer.Option("--again", exists=True, dir_okay=False, help="File of a failure to try again.")
    ] = None,
) -> None:
    """Give the parsers inputs that were damaged on purpose; exit 0 only if none crashed, hung or took what is wrong."""
    if again_file is not None:
        _again(again_file)
    unknown = sorted(set(parser or ()) - set(TARGETS))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(TARGETS)}")
    seed = random.randrange(2**32) if seed is None else seed
    done = []
    with errors_end_the_command():
        for name in parser or TARGETS:
            with out.status(name) as status:
                if not out.is_terminal:
                    err.print(f"{name} …", style="dim")

                def show(number: int, name: str = name, status: Status = status) -> None:
                    status.update(f"{name}: {number:,}")

                done.append(run(TARGETS[name], inputs, seed, show))
            if (failure := done[-1].failure) is not None:
                _tell(failure, save(failure, name, FAILURES))
    _show(done, seed)
    raise typer.Exit(1 if any(each.failure for each in done) else 0)


def _again(path: Path) -> None:
    target = target_of(path)
    if target is None:
        raise typer.BadParameter(f"{path.name} does not begin with one of {', '.join(TARGETS)}")
    failure = again(target, path.read_bytes())
    if failure is None:
        out.print("It does not fail.")
        raise typer.Exit(0)
    _tell(failure, path)
    raise typer.Exit(1)


def _tell(failure: Failure, path: Path) -> None:
    text = f"livescore: {failure.how}: {failure.why!r}. Try it again with: livescore fuzz --again {path}"
    err.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def _show(done: list[Fuzzed], seed: int) -> None:
    table = Table("parser", "inputs", "taken", "seconds", "failure", title=f"seed {seed}")
    for each in done:
        failure = "" if each.failure is None else each.failure.how
        table.add_row(each.name, f"{each.inputs:,}", f"{each.taken:,}", f"{each.seconds:.1f}", failure)
    out.print(table)
