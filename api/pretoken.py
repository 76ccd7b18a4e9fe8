"""Lambda: Cognito's pre-token-generation trigger. It adds a token's competitions, and the name of its app client.

This file needs only Python's own library, so that devstack can zip it alone. Another issuer adds the claims itself
(docs/security.md).
"""

from __future__ import annotations

import json
import os
from typing import Any

DEFAULT = "default"
"""In ``$COMPETITIONS``: app clients that have no entry of their own. No app client has this for an id."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer an event of version 3, the one that client credentials have.

    (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html)

    ``$COMPETITIONS`` is a JSON object from app clients' ids to the claim ``competitions``: a text, or null for none.
    ``$NAMES``, if it is set, is one to the names that the operator's desk shows.
    """
    client = event["callerContext"]["clientId"]
    competitions = json.loads(os.environ["COMPETITIONS"])
    claims = {
        "competitions": competitions.get(client, competitions.get(DEFAULT)),
        "name": json.loads(os.environ.get("NAMES", "{}")).get(client),
    }
    add = {claim: value for claim, value in claims.items() if value is not None}
    event["response"] = {
        "claimsAndScopeOverrideDetails": {"accessTokenGeneration": {"claimsToAddOrOverride": add}},
    }
    print("token", flush=True)  # noqa: T201  # MiniStack waits 40 ms longer for a function that says nothing
    return event
