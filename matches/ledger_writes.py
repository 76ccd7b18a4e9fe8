"""Pure: the rows that the ledger writes into the table ``matches``, and the transaction that applies events.

ledger.py lists the rows; match_rows.py has their keys and reads them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from matches.amendments import AMENDABLE, with_changes
from matches.kickoff import calendar_entry
from matches.match_rows import LINEUPS, event_item, id_key, row_key, state_key
from runtime.attributes import VERSION_ATTRIBUTE, Item, as_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from matches.decisions import Decision
    from matches.event_types import AnyReceipt, LineupNames, StoredEvent
    from matches.events import AcceptedEvent
    from matches.match_state import MatchState, Outcome
    from matches.scoreboard import Board


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


def receipt_row(match: str, seq: int, round_name: str, body: AnyReceipt) -> Item:
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


def group_writes(
    table: str, before: MatchState, decisions: Sequence[Decision], now: int
) -> Iterator[TransactWriteItemTypeDef]:
    """The parts of the one transaction that writes decisions on events after ``before``; none if all are stored.

    ``now``: milliseconds since 1970. For each event the id and the event come first, then the state of the match, and
    last the marks of corrected events.
    """
    unwritten = [each for each in decisions if not each.is_stored]
    for each in unwritten:
        yield put_outcome(table, each.accepted, each.numbered.outcome)
        if each.numbered.event is not None:
            yield _put_event(table, each, each.numbered.event, now)
    after = decisions[-1].numbered.state
    if after.newest_seq > before.newest_seq:
        yield {
            "Update": {
                "TableName": table,
                "Key": state_key(before.match),
                "UpdateExpression": "SET newest_seq = :seq, board = :board, newest_score_seq = :score_seq",
                "ConditionExpression": "newest_seq = :read",
                "ExpressionAttributeValues": {
                    ":seq": as_number(after.newest_seq),
                    ":read": as_number(before.newest_seq),
                    ":board": {"S": _dump_board(after.board)},
                    ":score_seq": as_number(after.newest_score_seq),
                },
            }
        }
    for each in unwritten:
        if each.numbered.event is not None and each.target is not None:
            yield _mark(table, each.accepted, each.numbered.event["seq"], each.target)


def existing_event(writes: Sequence[TransactWriteItemTypeDef], codes: Sequence[str]) -> str | None:
    """The ``event#`` row that stood in the way of a canceled transaction while the ``state`` row did not.

    ``codes``: the codes of the reasons, in the order of the writes; "None" for a write that did not cancel it.
    """
    found = {_item_of(write): code for write, code in zip(writes, codes, strict=False)}
    if found.get("state") != "None":
        return None
    failed = [item for item, code in found.items() if code == "ConditionalCheckFailed" and item.startswith("event#")]
    return min(failed, default=None)


def _item_of(write: Mapping[str, Any]) -> str:
    """The sort key of the row that a part of a transaction writes."""
    [part] = write.values()
    return str((part.get("Item") or part["Key"])["item"]["S"])


def _put_event(table: str, decision: Decision, body: StoredEvent, now: int) -> TransactWriteItemTypeDef:
    """Put an event as the row of its seq, unless that row exists."""
    accepted, score_prev = decision.accepted, decision.numbered.score_prev
    event: Item = {
        **row_key(accepted.match, event_item(body["seq"])),
        **VERSION_ATTRIBUTE,
        "body": {"S": orjson.dumps(body).decode()},
        "numbered": as_number(now),
    }
    if accepted.streamed is not None:
        event["streamed"] = as_number(accepted.streamed)
    if accepted.by is not None:
        # The subject stands beside the body, because everybody may read the body.
        event["by"] = {"S": accepted.by}
    if score_prev is not None:
        # The seq before this one in the chain of a score-only follower: its update frame states it as ``prev``.
        event["score_prev"] = as_number(score_prev)
    return {
        "Put": {
            "TableName": table,
            "Item": event,
            "ConditionExpression": "attribute_not_exists(match_id)",
        }
    }


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
