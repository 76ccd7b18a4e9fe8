"""The command ``livescore``."""

from importlib.metadata import version
from typing import Annotated

import typer

from devstack.commands import (
    aside,
    faults,
    fixtures,
    fuzz,
    match,
    measure,
    model,
    package,
    reset,
    screenshots,
    smoke,
    stack,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
matches = typer.Typer(no_args_is_help=True, help="Schedule, change, list and remove matches.")
app.add_typer(matches, name="match")
matches.command("create")(fixtures.create)
matches.command("change")(fixtures.change)
matches.command("remove")(fixtures.remove)
matches.command("list")(fixtures.list_matches)
matches.command("show")(fixtures.show_match)
matches.command("lineups")(fixtures.lineups)
matches.command("reset")(reset.reset)
app.command()(stack.up)
app.command()(stack.demo)
app.command()(stack.token)
app.command()(smoke.smoke)
app.command()(match.goal)
app.command()(match.event)
app.command()(match.watch)
app.command()(match.receipts)
app.command()(match.stop)
app.command()(aside.redrive)
app.command("replay")(match.replay_file)
app.command()(measure.loadtest)
app.command()(measure.bench)
app.command()(fuzz.fuzz)
app.command()(faults.faults)
app.command()(model.model)
app.command()(package.package)
app.command()(screenshots.screenshots)


def _version(wanted: bool) -> None:
    if wanted:
        print(version("livescore"))  # noqa: T201
        raise typer.Exit


@app.callback()
def livescore(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Broadcast live scores: start a system on this machine, enter events, watch matches, measure."""
