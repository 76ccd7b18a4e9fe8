"""The operators' routes: schedule and change matches, post events, read their outcomes, stop a broadcast.

The API answers an event with 202 only after the event is in Kinesis. The ledger then decides whether the rules allow
the event; an operator reads its outcome by its id. Reads that decide something, or that need a token, are strongly
consistent in every request.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from botocore.exceptions import BotoCoreError, ClientError

from api import resources
from api.api_settings import ApiSettings
from api.app import OPERATORS, UNKNOWN_MATCH, AfterInQuery, MatchInPath, app, logger
from api.authority import operator_of
from api.errors import ApiError
from api.openapi_answers import answers
from api.responses import plain, present
from api.shared_reads import HISTORY_PAGE
from broadcaster.control.cell_state import CellStates
from broadcaster.control.progress import cell_progress
from matches.decisions import MatchReading
from matches.events import DIGEST, AcceptedEvent, Event, EventId
from matches.match_state import MatchState
from matches.schedule import MatchChange, NewMatch
from matches.snapshot import snapshot
from runtime import aws
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.environment import settings
from runtime.metrics import report_damaged_row


@app.post(
    "/matches",
    status_code=201,
    summary="Create and schedule a match",
    tags=["operators"],
    security=OPERATORS,
    responses=answers(
        HTTPStatus.CREATED,
        "The match's snapshot.",
        operators=True,
        conflict="The id is taken: `match_exists`. Rows of an earlier match of that id are left: `match_has_rows`.",
    ),
)
def create_match(new: NewMatch) -> Response[dict[str, Any]]:
    """201 with the match's snapshot; 409 ``match_exists`` if the id is taken, ``match_has_rows`` if it was."""
    operator_of(new.competition)
    state = resources.ledger().create(new)
    resources.shared_reads().forget(state.match)
    return plain(HTTPStatus.CREATED, snapshot(state, []))


@app.patch(
    "/matches/<match>",
    summary="Change a match that has not kicked off",
    tags=["operators"],
    security=OPERATORS,
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
    state = resources.ledger().state(match)
    operator_of(state.competition)
    if not change.only_lineups:
        try:
            state = resources.ledger().change(match, change)
        except ValueError as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{error}.") from error
    if change.lineups is not None:
        resources.ledger().put_lineups(match, change.lineups.names())
    resources.shared_reads().forget(match)
    return plain(
        HTTPStatus.OK,
        snapshot(state, resources.recent_events().up_to(state), viewers=resources.viewer_counts().of_match(match)),
    )


@app.delete(
    "/matches/<match>",
    summary="Remove a match that has no events",
    tags=["operators"],
    security=OPERATORS,
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
    operator_of(resources.ledger().state(match).competition)
    resources.ledger().remove_match(match)
    resources.shared_reads().forget(match)
    return plain(HTTPStatus.OK, {"match": match, "removed": True})


@app.post(
    "/matches/<match>/events",
    status_code=202,
    summary="Post an event",
    tags=["operators"],
    security=OPERATORS,
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
    ledger = resources.ledger()
    if event.event_id is None:
        reading = MatchReading(ledger.state(match))
    else:
        reading = ledger.state_with_ids(match, [event.event_id])
    by = operator_of(reading.state.competition)
    accepted = AcceptedEvent(match, time.time_ns() // 1_000_000, _with_side_and_id(reading.state, event), by)
    if reading.is_taken(accepted):
        message = f"Another event of this match, with other content, has the id {event.event_id}."
        raise ApiError(HTTPStatus.CONFLICT, "event_id_taken", message)
    try:
        aws.kinesis().put_record(StreamName=settings(ApiSettings).stream, Data=accepted.to_record(), PartitionKey=match)
    except (BotoCoreError, ClientError) as error:
        # The event may be on the stream although its answer was lost. Only the same id makes a second try safe.
        logger.exception("stream_write_unconfirmed", match=match, event_id=accepted.event_id)
        message = f'The event may or may not have been accepted. Post it again with "event_id": "{accepted.event_id}".'
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message) from error
    # From here on the answer is 202: the event will be applied or refused, whatever fails now.
    try:
        outcome = asdict(ledger.mark_pending(accepted))
    except (BotoCoreError, ClientError, DamagedMatchError):
        logger.exception("pending_mark_failed", match=match, event_id=accepted.event_id)
        outcome = {"status": "pending"}
    logger.info("event_accepted", match=match, event_id=accepted.event_id, kind=event.kind)
    about = {"match": match, "event_id": accepted.event_id, "request": accepted.digest}
    return plain(HTTPStatus.ACCEPTED, {**about, **present(outcome)})


@app.get(
    "/matches/<match>/events/<event_id>",
    summary="The outcome of an event",
    tags=["operators"],
    responses=answers(
        HTTPStatus.OK,
        "The outcome.",
        not_found="There is no such match or event: `unknown_match`, `unknown_event`.",
    ),
)
def read_outcome(
    match: MatchInPath,
    event_id: Annotated[EventId, Path()],
    request: Annotated[
        str | None, Query(pattern=DIGEST, description="``request`` of the 202. Left out, the event that has the id.")
    ] = None,
) -> Response[dict[str, Any]]:
    """``pending``, ``applied`` with its ``seq``, or ``refused`` with a ``reason``; 404 ``unknown_event``.

    ``unseen`` is the seq of another operator's goal that the operator of a refused goal had not seen.
    """
    outcome = resources.shared_reads().outcome(match, event_id, request)
    if outcome is None:
        resources.shared_reads().state(match)
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_event", "No event with this id was accepted for this match.")
    about = present({"match": match, "event_id": event_id, "request": request})
    return plain(HTTPStatus.OK, {**about, **present(asdict(outcome))})


@app.post(
    "/matches/<match>/stop",
    summary="Stop the broadcast of a match",
    tags=["operators"],
    security=OPERATORS,
    responses=answers(
        HTTPStatus.OK,
        "``stopped`` says whether a broadcast ran; ``told`` of each cell says how far it got.",
        operators=True,
        not_found=UNKNOWN_MATCH,
    ),
)
def stop_broadcast(match: MatchInPath) -> Response[dict[str, Any]]:
    """200; ``stopped`` is false if there was nothing to end. The next event's frame carries what was not told.

    503 if a cell does not answer; in the others it is ended all the same.
    """
    state = resources.ledger().state(match)
    operator_of(state.competition)
    answers, failures = resources.cell_calls().ask(
        {
            name: partial(cell_states.stop, match, state.newest_seq, state.epoch)
            for name, cell_states in resources.cells().items()
        }
    )
    cells: dict[str, dict[str, Any]] = {}
    for name, (cell_state, stopped) in answers.items():
        message = "broadcast_stopped" if stopped else "no_broadcast_to_stop"
        logger.info(message, match=match, cell=name, told_seq=cell_state.told_seq)
        cells[name] = {"stopped": stopped, "told": cell_state.told_seq}
    for name, error in failures.items():
        logger.warning("cell_unreached", match=match, cell=name, exc_info=error)
    for damaged in (error for error in failures.values() if isinstance(error, DamagedMatchError)):
        raise damaged
    if failures:
        message = (
            f"No answer from {', '.join(sorted(failures))}; the broadcasts of the other cells are stopped. Stop again."
        )
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", message)
    about = {"stopped": any(each["stopped"] for each in cells.values()), "seq": state.newest_seq}
    return plain(HTTPStatus.OK, {"match": match, **about, "cells": cells})


@app.get(
    "/matches/<match>/audit",
    summary="Events of a match with their operators",
    tags=["operators"],
    security=OPERATORS,
    responses=answers(
        HTTPStatus.OK, "The events, each with its operator as ``by``.", operators=True, not_found=UNKNOWN_MATCH
    ),
)
def read_audit(
    match: MatchInPath,
    after: AfterInQuery = None,
    limit: Annotated[int, Query(ge=1, le=HISTORY_PAGE)] = HISTORY_PAGE,
) -> Response[dict[str, Any]]:
    """As the events of a match, each with ``by``, the subject of its operator's token. For operators only."""
    ledger = resources.ledger()
    state = ledger.state(match)
    operator_of(state.competition)
    events = [event for event in ledger.audit(match, after or 0, limit) if event["seq"] <= state.newest_seq]
    return plain(HTTPStatus.OK, {"match": match, "epoch": state.epoch, "seq": state.newest_seq, "events": events})


@app.get(
    "/matches/<match>/receipts",
    summary="Receipts of a match's broadcasts",
    tags=["operators"],
    responses=answers(HTTPStatus.OK, "The receipts.", not_found=UNKNOWN_MATCH),
)
def read_receipts(match: MatchInPath, after: AfterInQuery = None) -> Response[dict[str, Any]]:
    """One receipt per ended round of a broadcast, oldest first. 200 from the gateway means accepted, not seen."""
    resources.shared_reads().state(match)
    return plain(HTTPStatus.OK, {"match": match, "receipts": resources.shared_reads().receipts(match, after)})


@app.get(
    "/matches/<match>/progress",
    summary="Progress of a match's broadcast in each cell",
    tags=["operators"],
    security=OPERATORS,
    responses=answers(
        HTTPStatus.OK, "The progress of each cell, or ``unreached``.", operators=True, not_found=UNKNOWN_MATCH
    ),
)
def read_progress(match: MatchInPath) -> Response[dict[str, Any]]:
    """For each cell: the newest event that is due, the newest that is told, and the report of a running broadcast.

    A cell whose transport broadcasts has its ``transport``, and never the report of a running broadcast.
    """
    state = resources.ledger().state(match)
    operator_of(state.competition)
    found, failures = resources.cell_calls().ask(
        {name: partial(_standing, cell_states, match) for name, cell_states in resources.cells().items()}
    )
    cells = {name: found.get(name, {"unreached": True}) for name in resources.cells()}
    for name, error in failures.items():
        if isinstance(error, DamagedRowError):
            report_damaged_row(error)
            cells[name]["unreadable"] = True
    for name, description in resources.descriptions().items():
        if name in cells and not description.keeps_rows:
            cells[name]["transport"] = description.transport
    return plain(HTTPStatus.OK, {"match": match, "seq": state.newest_seq, "cells": cells})


def _standing(cell_states: CellStates, match: str) -> dict[str, Any]:
    """The progress of one cell with a match."""
    cell_state, now = cell_states.read(match), time.time()
    name = cell_state.round_name
    rows = cell_states.progress(match, name) if name and cell_state.is_running(now) else []
    return cell_progress(cell_state, rows, now)


def _with_side_and_id(state: MatchState, event: Event) -> Event:
    """The event as the stream carries it: with an id, and with ``home`` or ``away`` for a team's name.

    Raises ApiError for a team that does not play, and for a minute that the match does not have.
    """
    update: dict[str, Any] = {"event_id": event.event_id or secrets.token_hex(8)}
    reason = state.periods.refusal_reason(getattr(event, "minute", None), getattr(event, "stoppage", None))
    if reason is not None:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"body: {reason}")
    team = getattr(event, "team", None)
    if team is not None:
        update["team"] = state.side(team)
        if update["team"] is None:
            message = f'"team" must be home, away, {state.home} or {state.away}.'
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_team", message)
    return event.model_copy(update=update)
