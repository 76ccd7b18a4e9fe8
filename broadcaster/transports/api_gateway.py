"""API Gateway: an execution of the cell's state machine posts the frame to each viewer's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broadcaster.control.lease import start_seconds
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter
from runtime import aws
from subscriptions.listeners import Listeners

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from broadcaster.transports.connection_messenger import ConnectionMessenger
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients, OwnSettings


@dataclass(frozen=True, slots=True)
class ApiGateway(Starter):
    """A Starter is what an event becomes in such a cell."""


def make(description: CellDescription, cell_states: CellStates, own: OwnSettings, clients: Clients) -> ApiGateway:
    """The transport of a cell with a WebSocket API."""
    return ApiGateway(
        cell_states, clients.make("stepfunctions", description.region), description.texts["state_machine"],
        Budget(own.send_rate, own.sender_rate), start_seconds(own.watchdog_seconds), clients.threads,
    )  # fmt: skip


def make_messenger(description: CellDescription, subscriptions_table: str, clients: Clients) -> ConnectionMessenger:
    """The messenger of such a cell. ``subscriptions_table``: the table's name without the suffix of a cell."""
    from broadcaster.transports.connection_messenger import ConnectionMessenger  # not in a cold start of the fan-out

    dynamodb = clients.make("dynamodb", description.region)
    return ConnectionMessenger(
        Listeners(subscriptions_table + description.suffix, dynamodb),
        aws.connections(description.texts["connections_url"], description.region),
        clients.threads,
    )
