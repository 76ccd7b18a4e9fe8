"""The command ``livescore``."""

from typing import Annotated

import typer

from commands.lazy import add, group

app = group()
matches = group(help="Schedule, change, list and remove matches.")
app.add_typer(matches, name="match")
add(matches, "match_schedule.create")
add(matches, "match_schedule.change")
add(matches, "match_schedule.remove")
add(matches, "match_schedule.list_matches", "list")
add(matches, "match_schedule.show_match", "show")
add(matches, "match_schedule.lineups")
add(matches, "match_reset.reset")
add(app, "stack.up")
add(app, "stack.demo")
add(app, "stack.token")
add(app, "plan_match.plan")
add(app, "simulate.simulate")
add(app, "preflight.preflight")
add(app, "smoke.smoke")
add(app, "match_events.goal")
add(app, "match_events.event")
add(app, "watch_match.watch")
add(app, "match_events.receipts")
add(app, "trace_event.trace")
add(app, "match_events.stop")
add(app, "tell_viewer.tell")
add(app, "redrive.redrive")
add(app, "replay.replay_file", "replay")
add(app, "measure.loadtest")
add(app, "measure.bench")
add(app, "fuzz.fuzz")
add(app, "faults.faults")
add(app, "model.model")
add(app, "package.package")
add(app, "screenshots.screenshots")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # It takes 0.02 s of CPU.

        print(version("livescore"))  # noqa: T201
        raise typer.Exit


@app.callback()
def livescore(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Broadcast live scores: start a system on this machine, enter events, watch matches, measure."""
