"""Pure: the quotas of an account in one region, with those that it has raised, and our send rate that follows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from broadcaster.control.plan import Budget
from devstack.quotas import Throttle, route_throttles

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTIONS, MOST_OPENING = 400, 32
"""A sender's connections to the gateway, and how many it opens at a time; a test compares them with the sender's."""


@dataclass(frozen=True, slots=True)
class Account:
    """The quotas of one region. Every cell has a region of its own, so each has these quotas for itself."""

    quotas: Mapping[str, float]
    """By key of terraform/quotas_and_prices.json."""
    routes: float
    """Requests a second that the throttles of all routes take from the quota of requests."""
    post_s: float
    """Seconds from a POST to its answer."""
    sender_rate: int
    """The setting: the most POSTs a second of one sender."""
    usual: tuple[float, float]
    """The usual quota of requests a second, and what the routes' throttles take of it."""
    connect_throttle: float
    """New connections a second that the throttles of ``$connect`` and ``subscribe`` pass."""
    spare_throttle: float
    """Requests a second that the throttle of the route for viewers' tokens passes, if no cell has senders at home."""

    @property
    def send_rate(self) -> int:
        """POSTs a second of all senders of a cell: the quota without the throttles of the routes."""
        return max(0, int(self.quotas["requests"] - self.routes))

    @property
    def sender_most(self) -> float:
        """POSTs a second that one sender's connections can carry."""
        return CONNECTIONS / self.post_s

    @property
    def budget(self) -> Budget:
        """The send budget of a cell."""
        return Budget(self.send_rate, self.sender_rate)

    def quota_for(self, send_rate: float) -> int:
        """The quota of requests that leaves ``send_rate`` for the senders."""
        full, routes = self.usual
        if send_rate + routes >= full:
            return ceil(send_rate + routes)
        # Below the usual quota the throttles of the routes shrink in proportion.
        return ceil(send_rate / (1 - routes / full))


def account(
    described: Mapping[str, Any], quotas: Mapping[str, float], *, raised: Mapping[str, float], post_s: float
) -> Account:
    """The account of a region.

    ``described``: terraform/system.json. ``quotas``: the region's defaults by key. ``raised``: quotas that the account
    has raised.
    """
    found = {**quotas, **raised}
    throttle = Throttle(int(found["requests"]), int(found["requests"]))
    websocket = route_throttles(described["websocket_api"], throttle)
    routes = sum(
        each.rate for each in (*route_throttles(described["http_api"], throttle).values(), *websocket.values())
    )
    http = route_throttles(described["http_api"], throttle)
    spare = described["http_api"]["spare_throttle"]
    left = throttle.rate - sum(each.rate for each in http.values())
    usual = int(described["settings"]["account_rate"]["default"])
    full = sum(
        int(each["rate"]) for api in ("http_api", "websocket_api") for each in described[api]["throttles"].values()
    )
    return Account(
        usual=(usual, full),
        quotas=found,
        routes=routes,
        post_s=post_s,
        sender_rate=int(described["settings"]["sender_rate"]["default"]),
        spare_throttle=max(http[spare["route"]].rate, min(int(spare["rate"]), http[spare["route"]].rate + left)),
        connect_throttle=min(websocket[route].rate for route in ("$connect", "subscribe")),
    )
