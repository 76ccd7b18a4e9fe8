"""The command ``livescore``."""

import typer

from devstack.commands import aside, faults, fuzz, match, measure, model, package, reset, screenshots, smoke, stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
matches = typer.Typer(no_args_is_help=True, help="Matches.")
app.add_typer(matches, name="match")
matches.command("create")(match.create)
matches.command("list")(match.list_matches)
matches.command("show")(match.show_match)
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
