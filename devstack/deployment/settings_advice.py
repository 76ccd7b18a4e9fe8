"""Pure: computes settings that fit an account's quotas, and settings that a deployment's audience needs.

Terraform's settings ``account_rate``, ``account_burst`` and ``send_rate`` apply to all regions of a deployment, and so
does the advice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from devstack.quotas import Throttle, quotas, requests_of, route_throttles

if TYPE_CHECKING:
    from collections.abc import Mapping

ARRIVAL_ROUTES = ("$connect", "$disconnect", "subscribe")
"""Routes of the WebSocket API that each viewer uses once for each new connection."""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A planned deployment and its audience."""

    home: str
    cells: tuple[str, ...]
    """The region of each cell of API Gateway. Several cells may be in one region."""
    settings: Mapping[str, Any]
    """Settings that differ from system.json, by name."""
    system: Mapping[str, Any]
    """terraform/system.json."""
    viewers: int = 10_000
    goal_seconds: float = 60.0
    """Seconds within which every viewer must be told of a goal."""
    arrive_seconds: float = 900.0
    """Seconds within which all viewers connect before the kick-off."""
    shards: int | None = None
    """Shards of the stream; None for the number in system.json."""
    broadcasting: tuple[str, ...] = ()
    """The region of each cell with another transport: its viewers need no requests of API Gateway."""
    throttles: Mapping[str, Throttle] = field(default_factory=dict)
    """Throttles that differ from system.json, by route: Terraform's websocket_throttles and http_throttles."""

    def setting(self, name: str) -> int:
        """A setting that is a number."""
        return int(self.settings.get(name) or self.system["settings"][name]["default"])

    @property
    def viewers_of_a_cell(self) -> int:
        """Viewers of each cell, if the viewers spread evenly."""
        return math.ceil(self.viewers / (len(self.cells) + len(self.broadcasting)))

    @property
    def arrivals(self) -> int:
        """New connections a second in each cell before the kick-off."""
        return math.ceil(self.viewers_of_a_cell / self.arrive_seconds)

    @property
    def goal_rate(self) -> int:
        """POSTs a second that each cell needs to tell every viewer in time."""
        return math.ceil(self.viewers_of_a_cell / self.goal_seconds)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of home and the cells, each once."""
        return tuple(dict.fromkeys((self.home, *self.cells, *self.broadcasting)))

    def stage(self, region: str) -> Throttle:
        """The account's quota that Terraform assumes, which is the default throttle of the stages."""
        return requests_of(region, self.settings)

    def routes(self, region: str) -> dict[str, Throttle]:
        """The throttle of each route in a region, as Terraform sets it."""
        apis = (["http_api"] if region == self.home else []) + (["websocket_api"] if region in self.cells else [])
        return {
            route: throttle
            for api in apis
            for route, throttle in route_throttles(self.system[api], self.stage(region), self.throttles).items()
        }

    def routes_rate(self, region: str) -> int:
        """Requests a second that all routes of a region together accept. Each cell has a WebSocket API of its own."""
        of_a_cell = self.system["websocket_api"]["throttles"]
        return sum(
            throttle.rate * (self.cells.count(region) if route in of_a_cell else 1)
            for route, throttle in self.routes(region).items()
        )

    def senders_rate(self, region: str) -> int:
        """POSTs a second of the senders of all cells of a region."""
        return self.setting("send_rate") * self.cells.count(region)

    def fits(self, region: str) -> bool:
        """Whether Terraform accepts the throttles and ``send_rate``: together they must not exceed ``stage``."""
        return self.routes_rate(region) + self.senders_rate(region) <= self.stage(region).rate


@dataclass(frozen=True, slots=True)
class Account:
    """The account in one region: its readable quotas by their keys in quotas_and_prices.json."""

    region: str
    quotas: Mapping[str, float]
    throttle: Throttle | None = None
    """The throttle that API Gateway itself states (apigateway GetAccount). If Service Quotas states another one, this
    one applies (https://repost.aws/questions/QU47u_cBTCQcy2qTmoR6q91w)."""
    unread: tuple[str, ...] = ()
    """Sentences about values that could not be read."""

    @property
    def granted(self) -> Throttle:
        """The throttle that API Gateway states, else the one that Service Quotas states."""
        if self.throttle is not None:
            return self.throttle
        default = requests_of(self.region)
        return Throttle(int(self.quotas.get("requests", default.rate)), default.burst)

    def quota(self, key: str) -> float:
        """A quota by its key in quotas_and_prices.json; AWS's default if the quota could not be read."""
        return self.quotas.get(key, quotas()[key].default)


@dataclass(frozen=True, slots=True)
class Advice:
    """The plan with the settings that fit the granted quotas, and with those that its audience needs."""

    today: DeploymentPlan
    """With these settings `terraform apply` succeeds before AWS grants anything more."""
    wanted: DeploymentPlan
    """With these settings a goal reaches its viewers in time, and all new viewers connect in time."""

    def short(self, account: Account) -> bool:
        """Whether the account's requests a second are too few for ``wanted``."""
        return self.wanted.stage(account.region).rate > account.granted.rate


def advise(plan: DeploymentPlan, accounts: Mapping[str, Account]) -> Advice:
    """The advice for a plan. ``accounts`` has each of the plan's regions."""
    return Advice(_today(plan, accounts), _wanted(plan, accounts))


def _today(plan: DeploymentPlan, accounts: Mapping[str, Account]) -> DeploymentPlan:
    """The plan with settings that fit the granted quotas: a smaller account rate leaves a smaller ``send_rate``."""
    granted = {region: accounts[region].granted for region in plan.regions}
    if any(plan.stage(region).rate > granted[region].rate for region in plan.regions):
        plan = _with(plan, account_rate=min(each.rate for each in granted.values()))
    plan = _within_burst(plan, accounts)
    # Raised throttles may leave nothing for the senders of a smaller quota, so they are dropped.
    if any(plan.routes_rate(region) >= plan.stage(region).rate for region in plan.regions):
        plan = replace(plan, throttles={})
    shares = [
        (plan.stage(region).rate - plan.routes_rate(region)) // plan.cells.count(region) for region in set(plan.cells)
    ]
    left = min(shares, default=plan.setting("send_rate"))
    return _with(plan, send_rate=left) if plan.setting("send_rate") > left else plan


def _wanted(plan: DeploymentPlan, accounts: Mapping[str, Account]) -> DeploymentPlan:
    """The plan with the rates that its audience needs, and with the quota that these rates add up to."""
    if plan.cells and plan.goal_rate > plan.setting("send_rate"):
        plan = _with(plan, send_rate=plan.goal_rate)
    most = min(account.granted.burst for account in accounts.values())
    plan = replace(plan, throttles={**plan.throttles, **_raised(plan, most)})
    if not all(plan.fits(region) for region in plan.regions):
        # Terraform shrinks the throttles of the routes in proportion if the quota is below AWS's default.
        usual = _with(plan, account_rate=plan.system["settings"]["account_rate"]["default"])
        plan = _with(
            plan, account_rate=max(usual.routes_rate(region) + usual.senders_rate(region) for region in plan.regions)
        )
    return _within_burst(plan, accounts)


def _raised(plan: DeploymentPlan, most: int) -> dict[str, Throttle]:
    """Larger throttles for the routes that are too slow for the new viewers. ``most`` is the largest granted burst."""
    return {
        route: Throttle(plan.arrivals, min(most, max(throttle.burst, plan.arrivals)))
        for region in plan.cells
        for route, throttle in plan.routes(region).items()
        if route in ARRIVAL_ROUTES and throttle.rate < plan.arrivals
    }


def _within_burst(plan: DeploymentPlan, accounts: Mapping[str, Account]) -> DeploymentPlan:
    """The plan with a burst that API Gateway accepts: at most the account's."""
    if all(plan.stage(region).burst <= accounts[region].granted.burst for region in plan.regions):
        return plan
    return _with(plan, account_burst=min(accounts[region].granted.burst for region in plan.regions))


def _with(plan: DeploymentPlan, **settings: int) -> DeploymentPlan:
    return replace(plan, settings={**plan.settings, **settings})


def changes(plan: DeploymentPlan, advised: DeploymentPlan) -> dict[str, Any]:
    """The parts of ``advised`` that differ from the plan: settings by name, and ``websocket_throttles`` by route."""
    found: dict[str, Any] = {
        name: value for name, value in advised.settings.items() if str(plan.settings.get(name)) != str(value)
    }
    throttles = {
        route: {"rate": each.rate, "burst": each.burst}
        for route, each in advised.throttles.items()
        if plan.throttles.get(route) != each
    }
    if throttles or plan.throttles.keys() - advised.throttles.keys():
        found["websocket_throttles"] = throttles
    return found
