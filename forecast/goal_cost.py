"""Pure: what one broadcast cost, by its receipt."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from forecast.usage import EVENT_CALLS, EXECUTION_GB, POLL_READS, READ_BYTES, ROW_BYTES, SENDER_GB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forecast.prices import Prices

SERVICE_BYTES = 5 * 1024
"""The unit in which AppSync and IoT Core count a message (https://aws.amazon.com/appsync/pricing/)."""

DELIVERIES = {
    "appsync-events": ("events_operation", "events_operation"),
    "appsync-graphql": ("graphql_operation", "graphql_update"),
    "iot-core": ("iot_message", "iot_message"),
}
"""By transport: the price of a publish, and that of a delivery. Momento publishes no price."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of a broadcast's cost. ``usd`` is None if the receipt, or the price list, does not say it."""

    name: str
    amount: float | None
    usd: float | None


def cost(receipt: Mapping[str, Any], prices: Prices) -> tuple[CostLine, ...]:
    """The cost of a receipt as the HTTP API gives it (docs/api.md), of either kind of cell."""
    lines = _published(receipt, prices) if "published" in receipt else _posted(receipt, prices)
    calls = _line("calls of functions for the event", "function_call", EVENT_CALLS, prices)
    return (*lines, calls)


def total(lines: tuple[CostLine, ...]) -> float:
    """Dollars of the lines that are known."""
    return sum(each.usd for each in lines if each.usd is not None)


def _posted(receipt: Mapping[str, Any], prices: Prices) -> list[CostLine]:
    batches = receipt.get("posts") or []
    sender_s = sum(max(0, each["last"] - each["started"]) for each in batches) / 1000
    if not batches:
        # A receipt of release 0.2.0 does not have the times of its batches.
        sender_s = receipt["ms"] / 1000 * receipt["batches"]
    took_s = receipt["ms"] / 1000
    polls = max(1.0, sender_s) * POLL_READS
    # DynamoDB rounds up for each query.
    rows = max(receipt["queries"], ceil(receipt["rows"] * ROW_BYTES / READ_BYTES))
    return [
        _line("messages to viewers", "websocket_message", receipt["accepted"], prices),
        _line("senders, GB-seconds", "function_gb_s", sender_s * SENDER_GB, prices),
        _line("calls of senders", "function_call", receipt["invocations"], prices),
        _line("reads of subscriptions", "table_read", rows, prices),
        _line("reads of polls", "table_read", polls, prices),
        _line(
            "writes of rows, of the lease and of pruned subscriptions", "table_write", 10 + 2 * receipt["gone"], prices
        ),
        _line("executions", "execution", 1, prices),
        _line("their GB-seconds", "execution_gb_s", took_s * EXECUTION_GB, prices),
    ]


def _published(receipt: Mapping[str, Any], prices: Prices) -> list[CostLine]:
    units = sum(max(1, ceil(each["bytes"] / SERVICE_BYTES)) for each in receipt["published"])
    names = DELIVERIES.get(receipt["transport"])
    publishes = CostLine("publishes", units, None) if names is None else _line("publishes", names[0], units, prices)
    return [
        publishes,
        CostLine("deliveries: the service does not say how many", None, None),
        _line("writes of rows", "table_write", 6, prices),
    ]


def _line(name: str, price: str, amount: float, prices: Prices) -> CostLine:
    return CostLine(name, amount, prices.of(price, amount))


def report(receipt: Mapping[str, Any], prices: Prices) -> dict[str, Any]:
    """The cost of a receipt, for JSON."""
    lines = cost(receipt, prices)
    return {
        "usd": round(total(lines), 8),
        "complete": all(each.usd is not None for each in lines),
        "region": prices.region,
        "lines": [
            {"name": each.name, "amount": each.amount, "usd": None if each.usd is None else round(each.usd, 8)}
            for each in lines
        ],
    }
