"""Pure: the rows that the ledger writes into the table ``matches``, and the transaction that applies an event.

ledger.py lists the rows; match_rows.py has their keys and reads them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from matches.amendments import AMENDABLE, with_changes
from matches.kickoff import calendar_entry
from matches.match_rows import LINEUPS, event_item, id_key, row_key, state_key
from matches.match_state import Outcome
from runtime.attributes import VERSION_ATTRIBUTE, Item, as_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from matches.event_types import LineupNames, Receipt, StoredEvent
    from matches.events import AcceptedEvent
    from matches.match_state import MatchState
    from matches.scoreboard import Applied, Board


def state_row(state: MatchState) -> Item:
    """The ``state`` row of a new match."""
    item: Item = {
        **state_key(state.match),
        **VERSION_ATTRIBUTE,
        **{name: {"S": getattr(state, name)} for name in ("epoch", "home", "away", "kickoff")},
        **{name: {"S": value} for name, value in calendar_entry(state.kickoff).items()},
        **{name: as_number(getattr(state, name)) for name in ("newest_seq", "newest_score_seq")},
        "board": {"S": _dump_board(state.board)},
        "terms": {"S": _dump_terms(state)},
    }
    if state.competition:
        item["competition"] = {"S": state.competition}
    if state.audience:
        item["audience"] = as_number(state.audience)
    return item


def schedule_attributes(state: MatchState) -> Item:
    """The attributes of the ``state`` row that a change before the kick-off may change."""
    return {
        **{name: {"S": getattr(state, name)} for name in ("kickoff", "home", "away")},
        **{name: {"S": value} for name, value in calendar_entry(state.kickoff).items()},
        "terms": {"S": _dump_terms(state)},
    }


def lineups_row(match: str, lineups: LineupNames) -> Item:
    """The ``lineups`` row: the names of each side's players."""
    return {**row_key(match, LINEUPS), **VERSION_ATTRIBUTE, "body": {"S": orjson.dumps(lineups).decode()}}


def receipt_row(match: str, seq: int, round_name: str, body: Receipt) -> Item:
    """A ``receipt#`` row: the counts of one round of a broadcast up to ``seq``."""
    return {
        **row_key(match, f"receipt#{seq:08d}#{round_name}"),
        **VERSION_ATTRIBUTE,
        "body": {"S": orjson.dumps(body).decode()},
    }


def pending_row(accepted: AcceptedEvent, digest: str | None, until: int) -> Item:
    """An ``id#`` row that reserves an id for an event on the stream, until ``until`` (seconds since 1970).

    With ``digest`` the row stands beside the row of other content that has the id.
    """
    return {
        **id_key(accepted.match, accepted.event_id, digest),
        **VERSION_ATTRIBUTE,
        "outcome": {"S": "pending"},
        "digest": {"S": accepted.digest},
        "ttl": as_number(until),
    }


def outcome_row(accepted: AcceptedEvent, outcome: Outcome, key: Item) -> Item:
    """An ``id#`` row with the final outcome of an event."""
    item: Item = {
        **key, **VERSION_ATTRIBUTE, "outcome": {"S": outcome.status}, "digest": {"S": accepted.digest},
    }  # fmt: skip
    if outcome.seq is not None:
        item["seq"] = as_number(outcome.seq)
    if outcome.reason is not None:
        item["reason"] = {"S": outcome.reason}
    if outcome.unseen is not None:
        item["unseen"] = as_number(outcome.unseen)
    return item


def put_outcome(table: str, accepted: AcceptedEvent, outcome: Outcome) -> TransactWriteItemTypeDef:
    """Put the id with its outcome, unless it already has an outcome or belongs to other content."""
    return {
        "Put": {
            "TableName": table,
            "Item": outcome_row(accepted, outcome, id_key(accepted.match, accepted.event_id)),
            "ConditionExpression": "attribute_not_exists(match_id) OR (outcome = :pending AND digest = :digest)",
            "ExpressionAttributeValues": {":pending": {"S": "pending"}, ":digest": {"S": accepted.digest}},
        }
    }


def applied_writes(
    table: str, state: MatchState, accepted: AcceptedEvent, ruling: Applied
) -> Iterator[TransactWriteItemTypeDef]:
    """The parts of the one transaction that applies an event as the next seq."""
    seq, board = state.newest_seq + 1, ruling.board
    body: dict[str, Any] = {"seq": seq, **accepted.event.content(), "at": accepted.at}
    body["score"] = board.score
    if board.shootout is not None:
        body["shootout"] = board.shootout
    target = ruling.target
    if target is not None:
        body["amends_seq" if accepted.event.kind == "amendment" else "cancels_seq"] = target["seq"]
    event: Item = {
        **row_key(state.match, event_item(seq)),
        **VERSION_ATTRIBUTE,
        "body": {"S": orjson.dumps(body).decode()},
    }
    if accepted.by is not None:
        # The subject stands beside the body, because everybody may read the body.
        event["by"] = {"S": accepted.by}
    if ruling.scores:
        # The seq before this one in the chain of a score-only follower: its update frame states it as ``prev``.
        event["score_prev"] = as_number(state.newest_score_seq)
    yield put_outcome(table, accepted, Outcome("applied", seq=seq))
    yield {
        "Put": {
            "TableName": table,
            "Item": event,
            "ConditionExpression": "attribute_not_exists(match_id)",
        }
    }
    yield {
        "Update": {
            "TableName": table,
            "Key": state_key(state.match),
            "UpdateExpression": "SET newest_seq = :seq, board = :board, newest_score_seq = :score_seq",
            "ConditionExpression": "newest_seq = :read",
            "ExpressionAttributeValues": {
                ":seq": as_number(seq),
                ":read": as_number(state.newest_seq),
                ":board": {"S": _dump_board(board)},
                ":score_seq": as_number(seq if ruling.scores else state.newest_score_seq),
            },
        }
    }
    if target is not None:
        yield _mark(table, accepted, seq, target)


def _mark(table: str, accepted: AcceptedEvent, seq: int, target: StoredEvent) -> TransactWriteItemTypeDef:
    """Mark the row of ``target``: the event ``seq`` cancels or amends it."""
    values: dict[str, Any] = {":seq": as_number(seq)}
    if accepted.event.kind == "amendment":
        # The corrected fields stand beside the body, because the body stays as its operator posted it.
        now = with_changes(target, accepted.event.changes())
        values[":amended"] = {"S": orjson.dumps({name: now.get(name) for name in AMENDABLE}).decode()}
        update = "SET amended_by = :seq, amended = :amended"
    else:
        update = "SET cancelled_by = :seq"
    return {
        "Update": {
            "TableName": table,
            "Key": row_key(accepted.match, event_item(target["seq"])),
            "UpdateExpression": update,
            "ConditionExpression": "attribute_not_exists(cancelled_by)",
            "ExpressionAttributeValues": values,
        }
    }


def _dump_board(board: Board) -> str:
    return orjson.dumps(asdict(board)).decode()


def _dump_terms(state: MatchState) -> str:
    periods = {"half": state.periods.half, "extra_half": state.periods.extra_half}
    terms = {"neutral": state.neutral, "leg": state.leg, "first_leg": state.first_leg, **periods}
    return orjson.dumps(terms).decode()
