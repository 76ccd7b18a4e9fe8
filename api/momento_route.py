"""The route that gives a viewer what its cell's service demands: at Momento, a token that only listens.

The viewer's own token decides, as at every other transport (subscriptions/viewer_access.py).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from api import resources
from api.api_settings import ApiSettings
from api.app import app, logger
from api.errors import ApiError
from api.momento_access import NoTokenError
from api.openapi_answers import answers
from api.responses import plain
from matches.channels import COMPETITIONS, OPEN, SUBJECTS, subject_segment
from matches.claims import EVERY
from runtime.environment import settings
from subscriptions.channel_access import may_hear
from subscriptions.token_verification import HandshakeRefusedError
from subscriptions.viewer_access import Viewer, token_or_none, viewer_of

SEGMENT = re.compile(r"open|c-[a-z0-9-]{1,48}|h-[0-9a-f]{40}")
"""The segment of a competition in a channel (matches/channels.py)."""

ME = "me"


@app.get(
    "/listeners/momento",
    summary="A token with which a viewer listens at Momento",
    tags=["readers"],
    responses=answers(
        HTTPStatus.OK, "The token, and when it ends.", not_found="There is no such cell: `unknown_cell`."
    ),
)
def read_momento_token(
    cell: Annotated[str, Query(max_length=22, description="The name of a cell whose viewers listen at Momento.")],
    competition: Annotated[
        str | None, Query(max_length=50, description="The second segment of the ``channel`` of a match.")
    ] = None,
    subject: Annotated[str | None, Query(max_length=2, description="``me``: the messages to the viewer.")] = None,
) -> Response[dict[str, Any]]:
    """A token that only listens, for the topics of one competition, or for the viewer's own messages.

    The viewer's own token stands in ``Authorization``. Fetch another one before ``expires``, in seconds since 1970.
    """
    access = resources.momento_access()
    if not access.has(cell):
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_cell", f"No cell {cell} has viewers at Momento.")
    viewer = _viewer()
    shared_by, prefixes = _wanted(viewer, competition, subject)
    try:
        if subject is None:
            found = access.token(cell, shared_by, prefixes)
        else:
            found = access.own_token(cell, shared_by, *prefixes)
    except NoTokenError:
        message = "Momento makes no token now. Try again."
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message) from None
    own = {} if subject is None else {"feed": shared_by}
    return plain(HTTPStatus.OK, {"token": found.token, "expires": found.expires, **own})


def _viewer() -> Viewer:
    """The viewer behind this request. Raises ApiError with 401."""
    sent = (app.current_event.headers or {}).get("authorization")
    token = re.sub(r"^bearer +", "", sent, flags=re.IGNORECASE) if sent else None
    try:
        return viewer_of(token_or_none(token), settings(ApiSettings))
    except HandshakeRefusedError as error:
        logger.info("viewer_refused", reason=str(error))
        message = "This request needs a viewer's token."
        raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", message) from None


def _wanted(viewer: Viewer, competition: str | None, subject: str | None) -> tuple[str, tuple[str, ...]]:
    """The name of the shared token, and the prefixes of its topics. Raises ApiError with 403 or 422.

    A topic has colons where its channel has slashes.
    """
    channels = resources.channels()
    if (competition is None) == (subject is None) or subject not in (None, ME):
        message = "Give either a competition or subject=me."
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", message)
    if subject is not None:
        if viewer.own_subject is None:
            raise _not_entitled()
        feed = subject_segment(viewer.own_subject)
        return feed, (f"{channels.namespace}:{SUBJECTS}:{feed}",)
    segment = competition or ""
    if SEGMENT.fullmatch(segment) is None:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The competition is no segment of a channel.")
    if not may_hear(channels, f"{channels.namespace}/{segment}/any/all", viewer.competitions, viewer.own_subject):
        raise _not_entitled()
    if EVERY in viewer.competitions:
        # One token for all of them: a viewer could name any number of competitions.
        return "every", tuple(f"{channels.namespace}:{each}" for each in (f"{OPEN}:", *COMPETITIONS))
    return segment, (f"{channels.namespace}:{segment}:",)


def _not_entitled() -> ApiError:
    return ApiError(HTTPStatus.FORBIDDEN, "not_entitled", "The token does not cover this competition.")
