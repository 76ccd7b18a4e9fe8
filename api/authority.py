"""The operator behind a request, and the competitions that the operator's token covers."""

from __future__ import annotations

from http import HTTPStatus

from api.api_settings import ApiSettings
from api.app import app, logger
from api.errors import ApiError
from matches.claims import ClaimsError, covers, identity
from runtime.environment import settings


def operator_of(competition: str | None) -> str:
    """The subject of the operator behind this request. Checks that the token covers the competition.

    API Gateway's JWT authorizer has verified the token and its scope. This checks the scope again, so that a route that
    has lost its authorizer refuses everybody. Raises ApiError with 403.
    """
    about = app.current_event.raw_event["requestContext"].get("authorizer") or {}
    scope = settings(ApiSettings).operator_scope
    try:
        who = identity((about.get("jwt") or {}).get("claims") or {})
    except ClaimsError:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "This request needs an operator's token.") from None
    if scope not in who.scopes:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", f"This request needs a token with the scope {scope}.")
    if not covers(who.competitions or (), competition):
        logger.info("operator_refused", subject=who.subject, competition=competition)
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "The token does not cover this match's competition.")
    return who.subject
