"""The operators' route for the trace of an event: its stages with their times (broadcaster/control/trace.py)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from api import resources
from api.app import OPERATORS, MatchInPath, app, logger
from api.authority import operator_of
from api.errors import ApiError
from api.openapi_answers import answers
from api.responses import plain
from broadcaster.control.cell_state import CellStates
from broadcaster.control.cell_times import CellRows, receipts_of
from broadcaster.control.trace import trace
from matches.match_rows import LAST_SEQ
from runtime.attributes import DamagedRowError
from runtime.metrics import report_damaged_row


@app.get(
    "/matches/<match>/trace/<seq>",
    summary="The stages of an event, with their times",
    tags=["operators"],
    security=OPERATORS,
    responses=answers(
        HTTPStatus.OK,
        "The stages of which the time is known.",
        operators=True,
        not_found="There is no such match or event: `unknown_match`, `unknown_event`.",
    ),
)
def read_trace(
    match: MatchInPath, seq: Annotated[int, Path(ge=1, le=LAST_SEQ, description="Number of the event.")]
) -> Response[dict[str, Any]]:
    """From the acceptance of the event to the receipt of each cell; 404 ``unknown_event``.

    ``complete`` is false while a cell is still telling the event, or does not answer.
    """
    ledger = resources.ledger()
    state = ledger.state(match)
    operator_of(state.competition)
    event = ledger.traced_event(match, seq)
    if event is None:
        message = f"Match {match} has no event {seq}: its newest event is {state.newest_seq}."
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_event", message)
    receipts = ledger.receipts(match, seq - 1)
    known = receipts_of(seq, receipts)
    cells = _cell_rows(match, [name for name in resources.cells() if name not in known])
    if cells:
        # A cell writes its receipt before its row says that the event was told. So receipts are read after the rows.
        receipts = ledger.receipts(match, seq - 1)
    return plain(HTTPStatus.OK, cast("dict[str, Any]", trace(state, event, receipts, cells)))


def _cell_rows(match: str, names: list[str]) -> dict[str, CellRows | None]:
    """By name: the rows of a match in these cells, None for a cell that does not answer or whose row is damaged."""
    cells = resources.cells()
    found, failures = resources.cell_calls().ask({name: partial(_rows, cells[name], match) for name in names})
    for name, error in failures.items():
        if isinstance(error, DamagedRowError):
            report_damaged_row(error)
        else:
            logger.warning("cell_unreached", match=match, cell=name, exc_info=error)
    return {name: found.get(name) for name in names}


def _rows(cell_states: CellStates, match: str) -> CellRows:
    cell_state = cell_states.read(match)
    reports = cell_states.progress(match, cell_state.round_name) if cell_state.round_name else []
    return CellRows(cell_state, reports)
