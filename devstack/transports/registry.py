"""The list of the transports that devstack can run. No other file of devstack knows their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devstack.transports import api_gateway, appsync_events, appsync_graphql, iot_core, momento

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devstack.transports.transport import StackTransport

TRANSPORTS: Final[Mapping[str, StackTransport]] = {
    "api-gateway": api_gateway.TRANSPORT,
    "appsync-events": appsync_events.TRANSPORT,
    "appsync-graphql": appsync_graphql.TRANSPORT,
    "iot-core": iot_core.TRANSPORT,
    "momento": momento.TRANSPORT,
}
"""Name of a transport -> its parts on this machine."""
