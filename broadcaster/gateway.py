"""The @connections client: one POST per viewer over a pool of kept-alive connections.

What the answers mean (apigatewaymanagementapi, PostToConnection; limits in the developer guide):

- 200: the gateway took the frame for delivery. Accepted, not seen.
- 410 GoneException, or 400 "Invalid connectionId": the connection will not come back. Any other 400 is about the
  request, and no reason to prune anybody.
- 429: the account's throttle, or this one viewer's buffer is full. 5xx and network errors: try again.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.pacing import backoff

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONNECTIONS = 64
TRIES = 5


class Answer(Enum):
    """What became of one frame for one connection."""

    ACCEPTED = "accepted"
    GONE = "gone"
    FAILED = "failed"


@dataclass(slots=True)
class Tally:
    """What the gateway answered over all tries."""

    throttled: int = 0
    retried: int = 0


class Gateway:
    """Posts frames. Safe for many tasks at once; ``connections`` requests are on the wire at most."""

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, chance: Callable[[], float] = random.random
    ) -> None:
        self._url = url
        self._connections = connections
        self._chance = chance
        self._stack = AsyncExitStack()
        self._client: Any = None

    async def open(self) -> None:
        """Make the client of the pool; it is kept until ``close``."""
        if self._client is None:
            config = Config(
                connect_timeout=2,
                read_timeout=5,
                max_pool_connections=self._connections,
                retries={"total_max_attempts": 1},
                tcp_keepalive=True,
                # Frames are small JSON: a checksum header would be work for nobody.
                request_checksum_calculation="when_required",
            )
            client = aioboto3.Session().client("apigatewaymanagementapi", endpoint_url=self._url, config=config)
            self._client = await self._stack.enter_async_context(client)

    async def close(self) -> None:
        """Close the pool."""
        self._client = None
        await self._stack.aclose()

    async def post(
        self, connection: str, frame: bytes, deadline: float, tally: Tally, pace: Callable[[], Awaitable[None]]
    ) -> Answer:
        """Post one frame, trying again with jittered back-off until ``deadline`` (by the loop's clock).

        ``pace`` is awaited before every try: a retry costs the budget as much as the first. Returns FAILED when the
        tries or the time are used up. Raises ClientError for a 403: our credentials or our URL are wrong, and that is
        nobody's connection.
        """
        try:
            async with asyncio.timeout_at(deadline):
                return await self._post(connection, frame, tally, pace)
        except TimeoutError:
            return Answer.FAILED

    async def _post(self, connection: str, frame: bytes, tally: Tally, pace: Callable[[], Awaitable[None]]) -> Answer:
        for attempt in range(1, TRIES + 1):
            await pace()
            try:
                await self._client.post_to_connection(ConnectionId=connection, Data=frame)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 410 or (status == 400 and "connectionid" in error.response["Error"]["Message"].lower()):
                    return Answer.GONE
                if status == 403:
                    raise
                if status in (400, 413):
                    return Answer.FAILED
                tally.throttled += status == 429
            except (BotoCoreError, OSError):
                pass
            else:
                return Answer.ACCEPTED
            if attempt < TRIES:
                tally.retried += 1
                await asyncio.sleep(backoff(attempt, self._chance()))
        return Answer.FAILED
