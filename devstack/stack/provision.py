"""Creates in MiniStack every resource that terraform/system.json names."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from devstack import tables
from devstack.builds.lambda_zips import PYTHON
from devstack.stack import identity_provider
from devstack.stack.ministack import StackError
from devstack.system import ROLE
from devstack.transports.ministack_resources import client, integration, throttles
from devstack.transports.registry import TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.builds.lambda_zips import Parts
    from devstack.system import System

Place = Literal["home", "cell"]

__all__ = ["client", "provision", "provision_cell"]


def provision(system: System, package: Parts) -> None:
    """Create home and all cells, and wait until their tables and the stream are active. Raises StackError.

    The cells come before the functions of home, because CELLS has what their provisioning has found out.
    """
    system.settings.update(identity_provider.create(system, client(system, "cognito-idp"), client(system, "lambda")))
    _tables(system, "home")
    client(system, "kinesis").create_stream(
        StreamName=system.resolve("stream"), ShardCount=system.raw["stream"]["shards"]
    )
    _queues(system, "home")
    for at in system.each_cell():
        provision_cell(at, package)
    _functions(system, "home", package)
    _http_api(system)
    _wait("the stream", lambda: _stream_status(system))
    _event_sources(system)


def provision_cell(system: System, package: Parts) -> None:
    """Create the resources of the cell of this view."""
    assert system.cell is not None  # noqa: S101
    _tables(system, "cell")
    _queues(system, "cell")
    _functions(system, "cell", package)
    system.provisioned[system.cell.name] = TRANSPORTS[system.cell.transport].provision(system)


def _tables(system: System, place: Place) -> None:
    dynamodb = client(system, "dynamodb")
    for name, table in system.parts("tables", place).items():
        dynamodb.create_table(**tables.arguments(system.name(name), table))
        dynamodb.update_time_to_live(
            TableName=system.name(name),
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table["ttl"]},
        )
        _wait(f"the table {name}", partial(_table_status, dynamodb, system.name(name)))


def _queues(system: System, place: Place) -> None:
    sqs = client(system, "sqs")
    for name, queue in system.parts("queues", place).items():
        attributes = {
            "VisibilityTimeout": str(system.settings.get(f"{name}_visibility", queue["visibility_timeout"])),
            "MessageRetentionPeriod": str(queue["retention"]),
        }
        if "dead_letter" in queue:
            target = system.arn("sqs", system.name(queue["dead_letter"]))
            attributes["RedrivePolicy"] = (
                f'{{"deadLetterTargetArn":"{target}","maxReceiveCount":"{queue["max_receives"]}"}}'
            )
        sqs.create_queue(QueueName=system.name(name), Attributes=attributes)


def _functions(system: System, place: Place, package: Parts) -> None:
    functions = client(system, "lambda")
    code = package.code.read_bytes()
    for name, function in system.parts("functions", place).items():
        environment = system.environment(name)
        # A fault's module must be found before other modules of the same name.
        paths = [environment["PYTHONPATH"]] if "PYTHONPATH" in environment else []
        environment["PYTHONPATH"] = os.pathsep.join([*paths, str(package.libraries)])
        functions.create_function(
            FunctionName=system.name(name),
            Runtime=f"python{PYTHON}",
            Handler=function["handler"],
            MemorySize=function["memory"],
            Timeout=system.settings.get(f"{name}_timeout", function["timeout"]),
            Environment={"Variables": environment},
            Role=ROLE,
            Code={"ZipFile": code},
        )


def _event_sources(system: System) -> None:
    functions = client(system, "lambda")
    for function, source in system.raw["event_sources"].items():
        settings: dict[str, Any] = {"BatchSize": source["batch_size"]}
        if "stream" in source:
            settings["EventSourceArn"] = system.arn("kinesis", f"stream/{system.name(source['stream'])}")
            settings["StartingPosition"] = source["starting_position"]
        else:
            settings["EventSourceArn"] = system.arn("sqs", system.name(source["queue"]))
        if "maximum_concurrency" in source:
            # MiniStack checks and stores this value, but its poller always invokes one batch after another.
            settings["ScalingConfig"] = {"MaximumConcurrency": source["maximum_concurrency"]}
        if source.get("report_batch_item_failures"):
            settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        functions.create_event_source_mapping(FunctionName=system.name(function), **settings)


def _http_api(system: System) -> None:
    gateway = client(system, "apigatewayv2")
    described = system.raw["http_api"]
    api = gateway.create_api(Name=system.name("http"), ProtocolType="HTTP", Tags={"ms-custom-id": system.http_api_id})[
        "ApiId"
    ]
    target = integration(system, gateway, api, described["function"], "2.0")
    authorizer = described["authorizer"]
    made = gateway.create_authorizer(
        ApiId=api,
        Name="operators",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={
            "Issuer": system.resolve(authorizer["issuer"]),
            "Audience": system.resolve(authorizer["audience"]).split(","),
        },
    )
    for route in described["routes"]:
        needs: dict[str, Any] = {}
        if route in authorizer["routes"]:
            scope = authorizer["scopes"].get(route, authorizer["scope"])
            needs = {
                "AuthorizationType": "JWT",
                "AuthorizerId": made["AuthorizerId"],
                "AuthorizationScopes": [system.resolve(scope)],
            }
        gateway.create_route(ApiId=api, RouteKey=route, Target=target, **needs)
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True, **throttles(system, described))


def _table_status(dynamodb: Any, name: str) -> str:
    status: str = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    return status


def _stream_status(system: System) -> str:
    stream = client(system, "kinesis").describe_stream_summary(StreamName=system.resolve("stream"))
    status: str = stream["StreamDescriptionSummary"]["StreamStatus"]
    return status


def _wait(resource: str, status: Callable[[], str], seconds: float = 30) -> None:
    """Wait until ``status`` returns ACTIVE. Raises StackError, which names the resource."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if status() == "ACTIVE":
            return
        time.sleep(0.05)
    raise StackError(f"{resource} was not active after {seconds:.0f} s.")
