"""Commands whose libraries are imported when they are called, not when another command is."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = "commands"
"""Package of the modules that hold commands."""


class Lazy(TyperGroup):
    """A group of commands that are known by name and help until one of them is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The called command, imported with its options; raises what TyperGroup raises for one that does not exist."""
        name, known, rest = super().resolve_command(ctx, args)
        function = getattr(getattr(known, "callback", None), "imported", None)
        return name, _command(name, function()) if function else known, rest

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, which is False where it is not given: Typer imports pydantic to read a None as a bool."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


def group(**options: Any) -> typer.Typer:
    """A Typer app whose commands :func:`add` adds; options as Typer takes them."""
    return typer.Typer(cls=Lazy, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, **options)


def add(app: typer.Typer, place: str, name: str | None = None) -> None:
    """Add the command that a function of a module of commands/ is: ``match_events.goal``, under a name of its own.

    The help is the function's docstring, read without an import. Raises LookupError for a function that does not exist.
    """
    module, _, function = place.partition(".")

    def known() -> None: ...

    known.__doc__ = _docstrings(module)[function]
    known.imported = lambda: getattr(import_module(f"{COMMANDS}.{module}"), function)  # type: ignore[attr-defined]
    app.command(name or function)(known)


def _command(name: str | None, function: Callable[..., None]) -> Any:
    """The command that a function with typed parameters is."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(function)
    return typer.main.get_command(app)


@cache
def _docstrings(module: str) -> dict[str, str | None]:
    """Name of a function of a module of commands -> its docstring."""
    source = (Path(__file__).parent / f"{module}.py").read_bytes()
    functions = (each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef))
    return {each.name: ast.get_docstring(each) for each in functions}
