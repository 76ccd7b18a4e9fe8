"""The command that sends a message to one viewer: tell."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.common import LOCAL, Api, AsJson, WrongOptionError, checked, errors_end_the_command, show
from devstack.operator.api_client import Operator
from devstack.operator.local_tokens import LocalTokens
from loadtest.token_sources import tokens_from

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_CLIENT = "messenger"
"""The app client of the stack on this machine whose tokens send messages."""


def tell(
    subject: Annotated[str, typer.Argument(help="Subject of the viewer's token, its claim `sub`.")],
    key: Annotated[str, typer.Argument(help="Name of what has happened, such as bet-settled.")],
    body: Annotated[str | None, typer.Option(help="Body of the message: JSON of at most 2 KB.")] = None,
    api: Api = LOCAL.api_url,
    as_json: AsJson = False,
) -> None:
    """Send a message to each connection of one viewer that listens."""
    with errors_end_the_command():
        message = checked(_validate, {"key": key, **({} if body is None else {"body": _value(body)})}, {"key": "KEY"})
        with Operator(api, tokens_from(os.environ) or LocalTokens(api, APP_CLIENT)) as client:
            told = client.send_message(subject, message)
    show(told, as_json, _sentence(told))


def _validate(message: dict[str, Any]) -> object:
    from subscriptions.viewer_messages import NewMessage  # pydantic takes long to import

    return NewMessage.model_validate(message)


def _value(text: str) -> Any:
    """The value of a JSON text. Raises WrongOptionError."""
    try:
        return json.loads(text)
    except ValueError:
        raise WrongOptionError("--body is JSON, such as '{\"won\": 3}' or '\"a text\"'.") from None


def _sentence(told: Mapping[str, Any]) -> str:
    """The result for a person."""
    taken = told["taken"]
    if taken is None:
        counted = "The service took the message. It does not say how many connections heard it"
    else:
        counted = f"{taken} connection{'' if taken == 1 else 's'} of {told['subject']} took {told['key']}"
    more = [f"{told['pruned']} more had gone"] if told["pruned"] else []
    more += [f"{told['failed']} took nothing"] if told["failed"] else []
    more += [f"{name} did not answer" for name, cell in told["cells"].items() if cell.get("unreached")]
    return "; ".join([counted, *more]) + "."
