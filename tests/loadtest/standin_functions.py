"""Functions for the stand-in's tests. They run in its process and write each event to ``$EVENTS``, a file of lines."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

PATIENCE = 30.0


def authorizer(event: dict[str, Any], _context: Any) -> Any:
    """Does what ``auth`` in the query says, and lets everybody else in."""
    wish = (event.get("queryStringParameters") or {}).get("auth", "Allow")
    if wish.startswith("raise-"):
        raise RuntimeError(wish.removeprefix("raise-"))
    if wish == "nothing":
        return None
    resource = "arn:aws:execute-api:*:another/live/$connect" if wish == "another" else event["methodArn"]
    statement = {"Action": "execute-api:Invoke", "Effect": "Deny" if wish == "Deny" else "Allow", "Resource": resource}
    return {
        "principalId": "somebody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"type": event["type"], "number": 7, "flag": True},
    }


def handler(event: dict[str, Any], _context: Any) -> Any:
    """CONNECT does what the query says; a MESSAGE what its action says."""
    with Path(os.environ["EVENTS"]).open("a") as file:
        file.write(json.dumps(event) + "\n")
    about = event["requestContext"]
    query = event.get("queryStringParameters") or {}
    if about["eventType"] == "CONNECT":
        deadline = time.monotonic() + PATIENCE
        while "until" in query and not Path(query["until"]).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        offered = {name.lower(): value for name, value in event["headers"].items()}.get("sec-websocket-protocol", "")
        headers = {"Sec-WebSocket-Protocol": "livescore.v1"} if "livescore.v1" in offered else {}
        return {"statusCode": int(query.get("status", "200")), "headers": headers}
    if about["routeKey"] == "fail":
        raise RuntimeError("as the test wants")
    return {"statusCode": 200, "body": json.dumps({"route": about["routeKey"], "id": about["connectionId"],
                                                   "body": event.get("body")})}  # fmt: skip
