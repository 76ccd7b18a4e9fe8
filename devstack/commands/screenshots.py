"""The command that takes the pictures of README and docs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from devstack import signals
from devstack.commands.common import Port, out, port_for, said, say
from devstack.ministack import StackError, free_port
from devstack.operator import Operator
from devstack.site import PAGES, serving
from devstack.stack import running
from devstack.system import ROOT


def screenshots(
    folder: Annotated[Path, typer.Argument(help="Where they go.")] = ROOT / "docs/images",
    port: Port = None,
) -> None:
    """Play a prepared day on a stack of its own and take pictures of the pages, small and large, light and dark."""
    from devstack.screenshots import take  # a browser's driver, for this command only
    from loadtest.browser import BrowserError

    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder that exists")
    with (
        said(),
        running(port_for(0, port), say=say, gateway="standin") as (system, _),
        serving(system, free_port()) as site,
        Operator(system.api_url) as operator,
    ):
        desk = (PAGES / "operator.html").is_file()
        try:
            names = signals.run(take(site, operator, folder, say, desk=desk), uvloop.new_event_loop)
        except BrowserError as error:
            raise StackError(str(error)) from error
    out.print("\n".join(f"{name}  {(folder / name).stat().st_size / 1000:.0f} kB" for name in names), highlight=False)
