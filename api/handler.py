"""The operators' and readers' HTTP API: a Lambda function behind an API Gateway HTTP API.

Every error of the API has one shape: ``{"error": {"code": …, "message": …}}``. The API answers an event with 202 only
after the event is in Kinesis. The ledger then decides whether the rules allow the event; read its outcome by its id.

A process caches each public answer for a second, so that many readers do not use up the read units that the numbering
of a match needs. Reads that decide something, and reads behind a token, are strongly consistent in every request.
"""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from aws_lambda_powertools.logging import correlation_paths

from api import messages, momento_route, operators, readers, resources, site_key, traces
from api.api_settings import ApiSettings
from api.app import app, logger
from api.errors import ApiError
from runtime import lifecycle
from runtime.metrics import Metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

BODY_BYTES = 32 * 1024
ROUTES = (operators, messages, readers, traces, momento_route)
"""The modules that register their routes with the resolver."""

metrics = Metrics("api")


@app.get("/openapi.json", include_in_schema=False)
def read_openapi() -> Response[str]:
    """The OpenAPI document of this API."""
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, openapi())


def openapi() -> str:
    """The OpenAPI document as JSON."""
    schemes: Any = {
        "operator": HTTPBearer(bearerFormat="JWT", description="A token with the operators' scope."),
        "messenger": HTTPBearer(bearerFormat="JWT", description="A token with the scope for messages to viewers."),
    }
    return app.get_openapi_json_schema(title="livescore", version="1", description=__doc__, security_schemes=schemes)


def _open_connections() -> None:
    resources.ledger().open_connection()


@lifecycle.prepare(ApiSettings, resources.make, _open_connections)
@metrics.publish_after
# An event contains the operator's token, so it is never logged, whatever the environment asks for.
@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload format 2.0)."""
    around = site_key.refusal(event)
    refusal = _check_body(event) if around is None else ApiError(HTTPStatus.FORBIDDEN, "around_the_site", around)
    if refusal is not None:
        # Before the resolver, whose parser would answer some of these with a 500.
        return {
            "statusCode": int(refusal.status),
            "headers": {"Content-Type": content_types.APPLICATION_JSON, "Cache-Control": "no-store"},
            "body": orjson.dumps({"error": {"code": refusal.code, "message": str(refusal)}}).decode(),
        }
    return app.resolve(event, context)


def _check_body(event: dict[str, Any]) -> ApiError | None:
    """Refuse a body that is too large or not JSON. The content type does not matter: every body is read as JSON."""
    body: str = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > BODY_BYTES:
            return ApiError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"A body may have at most {BODY_BYTES} bytes."
            )
        if raw:
            orjson.loads(raw)
    except ValueError:
        return ApiError(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not JSON.")
    event.update(body=raw.decode() if raw else None, isBase64Encoded=False)
    event["headers"] = {**(event.get("headers") or {}), "content-type": content_types.APPLICATION_JSON}
    return None
