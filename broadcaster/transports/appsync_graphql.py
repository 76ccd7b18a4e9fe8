"""AppSync GraphQL: one signed mutation publishes a frame to everybody who has subscribed to its channel and feed.

The schema and the resolvers are in terraform/graphql. The mutation stores nothing; AppSync sends its result to the
subscriptions (https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html). GraphQL's errors
come inside HTTP 200. AppSync promises neither an order nor a single delivery, which a viewer's follower does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.exceptions import ClientError

from broadcaster.transports.signed_http import SignedHttp

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Clients

PAYLOAD_BYTES: Final = 240 * 1024
"""AppSync drops a longer payload of a subscription without an error
(https://docs.aws.amazon.com/general/latest/gr/appsync.html)."""

WRAPPING_BYTES: Final = 1024
"""The rest of the payload: the names of the fields, the channel and the feed."""

MUTATION: Final = (
    "mutation Publish($channel: String!, $feed: String!, $frame: String!) "
    "{ publish(channel: $channel, feed: $feed, frame: $frame) { channel feed frame } }"
)
"""It selects every field: a subscription gets no field that the mutation has not selected."""

REFUSED: Final = frozenset({"Unauthorized", "UnauthorizedException"})
"""AppSync's types of errors that no other try mends."""


class AppSyncGraphql:
    """The Service of a cell whose transport is ``appsync-graphql``."""

    frame_bytes: Final = (PAYLOAD_BYTES - WRAPPING_BYTES) // 2
    """Half of the payload: each quotation mark of a frame takes two bytes in it."""

    def __init__(
        self, url: str, region: str, credentials: Callable[[], ReadOnlyCredentials | None], host: str | None = None
    ) -> None:
        """``url``: the API's HTTP endpoint, ending in ``/graphql``. ``host``: the Host header, if it is another's."""
        self._url = url
        self._headers = {"Content-Type": "application/json", **({"Host": host} if host else {})}
        self._http = SignedHttp("appsync", region, credentials)

    def publish(self, channel: str, frame: bytes) -> None:
        """Publish a frame; returns when AppSync has taken it. Raises refusals.AWS_ERRORS."""
        of_match, _, feed = channel.rpartition("/")
        variables = {"channel": of_match, "feed": feed, "frame": frame.decode()}
        answer = self._http.post(self._url, orjson.dumps({"query": MUTATION, "variables": variables}), self._headers)
        if (found := _error(answer)) is not None:
            raise found


def make_service(description: CellDescription, clients: Clients) -> AppSyncGraphql:
    """The service of a cell with a GraphQL API of AppSync."""
    texts = description.texts
    return AppSyncGraphql(texts["url"], description.region, clients.credentials, texts.get("host"))


def _error(answer: bytes) -> ClientError | None:
    """The first error inside an answer of status 200, as botocore's own error; None if AppSync took the frame."""
    kind, said = "ServiceUnavailable", "the answer has another form than AppSync documents"
    try:
        stated: Any = orjson.loads(answer)
        if errors := stated.get("errors"):
            first = errors[0]
            kind = "AccessDeniedException" if first.get("errorType") in REFUSED else "ServiceUnavailable"
            said = f"{first.get('errorType')}: {first.get('message')}"[:200]
        elif stated["data"]["publish"] is not None:
            return None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        pass
    return ClientError({"Error": {"Code": kind, "Message": f"AppSync did not take the frame: {said}"}}, "Publish")
