"""A sender's client of DynamoDB in one region: aiobotocore's, with the TLS context of the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session

from broadcaster.send.row_pages import decode_queries
from runtime import aws, refusals, tls_context
from runtime.thaw import Usage

if TYPE_CHECKING:
    import ssl


class _Session(AIOHTTPSession):
    def _get_ssl_context(self) -> ssl.SSLContext:
        return tls_context.context(aws.ca_bundle())


@dataclass(frozen=True, slots=True)
class Client:
    """A client, and the time of its last use."""

    client: Any
    usage: Usage = field(default_factory=Usage)

    async def freshen(self) -> None:
        """Close connections that have been idle for long. Call it while no request is on its way."""
        if self.usage.is_long_ago:
            await self.client.close()
            self.usage.note()


async def make(region: str) -> Client:
    """Make a client on the running loop, for the life of the process. It opens no connection yet."""
    config = AioConfig(http_session_cls=_Session, **aws.options())
    made = Client(await get_session().create_client("dynamodb", region_name=region, config=config).__aenter__())
    decode_queries(made.client)
    made.client.meta.events.register("before-send", made.usage.note)
    refusals.watch(made.client)
    return made
