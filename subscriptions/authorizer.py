"""The Lambda REQUEST authorizer for ``$connect``: it decides which viewers may open a WebSocket.

(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html)

The route has no identity sources: API Gateway would refuse a request that lacks one of them without calling this
function, and a token may come in either of two places. Every refusal is the same policy, so every refused viewer gets
the same 403. Only the log has the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from matches.claims import write_competitions
from runtime import lifecycle
from runtime.environment import settings
from runtime.metrics import Metrics
from subscriptions.handshake import header, subprotocols
from subscriptions.protocol import SUBPROTOCOL
from subscriptions.token_verification import HandshakeRefusedError
from subscriptions.viewer_access import fetch_keys_early, issuer_keys, viewer_of
from subscriptions.viewer_settings import AuthorizerSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_FAMILY = SUBPROTOCOL.partition(".")[0] + "."

logger = Logger(service="authorizer")
metrics = Metrics("authorizer")


@lifecycle.prepare(
    AuthorizerSettings,
    lambda: issuer_keys(settings(AuthorizerSettings)),
    lambda: fetch_keys_early(settings(AuthorizerSettings)),
)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a REQUEST event with a policy. An allowed viewer's context has ``subject`` and ``competitions``."""
    connection = event["requestContext"]["connectionId"]
    try:
        subject, competitions = _decide(event)
    except HandshakeRefusedError as error:
        logger.info("connect_refused", connection=connection, reason=str(error))
        metrics.add("Refused")
        return _policy(event["methodArn"], "Deny", "refused", {})
    logger.info("connect_allowed", connection=connection, subject=subject)
    metrics.add("LetIn")
    return _policy(event["methodArn"], "Allow", subject, {"subject": subject, "competitions": competitions})


def _decide(event: dict[str, Any]) -> tuple[str, str]:
    """The subject and the competitions of the viewer that connects. Raises HandshakeRefusedError."""
    _check_origin(header(event, "origin"))
    own = settings(AuthorizerSettings)
    viewer = viewer_of(find_token(event), own)
    return viewer.subject, write_competitions(viewer.competitions)


def find_token(event: dict[str, Any]) -> str | None:
    """The token of a handshake, or None: the query parameter ``token``, or the subprotocol that follows ours.

    The subprotocol is the only header of a WebSocket that a page in a browser can set. Raises HandshakeRefusedError if
    there are two different tokens.
    """
    query = event.get("multiValueQueryStringParameters") or {}
    found = set(query.get("token", ()))
    offered = subprotocols(event)
    if SUBPROTOCOL in offered:
        following = offered[offered.index(SUBPROTOCOL) + 1 :]
        found.update(each for each in following if not each.startswith(_FAMILY))
    if len(found) > 1:
        raise HandshakeRefusedError("There is more than one token.")
    return found.pop() if found else None


def _check_origin(origin: str | None) -> None:
    """Raises HandshakeRefusedError for a page of another origin. A program sends no origin, and could send any."""
    allowed = {each.strip() for each in settings(AuthorizerSettings).origins.split(",")}
    if origin is not None and allowed.isdisjoint({"*", origin}):
        raise HandshakeRefusedError("The page is from another origin.")


def _policy(arn: str, effect: str, principal: str, context: dict[str, str]) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }
