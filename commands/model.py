"""The command that plays the model of the whole."""

from __future__ import annotations

import random
from typing import Annotated

import typer

from commands.common import err, errors_end_the_command, out, say

STEPS = 100_000
"""Steps of a run without options: about ten minutes."""


def model(
    steps: Annotated[int | None, typer.Option(min=1, help=f"Number of steps to play; {STEPS:,} by default.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Minutes to play for, instead of a number of steps.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Number that decides the order of steps; random by default.")
    ] = None,
    shorten: Annotated[bool, typer.Option(help="Shorten a schedule that fails, which takes minutes.")] = True,
) -> None:
    """Play the whole system in one process, side effect by side effect, in orders that chance chooses."""
    from trials.model.model_runner import PROGRESS_RUNS, play_on

    if steps is None and minutes is None:
        steps = STEPS
    first = random.randrange(1_000_000) if seed is None else seed
    with errors_end_the_command():
        say(f"seed {first}")
        failure = play_on(first, steps=steps, minutes=minutes, say=say, shorten=shorten)
    if failure is None:
        out.print("Everything held.", highlight=False)
        return
    err.print(f"livescore: {failure.sentence}", style="red", markup=False, highlight=False)
    out.print(failure.schedule, markup=False, highlight=False)
    out.print(f"Again: livescore model --seed {failure.seed} --steps {PROGRESS_RUNS}", markup=False, highlight=False)
    raise typer.Exit(1)
