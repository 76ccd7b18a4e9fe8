"""The answer to each exception. Every error has the shape ``{"error": {"code": …, "message": …}}``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from botocore.exceptions import BotoCoreError, ClientError

from api.app import app, logger
from api.responses import plain
from matches.event_kinds import KINDS
from matches.input_errors import describe_problems
from matches.ledger import (
    AlreadyKickedOffError,
    ContentionError,
    MatchExistsError,
    RowsLeftError,
    UnknownMatchError,
)
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.errors import LivescoreError
from runtime.metrics import report_damaged_row


class ApiError(LivescoreError):
    """An answer in the API's error shape."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@app.exception_handler(ApiError)  # type: ignore[untyped-decorator]
def _api_error(error: ApiError) -> Response[dict[str, Any]]:
    return refused(error)


@app.exception_handler(UnknownMatchError)  # type: ignore[untyped-decorator]
def _unknown_match(error: UnknownMatchError) -> Response[dict[str, Any]]:
    return refused(ApiError(HTTPStatus.NOT_FOUND, "unknown_match", f"There is no match {error}."))


@app.exception_handler(MatchExistsError)  # type: ignore[untyped-decorator]
def _match_exists(error: MatchExistsError) -> Response[dict[str, Any]]:
    return refused(ApiError(HTTPStatus.CONFLICT, "match_exists", f"There is already a match with the id {error}."))


@app.exception_handler(RowsLeftError)  # type: ignore[untyped-decorator]
def _rows_left(error: RowsLeftError) -> Response[dict[str, Any]]:
    message = (
        f"A match was played under the id {error}, and rows of it are left. Remove them: livescore match reset {error}"
    )
    return refused(ApiError(HTTPStatus.CONFLICT, "match_has_rows", message))


@app.exception_handler(DamagedMatchError)  # type: ignore[untyped-decorator]
def _damaged_match(error: DamagedMatchError) -> Response[dict[str, Any]]:
    if isinstance(error, DamagedRowError):
        report_damaged_row(error)
    else:
        logger.error("match_damaged", match=error.match, row=error.row, reason=error.reason)
    message = f"The stored rows of match {error.match} are damaged. An administrator has to repair them."
    return refused(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "match_broken", message))


@app.exception_handler(AlreadyKickedOffError)  # type: ignore[untyped-decorator]
def _kicked_off(error: AlreadyKickedOffError) -> Response[dict[str, Any]]:
    return refused(
        ApiError(
            HTTPStatus.CONFLICT,
            "kicked_off",
            f"Match {error} has kicked off, so it can no longer be changed or removed.",
        )
    )


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def _invalid(error: RequestValidationError) -> Response[dict[str, Any]]:
    problems = error.errors()
    if any(found["type"] == "json_invalid" for found in problems):
        return refused(ApiError(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not JSON."))
    return refused(ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", describe_problems(problems, KINDS)))


@app.exception_handler([BotoCoreError, ClientError, ContentionError, TimeoutError])  # type: ignore[untyped-decorator]
def _unavailable(error: Exception) -> Response[dict[str, Any]]:
    logger.error("service_unavailable", exc_info=error)
    message = "A service behind this API did not answer. The request may or may not have taken effect. Try again."
    return refused(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message))


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _failed(error: Exception) -> Response[dict[str, Any]]:
    logger.error("unexpected_error", exc_info=error)
    return refused(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The API failed unexpectedly."))


@app.not_found
def _no_route(_: NotFoundError) -> Response[dict[str, Any]]:
    return refused(ApiError(HTTPStatus.NOT_FOUND, "no_route", "This API has no such path."))


def refused(error: ApiError) -> Response[dict[str, Any]]:
    """The answer in the API's error shape."""
    return plain(error.status, {"error": {"code": error.code, "message": str(error)}})
