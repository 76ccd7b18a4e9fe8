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
    from broadcaster.transports.messenger import Messenger
    from broadcaster.transports.transport import Clients, OwnSettings, Service, Transport

    Make = Callable[[CellDescription, CellStates, OwnSettings, Clients], Transport]
    MakeMessenger = Callable[[CellDescription, str, Clients], Messenger]
    MakeService = Callable[[CellDescription, Clients], Service]

DEFAULT: Final = "api-gateway"
"""The transport of a cell that states none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of transport."""

    load: Callable[[], Make]
    """Imports the transport's module; returns the function that makes a Transport of a cell."""
    load_messenger: Callable[[], MakeMessenger]
    """The same for the function that makes a Messenger of a cell."""
    texts: tuple[str, ...]
    """The texts of a cell's description that the transport needs."""
    keeps_rows: bool = False
    """Whether the cell has a row for each viewer, senders, and a queue for batches that were set aside."""


def _api_gateway() -> Make:
    from broadcaster.transports.api_gateway import make

    return make


def _api_gateway_messenger() -> MakeMessenger:
    from broadcaster.transports.api_gateway import make_messenger

    return make_messenger


def _broadcasting(load_service: Callable[[], MakeService], *texts: str) -> Kind:
    """The kind of a broadcasting transport. ``load_service`` imports its module, and returns its ``make_service``."""

    def load() -> Make:
        from broadcaster.transports.publisher import make_publisher

        make_service = load_service()
        return lambda description, cell_states, _, clients: make_publisher(
            description, cell_states, clients, make_service(description, clients)
        )

    def load_messenger() -> MakeMessenger:
        from broadcaster.transports.messenger import ChannelMessenger

        make_service = load_service()
        return lambda description, _, clients: ChannelMessenger(make_service(description, clients), clients.channels)

    return Kind(load, load_messenger, texts)


def _appsync_events() -> MakeService:
    from broadcaster.transports.appsync_events import make_service

    return make_service


def _appsync_graphql() -> MakeService:
    from broadcaster.transports.appsync_graphql import make_service

    return make_service


def _iot_core() -> MakeService:
    from broadcaster.transports.iot_core import make_service

    return make_service


def _momento() -> MakeService:
    from broadcaster.transports.momento import make_service

    return make_service


KINDS: Final[dict[str, Kind]] = {
    DEFAULT: Kind(_api_gateway, _api_gateway_messenger, ("state_machine", "connections_url"), keeps_rows=True),
    "appsync-events": _broadcasting(_appsync_events, "url"),
    "appsync-graphql": _broadcasting(_appsync_graphql, "url"),
    "iot-core": _broadcasting(_iot_core, "url"),
    "momento": _broadcasting(_momento, "url", "cache", "api_key_parameter"),
}
"""Name of a transport -> its kind."""


def make(description: CellDescription, cell_states: CellStates, own: OwnSettings, clients: Clients) -> Transport:
    """The transport of a cell. ``cell_states``: the cell's table ``broadcasts``.

    If no client can be made of the description, the transport refuses each event: the other cells go on.
    """
    from broadcaster.transports.refused_cell import ERRORS, RefusedCell  # not for those who only read descriptions

    try:
        return KINDS[description.transport].load()(description, cell_states, own, clients)
    except ERRORS as error:
        return RefusedCell(description, str(error))


def make_messenger(description: CellDescription, subscriptions_table: str, clients: Clients) -> Messenger:
    """The messenger of a cell. ``subscriptions_table``: the table's name without the suffix of a cell.

    If no client can be made of the description, the messenger refuses each message.
    """
    from broadcaster.transports.refused_cell import ERRORS, RefusedCell

    try:
        return KINDS[description.transport].load_messenger()(description, subscriptions_table, clients)
    except ERRORS as error:
        return RefusedCell(description, str(error))
