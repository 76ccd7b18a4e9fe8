"""Cognito's pre-token-generation trigger of devstack: says which competitions an app client is for, and its name.

Its zip holds this file alone. Where tokens come from elsewhere, the issuer has to put the claim in.
"""

from __future__ import annotations

import json
import os
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer an event of version 3, the one that client credentials have (user-pool-lambda-pre-token-generation.html).

    ``$COMPETITIONS`` is a JSON object from app clients' ids to the claim. ``$NAMES``, if it is set, is one to the names
    that the operator's desk shows.
    """
    client = event["callerContext"]["clientId"]
    claims = {
        "competitions": json.loads(os.environ["COMPETITIONS"]).get(client),
        "name": json.loads(os.environ.get("NAMES", "{}")).get(client),
    }
    add = {claim: value for claim, value in claims.items() if value is not None}
    event["response"] = {
        "claimsAndScopeOverrideDetails": {"accessTokenGeneration": {"claimsToAddOrOverride": add}},
    }
    print("token", flush=True)  # noqa: T201  # MiniStack waits 40 ms longer for a function that says nothing
    return event
