"""The command ``livescore``."""

import typer

from devstack.commands import match, measure, model, stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
matches = typer.Typer(no_args_is_help=True, help="Matches.")
app.add_typer(matches, name="match")
matches.command("create")(match.create)
matches.command("show")(match.show_match)
app.command()(stack.up)
app.command()(stack.demo)
app.command()(match.goal)
app.command()(match.event)
app.command()(match.watch)
app.command()(match.receipts)
app.command("replay")(match.replay_file)
app.command()(measure.loadtest)
app.command()(measure.bench)
app.command()(model.model)
