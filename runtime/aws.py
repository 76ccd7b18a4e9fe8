"""Clients of AWS, made on first use and shared by the whole process.

Their connections stay open, unless they have been idle for long (runtime/thaw.py). Where the endpoints are is
botocore's business (``AWS_ENDPOINT_URL`` points every one of them at devstack). boto3 adds nothing to botocore's
clients but resources, which nobody here uses, and an import that a cold start waits for.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from runtime.errors import ConfigurationError
from runtime.thaw import Usage

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

Patience = Literal["usual", "hurried", "once"]
"""A client's time-out and tries. ``hurried``, some six seconds, is for calls that others wait for and can do without.
``once`` is for calls that are worth neither a failure nor a wait."""

_SECONDS_AND_TRIES: Final[dict[Patience, tuple[int, int]]] = {"usual": (5, 5), "hurried": (2, 3), "once": (1, 1)}


@cache
def dynamodb(of_region: str | None = None, patience: Patience = "usual") -> DynamoDBClient:
    """The DynamoDB client of this process, of its own region or another."""
    return _client("dynamodb", of_region, patience)  # type: ignore[no-any-return]


@cache
def kinesis() -> KinesisClient:
    """The Kinesis client of this process."""
    return _client("kinesis")  # type: ignore[no-any-return]


@cache
def stepfunctions(of_region: str | None = None) -> SFNClient:
    """The Step Functions client of this process, of its own region or another."""
    return _client("stepfunctions", of_region)  # type: ignore[no-any-return]


@cache
def sqs(patience: Patience = "usual") -> SQSClient:
    """The SQS client of this process."""
    return _client("sqs", patience=patience)  # type: ignore[no-any-return]


@cache
def make(service: str, of_region: str) -> Any:
    """The client of this process of any service in a region."""
    ours: Any = {"dynamodb": dynamodb, "stepfunctions": stepfunctions}.get(service)
    return _client(service, of_region) if ours is None else ours(of_region)


@cache
def iot_data(url: str, of_region: str) -> Any:
    """The client of IoT Core's data plane at this endpoint. It is hurried: all other cells wait for a publish."""
    made = _session().create_client("iot-data", region_name=of_region, endpoint_url=url, config=config("hurried"))
    return _keep(made)


@cache
def ssm() -> Any:
    """The Systems Manager client of this process."""
    return _client("ssm", patience="hurried")


@cache
def connections(url: str, of_region: str | None = None) -> ApiGatewayManagementApiClient:
    """The @connections client of one stage, whose URL this is; for a few calls, not for a broadcast.

    ``of_region``: the stage's region, for which calls are signed; None for the process's own.

    It tries once and not for long: every call is taken from the account's budget, which goals are sent with.
    """
    from botocore.config import Config

    once = config(patience="once").merge(Config(read_timeout=2))
    made = _session().create_client(
        "apigatewaymanagementapi", region_name=of_region, endpoint_url=url, config=once
    )  # fmt: skip
    return _keep(made)  # type: ignore[no-any-return]


def ca_bundle() -> str | None:
    """The file of trusted certificates that AWS_CA_BUNDLE or ``ca_bundle`` of the AWS config file names, or None."""
    found: str | None = _session().get_config_variable("ca_bundle")
    return found


@cache
def _session() -> Session:
    from botocore.session import Session

    return Session()


def region() -> str:
    """The region of this process. Raises ConfigurationError when none is set."""
    name = _session().get_config_variable("region")
    if name is None:
        raise ConfigurationError("no AWS region is set")
    return str(name)


def credentials() -> ReadOnlyCredentials | None:
    """The credentials of this process as they are now, None if there are none. May ask a metadata service."""
    found = _session().get_credentials()
    return found.get_frozen_credentials() if found is not None else None


def _client(service: str, of_region: str | None = None, patience: Patience = "usual") -> Any:
    return _keep(_session().create_client(service, region_name=of_region, config=config(patience=patience)))


def _keep(client: Any) -> Any:
    """A client that shares the TLS context, reports refusals, and opens new connections after a long pause."""
    from runtime import refusals, tls_context  # tls_context with ssl, which an import of a handler does without

    tls_context.share(client, ca_bundle())
    refusals.watch(client)
    usage, lock = Usage(), Lock()

    def freshen(**_: Any) -> None:
        # Another thread waits until the connections of before a freeze are closed.
        with lock:
            if usage.is_long_ago:
                # This closes what is idle. Calls that other threads have under way go on.
                client.close()
            usage.note()

    # Written out, the name would be taken for a method of the ledger's by the check of IAM policies (tests/terraform).
    attrgetter("meta.events")(client).register("before-send", freshen)
    return client


def options(patience: Patience = "usual") -> dict[str, Any]:
    """Options of a client: time-outs that leave a Lambda function time to answer, and botocore's standard retries."""
    seconds, tries = _SECONDS_AND_TRIES[patience]
    return {
        "connect_timeout": min(2, seconds),
        "read_timeout": seconds,
        "retries": {"mode": "standard", "total_max_attempts": tries},
    }


def config(patience: Patience = "usual") -> Config:
    """The same, as botocore's clients take them."""
    from botocore.config import Config

    return Config(**options(patience))
