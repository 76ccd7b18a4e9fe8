"""Where a running system's parts are: devstack's, by the URL of its API, or a deployed one's in an account of AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from broadcaster.plan import Budget
from broadcaster.redrive import Redrive
from broadcaster.starter import Starter
from devstack.ministack import StackError
from devstack.provision import client
from devstack.system import HTTP_API_ID, PREFIX, System
from loadtest.shown import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def told() -> Iterator[None]:
    """Turns what AWS, or devstack, has against a command into a StackError with a sentence."""
    try:
        yield
    except EndpointConnectionError as error:
        raise StackError(f"{error} Is `livescore up` running?") from None
    except (NoCredentialsError, NoRegionError) as error:
        raise StackError(f"AWS is not set up: {error}.") from None
    except (ClientError, BotoCoreError) as error:
        raise StackError(f"AWS said no: {error}") from None


def redrive(api_url: str, *, aws: bool, prefix: str = PREFIX) -> Redrive:
    """What lies in the set-aside queue of devstack's system at ``api_url``, or of the account of the environment.

    Raises StackError, botocore's ClientError and BotoCoreError.
    """
    if aws:
        session: Any = boto3.Session()
        return _redrive(System(0), session.client, prefix)
    found = urlsplit(api_url)
    if found.port is None or HTTP_API_ID not in found.path:
        raise StackError(f"{where(api_url)} is not devstack's. For an account of AWS, say --aws.")
    system = System(found.port)
    return _redrive(system, lambda service: client(system, service), PREFIX)


def _redrive(system: System, make: Callable[[str], Any], prefix: str) -> Redrive:
    sqs, stepfunctions = make("sqs"), make("stepfunctions")
    starter = Starter(
        stepfunctions=stepfunctions,
        sqs=sqs,
        state_machine=_state_machine(stepfunctions, f"{prefix}-broadcast"),
        watchdog_queue=sqs.get_queue_url(QueueName=f"{prefix}-watchdog")["QueueUrl"],
        watchdog_seconds=int(system.resolve("setting.watchdog_seconds")),
        budget=Budget(int(system.resolve("setting.send_rate")), int(system.resolve("setting.sender_rate"))),
    )
    return Redrive(
        sqs=sqs,
        kinesis=make("kinesis"),
        dynamodb=make("dynamodb"),
        starter=starter,
        queue=sqs.get_queue_url(QueueName=f"{prefix}-set-aside")["QueueUrl"],
        stream=f"{prefix}-{system.raw['stream']['name']}",
        matches=f"{prefix}-matches",
    )


def _state_machine(stepfunctions: Any, name: str) -> str:
    for page in stepfunctions.get_paginator("list_state_machines").paginate():
        for each in page["stateMachines"]:
            if each["name"] == name:
                return str(each["stateMachineArn"])
    raise StackError(f"There is no state machine {name}.")
