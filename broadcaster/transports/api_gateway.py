"""API Gateway: an execution of the cell's state machine posts the frame to each viewer's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broadcaster.control.lease import start_seconds
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients, OwnSettings


@dataclass(frozen=True, slots=True)
class ApiGateway(Starter):
    """A Starter is what an event becomes in such a cell."""

    def message(self, subject: str, frame: bytes) -> int | None:
        """Send a frame to one viewer; no connection listens yet."""
        del subject, frame
        return 0


def make(description: CellDescription, cell_states: CellStates, own: OwnSettings, clients: Clients) -> ApiGateway:
    """The transport of a cell with a WebSocket API."""
    return ApiGateway(
        cell_states, clients.make("stepfunctions", description.region), description.texts["state_machine"],
        Budget(own.send_rate, own.sender_rate), start_seconds(own.watchdog_seconds), clients.threads,
    )  # fmt: skip
