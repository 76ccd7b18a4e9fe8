"""The cells whose service tells every viewer of a channel by itself: the addresses and the texts of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.terraform.applied import Applied, Cell, Resource

MOMENTO: Final = {
    "url": "https://api.cache.cell-4-us-west-2-1.prod.a.momentohq.com",
    "cache": "livescore",
    "api_key_parameter": "/livescore/momento",
}
"""The options of a cell of the transport ``momento`` in the deployment that the checks look at."""


def of_cell(applied: Applied, kind: str, cell: Cell) -> list[Resource]:
    """The resources of a type that the module of this cell has made."""
    here = re.compile(rf'module\.cell\w*\["{cell.name}"\]')
    return [each for each in applied.of(kind) if here.search(each.address)]


def hosts(applied: Applied, cell: Cell) -> tuple[str, str]:
    """The hosts of an API of AppSync: for publishes, and for viewers."""
    for events in of_cell(applied, "aws_appsync_api", cell):
        named = events["dns"] or {}
        return (
            named.get("HTTP", f"{events['api_id']}.appsync-api.{cell.region}.amazonaws.com"),
            named.get("REALTIME", f"{events['api_id']}.appsync-realtime-api.{cell.region}.amazonaws.com"),
        )
    [graphql] = of_cell(applied, "aws_appsync_graphql_api", cell)
    # The providers that make nothing choose no names.
    stated = {side: url.split("/")[2] for side, url in (graphql["uris"] or {}).items()}
    return (
        stated.get("GRAPHQL", f"{graphql['id']}.appsync-api.{cell.region}.amazonaws.com"),
        stated.get("REALTIME", f"{graphql['id']}.appsync-realtime-api.{cell.region}.amazonaws.com"),
    )


def iot_endpoint(applied: Applied, cell: Cell) -> str:
    """The host where IoT Core takes publishes of the account in the cell's region."""
    [endpoint] = of_cell(applied, "aws_iot_endpoint", cell)
    assert endpoint["endpoint_type"] == "iot:Data-ATS"
    return str(endpoint["endpoint_address"])


def address(applied: Applied, cell: Cell) -> dict[str, str]:
    """The entry of deployment.json for a cell of these transports."""
    known = {"transport": cell.transport, "region": cell.region}
    match cell.transport:
        case "appsync-events":
            http, realtime = hosts(applied, cell)
            return known | {"url": f"wss://{realtime}/event/realtime", "host": http}
        case "appsync-graphql":
            http, realtime = hosts(applied, cell)
            return known | {"url": f"wss://{realtime}/graphql", "host": http}
        case "iot-core":
            [domain] = of_cell(applied, "aws_iot_domain_configuration", cell)
            return known | {"url": f"wss://{domain['domain_name']}/mqtt"}
    return known | {"url": MOMENTO["url"], "cache": MOMENTO["cache"]}
