"""The list of the transports that devstack can run. No other file of devstack knows their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devstack.transports import api_gateway, appsync_events, appsync_graphql, iot_core, momento

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devstack.stack_cells import StackCell
    from devstack.transports.transport import StackTransport

TRANSPORTS: Final[Mapping[str, StackTransport]] = {
    "api-gateway": api_gateway.TRANSPORT,
    "appsync-events": appsync_events.TRANSPORT,
    "appsync-graphql": appsync_graphql.TRANSPORT,
    "iot-core": iot_core.TRANSPORT,
    "momento": momento.TRANSPORT,
}
"""Name of a transport -> its parts on this machine."""


def settings_for(cells: Iterable[StackCell], viewers: int) -> dict[str, int | str]:
    """The settings with which each of the cells serves this number of viewers."""
    wanted: dict[str, int | str] = {}
    for cell in cells:
        if cell.transport in TRANSPORTS and (settings := TRANSPORTS[cell.transport].settings) is not None:
            wanted |= settings(viewers)
    return wanted
