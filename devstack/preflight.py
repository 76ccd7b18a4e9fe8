"""Pure: an account's quotas against what a deployment and its audience need, in sentences and requests to file."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from devstack.quotas import Throttle, quotas, requests_of, route_throttles

if TYPE_CHECKING:
    from collections.abc import Mapping

ARRIVALS_PER_ENVIRONMENT = 10
"""New viewers a second that one execution environment of each of authorizer and routes serves: 50 of each for 500."""

HEADROOM = 100
"""Executions for the other functions; Lambda keeps as many unreserved in every account
(lambda/latest/dg/configuration-concurrency.html)."""

CHECK_SECONDS = 30
"""A viewer who has heard nothing for so long asks the CDN (docs/protocol.md): at most one request in that time each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The deployment that is planned, and its audience."""

    home: str
    cells: tuple[str, ...]
    settings: Mapping[str, Any]
    """Settings that differ from system.json, by name."""
    system: Mapping[str, Any]
    """terraform/system.json."""
    viewers: int = 10_000
    goal_seconds: float = 60.0
    """Seconds in which the last viewer is to be told of a goal."""
    arrive_seconds: float = 900.0
    """Seconds in which the viewers come in before the kick-off."""
    shards: int | None = None
    """Shards of the stream; None: as system.json says."""

    def setting(self, name: str) -> int:
        """A setting that is a number."""
        return int(self.settings.get(name) or self.system["settings"][name]["default"])

    @property
    def viewers_of_a_cell(self) -> int:
        """Viewers of each cell, if they spread evenly."""
        return math.ceil(self.viewers / len(self.cells))

    @property
    def regions(self) -> tuple[str, ...]:
        """Home and the cells, each once."""
        return tuple(dict.fromkeys((self.home, *self.cells)))


@dataclass(frozen=True, slots=True)
class Account:
    """The account in one region: its quotas by their key in quotas.json, as far as they can be read."""

    region: str
    quotas: Mapping[str, float]
    throttle: Throttle | None = None
    """The throttle that API Gateway itself states (apigateway GetAccount). Where it and Service Quotas differ, this one
    applies (repost.aws/questions/QU47u_cBTCQcy2qTmoR6q91w)."""
    unread: tuple[str, ...] = ()
    """Sentences on what could not be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One quota against the need: ``says`` is for a person; ``request`` is the command that asks AWS for more."""

    region: str
    quota: str
    has: float
    needs: float
    says: str
    request: str | None = None

    @property
    def binds(self) -> bool:
        """Whether the quota is too small."""
        return self.needs > self.has


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, those that bind first."""

    findings: tuple[Finding, ...]
    unread: tuple[str, ...] = field(default_factory=tuple)

    @property
    def binds(self) -> bool:
        """Whether any quota is too small."""
        return any(each.binds for each in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As ``livescore preflight --json`` prints it."""
        findings = [{**asdict(each), "binds": each.binds} for each in self.findings]
        return {"binds": self.binds, "findings": findings, "unread": list(self.unread)}


def compare(plan: Plan, accounts: Mapping[str, Account]) -> Report:
    """Each region's quotas against the plan."""
    findings = []
    for region in plan.regions:
        account = accounts[region]
        findings += [_requests(plan, account), _concurrency(plan, account)]
        if region in plan.cells:
            findings += [_goal(plan, account), _arrivals(plan, account), *_table(plan, account)]
        if region == plan.home:
            findings += [_shards(plan, account), *_cdn(plan, account)]
    unread = tuple(sentence for region in plan.regions for sentence in accounts[region].unread)
    return Report(tuple(sorted(findings, key=lambda each: not each.binds)), unread)


def granted(account: Account) -> Throttle:
    """Requests a second that API Gateway grants: what it states itself, else what Service Quotas states."""
    if account.throttle is not None:
        return account.throttle
    default = requests_of(account.region)
    return Throttle(int(account.quotas.get("requests", default.rate)), default.burst)


def routes_rate(plan: Plan, region: str) -> int:
    """Requests a second that the routes of a region may take together, as Terraform sets their throttles."""
    apis = (["http_api"] if region == plan.home else []) + (["websocket_api"] if region in plan.cells else [])
    account = requests_of(region, plan.settings)
    return sum(throttle.rate for api in apis for throttle in route_throttles(plan.system[api], account).values())


def _requests(plan: Plan, account: Account) -> Finding:
    """The stages' throttles: API Gateway refuses one above the account's."""
    region, has = account.region, granted(account)
    stage = requests_of(region, plan.settings)
    routes = routes_rate(plan, region)
    senders = plan.setting("send_rate") if region in plan.cells else 0
    needs = max(stage.rate, routes + senders)
    if stage.burst > has.burst and needs <= has.rate:
        return Finding(
            region, "burst", has.burst, stage.burst,
            f"{region}: `terraform apply` is refused: the stages' burst of {stage.burst:,} is above the account's "
            f"{has.burst:,}. Set account_burst to {has.burst} in settings; AWS raises the burst with the rate.",
        )  # fmt: skip
    if needs <= has.rate:
        return Finding(
            region, "requests", has.rate, needs,
            f"{region}: {has.rate:,} requests a second are enough for routes ({routes:,}) and senders ({senders:,}).",
        )  # fmt: skip
    if routes + senders <= has.rate:
        what = f"the stages' default throttle of {stage.rate:,} is above it"
        do = f"Set account_rate to {has.rate} and account_burst to {has.burst} in settings"
        return Finding(
            region, "requests", has.rate, needs, f"{_refused(account)}, and {what}. {do}.",
        )  # fmt: skip
    # A raised quota lets the routes have their whole throttles: a smaller one gives them a share of it.
    wanted = senders + _whole_routes(plan, region)
    left = has.rate - routes_rate(_with_rate(plan, has.rate), region)
    what = f"routes ({routes:,}) and senders ({senders:,}) need more"
    do = f"Set account_rate to {has.rate}, account_burst to {has.burst} and send_rate to {left} in settings"
    says = (
        f"{_refused(account)}, and {what}. {do}. Or file the request below, and set account_rate to {wanted} and "
        "account_burst to the granted burst when AWS has granted it."
    )
    return Finding(region, "requests", has.rate, wanted, says, _request("requests", region, wanted))


def _refused(account: Account) -> str:
    has = granted(account)
    return (
        f"{account.region}: `terraform apply` fails: API Gateway grants {has.rate:,} requests a second with a burst of "
        f"{has.burst:,}"
    )


def _with_rate(plan: Plan, rate: int) -> Plan:
    return replace(plan, settings={**plan.settings, "account_rate": rate})


def _whole_routes(plan: Plan, region: str) -> int:
    """Requests a second of the routes where the quota is no smaller than the usual one."""
    return routes_rate(_with_rate(plan, plan.system["settings"]["account_rate"]["default"]), region)


def _goal(plan: Plan, account: Account) -> Finding:
    """The first goal: viewers of the cell over the rate of its senders."""
    region, viewers = account.region, plan.viewers_of_a_cell
    rate = min(plan.setting("send_rate"), max(1, granted(account).rate))
    seconds, wanted = viewers / rate, math.ceil(viewers / plan.goal_seconds)
    if wanted <= rate:
        says = f"{region}: a goal reaches the last of {viewers:,} viewers after {seconds:.0f} s at {rate:,} POSTs/s."
        return Finding(region, "goal", rate, wanted, says)
    quota = wanted + _whole_routes(plan, region)
    says = (
        f"{region}: a goal reaches the last of {viewers:,} viewers after {seconds:.0f} s, not within "
        f"{plan.goal_seconds:.0f} s: that takes {wanted:,} POSTs a second, and the senders have {rate:,}. File "
        f"the request below and set account_rate to {quota} and send_rate to {wanted} when it is granted, or add cells."
    )
    return Finding(region, "goal", rate, wanted, says, _request("requests", region, quota))


def _arrivals(plan: Plan, account: Account) -> Finding:
    """Viewers who come in before the kick-off."""
    region, viewers = account.region, plan.viewers_of_a_cell
    throttles = route_throttles(plan.system["websocket_api"], requests_of(region, plan.settings))
    quota = account.quotas.get("connections", quotas()["connections"].default)
    has = min(quota, throttles["$connect"].rate, throttles["subscribe"].rate)
    needs = math.ceil(viewers / plan.arrive_seconds)
    minutes = viewers / has / 60
    if needs <= has:
        says = f"{region}: {viewers:,} viewers come in within {minutes:.0f} min at {has:,.0f} new connections a second."
        return Finding(region, "connections", has, needs, says)
    says = (
        f"{region}: {viewers:,} viewers need {minutes:.0f} min to come in at {has:,.0f} new connections a second, not "
        f"{plan.arrive_seconds / 60:.0f} min: that takes {needs:,} a second. "
    )
    says += f"Raise the throttles of $connect and subscribe to {needs} or more (websocket_throttles)"
    if needs <= quota:
        return Finding(region, "connections", has, needs, f"{says}.")
    says += " and file the request below."
    return Finding(region, "connections", has, needs, says, _request("connections", region, needs))


def _concurrency(plan: Plan, account: Account) -> Finding:
    """Executions at once when a goal meets viewers who come in."""
    region = account.region
    has = account.quotas.get("concurrency", quotas()["concurrency"].default)
    needs, parts = HEADROOM, f"{HEADROOM} for home"
    if region in plan.cells:
        senders = math.ceil(plan.setting("send_rate") / plan.setting("sender_rate"))
        arrivals = math.ceil(min(plan.viewers_of_a_cell / plan.arrive_seconds, 500) / ARRIVALS_PER_ENVIRONMENT)
        needs += senders + 2 * arrivals
        parts = f"{senders} senders, {arrivals} each of authorizer and routes, and {HEADROOM} for the rest"
    if needs <= has:
        says = f"{region}: {has:,.0f} concurrent executions are enough; {needs:,} are needed ({parts})."
        return Finding(region, "concurrency", has, needs, says)
    says = (
        f"{region}: Lambda runs {has:,.0f} executions at once, and a goal while viewers come in needs {needs:,} "
        f"({parts}). Senders and subscribes would be throttled, and reserved or provisioned concurrency fails the "
        "apply. New accounts begin low. File the request below."
    )
    return Finding(region, "concurrency", has, needs, says, _request("concurrency", region, max(needs, 1000)))


def _table(plan: Plan, account: Account) -> list[Finding]:
    """The table of subscriptions: rows written as viewers come in, read as a goal is told."""
    region, per_second = account.region, math.ceil(plan.viewers_of_a_cell / plan.arrive_seconds)
    # A row of 64 bytes: a write unit, another in the index, and as many for the note of a connection that closes.
    writes = 2 * per_second
    # A consistent read unit is 4 KB, 64 rows.
    reads = math.ceil(plan.setting("send_rate") / 64) + per_second
    found = []
    for key, needs, what in (("table_writes", writes, "written"), ("table_reads", reads, "read")):
        has = account.quotas.get(key, quotas()[key].default)
        if needs > has:
            says = (
                f"{region}: the table of subscriptions may be {what} {has:,.0f} units a second, and "
                f"{needs:,} are needed. File the request below."
            )
            found.append(Finding(region, key, has, needs, says, _request(key, region, needs)))
    return found


def _shards(plan: Plan, account: Account) -> Finding:
    """Shards of the stream of events."""
    has, needs = (
        account.quotas.get("shards", quotas()["shards"].default),
        plan.shards or plan.system["stream"]["shards"],
    )
    region = account.region
    if needs <= has:
        return Finding(region, "shards", has, needs, f"{region}: {has:,.0f} Kinesis shards are enough for {needs}.")
    says = f"{region}: `terraform apply` fails: the stream has {needs:,} shards, and the account may have {has:,.0f}."
    return Finding(region, "shards", has, needs, says, _request("shards", region, needs))


def _cdn(plan: Plan, account: Account) -> list[Finding]:
    """Viewers who look over HTTP after a silence. Service Quotas does not raise this quota."""
    quota, needs = quotas()["cdn_requests"], math.ceil(plan.viewers / CHECK_SECONDS)
    if needs <= quota.default:
        return []
    says = (
        f"{account.region}: the site's distribution may answer {quota.default:,} requests a second, and "
        f"{plan.viewers:,} viewers may ask {needs:,}. Open a support case for CloudFront ({quota.source})."
    )
    return [Finding(account.region, "cdn_requests", quota.default, needs, says)]


def _request(key: str, region: str, value: float) -> str:
    """The command of the AWS CLI that asks for a quota."""
    quota = quotas()[key]
    return (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code {quota.service} "
        f"--quota-code {quota.code} --desired-value {math.ceil(value)}"
    )
