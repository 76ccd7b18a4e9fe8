"""The Lambda authorizer of a GraphQL API of AppSync: it states which channels a viewer may hear.

(https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization) AppSync calls it for
the connection and for each subscription, but tells it neither the query nor the variables of a subscription
(https://github.com/aws-amplify/amplify-category-api/issues/2090). So its answer depends on the token alone, and the
subscription's resolver (terraform/graphql/subscribe.js) compares the channel with the rights in the answer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from matches.channels import subject_segment
from matches.claims import EVERY
from runtime import lifecycle
from runtime.environment import settings
from runtime.metrics import Metrics
from subscriptions.channel_access import competition_segments
from subscriptions.token_verification import HandshakeRefusedError
from subscriptions.viewer_access import fetch_keys_early, issuer_keys, token_or_none, viewer_of
from subscriptions.viewer_settings import ChannelSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from subscriptions.viewer_access import Viewer

KEPT_SECONDS: Final = 60
"""AppSync keeps an answer for its token this long, and never longer than the token is valid. So ten thousand viewers
without a token are one call of this function a minute."""

CLOSED: Final = ("Mutation.publish", "Query.version")
"""The fields that no viewer gets. The schema closes them too: they are for IAM only."""

logger = Logger(service="graphql_authorizer")
metrics = Metrics("graphql_authorizer")


@lifecycle.prepare(
    ChannelSettings, lambda: issuer_keys(settings(ChannelSettings)), lambda: fetch_keys_early(settings(ChannelSettings))
)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer whether the token is valid, and with the viewer's rights in ``resolverContext``."""
    own = settings(ChannelSettings)
    try:
        viewer = viewer_of(token_or_none(event.get("authorizationToken")), own)
    except HandshakeRefusedError as error:
        logger.info("viewer_refused", reason=str(error))
        metrics.add("Refused")
        return {"isAuthorized": False, "ttlOverride": 0}
    metrics.add("LetIn")
    return {
        "isAuthorized": True,
        "resolverContext": rights(viewer, own.namespace),
        "deniedFields": list(CLOSED),
        "ttlOverride": _kept_seconds(viewer.expires, time.time()),
    }


def rights(viewer: Viewer, namespace: str) -> dict[str, str]:
    """The rights of a viewer, as terraform/graphql/subscribe.js reads them: AppSync passes only flat texts on.

    ``namespace``: the first segment of the deployment's channels. ``segments``: the competition segments of channels,
    with spaces between them; ``*`` stands for all. ``subject``: the viewer's own feed of ``<namespace>/subjects``;
    empty without a token.
    """
    segments = competition_segments(viewer.competitions) + ([EVERY] if EVERY in viewer.competitions else [])
    own = "" if viewer.own_subject is None else subject_segment(viewer.own_subject)
    return {"namespace": namespace, "segments": " ".join(segments), "subject": own}


def _kept_seconds(expires: int | None, now: float) -> int:
    return KEPT_SECONDS if expires is None else max(0, min(KEPT_SECONDS, int(expires - now)))
