"""The command that takes the pictures of README and docs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop

from commands.common import Port, errors_end_the_command, out, port_for, say
from devstack import signals
from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.site import PAGES, serving
from devstack.stack.whole_stack import running
from devstack.system import ROOT

PICTURES = ROOT / "docs/images"


def screenshots(
    folder: Annotated[Path, typer.Argument(help="Folder for the pictures.")] = PICTURES,
    port: Port = None,
    *,
    gallery: Annotated[
        bool,
        typer.Option("--gallery", help="Every situation of the viewers' pages at four widths, with a sheet of each."),
    ] = False,
) -> None:
    """Play a prepared day on a stack of its own and take pictures of the pages, small and large, light and dark."""
    from devstack.pictures import gallery as situations  # a browser's driver, for this command only
    from devstack.pictures.page_screenshots import take

    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder that exists")
    if gallery and folder == PICTURES:
        raise typer.BadParameter("--gallery needs a FOLDER of its own: its pictures are not those of the docs")
    with (
        errors_end_the_command(),
        running(port_for(0, port), say=say, gateway="standin") as (system, _),
        serving(system, free_port()) as site,
        Operator(system.api_url) as operator,
    ):
        desk = (PAGES / "operator.html").is_file()
        taken = (
            situations.take(site, operator, folder, say) if gallery else take(site, operator, folder, say, desk=desk)
        )
        names = signals.run(taken, uvloop.new_event_loop)
    out.print("\n".join(f"{name}  {(folder / name).stat().st_size / 1000:.0f} kB" for name in names), highlight=False)
