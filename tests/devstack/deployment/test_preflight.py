"""The command preflight, with an account's quotas from a loopback server that speaks AWS's protocols."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from commands.cli import app
from devstack.deployment.settings_advice import Account, DeploymentPlan
from devstack.quotas import Throttle, quotas
from devstack.system import System
from tests.terraform import guide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM = System(0).raw
PLAN = DeploymentPlan("eu-west-1", ("eu-west-1",), {}, SYSTEM)
USUAL = Account("eu-west-1", {key: quota.default for key, quota in quotas().items()}, Throttle(10_000, 5_000))


@dataclass
class Aws:
    """The account's quotas, as AWS's four services answer in their protocols; a code instead of a value is an error."""

    url: str = ""
    quotas: dict[str, float] = field(default_factory=dict)
    """Quota code -> raised value. All other quotas have their defaults."""
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
    """A raised throttle of $connect counts, and so does the one of $disconnect, which Terraform raises too."""
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


def test_cells_of_other_transports_are_planned_like_those_of_up(aws: Aws) -> None:
    """``--cells`` takes names and transports, and an unknown transport is a sentence."""
    status, said = preflight("--region", "eu-west-1", "--cells", "eu-west-1,iot=eu-west-1/iot-core", "--json")
    assert (status, json.loads(said)["binds"]) == (0, False)
    status, said = preflight("--region", "eu-west-1", "--cells", "iot=eu-west-1/pigeons")
    assert (status, "has the transport 'pigeons'" in said) == (1, True)


def test_the_outputs_of_a_deployment(aws: Aws, tmp_path: Path) -> None:
    """`terraform output -json` gives home, cells, settings and throttles; an unknown setting in it is ignored."""
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
    """A quota that Terraform assumed is not a setting; a quota that was set applies to all regions."""
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
    """If credentials may not read a quota, each missing permission gets one sentence, and the rest is compared."""
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
def test_an_error_of_aws_is_one_sentence(aws: Aws, errors: dict[str, tuple[int, str]], says: str) -> None:
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
