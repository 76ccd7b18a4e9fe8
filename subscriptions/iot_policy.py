"""Pure: the policy of one viewer's MQTT connection to AWS IoT Core.

(https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html)

In a policy ``*`` stands for any text, also for the wildcards ``+`` and ``#`` of a topic filter. So each policy also
denies every topic filter with such a wildcard: a viewer hears single topics only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from matches.claims import EVERY
from subscriptions.channel_access import competition_segments

if TYPE_CHECKING:
    from collections.abc import Collection

    from matches.channels import Channels

DOCUMENTS: Final = 10
DOCUMENT_CHARACTERS: Final = 2048
"""The most documents in an authorizer's answer, and the most characters of each
(https://docs.aws.amazon.com/iot/latest/developerguide/custom-auth-lambda.html)."""

HEARING: Final = ["iot:Subscribe", "iot:Receive"]


def policy_documents(
    channels: Channels, arn: str, client: str, competitions: Collection[str], subject: str | None
) -> list[dict[str, Any]] | None:
    """The documents that let a viewer connect as ``client`` and hear what ``channel_access.may_hear`` allows.

    ``channels``: those of this deployment. ``arn``: what stands before the resources, up to the colon after the
    account. ``subject``: None for a viewer without a token. Returns None if more documents would be needed than IoT
    Core takes. Nothing allows to publish.
    """
    namespace = channels.namespace
    paths = [f"{namespace}/{each}/*" for each in competition_segments(competitions)]
    if EVERY in competitions:
        # Segments of competitions begin with c- or h-. The channels of viewers must stay closed.
        paths = [f"{namespace}/open/*", f"{namespace}/c-*", f"{namespace}/h-*"]
    paths += [] if subject is None else [channels.subject(subject)]
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{arn}client/{client}"},
        {"Effect": "Deny", "Action": "iot:Subscribe", "Resource": [f"{arn}topicfilter/*{each}*" for each in "+#"]},
    ]
    documents: list[dict[str, Any]] = []
    resources: list[str] = []
    for path in paths:
        pair = [f"{arn}topicfilter/{path}", f"{arn}topic/{path}"]
        if _is_too_long(_document(statements, [*resources, *pair])):
            documents.append(_document(statements, resources))
            statements, resources = [], []
        resources += pair
    documents.append(_document(statements, resources))
    return documents if len(documents) <= DOCUMENTS else None


def _document(statements: list[dict[str, Any]], resources: list[str]) -> dict[str, Any]:
    hearing = {"Effect": "Allow", "Action": HEARING, "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [*statements, hearing]}


def _is_too_long(document: dict[str, Any]) -> bool:
    # With spaces, because it is not known how AWS counts.
    return len(json.dumps(document)) > DOCUMENT_CHARACTERS
