"""Pure: the keys and queries of the table ``matches``, and its rows as DynamoDB returns them.

ledger.py lists the rows. Every function that parses one raises DamagedRowError for a row that is damaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from matches.amendments import AMENDABLE, with_changes
from matches.clock import Clock, Periods
from matches.kickoff import calendar_entry
from matches.match_state import MatchState, Outcome
from matches.scoreboard import Board
from runtime.attributes import Item, check_whole, count, is_whole, json_object, number, pair, reading_row, text

if TYPE_CHECKING:
    from matches.event_types import AnyReceipt, AuditedEvent, EventChanges, LineupNames, StoredEvent

LINEUPS = "lineups"
"""The sort key of the row of a match's line-ups."""

LAST_SEQ = 99_999_999
"""The highest seq that an ``event#`` row can have."""


def row_key(match: str, item: str) -> Item:
    """The primary key of a row of the table, as DynamoDB takes it."""
    return {"match_id": {"S": match}, "item": {"S": item}}


def state_key(match: str) -> Item:
    """The primary key of a match's ``state`` row."""
    return row_key(match, "state")


def events_query(table: str, match: str, after: int, limit: int, *, newest: bool) -> dict[str, Any]:
    """The arguments of one consistent Query for events above ``after``: the newest first, or the next in order."""
    return {
        "TableName": table,
        "KeyConditionExpression": "match_id = :match AND #item BETWEEN :from AND :to",
        "ExpressionAttributeNames": {"#item": "item"},
        "ExpressionAttributeValues": {
            ":match": {"S": match},
            # Above the last seq there can be, the range would end before it begins, which DynamoDB refuses.
            ":from": {"S": event_item(min(after + 1, LAST_SEQ))},
            ":to": {"S": event_item(LAST_SEQ)},
        },
        "ConsistentRead": True,
        "ScanIndexForward": not newest,
        "Limit": limit,
    }


def state_get(table: str, match: str) -> dict[str, Any]:
    """The arguments of a consistent GetItem for the ``state`` row."""
    return {"TableName": table, "Key": state_key(match), "ConsistentRead": True}


def id_key(match: str, event_id: str, digest: str | None = None) -> Item:
    """The key of the content that has an id, or with ``digest`` of other content; no event id has a #."""
    return row_key(match, f"id#{event_id}" if digest is None else f"id#{event_id}#{digest}")


def event_item(seq: int) -> str:
    """The sort key of the event of a seq."""
    return f"event#{seq:08d}"


def parse_state(item: Item) -> MatchState:
    """The ``state`` row as DynamoDB returns it.

    Raises DamagedRowError.
    """
    match = item["match_id"]["S"]
    with reading_row(match, "state", item):
        kickoff = text(item, "kickoff")
        calendar_entry(kickoff)
        return MatchState(
            match=match,
            board=_load_board(json_object(item, "board")),
            competition=text(item, "competition") if "competition" in item else None,
            audience=count(item, "audience") if "audience" in item else None,
            newest_seq=count(item, "newest_seq"),
            newest_score_seq=count(item, "newest_score_seq"),
            kickoff=kickoff,
            epoch=text(item, "epoch"),
            home=text(item, "home"),
            away=text(item, "away"),
            **_load_terms(json_object(item, "terms") if "terms" in item else {}),
        )


def parse_event(item: Item, *, as_posted: bool = False) -> StoredEvent:
    """An ``event#`` row as viewers see it, or without its amendments: as its operator posted it.

    Raises DamagedRowError.
    """
    row = item["item"]["S"]
    with reading_row(item["match_id"]["S"], row, item):
        event = cast("StoredEvent", json_object(item, "body"))
        check_whole(event, "seq", "at")
        if event_item(event["seq"]) != row:
            raise ValueError(f"its field seq is {event['seq']}")
        pair(event.get("score"), "score")
        for name in ("kind", "event_id"):
            if not isinstance(event.get(name), str):
                raise ValueError(f"its field {name} is missing or not a text")  # noqa: TRY004 - one kind for all of a row
        if "amended_by" in item:
            if not as_posted:
                now = json_object(item, "amended")
                changes = cast("EventChanges", {name: now[name] for name in AMENDABLE if name in now})
                event = with_changes(event, changes)
            event["amended_by"] = number(item, "amended_by")
        if "cancelled_by" in item:
            event["cancelled_by"] = number(item, "cancelled_by")
        _check_fields(event)
        return event


def _check_fields(event: StoredEvent) -> None:
    """Raises ValueError with a clause unless viewers can be sent every field of an event."""
    for name, value in event.items():
        if name in ("minute", "stoppage"):
            check_whole(event, name)
        elif name in ("score", "shootout"):
            pair(value, name)
        elif name in ("player", "assist", "player_on", "player_off"):
            if not isinstance(value, str | None):
                raise ValueError(f"its field {name} is {ascii(value)[:40]}, not a text")
        elif not isinstance(value, str | bool | None) and not is_whole(value):
            raise ValueError(f"its field {name} is neither a text nor a whole number")


def score_prev(item: Item) -> int | None:
    """For an ``event#`` row that a follower of the score is told of: the seq of the one before it, else None.

    Raises DamagedRowError.
    """
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        return number(item, "score_prev") if "score_prev" in item else None


def parse_audited(item: Item) -> AuditedEvent:
    """An event as its operator posted it, with ``by``: the subject of that operator, if it is known."""
    event = cast("AuditedEvent", parse_event(item, as_posted=True))
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        if "by" in item:
            event["by"] = text(item, "by")
        return event


def parse_posted(item: Item) -> tuple[StoredEvent, str | None]:
    """An event as viewers see it, and the subject of the operator who posted it."""
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        return parse_event(item), text(item, "by") if "by" in item else None


def parse_receipt(item: Item) -> AnyReceipt:
    """A receipt as broadcaster/control/receipt.py or broadcaster/transports/publisher.py wrote it."""
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        body = json_object(item, "body")
        check_whole(body, "seq")
        return cast("AnyReceipt", body)


def parse_outcome(item: Item) -> Outcome:
    """An ``id#`` row: what became of the event."""
    with reading_row(item["match_id"]["S"], item["item"]["S"], item):
        status: Any = text(item, "outcome")
        if status not in ("pending", "applied", "refused"):
            raise ValueError(f"its attribute outcome is {status[:40]!a}")
        return Outcome(
            status=status,
            seq=count(item, "seq") if status == "applied" else None,
            reason=text(item, "reason") if "reason" in item else None,
            unseen=count(item, "unseen") if "unseen" in item else None,
        )


def parse_lineups(match: str, row: Item | None) -> LineupNames:
    """The names of each side's players, as given; none without a row. Raises DamagedRowError."""
    if row is None:
        return {"home": [], "away": []}
    with reading_row(match, LINEUPS, row):
        body = json_object(row, "body")
        for side in ("home", "away"):
            if not isinstance(body.get(side), list) or not all(isinstance(each, str) for each in body[side]):
                raise ValueError(f"its field {side} is no list of names")
        return {"home": body["home"], "away": body["away"]}


def digest_of(row: Item | None) -> str | None:
    """The digest of the content that an ``id#`` row is about. Raises DamagedRowError."""
    if row is None or "digest" not in row:
        return None
    with reading_row(row["match_id"]["S"], row["item"]["S"], row):
        return text(row, "digest")


def _load_board(raw: dict[str, Any]) -> Board:
    """Raises what ``rows.reading`` turns into a DamagedRowError."""
    status, interrupted = raw["status"], raw.get("interrupted")
    if not isinstance(status, str) or not isinstance(interrupted, str | None):
        raise ValueError(f"its status is {ascii(status)[:40]}, interrupted {ascii(interrupted)[:40]}")  # noqa: TRY004 - one kind for all of a row
    return Board(
        status=status,
        score=pair(raw["score"], "score"),
        shootout=pair(raw["shootout"], "shootout") if raw["shootout"] else None,
        clock=_load_clock(raw["clock"]) if raw["clock"] else None,
        interrupted=interrupted,
    )


def _load_terms(raw: dict[str, Any]) -> dict[str, Any]:
    """Fields of a MatchState. Without terms the usual ones apply. Raises as ``_load_board``."""
    if not raw:
        return {}
    check_whole(raw, "half", "extra_half")
    if raw["leg"] is not None:
        check_whole(raw, "leg")
    return {
        "neutral": raw["neutral"] is True,
        "leg": raw["leg"],
        "first_leg": pair(raw["first_leg"], "first_leg") if raw["first_leg"] else None,
        "periods": Periods(raw["half"], raw["extra_half"]),
    }


def _load_clock(raw: dict[str, Any]) -> Clock:
    clock = Clock(**raw)
    check_whole(raw, "minute", "at")
    if clock.stoppage is not None:
        check_whole(raw, "stoppage")
    return clock
