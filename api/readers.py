"""The readers' routes: lists, snapshots, events and line-ups, which everybody may read.

The process caches each answer for a second (shared_reads.py), so the readers do not use up the read units that the
numbering of a match needs.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from api import resources
from api.app import UNKNOWN_MATCH, AfterInQuery, MatchInPath, app
from api.list_max_age import list_max_age
from api.openapi_answers import answers
from api.responses import cacheable
from api.shared_reads import HISTORY_PAGE
from matches.calendar import PAGES
from matches.event_types import MatchSummary
from matches.match_state import MatchState
from matches.schedule import Day
from matches.snapshot import snapshot, summary


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
    found = resources.shared_reads().day(resources.calendar(), chosen, page, _listed)
    return cacheable(found.value, fresh=found.fresh, shared=list_max_age(found.value["matches"], time.time()))


def _listed(states: list[MatchState]) -> list[MatchSummary]:
    viewers = resources.viewer_counts().of_matches([state.match for state in states], resources.cells())
    return [summary(state, viewers[state.match]) for state in states]


@app.get(
    "/matches/<match>/lineups",
    summary="Line-ups of a match",
    tags=["readers"],
    responses=answers(HTTPStatus.OK, "The names of each side's players.", not_found=UNKNOWN_MATCH),
)
def read_lineups(match: MatchInPath) -> Response[Any]:
    """The names as they were given, none if they were not. Cacheable for a second."""
    resources.shared_reads().state(match)
    lineups = resources.shared_reads().lineups(match)
    return cacheable({"match": match, **lineups.value}, fresh=lineups.fresh)


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

    A position in another epoch than the match's is none: the snapshot is that for one who has nothing. ``channel``
    names the match in cells whose transport broadcasts.
    """
    state, fresh = resources.shared_reads().state(match)
    after = after if epoch in (None, state.epoch) else None
    events, viewers = resources.recent_events().up_to(state), resources.viewer_counts().of_match(match)
    channel = resources.channels().match(state.competition, state.match)
    return cacheable({**snapshot(state, events, after, viewers=viewers), "channel": channel}, fresh=fresh)


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
    state, fresh = resources.shared_reads().state(match)
    events = resources.shared_reads().events(state, after or 0, limit)
    return cacheable({"match": match, "epoch": state.epoch, "seq": state.newest_seq, "events": events}, fresh=fresh)
