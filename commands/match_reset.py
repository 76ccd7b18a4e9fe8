"""The command that removes everything of a match: match reset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from broadcaster.control.reset import MadeAgainError
from commands.common import LOCAL, Api, AsJson, Aws, Match, Prefix, confirm, err, errors_end_the_command, out
from devstack.deployment import running_system
from devstack.stack.ministack import StackError
from devstack.system import PREFIX
from matches.events import MatchId

if TYPE_CHECKING:
    from collections import Counter

_MATCH_ID: TypeAdapter[str] = TypeAdapter(MatchId)


def reset(
    match: Match,
    yes: Annotated[bool, typer.Option("--yes", help="Remove the match without asking.")] = False,
    api: Api = LOCAL.api_url,
    aws: Aws = False,
    prefix: Prefix = PREFIX,
    as_json: AsJson = False,
) -> None:
    """Remove everything of a match, at home and in every cell. Exit 1 if a cell could not be reached: run it again."""
    try:
        _MATCH_ID.validate_python(match)
    except ValidationError:
        raise typer.BadParameter(f"{match!a} is not the id of a match") from None
    with errors_end_the_command(), running_system.aws_errors():
        tables = running_system.reset(api, aws=aws, prefix=prefix)
        if not yes:
            confirm(f"Remove match {match} with all its events, receipts and subscriptions?", "remove", "removed")
        try:
            removed = tables.run(match)
        except MadeAgainError as error:
            raise StackError(str(error)) from None
    if as_json:
        print(json.dumps(removed.to_dict()))  # noqa: T201
    else:
        out.print(f"home: {_shown(removed.home)}", markup=False, highlight=False)
        for name, counts in removed.cells.items():
            out.print(f"{name}: {_shown(counts)}", markup=False, highlight=False)
    for name, reason in removed.unreached.items():
        text = f"livescore: {name} was not reached, and rows may be left there. Run it again. ({reason})"
        err.print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(1 if removed.unreached else 0)


def _shown(counts: Counter[str]) -> str:
    """The rows that were removed: ``31 event, 1 state``."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"
