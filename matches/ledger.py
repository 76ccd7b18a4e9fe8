"""The ledger in DynamoDB: applies each event once, numbers it, keeps the history.

Table ``matches``, keys ``match_id`` and ``item``:

- ``state``               the match as it stands; ``seq`` is the number of the last event, ``epoch`` changes on a reset;
                          ``day`` and ``starts`` put it into the calendar (calendar.py)
- ``event#00000012``      the event that got seq 12: as viewers see it, and beside that who posted it. Of an event that
                          was amended, ``amended`` has the corrected fields and ``amended_by`` the last amendment's seq
- ``id#<event_id>``       what became of an event: pending, applied as seq n, or refused and why
- ``receipt#…``           of a broadcast that has ended, in any cell (broadcaster.receipt)

How far the viewers have been told is kept by each cell for itself (telling.py).

One transaction per event: put the id (if it is not settled), put the event, update the state (if seq is what was
read). So a record that is delivered twice, or by two readers at once, counts once.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from matches import unseen
from matches.amending import AMENDABLE, amended
from matches.kickoff import entry
from matches.scoreboard import Board, Clock, Earlier, Refused, apply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from matches.events import Accepted
    from matches.schedule import NewMatch

_LAST_SEQ = 99_999_999
"""The highest seq that an ``event#`` row can have."""

_UNSEEN = 1000
"""Events after the one that an operator saw which are searched for another operator's goal: more than a match has."""

_TRIES = 5
_PENDING_SECONDS = 24 * 3600


class UnknownMatchError(Exception):
    """The ledger has no such match."""


class MatchExistsError(Exception):
    """The ledger has a match of that id already."""


class AlreadyKickedOffError(Exception):
    """The match cannot be rescheduled: it has begun."""


class ContentionError(Exception):
    """The same match was written by others on every try. Transient: try the record again."""


@dataclass(frozen=True, slots=True)
class MatchState:
    """The ``state`` row of a match.

    ``seq``: the number of the newest event. ``scored``: that of the newest event that a follower of the score only is
    told of. ``audience``: the operator's guess of how many will watch.
    """

    match: str
    epoch: str
    seq: int
    board: Board
    home: str
    away: str
    competition: str | None
    kickoff: str
    audience: int | None
    scored: int

    def side(self, team: str) -> str | None:
        """``home`` or ``away`` for a side or a team's name, None for a team that is not playing."""
        name = team.casefold()
        if name in ("home", self.home.casefold()):
            return "home"
        return "away" if name in ("away", self.away.casefold()) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event: ``pending``, ``applied`` as ``seq``, or ``refused`` with a ``reason``."""

    status: Literal["pending", "applied", "refused"]
    seq: int | None = None
    reason: str | None = None
    unseen: int | None = None
    """Of a goal that was refused for another operator's goal: the seq of that goal."""
    again: Literal[True] | None = field(default=None, compare=False)
    """Of ``Ledger.record``: it was settled before, so the record was delivered again."""


class Ledger:
    """The ``matches`` table. Consistent reads throughout: gaps and snapshots rest on them."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def create(self, new: NewMatch) -> MatchState:
        """Schedule a match.

        Raises MatchExistsError if the id is taken.
        """
        state = MatchState(
            match=new.match_id, epoch=secrets.token_hex(4), seq=0, board=Board(), home=new.home, away=new.away,
            competition=new.competition, kickoff=new.kickoff.isoformat(), audience=new.audience, scored=0,
        )  # fmt: skip
        item: dict[str, Any] = {
            **state_key(state.match),
            **{name: {"S": getattr(state, name)} for name in ("epoch", "home", "away", "kickoff")},
            **{name: {"S": value} for name, value in entry(state.kickoff).items()},
            **{name: _n(getattr(state, name)) for name in ("seq", "scored")},
            "board": {"S": _dump_board(state.board)},
        }
        if state.competition:
            item["competition"] = {"S": state.competition}
        if state.audience:
            item["audience"] = _n(state.audience)
        try:
            self._db.put_item(TableName=self.table, Item=item, ConditionExpression="attribute_not_exists(match_id)")
        except self._db.exceptions.ConditionalCheckFailedException as error:
            raise MatchExistsError(state.match) from error
        return state

    def reschedule(self, match: str, kickoff: str) -> MatchState:
        """Move the kick-off of a match that has not begun.

        Raises UnknownMatchError, or AlreadyKickedOffError once an event has been applied.
        """
        try:
            self._db.update_item(
                TableName=self.table,
                Key=state_key(match),
                UpdateExpression="SET kickoff = :kickoff, #day = :day, #starts = :starts",
                ConditionExpression="seq = :zero",
                ExpressionAttributeNames={f"#{name}": name for name in ("day", "starts")},
                ExpressionAttributeValues={
                    ":kickoff": {"S": kickoff},
                    ":zero": _n(0),
                    **{f":{name}": {"S": value} for name, value in entry(kickoff).items()},
                },
            )
        except self._db.exceptions.ConditionalCheckFailedException as error:
            self.state(match)
            raise AlreadyKickedOffError(match) from error
        return self.state(match)

    def state(self, match: str) -> MatchState:
        """The match as it stands.

        Raises UnknownMatchError.
        """
        found = self._db.get_item(TableName=self.table, Key=state_key(match), ConsistentRead=True)
        if "Item" not in found:
            raise UnknownMatchError(match)
        return parse_state(found["Item"])

    def events(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` events with a seq above ``after``, oldest first."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=True))
        return [parse_event(item) for item in reversed(page["Items"])]

    def history(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """The next ``limit`` events with a seq above ``after``, oldest first."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return [parse_event(item) for item in page["Items"]]

    def audit(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """As ``history``, each event with ``by``: the subject of the operator who posted it, if that is known.

        An amended event is as its own operator posted it; the amendments stand behind it with who posted those.
        """
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return [
            parse_event(item, as_posted=True) | ({"by": item["by"]["S"]} if "by" in item else {})
            for item in page["Items"]
        ]

    def receipts(self, match: str, after: int | None = None) -> list[dict[str, Any]]:
        """The receipts of a match's broadcasts as broadcaster.receipt wrote them, oldest first.

        Only those whose seq is above ``after``, if that is given.
        """
        first = 0 if after is None else min(after + 1, _LAST_SEQ)
        pages = self._db.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="match_id = :match AND #item BETWEEN :from AND :to",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":match": {"S": match},
                ":from": {"S": f"receipt#{first:08d}"},
                # Above every digit, so behind the receipts of the last seq as well.
                ":to": {"S": "receipt#:"},
            },
        )
        return [orjson.loads(item["body"]["S"]) for page in pages for item in page["Items"]]

    def put_receipt(self, match: str, seq: int, broadcast: str, body: dict[str, Any]) -> None:
        """Keep what a broadcast has done up to ``seq``, unless there is a receipt of it already."""
        with suppress(self._db.exceptions.ConditionalCheckFailedException):
            self._db.put_item(
                TableName=self.table,
                Item={
                    **row_key(match, f"receipt#{seq:08d}#{broadcast}"),
                    "body": {"S": orjson.dumps(body).decode()},
                },
                ConditionExpression="attribute_not_exists(match_id)",
            )

    def outcome(self, match: str, event_id: str) -> Outcome | None:
        """What became of an event, None for an id that was never accepted."""
        found = self._db.get_item(TableName=self.table, Key=row_key(match, f"id#{event_id}"), ConsistentRead=True)
        return _parse_outcome(found["Item"]) if "Item" in found else None

    def is_taken(self, accepted: Accepted) -> bool:
        """Whether the event's id is that of an event with other content."""
        key = row_key(accepted.match, f"id#{accepted.event_id}")
        item = self._db.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
        return "digest" in item and item["digest"]["S"] != accepted.digest

    def pending(self, accepted: Accepted) -> Outcome:
        """Note that an event is on the stream; return what is known of it, which may be more by now."""
        match, event_id = accepted.match, accepted.event_id
        try:
            self._db.put_item(
                TableName=self.table,
                Item={
                    **row_key(match, f"id#{event_id}"),
                    "outcome": {"S": "pending"},
                    "digest": {"S": accepted.digest},
                    "ttl": _n(int(time.time()) + _PENDING_SECONDS),
                },
                ConditionExpression="attribute_not_exists(match_id)",
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return self.outcome(match, event_id) or Outcome("pending")
        return Outcome("pending")

    def record(self, accepted: Accepted) -> Outcome:
        """Apply an event once and number it, or keep the reason why the rules refuse it.

        Returns what became of it, now or when it was delivered before. Raises UnknownMatchError, ContentionError,
        and botocore's ClientError for what is transient.
        """
        match, event_id = accepted.match, accepted.event_id
        for _ in range(_TRIES):
            state = self.state(match)
            known = self.outcome(match, event_id)
            if known is not None and known.status != "pending":
                return replace(known, again=True)
            target = self._target(accepted)
            ruling = apply(state.board, accepted.event, accepted.at, target and target[1])
            goal = None if isinstance(ruling, Refused) else self._unseen(state, accepted)
            if isinstance(ruling, Refused):
                outcome = Outcome("refused", reason=ruling.reason)
                writes = [self._settle(accepted, outcome)]
            elif goal is not None:
                outcome = Outcome("refused", reason=unseen.reason(goal), unseen=goal["seq"])
                writes = [self._settle(accepted, outcome)]
            else:
                outcome = Outcome("applied", seq=state.seq + 1)
                writes = list(self._writes(state, accepted, ruling.board, ruling.scores, target))
            try:
                self._db.transact_write_items(TransactItems=writes)
            except self._db.exceptions.TransactionCanceledException as error:
                # Either someone else wrote the match or this id in between (read again and decide again), or
                # DynamoDB says that the cause is not a condition at all.
                codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if not codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                    raise
            else:
                return outcome
        raise ContentionError(f"{match} {event_id}")

    def _target(self, accepted: Accepted) -> tuple[int, Earlier] | None:
        """The seq and content of the event that a cancellation or an amendment names."""
        event = accepted.event
        if event.kind not in ("cancellation", "amendment"):
            return None
        name = event.cancels if event.kind == "cancellation" else event.amends
        outcome = self.outcome(accepted.match, name)
        if outcome is None or outcome.seq is None:
            return None
        key = row_key(accepted.match, _event_item(outcome.seq))
        row = self._db.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        return outcome.seq, Earlier(parse_event(row), cancelled="cancelled_by" in row)

    def _unseen(self, state: MatchState, accepted: Accepted) -> dict[str, Any] | None:
        """Another operator's goal that this operator has not seen. Nothing is read unless the score has moved since."""
        seen = accepted.event.seen
        if seen is None or seen >= state.scored or not unseen.is_careful(accepted.event):
            return None
        items = self._db.query(**events_query(self.table, state.match, seen, _UNSEEN, newest=True))["Items"]
        later = [(parse_event(item), item["by"]["S"] if "by" in item else None) for item in items]
        return unseen.unseen(accepted.event, accepted.by, later)

    def _settle(self, accepted: Accepted, outcome: Outcome) -> TransactWriteItemTypeDef:
        """Put the id with its outcome, unless it has one already."""
        item: dict[str, Any] = {
            **row_key(accepted.match, f"id#{accepted.event_id}"),
            "outcome": {"S": outcome.status},
            "digest": {"S": accepted.digest},
        }
        if outcome.seq is not None:
            item["seq"] = _n(outcome.seq)
        if outcome.reason is not None:
            item["reason"] = {"S": outcome.reason}
        if outcome.unseen is not None:
            item["unseen"] = _n(outcome.unseen)
        return {
            "Put": {
                "TableName": self.table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(match_id) OR outcome = :pending",
                "ExpressionAttributeValues": {":pending": {"S": "pending"}},
            }
        }

    def _writes(
        self, state: MatchState, accepted: Accepted, board: Board, scores: bool, target: tuple[int, Earlier] | None
    ) -> Iterator[TransactWriteItemTypeDef]:
        """The one transaction that applies an event as the next seq."""
        seq = state.seq + 1
        body: dict[str, Any] = {"seq": seq, **accepted.event.content(), "at": accepted.at}
        body["score"] = board.score
        if board.shootout is not None:
            body["shootout"] = board.shootout
        if target is not None:
            body["amends_seq" if accepted.event.kind == "amendment" else "cancels_seq"] = target[0]
        event: dict[str, Any] = {
            **row_key(state.match, _event_item(seq)),
            "body": {"S": orjson.dumps(body).decode()},
        }
        if accepted.by is not None:
            # Beside the body, which everybody may read.
            event["by"] = {"S": accepted.by}
        if scores:
            # Where a follower of the score only stood before this event: the frame for them says so.
            event["score_prev"] = _n(state.scored)
        yield self._settle(accepted, Outcome("applied", seq=seq))
        yield {
            "Put": {
                "TableName": self.table,
                "Item": event,
                "ConditionExpression": "attribute_not_exists(match_id)",
            }
        }
        yield {
            "Update": {
                "TableName": self.table,
                "Key": state_key(state.match),
                "UpdateExpression": "SET seq = :seq, board = :board, scored = :scored",
                "ConditionExpression": "seq = :read",
                "ExpressionAttributeValues": {
                    ":seq": _n(seq),
                    ":read": _n(state.seq),
                    ":board": {"S": _dump_board(board)},
                    ":scored": _n(seq if scores else state.scored),
                },
            }
        }
        if target is not None:
            yield self._mark(accepted, seq, *target)

    def _mark(self, accepted: Accepted, seq: int, of: int, earlier: Earlier) -> TransactWriteItemTypeDef:
        """Have an event's own row say that the event ``seq`` has taken it back, or has amended it."""
        values: dict[str, Any] = {":seq": _n(seq)}
        if accepted.event.kind == "amendment":
            # Beside the body, which stays as its operator posted it.
            now = amended(earlier.event, accepted.event.changes())
            values[":amended"] = {"S": orjson.dumps({name: now.get(name) for name in AMENDABLE}).decode()}
            update = "SET amended_by = :seq, amended = :amended"
        else:
            update = "SET cancelled_by = :seq"
        return {
            "Update": {
                "TableName": self.table,
                "Key": row_key(accepted.match, _event_item(of)),
                "UpdateExpression": update,
                "ConditionExpression": "attribute_not_exists(cancelled_by)",
                "ExpressionAttributeValues": values,
            }
        }


def row_key(match: str, item: str) -> dict[str, Any]:
    """The primary key of a row of the table, as DynamoDB takes it."""
    return {"match_id": {"S": match}, "item": {"S": item}}


def state_key(match: str) -> dict[str, Any]:
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
            ":from": {"S": _event_item(min(after + 1, _LAST_SEQ))},
            ":to": {"S": _event_item(_LAST_SEQ)},
        },
        "ConsistentRead": True,
        "ScanIndexForward": not newest,
        "Limit": limit,
    }


def state_get(table: str, match: str) -> dict[str, Any]:
    """The arguments of a consistent GetItem for the ``state`` row."""
    return {"TableName": table, "Key": state_key(match), "ConsistentRead": True}


def parse_state(item: dict[str, Any]) -> MatchState:
    """The ``state`` row as DynamoDB returns it."""
    return MatchState(
        match=item["match_id"]["S"],
        board=_load_board(item["board"]["S"]),
        competition=item["competition"]["S"] if "competition" in item else None,
        audience=int(item["audience"]["N"]) if "audience" in item else None,
        seq=int(item["seq"]["N"]),
        scored=int(item["scored"]["N"]),
        **{name: item[name]["S"] for name in ("epoch", "home", "away", "kickoff")},
    )


def parse_event(item: dict[str, Any], *, as_posted: bool = False) -> dict[str, Any]:
    """An ``event#`` row as viewers see it, or without its amendments: as its operator posted it."""
    event: dict[str, Any] = orjson.loads(item["body"]["S"])
    if "amended_by" in item:
        if not as_posted:
            event = amended(event, orjson.loads(item["amended"]["S"]))
        event["amended_by"] = int(item["amended_by"]["N"])
    if "cancelled_by" in item:
        event["cancelled_by"] = int(item["cancelled_by"]["N"])
    return event


def score_prev(item: dict[str, Any]) -> int | None:
    """For an ``event#`` row that a follower of the score is told of: the seq of the one before it, else None."""
    return int(item["score_prev"]["N"]) if "score_prev" in item else None


def _parse_outcome(item: dict[str, Any]) -> Outcome:
    return Outcome(
        status=item["outcome"]["S"],
        seq=int(item["seq"]["N"]) if "seq" in item else None,
        reason=item["reason"]["S"] if "reason" in item else None,
        unseen=int(item["unseen"]["N"]) if "unseen" in item else None,
    )


def _event_item(seq: int) -> str:
    return f"event#{seq:08d}"


def _n(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _dump_board(board: Board) -> str:
    return orjson.dumps(asdict(board)).decode()


def _load_board(text: str) -> Board:
    raw = orjson.loads(text)
    return Board(
        status=raw["status"],
        score=tuple(raw["score"]),
        shootout=tuple(raw["shootout"]) if raw["shootout"] else None,
        kicks=raw["kicks"],
        clock=Clock(**raw["clock"]) if raw["clock"] else None,
        phases=tuple((event_id, before) for event_id, before in raw["phases"]),
    )
