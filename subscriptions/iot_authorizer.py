"""The custom authorizer of AWS IoT Core: it decides who may connect over MQTT, and gives each connection its policy.

(https://docs.aws.amazon.com/iot/latest/developerguide/custom-auth-lambda.html)

A viewer sends the token as the password of its MQTT CONNECT, with any user name; a viewer without a token sends no
password, or the word ``anonymous``. AWS's own device SDKs send the credentials of custom authorizers there too, on
WebSockets as well
(https://aws.github.io/aws-iot-device-sdk-js-v2/node/interfaces/iot.MqttConnectCustomAuthConfig.html). A password is in
no URL, and so in no log of a proxy. If the domain has no default authorizer, the user name ends with
``?x-amz-customauthorizer-name=`` and the authorizer's name.

The client id is 22 to 64 letters, digits, hyphens or underscores that the viewer draws at random. IoT Core closes a
connection when another connects with the same client id. An id that nobody can guess keeps every other viewer from
doing so, and no viewer may hear the lifecycle events that have these ids.

IoT Core ends the connection when the token ends, but no earlier than after 300 s and no later than after 86,400 s: it
takes no other times. A refused CONNECT is answered with the return code 5 (not authorized), or with a closed socket. A
SUBSCRIBE to a topic that the policy does not allow, and every PUBLISH, closes the socket
(https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html).
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from matches.channels import Channels
from runtime import lifecycle
from runtime.environment import settings
from runtime.metrics import Metrics
from subscriptions.iot_policy import policy_documents
from subscriptions.token_verification import HandshakeRefusedError
from subscriptions.viewer_access import fetch_keys_early, issuer_keys, token_or_none, viewer_of
from subscriptions.viewer_settings import ChannelSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

SHORTEST_SECONDS: Final = 300
LONGEST_SECONDS: Final = 86_400
"""The bounds of ``disconnectAfterInSeconds`` and ``refreshAfterInSeconds``
(https://docs.aws.amazon.com/iot/latest/developerguide/custom-auth-lambda.html)."""

_CLIENT: Final = re.compile(r"[A-Za-z0-9_-]{22,64}")
_OWN: Final = re.compile(r"arn:(?P<partition>[^:]+):lambda:(?P<region>[^:]+):(?P<account>[^:]+):")

logger = Logger(service="iot_authorizer")
metrics = Metrics("iot_authorizer")


@lifecycle.prepare(
    ChannelSettings, lambda: issuer_keys(settings(ChannelSettings)), lambda: fetch_keys_early(settings(ChannelSettings))
)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer IoT Core's question about one CONNECT. The reason of a refusal is only in the log."""
    connection = (event.get("connectionMetadata") or {}).get("id")
    try:
        answer = _let_in((event.get("protocolData") or {}).get("mqtt") or {}, context.invoked_function_arn)
    except HandshakeRefusedError as error:
        logger.info("connect_refused", connection=connection, reason=str(error))
        metrics.add("Refused")
        return _answer("refused", [], SHORTEST_SECONDS, is_authenticated=False)
    logger.info("connect_allowed", connection=connection)
    metrics.add("LetIn")
    return answer


def _let_in(mqtt: dict[str, Any], own_arn: str) -> dict[str, Any]:
    """The answer to a good CONNECT. Raises HandshakeRefusedError."""
    client = mqtt.get("clientId")
    if not isinstance(client, str) or not _CLIENT.fullmatch(client):
        raise HandshakeRefusedError("The client id is not 22 to 64 random letters, digits, hyphens or underscores.")
    own = settings(ChannelSettings)
    viewer = viewer_of(token_or_none(_password(mqtt.get("password"))), own)
    place = _OWN.match(own_arn)
    if place is None:
        raise HandshakeRefusedError("The function does not know its own ARN.")
    arn = f"arn:{place['partition']}:iot:{place['region']}:{place['account']}:"
    documents = policy_documents(Channels(own.namespace), arn, client, viewer.competitions, viewer.own_subject)
    if documents is None:
        raise HandshakeRefusedError("The token covers more competitions than the policies of a connection hold.")
    left = LONGEST_SECONDS if viewer.expires is None else viewer.expires - int(time.time())
    return _answer(sha256(viewer.subject.encode()).hexdigest(), documents, left, is_authenticated=True)


def _answer(principal: str, documents: list[dict[str, Any]], seconds: int, *, is_authenticated: bool) -> dict[str, Any]:
    bounded = max(SHORTEST_SECONDS, min(LONGEST_SECONDS, seconds))
    return {
        "isAuthenticated": is_authenticated,
        "principalId": principal,  # letters and digits only
        "policyDocuments": documents,
        "disconnectAfterInSeconds": bounded,
        # The policy holds for the whole connection: nothing changes what a token says.
        "refreshAfterInSeconds": bounded,
    }


def _password(sent: Any) -> str | None:
    """The password of a CONNECT, which IoT Core hands on in base64. Raises HandshakeRefusedError."""
    if sent is None:
        return None
    try:
        return base64.b64decode(sent, validate=True).decode()
    except (binascii.Error, ValueError, TypeError):
        raise HandshakeRefusedError("The password is no text.") from None
