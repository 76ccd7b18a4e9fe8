"""Lambda: one invocation of a sender, by the state machine's Map, for one batch of shards.

A sender that runs out of time returns its batch with a cursor and counts (broadcaster.control.payload), and the state
machine invokes a sender again with that batch. The payload holds everything that the next invocation needs. So a
repeated invocation repeats the same counts: it overwrites its progress row and adds nothing to it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from broadcaster.control.payload import SenderTask
from broadcaster.send.carousel import Carousel, Tools, metrics
from broadcaster.send.errors import GatewayError
from broadcaster.send.gateway import Gateway
from broadcaster.send.row_pages import calm_collector
from broadcaster.send.sender_settings import SenderSettings
from broadcaster.send.sender_store import SenderStore
from broadcaster.send.signing import Credentials, Endpoint
from matches.ledger import UnknownMatchError
from runtime import aws
from runtime.environment import settings
from runtime.lifecycle import NO_MATCH, prepare

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from broadcaster.control.payload import Batch
    from broadcaster.send.dynamodb_client import Client

MARGIN_SECONDS = 5.0
"""Seconds before the function's time-out: the sender takes no more rows, waits for answers and writes its progress."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # One loop for the life of the process: asyncio.run would close it, and with it the connections.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _client(region: str) -> Client:
    from broadcaster.send.dynamodb_client import make

    return _loop().run_until_complete(make(region))


@cache
def _tools() -> Tools:
    """The clients of this process. Making them does not use the network."""
    own = settings(SenderSettings)
    db, home = _client(aws.region()), _client(own.home_region)

    async def made() -> Gateway:
        return Gateway(Endpoint.parse(own.connections_url, aws.region()), credentials)

    tools = Tools(
        db=db.client,
        gateway=_loop().run_until_complete(made()),
        store=SenderStore(
            home=home.client,
            db=db.client,
            matches=own.matches_table,
            broadcasts=own.broadcasts_table,
            lease_seconds=own.lease_seconds,
        ),
        subscriptions=own.subscriptions_table,
        cell_rate=own.send_rate,
    )
    calm_collector()
    return tools


def _open_connections() -> None:
    """Send one request with each client, for no match, so that its connection is open."""
    tools = _tools()

    async def open_all() -> None:
        await tools.gateway.refresh()
        with suppress(UnknownMatchError):
            await tools.store.poll(NO_MATCH)

    _loop().run_until_complete(open_all())


async def _freshen() -> None:
    """Close connections to DynamoDB that have been idle for long, before the first call."""
    for region in {aws.region(), settings(SenderSettings).home_region}:
        await _client(region).freshen()


def credentials() -> Credentials:
    """The process's credentials; botocore renews those that rotate. Raises GatewayError without any."""
    found = aws.credentials()
    if found is None or not found.access_key or not found.secret_key:
        raise GatewayError("there are no AWS credentials")
    return Credentials(found.access_key, found.secret_key, found.token)


@prepare(SenderSettings, _tools, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one invocation for a SenderTask; returns its Batch with the progress.

    Raises UnknownVersionError and PayloadError, and the errors of Carousel.run.
    """
    task = SenderTask.parse(event)
    loop, tools = _loop(), _tools()
    loop.run_until_complete(_freshen())
    deadline = loop.time() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS

    async def run() -> Batch:
        return await Carousel(tools, task, deadline).run()

    return loop.run_until_complete(run()).dump()
