"""Pure: compares an account's quotas with the needs of a deployment and its audience.

The result has sentences for a person, settings for Terraform, and commands that request larger quotas.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from devstack.deployment.settings_advice import ARRIVAL_ROUTES, Account, Advice, DeploymentPlan, advise, changes
from devstack.quotas import quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

ARRIVALS_PER_ENVIRONMENT = 10
"""New viewers a second that one execution environment of the authorizer and one of routes serve together."""

HEADROOM = 100
"""Concurrent executions for all other functions. Lambda also keeps 100 unreserved in every account
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html)."""

LEAST_CONCURRENCY = 1000
"""The smallest number of concurrent executions to request: the usual default, which new accounts do not have yet."""

SILENCE_SECONDS = 30
"""Seconds of silence after which a viewer asks the CDN, at most once in that time (docs/protocol.md)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One quota in one region, the value that is needed, and a sentence for a person."""

    region: str
    quota: str
    """A key of quotas_and_prices.json, or ``burst``, or ``goal``: the POSTs a second that tell every viewer in time."""
    has: float
    needs: float
    says: str

    @property
    def binds(self) -> bool:
        """Whether the quota is too small."""
        return self.needs > self.has


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, with the quotas that are too small first, and the remedies."""

    findings: tuple[Finding, ...]
    unread: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings for terraform.tfvars that fit the account today, and ``websocket_throttles`` by route."""
    requests: tuple[str, ...] = ()
    """Commands of the AWS CLI that request larger quotas, one for each region and quota."""
    granted: Mapping[str, Any] = field(default_factory=dict)
    """Settings like ``settings``, for the time after AWS has granted the requests."""

    @property
    def binds(self) -> bool:
        """Whether any quota is too small."""
        return any(each.binds for each in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report that ``livescore preflight --json`` prints."""
        return {
            "binds": self.binds,
            "findings": [{**asdict(each), "binds": each.binds} for each in self.findings],
            "unread": list(self.unread),
            "settings": dict(self.settings),
            "requests": list(self.requests),
            "settings_when_granted": dict(self.granted),
        }


def compare(plan: DeploymentPlan, accounts: Mapping[str, Account]) -> Report:
    """Compare each region's quotas with the plan. ``accounts`` has each of the plan's regions."""
    advice = advise(plan, accounts)
    findings = []
    for region in plan.regions:
        account = accounts[region]
        findings += [*_requests(plan, account), _concurrency(advice.wanted, account)]
        if region in plan.cells:
            findings += [_goal(advice, account), _arrivals(advice, account), *_table(advice.wanted, account)]
        if region == plan.home:
            findings += [_shards(plan, account), *_cdn(plan, account)]
    unread = tuple(sentence for region in plan.regions for sentence in accounts[region].unread)
    findings.sort(key=lambda each: not each.binds)
    requested = _to_request(advice, accounts, [each for each in findings if each.binds])
    today, wanted = changes(plan, advice.today), changes(plan, advice.wanted)
    if any(each.quota in {"requests", "burst", "goal", "connections"} and each.binds for each in findings):
        waits = any(key in {"requests", "connections"} for _, key in requested)
        now, granted = (today, wanted) if waits else (wanted, {})
    else:
        now, granted = {}, {}
    requests = tuple(_request(region, key, value) for (region, key), value in requested.items())
    return Report(tuple(findings), unread, now, requests, granted)


def _requests(plan: DeploymentPlan, account: Account) -> list[Finding]:
    """The findings about requests a second and burst.

    API Gateway refuses a stage throttle above the account's. Terraform refuses routes and senders whose rates add up to
    more than the stage throttle.
    """
    region, has, stage = account.region, account.granted, plan.stage(account.region)
    routes, senders = plan.routes_rate(region), plan.senders_rate(region)
    parts = f"routes ({routes:,}) and senders ({senders:,})"
    found = []
    if stage.rate > has.rate:
        says = f"API Gateway grants {has.rate:,} requests a second, and the stages' throttle would be {stage.rate:,}"
        found.append(Finding(region, "requests", has.rate, max(stage.rate, routes + senders), says))
    elif routes + senders > stage.rate:
        says = f"{parts} need more than the {stage.rate:,} requests a second of account_rate"
        found.append(Finding(region, "requests", stage.rate, routes + senders, says))
    if stage.burst > has.burst:
        says = f"API Gateway grants a burst of {has.burst:,}, and the stages' would be {stage.burst:,}"
        found.append(Finding(region, "burst", has.burst, stage.burst, says))
    if found:
        return [
            Finding(each.region, each.quota, each.has, each.needs, f"{region}: `terraform apply` fails: {each.says}.")
            for each in found
        ]
    says = f"{region}: {stage.rate:,} requests a second are enough for {parts}."
    return [Finding(region, "requests", stage.rate, routes + senders, says)]


def _goal(advice: Advice, account: Account) -> Finding:
    """The seconds until a goal has reached the last viewer of a cell, with settings that `terraform apply` accepts."""
    region, plan = account.region, advice.today
    viewers, rate, wanted = plan.viewers_of_a_cell, plan.setting("send_rate"), plan.goal_rate
    seconds = viewers / rate
    if wanted <= rate:
        says = f"{region}: a goal reaches the last of {viewers:,} viewers after {seconds:.0f} s at {rate:,} POSTs/s."
    else:
        says = (
            f"{region}: a goal reaches the last of {viewers:,} viewers after {seconds:.0f} s at {rate:,} POSTs/s, not "
            f"within {plan.goal_seconds:.0f} s: that needs {wanted:,} POSTs/s. More cells help too."
        )
    return Finding(region, "goal", rate, wanted, says)


def _arrivals(advice: Advice, account: Account) -> Finding:
    """The minutes that all viewers of a cell need to connect before the kick-off."""
    region, plan = account.region, advice.today
    viewers, needs = plan.viewers_of_a_cell, plan.arrivals
    throttles = plan.routes(region)
    has = min(account.quota("connections"), *(throttles[route].rate for route in ARRIVAL_ROUTES))
    minutes = viewers / has / 60
    says = f"{region}: {viewers:,} viewers connect within {minutes:.0f} min at {has:,.0f} new connections a second."
    if needs > has:
        says = (
            f"{region}: {viewers:,} viewers need {minutes:.0f} min to connect at {has:,.0f} new connections a second, "
            f"not {plan.arrive_seconds / 60:.0f} min: that needs {needs:,} a second."
        )
    return Finding(region, "connections", has, needs, says)


def _concurrency(plan: DeploymentPlan, account: Account) -> Finding:
    """The concurrent Lambda executions when a goal is scored while viewers connect."""
    region, has = account.region, account.quota("concurrency")
    needs, parts = HEADROOM, f"{HEADROOM} for home"
    if region in plan.cells:
        senders = math.ceil(plan.setting("send_rate") / plan.setting("sender_rate"))
        arrivals = math.ceil(plan.arrivals / ARRIVALS_PER_ENVIRONMENT)
        needs += senders + 2 * arrivals
        parts = f"{senders} senders, {arrivals} each of authorizer and routes, and {HEADROOM} for the rest"
    if needs <= has:
        says = f"{region}: {has:,.0f} concurrent executions are enough; {needs:,} are needed ({parts})."
    else:
        says = (
            f"{region}: Lambda allows {has:,.0f} concurrent executions; a goal while viewers connect needs {needs:,} "
            f"({parts}). Lambda would throttle senders and subscriptions, and with reserved or provisioned concurrency "
            "`terraform apply` fails. New accounts begin with few."
        )
    return Finding(region, "concurrency", has, needs, says)


def _table(plan: DeploymentPlan, account: Account) -> list[Finding]:
    """The findings about the table of subscriptions: viewers who connect write its rows, and broadcasts read them."""
    region = account.region
    # A new row has 64 bytes: it takes one write unit in the table and one in the index.
    writes = 2 * plan.arrivals
    # A consistent read unit covers 4 KB, which is 64 rows.
    reads = math.ceil(plan.setting("send_rate") / 64) + plan.arrivals
    found = []
    for key, needs, what in (("table_writes", writes, "write"), ("table_reads", reads, "read")):
        has = account.quota(key)
        if needs > has:
            says = (
                f"{region}: the table of subscriptions allows {has:,.0f} {what} units a second; {needs:,} are needed."
            )
            found.append(Finding(region, key, has, needs, says))
    return found


def _shards(plan: DeploymentPlan, account: Account) -> Finding:
    """The shards of the stream of events."""
    region, has, needs = account.region, account.quota("shards"), plan.shards or plan.system["stream"]["shards"]
    says = f"{region}: {has:,.0f} Kinesis shards are enough for {needs}."
    if needs > has:
        says = f"{region}: `terraform apply` fails: the stream needs {needs:,} shards; the account allows {has:,.0f}."
    return Finding(region, "shards", has, needs, says)


def _cdn(plan: DeploymentPlan, account: Account) -> list[Finding]:
    """The requests of viewers who ask over HTTP after a silence. Only a support case raises this quota."""
    quota, needs = quotas()["cdn_requests"], math.ceil(plan.viewers / SILENCE_SECONDS)
    if needs <= quota.default:
        return []
    says = (
        f"{account.region}: the site's distribution allows {quota.default:,} requests a second, and "
        f"{plan.viewers:,} viewers may ask {needs:,}. Open a support case for CloudFront ({quota.source})."
    )
    return [Finding(account.region, "cdn_requests", quota.default, needs, says)]


def _to_request(
    advice: Advice, accounts: Mapping[str, Account], binding: list[Finding]
) -> dict[tuple[str, str], float]:
    """The value to ask for, by region and quota: the largest that any finding needs."""
    found: dict[tuple[str, str], float] = {}
    if any(each.quota in {"requests", "goal", "connections"} for each in binding):
        for region, account in accounts.items():
            if advice.short(account):
                found[region, "requests"] = advice.wanted.stage(region).rate
    for each in binding:
        value = max(each.needs, LEAST_CONCURRENCY) if each.quota == "concurrency" else each.needs
        # A throttle, not the quota, may be what binds.
        if each.quota in quotas() and each.quota != "requests" and value > accounts[each.region].quota(each.quota):
            found[each.region, each.quota] = max(value, found.get((each.region, each.quota), 0))
    return {key: value for key, value in found.items() if quotas()[key[1]].code is not None}


def _request(region: str, key: str, value: float) -> str:
    """The command of the AWS CLI that asks for a quota."""
    quota = quotas()[key]
    return (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code {quota.service} "
        f"--quota-code {quota.code} --desired-value {math.ceil(value)}"
    )
