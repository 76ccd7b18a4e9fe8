"""The API's answers: JSON that no cache keeps, and JSON that caches keep for a second."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson
from aws_lambda_powertools.event_handler import Response, content_types

from api.app import app


def plain(status: HTTPStatus, body: Mapping[str, Any]) -> Response[dict[str, Any]]:
    """An answer for one request: no cache keeps it."""
    return Response(
        status, content_types.APPLICATION_JSON, cast("dict[str, Any]", body), headers={"Cache-Control": "no-store"}
    )


def cacheable(body: Mapping[str, Any], *, fresh: bool, shared: int = 1) -> Response[Any]:
    """An answer for everybody, or 304 to a client that already has this answer (RFC 9110, 13.1.2).

    ``fresh``: this request read the answer, so a browser may use it for a second. An answer from the process's cache
    has less than a second left, and ages are whole seconds (RFC 9111, 1.2.2), so a browser asks again. ``shared``:
    seconds for which a CDN may keep the answer, at least one. With ``max-age=0`` alone CloudFront would pass every
    request on to the API (docs/send-budget.md, Readers).
    """
    text = orjson.dumps(body)
    tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    seconds = max(1, shared - (not fresh))
    longer = f", s-maxage={seconds}" if seconds > int(fresh) else ""
    headers: dict[str, str | list[str]] = {"Cache-Control": f"public, max-age={int(fresh)}{longer}", "ETag": tag}
    had = (app.current_event.headers or {}).get("if-none-match") or ""
    if tag in (each.strip().removeprefix("W/") for each in had.split(",")):
        return Response(HTTPStatus.NOT_MODIFIED, body="", headers=headers)
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, text.decode(), headers=headers)


def present(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in outcome.items() if value is not None}
