"""Pure: the answers of each route for the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict


class Refusal(BaseModel):
    """A refusal: a code for programs, a sentence for people."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str


class Refused(BaseModel):
    """The shape of every error that the API itself answers."""

    model_config = ConfigDict(extra="forbid")

    error: Refusal


_REASONS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON: `malformed_json`.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large: `too_large`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A value is not allowed: `invalid`, `unknown_team`.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The API failed: `internal`. The match's rows are damaged: `match_broken`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A service behind this API did not answer: `unavailable`.",
}
_OPERATORS_ONLY = {
    HTTPStatus.UNAUTHORIZED: "API Gateway's own answer where the token is missing or wrong.",
    HTTPStatus.FORBIDDEN: "Not within the token's competitions: `forbidden`. API Gateway's own answer for its scope.",
}
_THROTTLED = "API Gateway's own answer to too many requests, in its own words."


def answers(success: HTTPStatus, what: str, *, operators: bool = False, **refusals: str) -> dict[int, Any]:
    """The answers of one route: its success, its own refusals (``not_found="…"``), and the refusals of every route.

    ``operators`` says whether only operators may call the route.
    """
    reasons = {HTTPStatus[name.upper()]: reason for name, reason in refusals.items()}
    body = {"application/json": {"schema": {"type": "object"}}}
    refused = {"application/json": {"model": Refused}}
    return {
        int(success): {"description": what, "content": body},
        **{
            int(status): {"description": reason, "content": refused}
            for status, reason in {**_REASONS, **reasons}.items()
        },
        **({int(status): {"description": reason} for status, reason in _OPERATORS_ONLY.items()} if operators else {}),
        int(HTTPStatus.TOO_MANY_REQUESTS): {"description": _THROTTLED},
    }
