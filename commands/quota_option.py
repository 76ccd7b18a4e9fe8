"""The option ``--quota`` of plan and simulate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.common import WrongOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

Quotas = Annotated[
    list[str] | None, typer.Option("--quota", help="NAME=VALUE, a quota that the account has, such as requests=60000.")
]


def quotas_of(stated: Sequence[str] | None) -> dict[str, float]:
    """The quotas by name. Raises WrongOptionError."""
    found: dict[str, float] = {}
    for each in stated or ():
        name, equals, value = each.partition("=")
        if name in found:
            raise WrongOptionError(f"--quota names {name} twice.")
        try:
            found[name] = float(value.replace(",", "").replace("_", ""))
        except ValueError:
            equals = ""
        if not equals:
            raise WrongOptionError(f"--quota is NAME=VALUE, such as requests=60000, not {each}.")
    return found
