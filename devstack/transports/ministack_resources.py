"""Clients of MiniStack, and the parts of an API that home and the transports share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from devstack.quotas import requests_of, route_throttles
from devstack.stack_cells import StackCell
from devstack.system import ACCOUNT, PARTITION, SECRET

if TYPE_CHECKING:
    from devstack.quotas import Throttle
    from devstack.system import System


def at_region(system: System, region: str) -> System:
    """A view of a region, for clients of its services. It need not know the cells there."""
    return replace(system, cell=StackCell(region, region))


def client(system: System, service: str) -> Any:
    """A boto3 client of MiniStack for a service, in the region of ``system``."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=system.resolve("connections_url") if service == "apigatewaymanagementapi" else system.endpoint,
        region_name=system.region,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET,
        config=Config(retries={"mode": "standard"}, read_timeout=30, inject_host_prefix=False),
    )


def url_of_host(system: System, scheme: str, host: str, path: str) -> str:
    """A URL for a path of a service that MiniStack tells by its host's name, such as ``dns["HTTP"]`` of an Event API.

    The name resolves nowhere, so the guard takes it from the path (devstack/stack/guarded_ministack.py). ``path`` is
    ``/event``, ``/event/realtime`` or ``/mqtt``. The client sends no ``Host`` of its own.
    """
    return f"{scheme}://127.0.0.1:{system.port}/_host/{host}{path}"


def function_arn(system: System, name: str) -> str:
    """The ARN of a function of this view."""
    return system.arn("lambda", f"function:{system.name(name)}")


def integration(system: System, gateway: Any, api: str, function: str, payload: str) -> str:
    """Create an integration of an API with a function; returns the target for routes."""
    made = gateway.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=invocation_uri(system, function),
        PayloadFormatVersion=payload,
    )
    return f"integrations/{made['IntegrationId']}"


def invocation_uri(system: System, function: str) -> str:
    """The URI with which API Gateway invokes a function."""
    arn = function_arn(system, function)
    return f"arn:{PARTITION}:apigateway:{system.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def throttles(system: System, described: dict[str, Any]) -> dict[str, Any]:
    """The throttles of an API, as arguments of its stage: one for each route, and the account's quota as the default.

    MiniStack stores them, but does not throttle.
    """
    account = requests_of(system.region, system.settings)
    each = {route: _limits(throttle) for route, throttle in route_throttles(described, account).items()}
    return {"DefaultRouteSettings": _limits(account), "RouteSettings": each}


def _limits(throttle: Throttle) -> dict[str, int]:
    return {"ThrottlingRateLimit": throttle.rate, "ThrottlingBurstLimit": throttle.burst}
