"""Pure: the cells of a system on this machine, and how ``livescore up --cells`` writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

REGION: Final = "us-east-1"
"""The region of home and of the first cell."""

API_GATEWAY: Final = "api-gateway"
"""The transport of a cell that states none."""

EXAMPLE: Final = "main=us-east-1,events=us-east-1/appsync-events"
"""An example of the option ``--cells``."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,20}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


class CellsError(ProgramError):
    """The option ``--cells`` is wrong. The text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class StackCell:
    """A cell of a system on this machine."""

    name: str = REGION
    region: str = REGION
    transport: str = API_GATEWAY
    """The service that carries frames to the cell's viewers."""

    @property
    def suffix(self) -> str:
        """The end of the names of the cell's tables, queues and functions; empty if the cell's name is its region."""
        return "" if self.name == self.region else f"-{self.name}"


def parse(text: str, transports: Collection[str]) -> tuple[StackCell, ...]:
    """The cells of an option such as ``us-east-1,events=eu-west-1/appsync-events``.

    Each cell is ``name=region/transport``. A cell without a transport has API Gateway. A cell without a name has the
    name of its region. ``transports`` are the known transports. Raises CellsError.
    """
    return checked([_cell(each.strip()) for each in text.split(",")], transports)


def checked(cells: Sequence[StackCell], transports: Collection[str]) -> tuple[StackCell, ...]:
    """The same cells. Raises CellsError for an unknown transport, a wrong name or region, and two cells of one name."""
    if not cells:
        raise CellsError(f"No cell is named. Cells are written like {EXAMPLE}.")
    letters: dict[str, str] = {}
    for cell in cells:
        if not _REGION.fullmatch(cell.region):
            raise CellsError(f"The cell {cell.name!r} is in {cell.region!r}, but a region is written like {REGION}.")
        if not _NAME.fullmatch(cell.name):
            raise CellsError(
                f"{cell.name!r} cannot be the name of a cell. A name has 2 to 22 small letters, digits and dashes; "
                "it begins with a letter and does not end with a dash."
            )
        if cell.transport not in transports:
            known = ", ".join(transports)
            raise CellsError(
                f"The cell {cell.name!r} has the transport {cell.transport!r}. The transports are {known}."
            )
        # The id of a WebSocket API has the letters and digits of its cell's name.
        other = letters.setdefault(cell.name.replace("-", ""), cell.name)
        if other == cell.name and sum(each.name == other for each in cells) > 1:
            raise CellsError(f"Two cells have the name {cell.name!r}. Each cell needs a name of its own.")
        if other != cell.name:
            raise CellsError(f"The names {other!r} and {cell.name!r} differ only in their dashes. Choose another name.")
    return tuple(cells)


def _cell(text: str) -> StackCell:
    if not text:
        raise CellsError(f"The list of cells has an empty place. Cells are written like {EXAMPLE}.")
    name, named, place = text.rpartition("=")
    region, stated, transport = place.partition("/")
    return StackCell(name if named else region, region, transport if stated else API_GATEWAY)
