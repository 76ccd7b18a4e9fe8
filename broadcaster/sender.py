"""Lambda: one item of the state machine's Map, a batch of shards to go round.

A sender that runs out of time returns its own input with how far it is, and the state machine invokes it again with
that. Everything that must outlive an invocation is in that input, so an invocation that is repeated repeats the same
numbers: its progress row is overwritten, never added to.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Any

from broadcaster.carousel import Carousel, Tools, figures
from broadcaster.gateway import Gateway, GatewayError
from broadcaster.pages import calm_collector, decode_queries
from broadcaster.plan import check_version
from broadcaster.records import Records
from broadcaster.signing import Credentials, Endpoint
from matches import aws

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MARGIN_SECONDS = 5.0
"""Before the time-out of the function: stop taking rows, let what is on the wire end, write the progress."""


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # One loop for the life of the process: asyncio.run would close it, and with it the connections.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _tools() -> Tools:
    from aiobotocore.session import get_session

    async def made() -> Tools:
        session, home_region = get_session(), aws.setting("HOME_REGION")
        config: Any = aws.config()  # botocore's own does
        db = await session.create_client("dynamodb", config=config).__aenter__()
        decode_queries(db)
        home = db
        if home_region != aws.region():
            home = await session.create_client("dynamodb", region_name=home_region, config=config).__aenter__()
            decode_queries(home)
        return Tools(
            db=db,
            gateway=await Gateway.open(Endpoint.parse(aws.setting("CONNECTIONS_URL"), aws.region()), credentials),
            records=Records(
                home=home,
                db=db,
                matches=aws.setting("MATCHES_TABLE"),
                broadcasts=aws.setting("BROADCASTS_TABLE"),
                lease_seconds=int(aws.setting("LEASE_SECONDS")),
            ),
            subscriptions=aws.setting("SUBSCRIPTIONS_TABLE"),
            rate=int(aws.setting("SEND_RATE")),
        )

    tools = _loop().run_until_complete(made())
    calm_collector()
    return tools


def credentials() -> Credentials:
    """What this process may sign with; botocore gets new ones where they rotate. Raises GatewayError without any."""
    found = aws.credentials()
    if found is None or not found.access_key or not found.secret_key:
        raise GatewayError("there are no AWS credentials")
    return Credentials(found.access_key, found.secret_key, found.token)


@figures.published
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one invocation and return the input of the next."""
    check_version(event)
    loop, tools = _loop(), _tools()
    deadline = loop.time() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS

    async def turn() -> dict[str, Any]:
        return await Carousel(tools, event, deadline).run()

    return loop.run_until_complete(turn())
