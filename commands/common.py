"""Shared by the commands: options, the consoles that they print to, the way they end."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from client.errors import FollowError
from devstack import signals
from devstack.operator.api_client import Operator
from devstack.stack.ministack import StackError, free_port
from devstack.system import DEFAULT_PORT, Gateway, System
from loadtest.load_limits import allow_sockets
from loadtest.terminal_text import printable
from loadtest.token_sources import tokens_from
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

out = Console(width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, soft_wrap=True)

LOCAL = System(DEFAULT_PORT)
Api = Annotated[str, typer.Option(envvar="LIVESCORE_API", help="URL of the HTTP API.")]
WebSocket = Annotated[str, typer.Option(envvar="LIVESCORE_WS", help="URL of the viewers' WebSocket.")]
Cell = Annotated[
    str | None,
    typer.Option("--cell", help="Name of a cell of the site. The site says its address and transport."),
]
Site = Annotated[
    str | None,
    typer.Option(
        "--site", envvar="LIVESCORE_SITE", help="URL of the pages. Viewers then watch in its first cell, or in --cell."
    ),
]
Aws = Annotated[
    bool, typer.Option("--aws", help="Look in the AWS account of the environment, not in the stack on this machine.")
]
Prefix = Annotated[str, typer.Option(help="First part of the names of all resources; with --aws only.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Match = Annotated[str, typer.Argument(help="Id of the match.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; a free one by default.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
GatewayOption = Annotated[
    Gateway,
    typer.Option(
        "--gateway", help="The program that plays API Gateway for viewers: MiniStack, or a stand-in for load."
    ),
]

MINISTACK_VIEWERS = 500
"""More viewers than these take minutes on MiniStack's gateway, which sends about 1,400 frames a second on two cores."""


class WrongOptionError(ProgramError):
    """The options of a command cannot be used as they are; the text names them, for a person."""

    exit_status = 2


def operator(api: str) -> Operator:
    """The operator at an API, with the token or the app client of the environment, else with a token of devstack."""
    return Operator(api, tokens_from(os.environ))


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def checked(
    validate: Callable[[dict[str, Any]], object], body: dict[str, Any], options: Mapping[str, str]
) -> dict[str, Any]:
    """The body, which the API will take. ``options`` are the names of fields that are no options of the same name.

    Raises WrongOptionError for a body that the API would refuse by its form.
    """
    from pydantic import ValidationError

    from matches.events import describe as describe_problems

    try:
        validate(body)
    except ValidationError as error:
        words = describe_problems(error, lambda field: options.get(field, f"--{field.replace('_', '-')}"))
        raise WrongOptionError(f"{words}.") from None
    return body


def pair(text: str | None, option: str) -> list[int] | None:
    """Two numbers of goals, home and away, from ``3-0``; raises WrongOptionError."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*([0-9]{1,2})\s*[-–:]\s*([0-9]{1,2})\s*", text)
    if found is None:
        raise WrongOptionError(f"{option} is the goals of the home and of the away team, such as 3-0.")
    return [int(found[1]), int(found[2])]


def show(body: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result, for a program or for a person."""
    if as_json:
        print(json.dumps(body, ensure_ascii=False))  # noqa: T201
    else:
        out.print(printable(text), markup=False, highlight=False)


def confirm(question: str, do: str, done: str) -> None:
    """Ask before something is lost. Raises StackError unless a person at the terminal says yes."""
    if not sys.stdin.isatty():
        raise StackError(f"Nobody is there to be asked. Add --yes to {do} without asking.")
    if not typer.confirm(question, err=True):
        raise StackError(f"Nothing was {done}.")


def say(text: str) -> None:
    """Print a line about the progress of a command. Does nothing once the terminal has gone."""
    with suppress(OSError):
        err.print(printable(text), style="dim", markup=False, highlight=False)


def writable(*files: Path | None) -> None:
    """Raises BadParameter for a file that cannot be written, before anything is measured for it."""
    for file in files:
        if file is None:
            continue
        if not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file} is in no folder that exists")
        if file.is_dir() or not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
            raise typer.BadParameter(f"{file} cannot be written")


def port_for(viewers: int, port: int | None) -> int:
    """The port of a stack for this number of sockets. Raises StackError if the machine does not allow that many."""
    if (refusal := allow_sockets(viewers)) is not None:
        raise StackError(refusal)
    return port or free_port()


def gateway_for(viewers: int, gateway: Gateway | None) -> Gateway:
    """The chosen gateway, else one for this number of viewers. Raises StackError if the chosen one is too slow."""
    if viewers <= MINISTACK_VIEWERS:
        return gateway or "ministack"
    if gateway == "ministack":
        raise StackError(
            f"MiniStack's gateway is too slow for more than {MINISTACK_VIEWERS} viewers. "
            f"Use --gateway standin for {viewers}, or fewer viewers."
        )
    if gateway is None:
        say(f"The stand-in plays API Gateway: MiniStack's is too slow for more than {MINISTACK_VIEWERS} viewers.")
    return "standin"


def progress(status: Any) -> Any:
    """Shows progress in one line on a terminal, line by line elsewhere."""
    if out.is_terminal:
        return lambda text: status.update(escape(printable(text)))
    often = ("are watching", "dead connections", "rows written")
    return lambda text: say(text) if not text.endswith(often) else None


@contextmanager
def errors_end_the_command() -> Iterator[None]:
    """Turns an error of ours, of the client or of the operating system into a sentence on stderr.

    The exit status is that of the error: 2 for options that cannot be used, as of all commands, and 1 otherwise. A
    signal ends the command tidily.
    """
    with signals.once():
        try:
            yield
        except (ProgramError, FollowError, OSError) as error:
            with suppress(OSError):  # the terminal has been closed
                err.print(printable(f"livescore: {error}"), style="red", markup=False, highlight=False, soft_wrap=True)
            sys.exit(error.exit_status if isinstance(error, ProgramError) else 1)
        except KeyboardInterrupt:
            sys.exit(130)
