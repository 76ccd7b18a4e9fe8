"""Connects to the tables, queues and functions of a running system: a devstack, or a deployment in an AWS account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from broadcaster.control.reset import CellTables, Reset
from broadcaster.home.cells import make_cell
from broadcaster.home.home_settings import HomeSettings
from broadcaster.home.set_aside_queues import Queue, Redrive
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.transports.description import parse_cells
from broadcaster.transports.transport import Clients
from devstack.operator.local_system import nothing_answers, system_at
from devstack.stack.ministack import StackError
from devstack.stack.provision import client
from devstack.stack_cells import StackCell
from devstack.system import PREFIX, System
from devstack.transports.ministack_resources import at_region
from loadtest.terminal_text import public_url
from matches.channels import Channels
from matches.ledger import Ledger
from runtime import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn errors of AWS and devstack into a StackError with a sentence."""
    try:
        yield
    except EndpointConnectionError as error:
        raise StackError(nothing_answers(error.kwargs["endpoint_url"])) from None
    except (NoCredentialsError, NoRegionError) as error:
        raise StackError(f"AWS is not set up: {error}.") from None
    except (ClientError, BotoCoreError) as error:
        raise StackError(f"AWS refused: {error}") from None


def redrive(api_url: str, *, aws: bool, prefix: str = PREFIX) -> Redrive:
    """A Redrive for the set-aside queues of the devstack at ``api_url``; with ``aws``, of the shell's AWS account.

    Raises StackError, and botocore's ClientError and BotoCoreError.
    """
    return _redrive(*_reach(api_url, aws=aws, prefix=prefix))


def reset(api_url: str, *, aws: bool, prefix: str = PREFIX) -> Reset:
    """A Reset for the matches of the devstack at ``api_url``; with ``aws``, of the shell's AWS account.

    Raises StackError, and botocore's ClientError and BotoCoreError.
    """
    make, prefix = _reach(api_url, aws=aws, prefix=prefix)
    own = _home_settings(make, prefix)
    return Reset(
        home=make("dynamodb"),
        matches=own.matches_table,
        cells=[
            CellTables(
                name,
                make("dynamodb", each.region),
                own.broadcasts_table + each.suffix,
                f"{prefix}-subscriptions{each.suffix}" if each.keeps_rows else None,
            )
            for name, each in parse_cells(own.cells).items()
        ],
    )


def _reach(api_url: str, *, aws: bool, prefix: str) -> tuple[Callable[..., Any], str]:
    """A function that makes a client from a service and a region, and the prefix of all resource names."""
    if aws:
        session: Any = boto3.Session()
        return lambda service, region=None: session.client(service, region_name=region), prefix
    system = system_at(api_url)
    if system is None:
        raise StackError(f"{public_url(api_url)} is not devstack's. For an account of AWS, say --aws.")
    return lambda service, region=system.region: client(at_region(system, region), service), PREFIX


def devstack_cell(system: System, connections_url: str) -> System:
    """The view of the cell of a devstack that has this URL of @connections; of its first region if none has it.

    Raises botocore's ClientError and BotoCoreError.
    """
    own = _home_settings(partial(client, system), PREFIX)
    asked = urlsplit(connections_url)
    # A proxy before the functions has the port of the URL in its path (System.services_through).
    ends = tuple(f"{before}{asked.port}{asked.path}" for before in ":/")
    for name, each in parse_cells(own.cells).items():
        if each.texts.get("connections_url", "").endswith(ends):
            return replace(system, cell=StackCell(name, each.region, each.transport))
    return replace(system, cell=StackCell())


def _no_credentials() -> None:
    """A cell whose batches can be set aside is told by an execution, and the client that starts it signs itself."""


def _home_settings(make: Callable[..., Any], prefix: str) -> HomeSettings:
    """The settings of the running fan-out: the tables, cells, queues and rates that are in use."""
    about = make("lambda").get_function_configuration(FunctionName=f"{prefix}-fanout")
    return environment.read(HomeSettings, about["Environment"]["Variables"])


def _redrive(make: Callable[..., Any], prefix: str) -> Redrive:
    own = _home_settings(make, prefix)
    sqs = make("sqs")
    queues = [Queue(sqs, sqs.get_queue_url(QueueName=f"{prefix}-set-aside")["QueueUrl"])]
    unreached = set()
    threads = ThreadPoolExecutor(1)
    ledger = Ledger(own.matches_table, make("dynamodb"))
    for name, each in parse_cells(own.cells).items():
        if not each.keeps_rows:
            continue
        cell = make_cell(own, each, Clients(make, _no_credentials, ledger, threads, Channels(own.namespace)))
        theirs = make("sqs", each.region)
        try:
            url = theirs.get_queue_url(QueueName=f"{prefix}-set-aside-batches{each.suffix}")["QueueUrl"]
        except (ClientError, BotoCoreError):
            unreached.add(name)
        else:
            queues.append(Queue(theirs, url, cell))
    return Redrive(
        queues=queues,
        kinesis=make("kinesis"),
        stream=f"{prefix}-{System(0).raw['stream']['name']}",
        ledger=ledger,
        watchdog_queue=WatchdogQueue(sqs, own.watchdog_queue, own.watchdog_seconds),
        unreached=unreached,
    )
