"""Pure: how long the viewers of a goal wait, by transport. Tests compare the times with the simulation."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from broadcaster.control.plan import MAX_SENDERS, plan
from devstack.stack_cells import API_GATEWAY
from forecast.latencies import PAGE_ROWS
from forecast.sender_curve import batch_seconds
from subscriptions.shards import initial_shards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forecast.account import Account
    from forecast.latencies import Latencies

FRAME_KB = 0.5
"""A frame with one event has about so many kilobytes (docs/bench.md, "transports")."""

CONNECT_CALLS_S = {API_GATEWAY: 0.045, "iot-core": 0.015, "momento": 0.0}
"""Seconds of functions for each viewer that connects: authorizer, connect and subscribe take about 15 ms each."""

APPSYNC_CALLS_S = 0.030
PARTITION_READS = 3_000
"""Consistent reads a second of one row of up to 4 KB: a subscribe reads the match's row at home after its write
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html)."""

JOIN_WRITES = 4
"""Write units of one table for each viewer that subscribes and leaves."""

PAGE_REQUESTS = 29
"""Requests to the CDN of a viewer that opens the page: its files and a snapshot."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds after the operator's POST. ``binds``: the key of the quota, or the limit of ours, that sets the last."""

    first_s: float
    median_s: float
    last_s: float
    binds: str


def goal(
    transport: str,
    viewers: float,
    together: int,
    account: Account,
    latencies: Latencies,
    *,
    audience: float | None = None,
) -> Times:
    """The times of a goal of a match that has ``viewers`` in the cell, while ``together`` such matches have a goal.

    ``audience``: viewers of the match in all cells, as its operator expects them; None for those of a single cell. The
    shards and the senders of each cell follow from it.
    """
    if transport == API_GATEWAY:
        return _by_posts(viewers, audience or viewers, together, account, latencies)
    begun = _due_s(latencies) - latencies.call_s + latencies.publish_s
    quota, rate = outbound(transport, account)
    took = viewers * together / rate
    return Times(begun, begun + took / 2, begun + took, _binds(quota, begun, begun + took))


def _due_s(latencies: Latencies) -> float:
    """Seconds from the operator's POST until the event is due in the cell, and its broadcast starts."""
    return 6 * latencies.call_s + latencies.stream_s


def outbound(transport: str, account: Account) -> tuple[str, float]:
    """The quota that limits a service's deliveries, and how many of our frames it carries in a second."""
    if transport == "iot-core":
        return "iot_outbound", account.quotas["iot_outbound"] / ceil(FRAME_KB / 5)
    if transport == "momento":
        return "momento_operations", account.quotas["momento_operations"] / ceil(FRAME_KB)
    return "appsync_outbound", account.quotas["appsync_outbound"] / ceil(FRAME_KB / 5)


def _by_posts(viewers: float, audience: float, together: int, account: Account, latencies: Latencies) -> Times:
    rate, shards = account.send_rate / together, initial_shards(ceil(audience))
    batches = plan(shards, ceil(audience), account.budget)
    of_a_shard = viewers / shards
    page = min(of_a_shard, PAGE_ROWS) / PAGE_ROWS * latencies.page_s
    begun = _due_s(latencies) + latencies.start_s + latencies.invoke_s + latencies.call_s + page + latencies.post_s / 2
    rows = [max(1, ceil((each.end - each.first) * of_a_shard)) for each in batches]
    calls = {"open_s": latencies.open_s, "post_s": account.post_s, "call_s": latencies.call_s}
    first, middle, last = batch_seconds(rows, rate, rivals=together - 1, **calls)
    limit = _limit_of_posts(rate / len(rows), len(rows), account)
    return Times(begun + first, begun + middle, begun + last, _binds(limit, begun + first, begun + last))


def _binds(limit: str, first: float, last: float) -> str:
    """A limit, unless more time passes before the first viewer than between the first and the last."""
    return limit if last - first > first else "calls_in_a_row"


def _limit_of_posts(share: float, senders: int, account: Account) -> str:
    if share <= account.sender_most:
        return "requests"
    return "map_iterations" if senders == MAX_SENDERS else "connections_of_a_sender"


def connects_of(transport: str) -> str:
    """The quota that limits new connections a second."""
    names = {API_GATEWAY: "connections", "iot-core": "iot_connects", "momento": "momento_operations"}
    return names.get(transport, "appsync_connects")


def join_rates(
    transport: str, account: Account, *, matches: int = 1, cells: int = 1, opens_page: bool = True
) -> dict[str, float]:
    """Viewers a second that each limit of connecting lets into one cell, by key of the quota or of our own limit.

    ``cells``: all of them read a match's one row at home, and there is one site for all. ``opens_page``: whether the
    viewers load a page of the site first.
    """
    quotas = account.quotas
    rates = {}
    if opens_page:
        rates["cdn_requests"] = quotas["cdn_requests"] / PAGE_REQUESTS / cells
    connects = connects_of(transport)
    rates[connects] = quotas[connects]
    if transport == "momento":
        # One API gives the viewers of all cells their tokens.
        rates["tokens_throttle"] = account.spare_throttle / cells
    if transport == API_GATEWAY:
        rates["connect_throttle"] = account.connect_throttle
    if seconds := CONNECT_CALLS_S.get(transport, APPSYNC_CALLS_S):
        rates["concurrency"] = quotas["concurrency"] / seconds
    if transport == API_GATEWAY:
        rates["table_writes"] = quotas["table_writes"] / JOIN_WRITES
        rates["match_row"] = PARTITION_READS * matches / cells
    return rates


def joining(transport: str, viewers: float, rates: Mapping[str, float]) -> tuple[float, str]:
    """Seconds until so many viewers of one cell are connected, and the limit of ``join_rates`` that binds."""
    connects = connects_of(transport)
    binds = min(rates, key=lambda name: (rates[name], name != connects))
    return viewers / rates[binds], binds
