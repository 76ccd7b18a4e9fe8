"""The comparison of an account's quotas with a deployment: pure, and against AWS's protocols on a loopback server."""

from __future__ import annotations

import itertools
import json
import os
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from commands.cli import app
from devstack.deployment.quota_fit import Finding, compare
from devstack.deployment.settings_advice import ARRIVAL_ROUTES, Account, Plan, advise
from devstack.quotas import Throttle, quotas
from devstack.system import System
from tests.terraform import guide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM = System(0).raw
PLAN = Plan("eu-west-1", ("eu-west-1",), {}, SYSTEM)
USUAL = Account("eu-west-1", {key: quota.default for key, quota in quotas().items()}, Throttle(10_000, 5_000))


def found(plan: Plan, *accounts: Account) -> dict[str, Finding]:
    """The findings by quota."""
    return {each.quota: each for each in compare(plan, {each.region: each for each in accounts}).findings}


def test_an_account_with_the_usual_quotas_carries_the_defaults() -> None:
    """10,000 viewers of one match fit a usual account as system.json stands, and nothing is to be filed."""
    report = compare(PLAN, {"eu-west-1": USUAL})
    assert not report.binds
    assert (report.requests, report.settings, report.granted) == ((), {}, {})


def asks(region: str, code: str, value: int) -> str:
    """The command that asks for a quota of API Gateway."""
    return (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code apigateway "
        f"--quota-code {code} --desired-value {value}"
    )


def test_a_small_region_is_told_what_to_set_and_what_to_file() -> None:
    """Milan grants 2,500 requests a second, which Terraform knows: the send rate has to be set, or a quota filed."""
    account = replace(USUAL, region="eu-south-1", throttle=Throttle(2_500, 1_250))
    plan = Plan("eu-south-1", ("eu-south-1",), {}, SYSTEM)
    report = compare(plan, {"eu-south-1": account})
    assert found(plan, account)["requests"].binds
    assert report.requests == (asks("eu-south-1", "L-8A5B8E43", 10_000),)
    assert report.settings == {"send_rate": 2_500 - plan.routes_rate("eu-south-1")}
    assert report.granted == {"account_rate": 10_000}


def test_a_lowered_quota_is_set_for_all_regions() -> None:
    """Where an account has less than its region's default, Terraform has to be told the quota as well."""
    report = compare(PLAN, {"eu-west-1": replace(USUAL, throttle=Throttle(2_500, 1_250))})
    assert report.settings.keys() == {"account_rate", "account_burst", "send_rate"}
    assert report.requests == (asks("eu-west-1", "L-8A5B8E43", 10_000),)


def _accounts() -> list[tuple[Plan, dict[str, Account]]]:
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
            Plan(regions[0], cells, settings, SYSTEM, viewers, seconds, 600, throttles=raised), accounts
        ))  # fmt: skip
    return made


def test_the_advice_holds() -> None:
    """With the advised settings the apply succeeds; with the quotas that are asked for nothing binds any more."""
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


def test_what_api_gateway_states_counts_more_than_service_quotas() -> None:
    """An account whose console says 2,500 while Service Quotas says 10,000 is throttled at 2,500."""
    assert found(PLAN, replace(USUAL, throttle=Throttle(2_500, 1_250)))["requests"].has == 2_500


def test_a_smaller_burst_is_found() -> None:
    """A stage's burst above the account's is refused by API Gateway, though the rate fits."""
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
    """A million viewers of one cell need 133 s for a goal; of four cells 33 s, and four let all in in time."""
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
    """With a raised quota of connections the throttle of $connect is what keeps viewers out: nothing is to be filed."""
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


@dataclass
class Aws:
    """The account's quotas, as AWS's four services answer in their protocols; a code instead of a value is an error."""

    url: str = ""
    quotas: dict[str, float] = field(default_factory=dict)
    """Code -> value that was raised; of the others there is only a default."""
    throttle: tuple[float, int] = (10_000.0, 5_000)
    executions: int = 1_000
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Service -> status and code of the error that it answers."""

    def answer(self, service: str, target: str, body: bytes) -> tuple[int, str, str]:
        """Status, content type and body of an answer."""
        if service in self.errors:
            status, code = self.errors[service]
            if service == "sts":
                return status, "text/xml", f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
            return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": "no"})
        match service:
            case "sts":
                text = (
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>"
                )
                return 200, "text/xml", f"{text}</GetCallerIdentityResponse>"
            case "lambda":
                return 200, "application/json", json.dumps({"AccountLimit": {"ConcurrentExecutions": self.executions}})
            case "apigateway":
                limits = {"rateLimit": self.throttle[0], "burstLimit": self.throttle[1]}
                return 200, "application/json", json.dumps({"throttleSettings": limits})
        code = json.loads(body)["QuotaCode"]
        if target.endswith("GetServiceQuota") and code not in self.quotas:
            return 400, "application/x-amz-json-1.1", json.dumps({"__type": "NoSuchResourceException", "Message": "no"})
        default = next(each.default for each in quotas().values() if each.code == code)
        value = self.quotas.get(code, default)
        return 200, "application/x-amz-json-1.1", json.dumps({"Quota": {"QuotaCode": code, "Value": value}})


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """A loopback server that speaks the protocols of Service Quotas, API Gateway, Lambda and STS."""
    account = Aws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
            pass

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            # The fourth part of the credential names the service.
            service = self.headers["Authorization"].split("/")[3]
            status, kind, text = account.answer(service, self.headers.get("X-Amz-Target", ""), body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    account.url = f"http://127.0.0.1:{server.server_port}"
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": account.url,
        "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield account
    server.shutdown()
    thread.join()
    server.server_close()


def preflight(*options: str) -> tuple[int, str]:
    """Exit status and output of the command."""
    done = CliRunner().invoke(app, ["preflight", *options])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def test_an_account_is_read_over_the_wire(aws: Aws) -> None:
    """The command reads raised quotas and defaults, and exits 0 when everything fits."""
    aws.quotas["L-9ED1E49A"] = 1_200
    status, said = preflight("--region", "eu-west-1", "--viewers", "100000", "--json")
    report = json.loads(said)
    assert (status, report["binds"], report["unread"]) == (0, False, [])


def test_a_new_account_in_a_small_region(aws: Aws) -> None:
    """The command exits 3 and prints each request once, on a line of its own that can be copied."""
    aws.throttle, aws.executions = (2_500.0, 1_250), 10
    status, said = preflight("--region", "eu-south-1")
    assert status == 3
    lines = [line for line in said.splitlines() if line.startswith("    aws service-quotas ")]
    assert len(lines) == len(set(lines)) == 2
    for line in lines:
        # Raises for an operation or an option that the AWS CLI does not have.
        guide.aws([word for word in line.split()[1:] if word not in {"--region", "eu-south-1"}])
    assert any(line.endswith("--quota-code L-8A5B8E43 --desired-value 10000") for line in lines)
    assert "    settings = { send_rate = " in said
    assert "    settings = { account_rate = 10000 }" in said


def test_throttles_that_will_be(aws: Aws) -> None:
    """A raised throttle of $connect counts, and that of $disconnect, which Terraform raises with it."""
    options = ("--region", "eu-west-1", "--throttle", "$connect=1200", "--json")
    status, said = preflight(*options)
    finding = json.loads(said)["findings"][0]
    # 7,500 for the senders, 2,500 for the routes, and twice 700 more.
    assert (status, finding["quota"], finding["needs"]) == (3, "requests", 11_400)


def test_two_cells_and_the_settings_that_will_be(aws: Aws) -> None:
    """Each cell's region is compared with the settings of --setting."""
    aws.throttle = (2_500.0, 1_250)
    options = ("--region", "eu-south-1", "--cells", "eu-south-1,eu-south-2", "--setting", "send_rate=1875", "--json")
    status, said = preflight(*options)
    assert (status, {each["region"] for each in json.loads(said)["findings"]}) == (0, {"eu-south-1", "eu-south-2"})


def test_the_outputs_of_a_deployment(aws: Aws, tmp_path: Path) -> None:
    """`terraform output -json` gives home, cells, settings and throttles; another release's setting is no mistake."""
    outputs = tmp_path / "outputs.json"
    values = {
        "home": {"region": "eu-west-1"},
        "cells": {"us-east-1": {}},
        "settings": {name: str(each["default"]) for name, each in SYSTEM["settings"].items()}
        | {"send_rate": "9000", "of_another_release": "1"},
        "quotas": {"eu-west-1": {"rate": 10_000, "burst": 5_000}, "us-east-1": {"rate": 10_000, "burst": 5_000}},
        "throttles": {"sync": {"rate": 250, "burst": 500}},
    }
    outputs.write_text(json.dumps({name: {"value": value} for name, value in values.items()}))
    status, said = preflight("--region", "eu-west-2", "--outputs", str(outputs), "--json")
    report = json.loads(said)
    assert {each["region"] for each in report["findings"]} == {"eu-west-1", "us-east-1"}
    # 9,000 for the senders, 1,750 for the routes of a cell, and 100 more for sync.
    assert (status, next(each for each in report["findings"] if each["binds"])["needs"]) == (3, 10_850)


def test_the_quota_of_a_deployment_in_small_regions(aws: Aws, tmp_path: Path) -> None:
    """A quota that Terraform took by itself is no setting; one that was set holds for all regions."""
    aws.throttle = (10_000.0, 5_000)
    outputs = tmp_path / "outputs.json"
    settings = {name: str(each["default"]) for name, each in SYSTEM["settings"].items()} | {"send_rate": "7000"}
    for rate, burst, seen in ((2_500, 1_250, 2_500), (10_000, 5_000, 10_000)):
        values = {
            "home": {"region": "eu-west-1"},
            "cells": {"eu-south-1": {}},
            "settings": settings,
            "quotas": {"eu-west-1": {"rate": 10_000, "burst": 5_000}, "eu-south-1": {"rate": rate, "burst": burst}},
        }
        outputs.write_text(json.dumps({name: {"value": value} for name, value in values.items()}))
        report = json.loads(preflight("--region", "eu-west-2", "--outputs", str(outputs), "--json")[1])
        has = {each["region"]: each["has"] for each in report["findings"] if each["quota"] == "requests"}
        assert has == {"eu-west-1": 10_000, "eu-south-1": seen}


def test_missing_permissions_are_said_and_defaults_compared(aws: Aws) -> None:
    """Credentials that may not read a quota leave one sentence for each permission; the rest is compared."""
    aws.errors = {"servicequotas": (400, "AccessDeniedException"), "apigateway": (403, "AccessDeniedException")}
    status, said = preflight("--region", "eu-west-1", "--json")
    unread = json.loads(said)["unread"]
    assert status == 0
    assert [each.partition("lack ")[2].partition(";")[0] for each in unread] == [
        "servicequotas:GetServiceQuota", "apigateway:GET on /account",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ({"sts": (403, "ExpiredToken")}, "AWS does not accept these credentials (ExpiredToken)"),
        (
            {"servicequotas": (400, "UnrecognizedClientException")},
            "The region eu-south-1 is not enabled in this account. Enable it with: aws account enable-region",
        ),
        ({"servicequotas": (400, "InternalFailure")}, "AWS answered InternalFailure in eu-south-1"),
    ],
)
def test_what_aws_has_against_it_is_one_sentence(aws: Aws, errors: dict[str, tuple[int, str]], says: str) -> None:
    """Old credentials, a region that is not enabled and another error end the command with a sentence and status 1."""
    aws.errors = errors
    status, said = preflight("--region", "eu-south-1")
    assert status == 1
    assert says in said
    assert len(said.strip().splitlines()) == 1


def test_an_unknown_profile_is_one_sentence(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that does not exist is named, and the user is told to sign in."""
    monkeypatch.setenv("AWS_PROFILE", "nope")
    status, said = preflight("--region", "eu-west-1")
    assert status == 1
    assert "profile (nope) could not be found. Sign in again" in said
    assert len(said.strip().splitlines()) == 1


def test_no_credentials_is_one_sentence(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell without credentials is told to sign in."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    status, said = preflight("--region", "eu-west-1")
    assert (status, said.strip()) == (
        1,
        "livescore: This shell has no AWS credentials: sign in with the AWS CLI first.",
    )


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--region", "eu-nowhere-1"), 1, "AWS has no region eu-nowhere-1."),
        (("--region", "eu-west-1", "--setting", "send_rate"), 2, "--setting takes NAME=VALUE"),
        (("--region", "eu-west-1", "--setting", "sendrate=3"), 2, "there is no setting sendrate"),
        (("--region", "eu-west-1", "--throttle", "$connect=much"), 2, "--throttle takes NAME=VALUE"),
        (("--region", "eu-west-1", "--throttle", "$conect=3"), 2, "there is no route $conect"),
        (("--region", "eu-west-1", "--setting", "send_rate=²"), 2, "--setting takes NAME=VALUE"),
        (("--region", "eu-west-1", "--outputs", "/nowhere"), 2, "--outputs: /nowhere is no file"),
        (("--region", "eu-west-1", "--outputs", __file__), 2, "is no file with `terraform output -json`"),
    ],
)
def test_wrong_options_are_one_sentence(aws: Aws, options: tuple[str, ...], status: int, says: str) -> None:
    """A region, a setting or a file that does not exist is named in a sentence."""
    ended, said = preflight(*options)
    assert (ended, says in said) == (status, True), said
