"""A call of the HTTP API in this process, with the claims that API Gateway has checked."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from api import handler as api


def asked(path: str, claims: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """The API's own answer to a GET, in this process."""
    about: dict[str, Any] = {"http": {"method": "GET", "path": path}, "requestId": "r", "stage": "$default"}
    if claims is not None:
        about["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    event = {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": about}
    context: Any = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
    )
    answer = api.handler(event, context)
    return answer["statusCode"], json.loads(answer["body"])
