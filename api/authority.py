"""The sender of a request, and the rights in the sender's token."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from api.api_settings import ApiSettings
from api.app import app, logger
from api.errors import ApiError
from matches.claims import ClaimsError, covers, identity
from runtime.environment import settings

if TYPE_CHECKING:
    from matches.claims import Identity


def operator_of(competition: str | None) -> str:
    """The subject of the operator behind this request. Checks that the token covers the competition.

    Raises ApiError with 403.
    """
    who = _bearer(settings(ApiSettings).operator_scope)
    if not covers(who.competitions or (), competition):
        logger.info("operator_refused", subject=who.subject, competition=competition)
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "The token does not cover this match's competition.")
    return who.subject


def messenger() -> str:
    """The subject of the program that sends a message to a viewer. Viewers belong to no competition.

    Raises ApiError with 403.
    """
    return _bearer(settings(ApiSettings).message_scope).subject


def _bearer(scope: str) -> Identity:
    """The identity in the token of this request, which must have the scope.

    API Gateway's JWT authorizer has verified the token and its scope. This checks the scope again, so that a route that
    has lost its authorizer refuses everybody. Raises ApiError with 403.
    """
    about = app.current_event.raw_event["requestContext"].get("authorizer") or {}
    try:
        who = identity((about.get("jwt") or {}).get("claims") or {})
    except ClaimsError:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "This request needs a token.") from None
    if scope not in who.scopes:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", f"This request needs a token with the scope {scope}.")
    return who
