"""The comparison of an account's quotas with a deployment."""

from __future__ import annotations

import itertools
from dataclasses import replace

from devstack.deployment.quota_fit import Finding, compare
from devstack.deployment.settings_advice import ARRIVAL_ROUTES, Account, DeploymentPlan, advise
from devstack.quotas import Throttle, quotas
from devstack.system import System

SYSTEM = System(0).raw
PLAN = DeploymentPlan("eu-west-1", ("eu-west-1",), {}, SYSTEM)
USUAL = Account("eu-west-1", {key: quota.default for key, quota in quotas().items()}, Throttle(10_000, 5_000))


def found(plan: DeploymentPlan, *accounts: Account) -> dict[str, Finding]:
    """The findings by quota."""
    return {each.quota: each for each in compare(plan, {each.region: each for each in accounts}).findings}


def test_an_account_with_the_usual_quotas_carries_the_defaults() -> None:
    """10,000 viewers of one match fit a usual account with the defaults of system.json; no request is needed."""
    report = compare(PLAN, {"eu-west-1": USUAL})
    assert not report.binds
    assert (report.requests, report.settings, report.granted) == ((), {}, {})


def asks(region: str, code: str, value: int) -> str:
    """The command that requests a larger quota of API Gateway."""
    return (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code apigateway "
        f"--quota-code {code} --desired-value {value}"
    )


def test_a_small_region_is_told_what_to_set_and_what_to_file() -> None:
    """Milan grants 2,500 requests a second, and Terraform knows it: the report lowers send_rate, or asks for more."""
    account = replace(USUAL, region="eu-south-1", throttle=Throttle(2_500, 1_250))
    plan = DeploymentPlan("eu-south-1", ("eu-south-1",), {}, SYSTEM)
    report = compare(plan, {"eu-south-1": account})
    assert found(plan, account)["requests"].binds
    assert report.requests == (asks("eu-south-1", "L-8A5B8E43", 10_000),)
    assert report.settings == {"send_rate": 2_500 - plan.routes_rate("eu-south-1")}
    assert report.granted == {"account_rate": 10_000}


def test_a_lowered_quota_is_set_for_all_regions() -> None:
    """If an account has less than its region's default, the report sets account_rate and account_burst too."""
    report = compare(PLAN, {"eu-west-1": replace(USUAL, throttle=Throttle(2_500, 1_250))})
    assert report.settings.keys() == {"account_rate", "account_burst", "send_rate"}
    assert report.requests == (asks("eu-west-1", "L-8A5B8E43", 10_000),)


def _accounts() -> list[tuple[DeploymentPlan, dict[str, Account]]]:
    """Plans for small and usual regions, small and raised quotas, one and two cells, few and many viewers."""
    made = []
    rates = (2_500, 1_250), (10_000, 5_000), (10_000, 1_250), (40_000, 10_000)
    for regions, rate, connections, viewers, seconds, settings, raised in itertools.product(
        (("eu-west-1",), ("eu-south-1",), ("eu-south-1", "eu-west-1")),
        rates,
        (500, 3_000),
        (1_000, 300_000, 2_000_000),
        (30, 900),
        ({}, {"send_rate": 9_000}, {"account_rate": 5_000}),
        ({}, {"$connect": Throttle(4_000, 1_000)}),
    ):
        quota = {**USUAL.quotas, "connections": connections}
        accounts = {region: replace(USUAL, region=region, throttle=Throttle(*rate), quotas=quota) for region in regions}
        cells = regions[1:] or regions
        made.append((
            DeploymentPlan(regions[0], cells, settings, SYSTEM, viewers, seconds, 600, throttles=raised), accounts
        ))  # fmt: skip
    return made


def test_the_advice_holds() -> None:
    """With the advised settings the apply succeeds, and with the requested quotas nothing is too small any more."""
    for plan, accounts in _accounts():
        report, advice = compare(plan, accounts), advise(plan, accounts)
        today = compare(advice.today, accounts)
        assert not [each for each in today.findings if each.quota in {"requests", "burst"} and each.binds], plan
        assert all(advice.today.fits(region) for region in plan.regions), plan
        assert all(advice.today.setting("send_rate") > 0 for _ in plan.cells), plan
        asked: dict[str, dict[str, float]] = {region: {} for region in plan.regions}
        for request in report.requests:
            words = request.split()
            quota = next(key for key, each in quotas().items() if each.code == words[words.index("--quota-code") + 1])
            region = words[words.index("--region") + 1]
            assert quota not in asked[region], "one quota is asked for twice"
            asked[region][quota] = float(words[-1])
        granted = {
            region: replace(
                account,
                quotas={**account.quotas, **asked[region]},
                throttle=Throttle(int(asked[region].get("requests", account.granted.rate)), account.granted.burst),
            )
            for region, account in accounts.items()
        }
        assert not compare(advice.wanted, granted).binds, (plan, report)


def test_the_throttle_of_api_gateway_overrides_service_quotas() -> None:
    """An account whose console says 2,500 while Service Quotas says 10,000 is throttled at 2,500."""
    assert found(PLAN, replace(USUAL, throttle=Throttle(2_500, 1_250)))["requests"].has == 2_500


def test_a_smaller_burst_is_found() -> None:
    """A stage's burst above the account's is reported even if the rate fits, because API Gateway refuses it."""
    account = replace(USUAL, throttle=Throttle(10_000, 1_250))
    burst = found(PLAN, account)["burst"]
    assert (burst.binds, burst.has, burst.needs) == (True, 1_250, 5_000)
    assert compare(PLAN, {"eu-west-1": account}).settings == {"account_burst": 1_250}


def test_a_new_account_has_too_few_executions() -> None:
    """Ten concurrent executions are too few for a goal, and the request asks for 1,000."""
    report = compare(PLAN, {"eu-west-1": replace(USUAL, quotas={**USUAL.quotas, "concurrency": 10})})
    assert [each.quota for each in report.findings if each.binds] == ["concurrency"]
    assert [each.partition("--quota-code ")[2] for each in report.requests] == ["L-B99A9384 --desired-value 1000"]


def test_a_million_viewers_are_counted_by_cell() -> None:
    """With a million viewers a goal takes 133 s in one cell and 33 s in four, where all can also connect in time."""
    plan = replace(PLAN, viewers=1_000_000, goal_seconds=60)
    one = found(plan, USUAL)
    assert one["goal"].binds
    assert "after 133 s at 7,500 POSTs/s, not within 60 s" in one["goal"].says
    assert (one["connections"].needs, one["connections"].binds) == (1_112, True)
    report = compare(plan, {"eu-west-1": USUAL})
    # 16,667 POSTs a second; the routes as they are; and 1,112 instead of 500 new viewers a second at three of them.
    connect = {route: SYSTEM["websocket_api"]["throttles"][route]["rate"] for route in ARRIVAL_ROUTES}
    rate = 16_667 + plan.routes_rate("eu-west-1") + sum(1_112 - each for each in connect.values())
    assert report.requests == (asks("eu-west-1", "L-8A5B8E43", rate), asks("eu-west-1", "L-9ED1E49A", 1_112))
    assert (report.granted["account_rate"], report.granted["send_rate"]) == (rate, 16_667)
    assert report.granted["websocket_throttles"].keys() == set(ARRIVAL_ROUTES)
    regions = ("eu-west-1", "us-east-1", "us-west-2", "eu-central-1")
    accounts = {region: replace(USUAL, region=region) for region in regions}
    report = compare(replace(PLAN, cells=regions, viewers=1_000_000, goal_seconds=60), accounts)
    assert not report.binds


def test_a_throttle_below_a_raised_quota_is_named() -> None:
    """If the quota of connections is raised, only the throttle of $connect is too small: no request is needed."""
    account = replace(USUAL, quotas={**USUAL.quotas, "connections": 2_000})
    plan = replace(PLAN, viewers=1_000_000, goal_seconds=3600, settings={"send_rate": 5_000})
    assert found(plan, account)["connections"].binds
    report = compare(plan, {"eu-west-1": account})
    assert report.requests == ()
    assert report.settings["websocket_throttles"]["$connect"] == {"rate": 1_112, "burst": 1_112}
    raised = {route: Throttle(**each) for route, each in report.settings["websocket_throttles"].items()}
    assert not compare(replace(plan, throttles=raised), {"eu-west-1": account}).binds


def test_more_viewers_than_table_and_distribution_serve() -> None:
    """30 million viewers of one cell in 15 minutes exceed the table's writes and the distribution's requests."""
    many = found(replace(PLAN, viewers=30_000_000), USUAL)
    assert many["table_writes"].binds
    assert many["cdn_requests"].binds
    assert "support case" in many["cdn_requests"].says


def test_quotas_that_could_not_be_read_are_those_of_a_new_account() -> None:
    """If API Gateway states no throttle, the value of Service Quotas counts, and without it AWS's default."""
    unread = Account("eu-west-1", {}, unread=("The quotas could not be read.",))
    assert unread.granted == Throttle(10_000, 5_000)
    assert Account("eu-west-1", {"requests": 3_000.0}).granted == Throttle(3_000, 5_000)
    assert unread.quota("shards") == quotas()["shards"].default


def test_more_shards_than_the_account_may_have_are_found() -> None:
    """The report says that `terraform apply` fails if the stream has more shards than the quota."""
    account = replace(USUAL, quotas={**USUAL.quotas, "shards": 4})
    finding = found(replace(PLAN, shards=8), account)["shards"]
    assert finding.binds
    assert "the stream needs 8 shards; the account allows 4" in finding.says


def test_a_report_as_the_command_prints_it() -> None:
    """JSON has each finding, whether it binds, and the sentences about quotas that could not be read."""
    printed = compare(PLAN, {"eu-west-1": replace(USUAL, unread=("No permission.",))}).to_dict()
    assert (printed["binds"], printed["unread"]) == (False, ["No permission."])
    assert {each["quota"] for each in printed["findings"]} >= {"requests", "shards"}


def test_two_cells_of_one_region_share_its_quota() -> None:
    """The throttles and senders of both cells count, and the advised ``send_rate`` fits twice."""
    plan = DeploymentPlan("eu-west-1", ("eu-west-1", "eu-west-1"), {}, SYSTEM)
    assert not plan.fits("eu-west-1")
    advised = advise(plan, {"eu-west-1": USUAL}).today
    assert advised.fits("eu-west-1")
    assert 2 * advised.setting("send_rate") > 10_000 - advised.routes_rate("eu-west-1") - 2


def test_a_cell_that_broadcasts_needs_no_requests_of_api_gateway() -> None:
    """A third of the viewers of three cells is told by another service; its region is compared for home's sake only."""
    plan = DeploymentPlan("eu-west-1", ("eu-west-1", "us-east-1"), {}, SYSTEM, 30_000, broadcasting=("eu-west-1",))
    assert (plan.viewers_of_a_cell, plan.regions) == (10_000, ("eu-west-1", "us-east-1"))
    alone = DeploymentPlan("eu-west-1", (), {}, SYSTEM, broadcasting=("us-east-1",))
    report = compare(alone, {region: replace(USUAL, region=region) for region in alone.regions})
    assert not report.binds
    assert (report.requests, report.settings) == ((), {})
