"""The resolver of the HTTP API, and parameters that several routes share."""

from __future__ import annotations

from typing import Annotated

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from matches.events import MatchId

UNKNOWN_MATCH = "There is no such match: `unknown_match`."
OPERATORS: list[dict[str, list[str]]] = [{"operator": []}]
"""OpenAPI's ``security`` of a route that needs an operator's token."""
MESSENGERS: list[dict[str, list[str]]] = [{"messenger": []}]
"""OpenAPI's ``security`` of a route that needs the token of a program that sends messages to single viewers."""

MatchInPath = Annotated[MatchId, Path(description="Id of the match.")]
AfterInQuery = Annotated[int | None, Query(ge=0, description="Only events or receipts after this seq.")]

logger = Logger(service="api")
app = APIGatewayHttpResolver(
    enable_validation=True,
    debug=False,  # debug mode, which POWERTOOLS_DEV turns on, would print events with the operators' tokens
    serializer=lambda body: orjson.dumps(body).decode(),
    json_body_deserializer=orjson.loads,
)
