"""Clients of AWS, made on first use and kept for the life of the process.

Where the endpoints are is botocore's business (``AWS_ENDPOINT_URL`` points every one of them at devstack). boto3 adds
nothing to botocore's clients but resources, which nobody here uses, and an import that a cold start waits for.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


def setting(name: str) -> str:
    """A setting from the function's environment.

    Raises RuntimeError that names the variable when it is missing.
    """
    try:
        return os.environ[name]
    except KeyError:
        raise RuntimeError(f"the environment variable {name} is not set") from None


@cache
def dynamodb(of_region: str | None = None) -> DynamoDBClient:
    """The DynamoDB client of this process, of its own region or another."""
    return _client("dynamodb", of_region)  # type: ignore[no-any-return]


@cache
def dynamodb_briefly(of_region: str | None = None) -> DynamoDBClient:
    """A DynamoDB client for what is worth neither a failure nor a wait: one try, and a second for it."""
    from botocore.config import Config

    once = config().merge(
        Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
    )
    return _client("dynamodb", of_region, once)  # type: ignore[no-any-return]


@cache
def kinesis() -> KinesisClient:
    """The Kinesis client of this process."""
    return _client("kinesis")  # type: ignore[no-any-return]


@cache
def stepfunctions(of_region: str | None = None) -> SFNClient:
    """The Step Functions client of this process, of its own region or another."""
    return _client("stepfunctions", of_region)  # type: ignore[no-any-return]


@cache
def sqs() -> SQSClient:
    """The SQS client of this process."""
    return _client("sqs")  # type: ignore[no-any-return]


@cache
def connections(url: str) -> ApiGatewayManagementApiClient:
    """The @connections client of one stage, whose URL this is; for a few calls, not for a broadcast.

    It tries once and not for long: every call is taken from the account's budget, which goals are sent with.
    """
    from botocore.config import Config

    once = config().merge(Config(read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}))
    client: ApiGatewayManagementApiClient = _session().create_client(  # type: ignore[assignment]
        "apigatewaymanagementapi", endpoint_url=url, config=once
    )
    return client


@cache
def _session() -> Session:
    from botocore.session import Session

    return Session()


def region() -> str:
    """The region of this process. Raises RuntimeError when none is set."""
    name = _session().get_config_variable("region")
    if name is None:
        raise RuntimeError("no AWS region is set")
    return str(name)


def credentials() -> ReadOnlyCredentials | None:
    """The credentials of this process as they are now, None if there are none. May ask a metadata service."""
    found = _session().get_credentials()
    return found.get_frozen_credentials() if found is not None else None


def _client(service: str, of_region: str | None = None, settings: Config | None = None) -> Any:
    return _session().create_client(service, region_name=of_region, config=settings or config())


def config(connections: int = 10) -> Config:
    """Time-outs that leave a Lambda function time to answer, and botocore's standard retries."""
    from botocore.config import Config

    return Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "max_attempts": 4},
        max_pool_connections=connections,
        # An idle connection may be closed while a function is frozen; keep-alive probes notice.
        tcp_keepalive=True,
    )
