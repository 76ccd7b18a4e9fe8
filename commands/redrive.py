"""The command for messages that were set aside: redrive."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from broadcaster.control.set_aside import Message, NoSuchMessageError, find
from broadcaster.home.set_aside_queues import Redrive, RedriveResult
from commands.common import LOCAL, Api, AsJson, Aws, Prefix, confirm, err, errors_end_the_command, out
from devstack.deployment import running_system
from devstack.stack.ministack import StackError
from devstack.system import PREFIX
from loadtest.terminal_text import printable

AGES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def redrive(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of messages; the first characters are enough.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the messages again, then delete them.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete the messages. Their content is lost.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Take all messages.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Drop the messages without asking.")] = False,
    api: Api = LOCAL.api_url,
    aws: Aws = False,
    prefix: Prefix = PREFIX,
    as_json: AsJson = False,
) -> None:
    """List messages that failed for good, with the reason; send or drop them. Exit 1 if a message had to be kept."""
    if send and drop:
        raise typer.BadParameter("messages are sent or dropped, not both")
    if (send or drop) != bool(ids or every) or (ids and every):
        raise typer.BadParameter("say --send or --drop, and which: ids, or --all")
    with (
        errors_end_the_command(),
        running_system.aws_errors(),
        running_system.redrive(api, aws=aws, prefix=prefix) as queue,
    ):
        messages = queue.receive()
        for name in sorted(queue.unreached):
            err.print(f"The queue of the cell {name} does not answer: what lies there is not shown.", highlight=False)
        if not (send or drop):
            _show(messages, as_json)
            raise typer.Exit(1 if queue.unreached else 0)
        chosen = messages if every else _chosen(messages, ids or [])
        if drop and not yes:
            _ask(len(chosen))
        kept = _carry_out(queue, chosen, drop=drop, as_json=as_json)
    raise typer.Exit(1 if kept or queue.unreached else 0)


def _chosen(messages: list[Message], ids: list[str]) -> list[Message]:
    """The messages of these ids, in the order in which they are sent."""
    try:
        wanted = {find(messages, each).id for each in ids}
    except NoSuchMessageError as error:
        raise StackError(str(error)) from None
    return [each for each in messages if each.id in wanted]


def _ask(count: int) -> None:
    if count:
        confirm(f"Drop {count} message{'s' if count > 1 else ''}? Their content is lost.", "drop", "dropped")


def _carry_out(queue: Redrive, chosen: list[Message], *, drop: bool, as_json: bool) -> int:
    """Send or drop each message and print the outcome; returns the number of messages that had to be kept."""
    kept = 0
    for message in chosen:
        result: RedriveResult = queue.drop(message) if drop else queue.send(message)
        kept += result.outcome == "kept"
        if as_json:
            shown = {**message.to_dict(time.time()), "outcome": result.outcome, "said": result.reason}
            print(json.dumps(shown), flush=True)  # noqa: T201
        else:
            text = (
                f"{message.id[:8]} {message.kind} {printable(message.match or '')}: {result.outcome}, {result.reason}"
            )
            out.print(text, markup=False, highlight=False)
    if not chosen and not as_json:
        out.print("Nothing is set aside.")
    return kept


def _show(messages: list[Message], as_json: bool) -> None:
    now = time.time()
    if as_json:
        print(json.dumps({"messages": [each.to_dict(now) for each in messages]}))  # noqa: T201
        return
    if not messages:
        out.print("Nothing is set aside.")
        return
    table = Table("id", "kind", "match", "reason", "age", "received", title="Set aside")
    for each in messages:
        reason = f"{each.reason} [cannot be sent: {each.obstacle}]" if each.obstacle else each.reason
        cells = (each.id[:8], each.kind, printable(each.match or ""), printable(reason), _age(now - each.sent_at))
        table.add_row(*map(Text, cells), str(each.received))
    out.print(table)


def _age(seconds: float) -> str:
    size, unit = next((each for each in AGES if seconds >= each[0]), AGES[-1])
    return f"{max(0, int(seconds // size))} {unit}"
