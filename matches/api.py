"""The operators' and readers' HTTP API: a Lambda function behind an API Gateway HTTP API.

Every error of ours has one shape: ``{"error": {"code": …, "message": …}}``. An event is answered 202 only after it
is in Kinesis; whether the rules allow it is decided in the ledger, and read back by its id.

What everybody may read is kept by the process for a second, so that no flood of readers takes from a match the read
units that its numbering needs. What decides something, and what needs a token, is read consistently at every request.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.logging import correlation_paths
from botocore.exceptions import BotoCoreError, ClientError

from matches import aws, lifecycle, site_key
from matches.calendar import PAGES, Calendar
from matches.claims import ClaimsError, covers, identity
from matches.described import answers
from matches.events import DIGEST, Accepted, Event, EventId, MatchId
from matches.kinds import KINDS
from matches.ledger import (
    AlreadyKickedOffError,
    ContentionError,
    Ledger,
    MatchExistsError,
    MatchState,
    RowsLeftError,
    UnknownMatchError,
)
from matches.metrics import Figures, unreadable
from matches.progress import standing
from matches.quiet import list_seconds
from matches.readers import HISTORY_PAGE, Readers
from matches.recent import RecentEvents
from matches.regions import Regions
from matches.rows import BrokenMatchError, UnreadableRowError
from matches.schedule import Day, MatchChange, NewMatch
from matches.snapshot import snapshot, summary
from matches.telling import Tellings
from matches.viewers import Viewers
from matches.wording import in_words

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

BODY_BYTES = 32 * 1024
UNKNOWN_MATCH = "There is no such match: `unknown_match`."

logger = Logger(service="api")
figures = Figures("api")
app = APIGatewayHttpResolver(
    enable_validation=True,
    debug=False,  # whatever POWERTOOLS_DEV says: it would print events, and the operators' tokens in them
    serializer=lambda body: orjson.dumps(body).decode(),
    json_body_deserializer=orjson.loads,
)

_OPERATORS: list[dict[str, list[str]]] = [{"operator": []}]
MatchInPath = Annotated[MatchId, Path(description="Id of the match.")]
AfterInQuery = Annotated[int | None, Query(ge=0, description="Only what comes after this seq.")]


class ApiError(Exception):
    """An answer in the API's error shape."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@cache
def _ledger() -> Ledger:
    return Ledger(aws.setting("MATCHES_TABLE"), aws.dynamodb())


@cache
def _recent() -> RecentEvents:
    return RecentEvents(_ledger())


@cache
def _readers() -> Readers:
    return Readers(_ledger())


@cache
def _calendar() -> Calendar:
    return Calendar(aws.setting("MATCHES_TABLE"), aws.dynamodb())


@cache
def _viewers() -> Viewers:
    return Viewers(aws.setting("MATCHES_TABLE"), aws.dynamodb(patience="once"))


@cache
def _cells() -> dict[str, Tellings]:
    table = aws.setting("BROADCASTS_TABLE")
    return {region: Tellings(table, aws.dynamodb(region, "hurried")) for region in orjson.loads(aws.setting("CELLS"))}


@cache
def _regions() -> Regions:
    return Regions(len(_cells()))


@app.post(
    "/matches",
    status_code=201,
    summary="Create and schedule a match",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.CREATED,
        "The match's snapshot.",
        operators=True,
        conflict="The id is taken: `match_exists`. Rows of an earlier match of that id are left: `match_has_rows`.",
    ),
)
def create_match(new: NewMatch) -> Response[dict[str, Any]]:
    """201 with the match's snapshot; 409 ``match_exists`` if the id is taken, ``match_has_rows`` if it was."""
    _operator(new.competition)
    state = _ledger().create(new)
    _readers().forget(state.match)
    return _json(HTTPStatus.CREATED, snapshot(state, []))


@app.get(
    "/matches",
    summary="Matches of a day",
    tags=["readers"],
    responses=answers(HTTPStatus.OK, "The matches, by kick-off, each as its snapshot without events."),
)
def read_day(
    day: Annotated[Day | None, Query(description="A day in UTC; without it, today.")] = None,
    page: Annotated[int, Query(ge=1, le=PAGES, description="A page of 200 matches.")] = 1,
) -> Response[Any]:
    """The matches that kick off on that UTC day, 200 a page; ``more`` says whether there is another page."""
    chosen = day or datetime.fromtimestamp(time.time(), UTC).date()
    found = _readers().day(_calendar(), chosen, page, _listed)
    return _cacheable(found.value, fresh=found.fresh, shared=list_seconds(found.value["matches"], time.time()))


def _listed(states: list[MatchState]) -> list[dict[str, Any]]:
    viewers = _viewers().of_all([state.match for state in states], _cells())
    return [summary(state, viewers[state.match]) for state in states]


@app.patch(
    "/matches/<match>",
    summary="Change a match that has not kicked off",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.OK,
        "The match's snapshot.",
        operators=True,
        not_found=UNKNOWN_MATCH,
        conflict="The match has kicked off: `kicked_off`. Line-ups alone may change at any time.",
    ),
)
def change_match(match: MatchInPath, change: MatchChange) -> Response[dict[str, Any]]:
    """200 with the match's snapshot; 409 ``kicked_off`` once the match has kicked off, unless only line-ups change."""
    state = _ledger().state(match)
    _operator(state.competition)
    if not change.of_lineups_only:
        try:
            state = _ledger().change(match, change)
        except ValueError as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{error}.") from error
    if change.lineups is not None:
        _ledger().put_lineups(match, change.lineups.model_dump())
    _readers().forget(match)
    return _json(HTTPStatus.OK, snapshot(state, _recent().of(state), viewers=_viewers().of(match)))


@app.delete(
    "/matches/<match>",
    summary="Remove a match that has no events",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.OK,
        "The match is gone.",
        operators=True,
        not_found=UNKNOWN_MATCH,
        conflict="An event has been applied: `kicked_off`.",
    ),
)
def remove_match(match: MatchInPath) -> Response[dict[str, Any]]:
    """200 once the match is gone; 409 ``kicked_off`` if an event has been applied: a match may be called off then."""
    _operator(_ledger().state(match).competition)
    _ledger().remove_match(match)
    _readers().forget(match)
    return _json(HTTPStatus.OK, {"match": match, "removed": True})


@app.get(
    "/matches/<match>/lineups",
    summary="Line-ups of a match",
    tags=["readers"],
    responses=answers(HTTPStatus.OK, "The names of each side's players.", not_found=UNKNOWN_MATCH),
)
def read_lineups(match: MatchInPath) -> Response[Any]:
    """The names as they were given, none if they were not. Cacheable for a second."""
    _readers().state(match)
    lineups = _readers().lineups(match)
    return _cacheable({"match": match, **lineups.value}, fresh=lineups.fresh)


@app.post(
    "/matches/<match>/events",
    status_code=202,
    summary="Post an event",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.ACCEPTED,
        "The event's id and its request, by which it can be followed.",
        operators=True,
        not_found=UNKNOWN_MATCH,
        conflict="The id is that of an event with other content: `event_id_taken`.",
    ),
)
def post_event(match: MatchInPath, event: Annotated[Event, Body()]) -> Response[dict[str, Any]]:
    """202 with the event's id once it is on the stream. The same event with the same id again changes nothing.

    ``request`` tells this event from others that are posted under the same id at the same moment: one of them has the
    id, the others are refused.
    """
    state = _ledger().state(match)
    by = _operator(state.competition)
    accepted = Accepted(match, time.time_ns() // 1_000_000, _with_side_and_id(state, event), by)
    if event.event_id is not None and _ledger().is_taken(accepted):
        message = f"{event.event_id} is the id of another event of this match, with other content."
        raise ApiError(HTTPStatus.CONFLICT, "event_id_taken", message)
    try:
        aws.kinesis().put_record(StreamName=aws.setting("STREAM"), Data=accepted.to_record(), PartitionKey=match)
    except (BotoCoreError, ClientError) as error:
        # It may be on the stream all the same, its answer lost: only the same id makes a second try safe.
        logger.exception("not on the stream, as far as we know", match=match, event_id=accepted.event_id)
        message = f'It is not known whether the event was taken. Post it again with "event_id": "{accepted.event_id}".'
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message) from error
    # From here on the answer is 202: the event will be applied or refused whatever fails now.
    try:
        outcome = asdict(_ledger().pending(accepted))
    except (BotoCoreError, ClientError):
        logger.exception("on the stream, but not marked pending", match=match, event_id=accepted.event_id)
        outcome = {"status": "pending"}
    logger.info("accepted", match=match, event_id=accepted.event_id, kind=event.kind)
    about = {"match": match, "event_id": accepted.event_id, "request": accepted.digest}
    return _json(HTTPStatus.ACCEPTED, {**about, **_present(outcome)})


@app.get(
    "/matches/<match>/events/<event_id>",
    summary="What became of an event",
    tags=["operators"],
    responses=answers(
        HTTPStatus.OK,
        "What became of it.",
        not_found="There is no such match or event: `unknown_match`, `unknown_event`.",
    ),
)
def read_outcome(
    match: MatchInPath,
    event_id: Annotated[EventId, Path()],
    request: Annotated[
        str | None, Query(pattern=DIGEST, description="What the 202 named; without it, the event that has the id.")
    ] = None,
) -> Response[dict[str, Any]]:
    """``pending``, ``applied`` with its ``seq``, or ``refused`` with a ``reason``; 404 ``unknown_event``.

    ``unseen`` is the seq of another operator's goal that the operator of a refused goal had not seen.
    """
    outcome = _readers().outcome(match, event_id, request)
    if outcome is None:
        _readers().state(match)
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_event", "No event of that id was accepted for this match.")
    about = _present({"match": match, "event_id": event_id, "request": request})
    return _json(HTTPStatus.OK, {**about, **_present(asdict(outcome))})


@app.post(
    "/matches/<match>/stop",
    summary="End the broadcast of a match",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.OK, "Whether there was one, and how far it got.", operators=True, not_found=UNKNOWN_MATCH
    ),
)
def stop_broadcast(match: MatchInPath) -> Response[dict[str, Any]]:
    """200; ``stopped`` is false if there was nothing to end. The next event's frame carries what was not told.

    503 if a cell does not answer; in the others it is ended all the same.
    """
    state = _ledger().state(match)
    _operator(state.competition)
    answers, failures = _regions().ask(
        {region: partial(tellings.stop, match, state.seq, state.epoch) for region, tellings in _cells().items()}
    )
    cells: dict[str, dict[str, Any]] = {}
    for region, (telling, stopped) in answers.items():
        logger.info("stopped" if stopped else "nothing to stop", match=match, cell=region, told=telling.told)
        cells[region] = {"stopped": stopped, "told": telling.told}
    for region, error in failures.items():
        logger.warning("a cell was not reached", match=match, cell=region, exc_info=error)
    for broken in (error for error in failures.values() if isinstance(error, BrokenMatchError)):
        raise broken
    if failures:
        message = f"Not known of {', '.join(sorted(failures))}; the other cells are stopped. Stop again."
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message)
    about = {"stopped": any(each["stopped"] for each in cells.values()), "seq": state.seq}
    return _json(HTTPStatus.OK, {"match": match, **about, "cells": cells})


@app.get(
    "/matches/<match>",
    summary="Snapshot of a match",
    tags=["readers"],
    responses=answers(HTTPStatus.OK, "The snapshot.", not_found=UNKNOWN_MATCH),
)
def read_snapshot(
    match: MatchInPath,
    after: AfterInQuery = None,
    epoch: Annotated[str | None, Query(max_length=64, description="The epoch that ``after`` belongs to.")] = None,
) -> Response[Any]:
    """The snapshot; ``recovered`` says whether every event after ``after`` is in it. Cacheable for a second.

    A position in another epoch than the match's is none: the snapshot is that for one who has nothing.
    """
    state, fresh = _readers().state(match)
    after = after if epoch in (None, state.epoch) else None
    return _cacheable(snapshot(state, _recent().of(state), after, viewers=_viewers().of(match)), fresh=fresh)


@app.get(
    "/matches/<match>/events",
    summary="Events of a match in order",
    tags=["readers"],
    responses=answers(HTTPStatus.OK, "The events.", not_found=UNKNOWN_MATCH),
)
def read_events(
    match: MatchInPath,
    after: AfterInQuery = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_PAGE)] = HISTORY_PAGE,
) -> Response[Any]:
    """The next ``limit`` events after ``after``; go on from the last seq until ``seq`` is reached."""
    state, fresh = _readers().state(match)
    events = _readers().events(state, after or 0, limit)
    return _cacheable({"match": match, "epoch": state.epoch, "seq": state.seq, "events": events}, fresh=fresh)


@app.get(
    "/matches/<match>/audit",
    summary="Who posted what",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(HTTPStatus.OK, "The events, each with who posted it.", operators=True, not_found=UNKNOWN_MATCH),
)
def read_audit(
    match: MatchInPath,
    after: AfterInQuery = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_PAGE)] = HISTORY_PAGE,
) -> Response[dict[str, Any]]:
    """As the events of a match, each with ``by``, the subject of its operator's token. For operators only."""
    ledger = _ledger()
    state = ledger.state(match)
    _operator(state.competition)
    events = [event for event in ledger.audit(match, after or 0, limit) if event["seq"] <= state.seq]
    return _json(HTTPStatus.OK, {"match": match, "epoch": state.epoch, "seq": state.seq, "events": events})


@app.get(
    "/matches/<match>/receipts",
    summary="Receipts of a match's broadcasts",
    tags=["operators"],
    responses=answers(HTTPStatus.OK, "The receipts.", not_found=UNKNOWN_MATCH),
)
def read_receipts(match: MatchInPath, after: AfterInQuery = None) -> Response[dict[str, Any]]:
    """One receipt per ended round of a broadcast, oldest first. 200 from the gateway means accepted, not seen."""
    _readers().state(match)
    return _json(HTTPStatus.OK, {"match": match, "receipts": _readers().receipts(match, after)})


@app.get(
    "/matches/<match>/progress",
    summary="How far the broadcast of a match is",
    tags=["operators"],
    security=_OPERATORS,
    responses=answers(
        HTTPStatus.OK, "How far each cell is, or that it did not answer.", operators=True, not_found=UNKNOWN_MATCH
    ),
)
def read_progress(match: MatchInPath) -> Response[dict[str, Any]]:
    """What each cell has been handed and has told, and what the senders of a running broadcast have reported."""
    state = _ledger().state(match)
    _operator(state.competition)
    found, failures = _regions().ask(
        {region: partial(_standing, tellings, match) for region, tellings in _cells().items()}
    )
    cells = {region: found.get(region, {"unreached": True}) for region in _cells()}
    for region, error in failures.items():
        if isinstance(error, UnreadableRowError):
            unreadable(error)
            cells[region]["unreadable"] = True
    return _json(HTTPStatus.OK, {"match": match, "seq": state.seq, "cells": cells})


@app.get("/openapi.json", include_in_schema=False)
def read_openapi() -> Response[str]:
    """The OpenAPI document of this API."""
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, openapi())


def openapi() -> str:
    """The OpenAPI document as JSON."""
    schemes: Any = {"operator": HTTPBearer(bearerFormat="JWT", description="A token with the operators' scope.")}
    return app.get_openapi_json_schema(title="livescore", version="1", description=__doc__, security_schemes=schemes)


@app.exception_handler(ApiError)  # type: ignore[untyped-decorator]
def _api_error(error: ApiError) -> Response[dict[str, Any]]:
    return _error(error)


@app.exception_handler(UnknownMatchError)  # type: ignore[untyped-decorator]
def _unknown_match(error: UnknownMatchError) -> Response[dict[str, Any]]:
    return _error(ApiError(HTTPStatus.NOT_FOUND, "unknown_match", f"There is no match {error}."))


@app.exception_handler(MatchExistsError)  # type: ignore[untyped-decorator]
def _match_exists(error: MatchExistsError) -> Response[dict[str, Any]]:
    return _error(ApiError(HTTPStatus.CONFLICT, "match_exists", f"There is a match {error} already."))


@app.exception_handler(RowsLeftError)  # type: ignore[untyped-decorator]
def _rows_left(error: RowsLeftError) -> Response[dict[str, Any]]:
    message = (
        f"A match was played under the id {error}, and rows of it are left. Remove them: livescore match reset {error}"
    )
    return _error(ApiError(HTTPStatus.CONFLICT, "match_has_rows", message))


@app.exception_handler(BrokenMatchError)  # type: ignore[untyped-decorator]
def _broken_match(error: BrokenMatchError) -> Response[dict[str, Any]]:
    if isinstance(error, UnreadableRowError):
        unreadable(error)
    else:
        logger.error("match_broken", match=error.match, row=error.row, reason=error.reason)
    message = f"What is stored of match {error.match} cannot be read. An operator of the system has to repair it."
    return _error(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "match_broken", message))


@app.exception_handler(AlreadyKickedOffError)  # type: ignore[untyped-decorator]
def _kicked_off(error: AlreadyKickedOffError) -> Response[dict[str, Any]]:
    return _error(ApiError(HTTPStatus.CONFLICT, "kicked_off", f"Match {error} has begun."))


@app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
def _invalid(error: RequestValidationError) -> Response[dict[str, Any]]:
    problems = error.errors()
    if any(found["type"] == "json_invalid" for found in problems):
        return _error(ApiError(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not JSON."))
    return _error(ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", in_words(problems, KINDS)))


@app.exception_handler([BotoCoreError, ClientError, ContentionError, TimeoutError])  # type: ignore[untyped-decorator]
def _unavailable(error: Exception) -> Response[dict[str, Any]]:
    logger.error("a service did not answer", exc_info=error)
    message = "A service behind this API did not answer, and it is not known whether anything was changed. Try again."
    return _error(ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message))


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _failed(error: Exception) -> Response[dict[str, Any]]:
    logger.error("unexpected", exc_info=error)
    return _error(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side."))


@app.not_found
def _no_route(_: NotFoundError) -> Response[dict[str, Any]]:
    return _error(ApiError(HTTPStatus.NOT_FOUND, "no_route", "There is nothing at this path."))


def _make() -> None:
    for each in (_recent, _readers, _calendar, _viewers, _regions, aws.kinesis):
        each()


@lifecycle.prepared(_make, lambda: lifecycle.use(_ledger()))
@figures.published
# An event has the operator's token in it: never logged, whatever the environment asks for.
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
    """Refuse a body that is too large or not JSON; whatever content type it names, it is taken for JSON."""
    body: str = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        if len(raw) > BODY_BYTES:
            return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"A body is at most {BODY_BYTES} bytes.")
        if raw:
            orjson.loads(raw)
    except ValueError:
        return ApiError(HTTPStatus.BAD_REQUEST, "malformed_json", "The body is not JSON.")
    event.update(body=raw.decode() if raw else None, isBase64Encoded=False)
    event["headers"] = {**(event.get("headers") or {}), "content-type": content_types.APPLICATION_JSON}
    return None


def _operator(competition: str | None) -> str:
    """The subject of the operator behind this request, who may score matches of this competition.

    API Gateway's JWT authorizer has verified the token and its scope; both are looked at again, so that a route that
    has lost its authorizer lets nobody in. Raises ApiError.
    """
    about = app.current_event.raw_event["requestContext"].get("authorizer") or {}
    scope = aws.setting("OPERATOR_SCOPE")
    try:
        who = identity((about.get("jwt") or {}).get("claims") or {})
    except ClaimsError:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "This needs an operator's token.") from None
    if scope not in who.scopes:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", f"This needs a token with the scope {scope}.")
    if not covers(who.competitions or (), competition):
        logger.info("refused", subject=who.subject, competition=competition)
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "The token does not cover this match's competition.")
    return who.subject


def _standing(tellings: Tellings, match: str) -> dict[str, Any]:
    """How far one cell is with a match."""
    telling, now = tellings.read(match), time.time()
    rows = tellings.progress(match, telling.round) if telling.round and telling.is_running(now) else []
    return standing(telling, rows, now)


def _with_side_and_id(state: MatchState, event: Event) -> Event:
    """The event as the stream carries it: with an id, and with ``home`` or ``away`` for a team's name.

    Raises ApiError for a team that does not play, and for a minute that the match does not have.
    """
    update: dict[str, Any] = {"event_id": event.event_id or secrets.token_hex(8)}
    reason = state.periods.why_not(getattr(event, "minute", None), getattr(event, "stoppage", None))
    if reason is not None:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"body: {reason}")
    team = getattr(event, "team", None)
    if team is not None:
        update["team"] = state.side(team)
        if update["team"] is None:
            message = f"team is home, away, {state.home} or {state.away}."
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_team", message)
    return event.model_copy(update=update)


def _error(error: ApiError) -> Response[dict[str, Any]]:
    return _json(error.status, {"error": {"code": error.code, "message": str(error)}})


def _json(status: HTTPStatus, body: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(status, content_types.APPLICATION_JSON, body, headers={"Cache-Control": "no-store"})


def _cacheable(body: dict[str, Any], *, fresh: bool, shared: int = 1) -> Response[Any]:
    """An answer for everybody; 304 to a cache that has this one already (RFC 9110, 13.1.2).

    A browser may use it for a second from when it was read. Of what this process had kept, less than a second is left,
    and ages are whole seconds (RFC 9111, 1.2.2): a browser asks again. A CDN may keep it for ``shared`` seconds, and
    for one at least: with ``max-age=0`` alone CloudFront would pass all who ask the same on to the API
    (docs/architecture.md, Readers). A CDN answers those who have it already by 304 itself.
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


def _present(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if value is not None}
