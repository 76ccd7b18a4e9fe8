"""The command that builds what AWS runs: package."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from commands.common import err, errors_end_the_command, out, say
from devstack.builds.lambda_zips import MOST_BYTES, PYTHON, lambda_python
from devstack.builds.lambda_zips import package as build_package


def package(
    to: Annotated[Path, typer.Option(help="Folder for the zips.")] = Path("dist"),
    python: Annotated[
        str | None, typer.Option(help=f"Python {PYTHON} to compile with; one is looked for by default.")
    ] = None,
) -> None:
    """Build the zips of the Lambda functions for AWS, one for each architecture; the same code gives the same bytes."""
    with errors_end_the_command():
        compiler = lambda_python(python)
        if compiler is None:
            say(
                f"There is no Python {PYTHON} here to compile with, so the zips hold sources only, and functions "
                f"take twice as long to start. One is had by: python -m uv python install {PYTHON}"
            )
        made = build_package(to, compiler)
        table = Table("zip", "MB", "SHA-256")
        for each in made:
            table.add_row(str(each), f"{each.stat().st_size / 1e6:.1f}", sha256(each.read_bytes()).hexdigest())
        out.print(table)
        if large := [each for each in made if each.stat().st_size > MOST_BYTES]:
            err.print(f"livescore: larger than {MOST_BYTES / 1e6:.0f} MB: {', '.join(map(str, large))}", style="red")
            raise typer.Exit(1)
