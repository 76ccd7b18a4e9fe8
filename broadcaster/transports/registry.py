"""The transports: the only list of them. Everything else asks a cell's description or its Transport.

A transport's module is imported when the first cell of that transport is made. So a cold start pays only for the
transports that the deployment has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellStates
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients, OwnSettings, Transport

    Make = Callable[[CellDescription, CellStates, OwnSettings, Clients], Transport]

DEFAULT: Final = "api-gateway"
"""The transport of a cell that states none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transport."""

    load: Callable[[], Make]
    """Imports the transport's module; returns the function that makes a Transport of a cell."""
    texts: tuple[str, ...]
    """The texts of a cell's description that the transport needs."""
    keeps_rows: bool = False
    """Whether the cell has a row for each viewer, senders, and a queue for batches that were set aside."""


def _api_gateway() -> Make:
    from broadcaster.transports.api_gateway import make

    return make


def _appsync_events() -> Make:
    from broadcaster.transports.appsync_events import make

    return make


def _appsync_graphql() -> Make:
    from broadcaster.transports.appsync_graphql import make

    return make


def _iot_core() -> Make:
    from broadcaster.transports.iot_core import make

    return make


def _momento() -> Make:
    from broadcaster.transports.momento import make

    return make


KINDS: Final[dict[str, Kind]] = {
    DEFAULT: Kind(_api_gateway, ("state_machine",), keeps_rows=True),
    "appsync-events": Kind(_appsync_events, ("url",)),
    "appsync-graphql": Kind(_appsync_graphql, ("url",)),
    "iot-core": Kind(_iot_core, ("url",)),
    "momento": Kind(_momento, ("url", "cache", "api_key_parameter")),
}
"""Name of a transport -> its kind."""


def make(description: CellDescription, cell_states: CellStates, own: OwnSettings, clients: Clients) -> Transport:
    """The transport of a cell. ``cell_states``: the cell's table ``broadcasts``."""
    return KINDS[description.transport].load()(description, cell_states, own, clients)
