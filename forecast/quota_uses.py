"""Pure: the quotas on which an answer about a transport depends; any other quota is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devstack.stack_cells import API_GATEWAY
from forecast.question import QuestionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_QUOTA = 1_000_000_000_000

UNUSED = {"shards", "table_reads", "appsync_inbound"}
"""Quotas that preflight compares, and on which no answer depends."""

OF_A_GOAL = {API_GATEWAY: {"requests"}, "iot-core": {"iot_outbound"}, "momento": {"momento_operations"}}
"""By transport: the quotas that limit the time of a goal."""

OF_JOINING = {
    API_GATEWAY: {"requests", "connections", "concurrency", "table_writes"},
    "iot-core": {"iot_connects", "concurrency"},
    "momento": {"momento_operations"},
}
"""By transport: the quotas that limit how fast an audience connects, beside the CDN's. The quota ``requests`` sets the
throttles of the routes."""

OF_HOLDING = {"iot-core": {"iot_connections"}, "momento": {"momento_subscribers"}}
"""By transport: the quotas that limit how many viewers there can be at once."""

PAGE = {"cdn_requests"}


def goal_quotas(transport: str) -> set[str]:
    """The quotas on which a goal depends."""
    return OF_A_GOAL.get(transport, {"appsync_outbound"}) | OF_HOLDING.get(transport, set())


def join_quotas(transport: str, *, opens_page: bool) -> set[str]:
    """The quotas on which connecting depends."""
    found = OF_JOINING.get(transport, {"appsync_connects", "concurrency"}) | OF_HOLDING.get(transport, set())
    return found | PAGE if opens_page else found


def check_quotas(raised: Mapping[str, float], known: Mapping[str, Any], used: Iterable[str], about: str) -> None:
    """Raises QuestionError for a quota that does not exist, has no number, or is not ``used`` by ``about``."""
    useful = set(used)
    for key, value in raised.items():
        if key not in known:
            raise QuestionError(f"There is no quota {key}; there are {', '.join(sorted(known))}.")
        if key in UNUSED:
            raise QuestionError(f"No answer depends on the quota {key}.")
        if key not in useful:
            raise QuestionError(f"{about} does not depend on the quota {key}, only on {', '.join(sorted(useful))}.")
        if not 1 <= value <= MOST_QUOTA:
            raise QuestionError(f"The quota {key} is a number from 1 to {MOST_QUOTA:,}, not {value}.")
