"""The Lambda authorizer of AppSync Events: it decides who may connect and which channels each viewer may hear.

(https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html)

AppSync asks at the handshake (``EVENT_CONNECT``) and at each subscription (``EVENT_SUBSCRIBE``). Viewers never publish:
the namespace takes publishes with an IAM signature only, and this function refuses ``EVENT_PUBLISH``.

A viewer sends the token as ``Authorization`` in both places, without the word Bearer: in the subprotocol
``header-<base64url of {"host": …, "Authorization": …}>``, and in ``authorization`` of each ``subscribe``. AppSync asks
no authorizer about an empty ``Authorization``. So a viewer without a token sends the word ``anonymous``.

A refused handshake is answered with a frame ``connection_error`` whose ``errorType`` is ``UnauthorizedException``, and
AppSync then closes the socket. A refused subscription is answered with ``subscribe_error`` and the same ``errorType``,
and the connection goes on (https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html).

No answer is cached: ``ttlOverride`` is 0. AWS does not say by which parts of a request AppSync would find a cached
answer. An answer found by the token alone would open every channel with the answer about one, and would outlive the
token (https://docs.aws.amazon.com/appsync/latest/APIReference/API_LambdaAuthorizerConfig.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from matches.channels import Channels
from runtime import lifecycle
from runtime.environment import settings
from runtime.metrics import Metrics
from subscriptions.channel_access import may_hear
from subscriptions.token_verification import HandshakeRefusedError
from subscriptions.viewer_access import fetch_keys_early, issuer_keys, token_or_none, viewer_of
from subscriptions.viewer_settings import ChannelSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="events_authorizer")
metrics = Metrics("events_authorizer")


@lifecycle.prepare(
    ChannelSettings, lambda: issuer_keys(settings(ChannelSettings)), lambda: fetch_keys_early(settings(ChannelSettings))
)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer AppSync's question: ``isAuthorized``, and ``ttlOverride`` in seconds. The reason is only in the log."""
    asked = event["requestContext"]
    operation, channel = asked.get("operation"), asked.get("channel")
    try:
        _check(event.get("authorizationToken"), operation, channel)
    except HandshakeRefusedError as error:
        logger.info("viewer_refused", operation=operation, channel=channel, reason=str(error))
        metrics.add("Refused")
        return {"isAuthorized": False, "ttlOverride": 0}
    metrics.add("LetIn")
    return {"isAuthorized": True, "ttlOverride": 0}


def _check(sent: str | None, operation: str | None, channel: str | None) -> None:
    """Raises HandshakeRefusedError."""
    own = settings(ChannelSettings)
    viewer = viewer_of(token_or_none(sent), own)
    if operation == "EVENT_CONNECT":
        return
    if operation != "EVENT_SUBSCRIBE":
        raise HandshakeRefusedError("Viewers only connect and subscribe.")
    # AppSync takes a channel with and without a slash in front.
    wanted = (channel or "").removeprefix("/")
    if not may_hear(Channels(own.namespace), wanted, viewer.competitions, viewer.own_subject):
        raise HandshakeRefusedError("The token does not cover the channel.")
