"""The ledger in DynamoDB: applies each event once, numbers it, keeps the history.

Table ``matches``, keys ``match_id`` and ``item``:

- ``state``               the match as it stands; ``seq`` is the number of the last event, ``epoch`` changes on a reset;
                          ``day`` and ``starts`` put it into the calendar (calendar.py); ``terms`` are what else was
                          said of it when it was scheduled
- ``event#00000012``      the event that got seq 12: as viewers see it, and beside that who posted it. Of an event that
                          was amended, ``amended`` has the corrected fields and ``amended_by`` the last amendment's seq
- ``id#<event_id>``       what became of the event that has the id: pending, applied as seq n, or refused and why; and
                          its ``digest``, which tells its content from that of another event under the same id
- ``id#<event_id>#<digest>``  what became of other content that was posted under that id: pending, or refused
- ``lineups``             the names of each side's players, if they were given
- ``receipt#…``           of a broadcast that has ended, in any cell (broadcaster.control.receipt)

Every row has a version, ``v`` (rows.py). How far the viewers have been told is kept by each cell for itself
(telling.py).

One transaction per event: put the id (if it is free, or pending with the same digest), put the event, update the state
(if seq is what was read). So a record that is delivered twice, or by two readers at once, counts once. The first write
of an id's row decides which content has the id, whether that is the marker of a pending event or the event's number.
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
from matches.clock import USUAL, Clock, Periods
from matches.kickoff import entry
from matches.names import key as key_of
from matches.scoreboard import AHEAD, Board, Refused, apply, names_earlier
from matches.standing import as_at
from runtime.attributes import (
    VERSION_ATTRIBUTE,
    BrokenMatchError,
    count,
    is_whole,
    json_object,
    number,
    pair,
    readable,
    reading,
    text,
    whole,
)
from runtime.lifecycle import NO_MATCH
from runtime.metrics import skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from matches.events import Accepted
    from matches.schedule import MatchChange, NewMatch
    from matches.scoreboard import Applied, Pair

LINEUPS = "lineups"
"""The sort key of the row of a match's line-ups."""

_LAST_SEQ = 99_999_999
"""The highest seq that an ``event#`` row can have."""

ID_TAKEN = "the id is taken by another event of this match"
"""Why an event is refused whose id has other content."""
_HISTORY_PAGE = 1000
_UNSEEN = 1000
"""Events after the one that an operator saw which are searched for another operator's goal: more than a match has."""

_TRIES = 5
_PENDING_SECONDS = 30 * 24 * 3600
"""Life of a pending row: longer than a record may wait on the stream or be set aside, so that its id stays taken."""


class UnknownMatchError(Exception):
    """The ledger has no such match."""


class MatchExistsError(Exception):
    """The ledger has a match of that id already."""


class RowsLeftError(Exception):
    """The ledger has no match of that id, but rows of an earlier one: ``livescore match reset`` removes them."""


class AlreadyKickedOffError(Exception):
    """The match cannot be changed or removed: it has begun."""


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
    neutral: bool = False
    """Whether the ground is nobody's home."""
    leg: int | None = None
    """1 or 2 in a tie over two legs."""
    first_leg: Pair | None = None
    """Of a second leg: the goals of this match's home and away side in the first."""
    periods: Periods = USUAL

    def side(self, team: str) -> str | None:
        """``home`` or ``away`` for a side or a team's name, None for a team that is not playing."""
        name = key_of(team)
        if name in ("home", key_of(self.home)):
            return "home"
        return "away" if name in ("away", key_of(self.away)) else None


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

        Raises MatchExistsError if the id is taken; RowsLeftError if a match was played under it of which rows are left,
        because its first event would meet an event that has that seq already.
        """
        self._check_nothing_is_left(new.match_id)
        state = MatchState(
            match=new.match_id, epoch=secrets.token_hex(4), seq=0, board=Board(), home=new.home, away=new.away,
            competition=new.competition, kickoff=new.kickoff, audience=new.audience, scored=0, neutral=new.neutral,
            leg=new.leg, first_leg=new.first_leg, periods=Periods(new.half_minutes, new.extra_half_minutes),
        )  # fmt: skip
        item: dict[str, Any] = {
            **state_key(state.match),
            **VERSION_ATTRIBUTE,
            **{name: {"S": getattr(state, name)} for name in ("epoch", "home", "away", "kickoff")},
            **{name: {"S": value} for name, value in entry(state.kickoff).items()},
            **{name: _n(getattr(state, name)) for name in ("seq", "scored")},
            "board": {"S": _dump_board(state.board)},
            "terms": {"S": _dump_terms(state)},
        }
        if state.competition:
            item["competition"] = {"S": state.competition}
        if state.audience:
            item["audience"] = _n(state.audience)
        puts: list[Any] = [
            {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(match_id)"}
        ]
        if new.lineups is not None:
            puts.append({"TableName": self.table, "Item": _lineups_row(state.match, new.lineups.model_dump())})
        try:
            self._db.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except self._db.exceptions.TransactionCanceledException as error:
            if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
                raise
            raise MatchExistsError(state.match) from error
        return state

    def _check_nothing_is_left(self, match: str) -> None:
        # In the order of the keys the state row comes last, after event#…, id#…, lineups and receipt#….
        page = self._db.query(
            TableName=self.table,
            KeyConditionExpression="match_id = :match",
            ExpressionAttributeValues={":match": {"S": match}},
            ProjectionExpression="#item",
            ExpressionAttributeNames={"#item": "item"},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        if page["Items"] and page["Items"][0]["item"]["S"] != "state":
            raise RowsLeftError(match)

    def change(self, match: str, change: MatchChange) -> MatchState:
        """Change what was said of a match when it was scheduled.

        Raises UnknownMatchError; AlreadyKickedOffError once it has kicked off; ContentionError; ValueError with a
        sentence if what was said before and the change contradict each other.
        """
        for _ in range(_TRIES):
            state = self.state(match)
            if state.board.status not in AHEAD:
                raise AlreadyKickedOffError(match)
            after = change.of(state)
            values = {name: {"S": getattr(after, name)} for name in ("kickoff", "home", "away")}
            values |= {name: {"S": value} for name, value in entry(after.kickoff).items()}
            values["terms"] = {"S": _dump_terms(after)}
            try:
                self._db.update_item(
                    TableName=self.table,
                    Key=state_key(match),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                    ConditionExpression="seq = :read",
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues={
                        ":read": _n(state.seq),
                        **{f":{name}": value for name, value in values.items()},
                    },
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                continue
            return after
        raise ContentionError(match)

    def remove_match(self, match: str) -> None:
        """Remove a match of which no event has been applied, with its line-ups.

        Raises UnknownMatchError, or AlreadyKickedOffError once an event has been applied.
        """
        state = {
            "TableName": self.table,
            "Key": state_key(match),
            "ConditionExpression": "seq = :zero",
            "ExpressionAttributeValues": {":zero": _n(0)},
        }
        writes: list[Any] = [
            {"Delete": state}, {"Delete": {"TableName": self.table, "Key": row_key(match, LINEUPS)}},
        ]  # fmt: skip
        try:
            self._db.transact_write_items(TransactItems=writes)
        except self._db.exceptions.TransactionCanceledException as error:
            if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
                raise
            self.state(match)
            raise AlreadyKickedOffError(match) from error

    def lineups(self, match: str) -> dict[str, list[str]]:
        """The names of each side's players, as given; none if they are not known. Raises UnreadableRowError."""
        row = self._db.get_item(TableName=self.table, Key=row_key(match, LINEUPS), ConsistentRead=True).get("Item")
        if row is None:
            return {"home": [], "away": []}
        with reading(match, LINEUPS, row):
            body = json_object(row, "body")
            for side in ("home", "away"):
                if not isinstance(body.get(side), list) or not all(isinstance(each, str) for each in body[side]):
                    raise ValueError(f"its field {side} is no list of names")
            return {side: body[side] for side in ("home", "away")}

    def put_lineups(self, match: str, lineups: Mapping[str, Sequence[str]]) -> None:
        """Keep the names of each side's players instead of those before."""
        self._db.put_item(TableName=self.table, Item=_lineups_row(match, lineups))

    def use(self) -> None:
        """Read a match that does not exist, so that the connection is open. Raises ClientError and BotoCoreError."""
        with suppress(UnknownMatchError):
            self.state(NO_MATCH)

    def state(self, match: str) -> MatchState:
        """The match as it stands.

        Raises UnknownMatchError; UnreadableRowError if the row is damaged.
        """
        found = self._db.get_item(TableName=self.table, Key=state_key(match), ConsistentRead=True)
        if "Item" not in found:
            raise UnknownMatchError(match)
        return parse_state(found["Item"])

    def events(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """The newest ``limit`` events with a seq above ``after``, oldest first; without those that cannot be read."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=True))
        return skipped(readable(parse_event, reversed(page["Items"])))

    def history(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """The next ``limit`` events with a seq above ``after``, oldest first; without those that cannot be read."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return skipped(readable(parse_event, page["Items"]))

    def audit(self, match: str, after: int, limit: int) -> list[dict[str, Any]]:
        """As ``history``, each event with ``by``: the subject of the operator who posted it, if that is known.

        An amended event is as its own operator posted it; the amendments stand behind it with who posted those.
        """
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return skipped(readable(_parse_audited, page["Items"]))

    def receipts(self, match: str, after: int | None = None) -> list[dict[str, Any]]:
        """The receipts of a match's broadcasts as broadcaster.control.receipt wrote them, oldest first.

        Only those whose seq is above ``after``, if that is given; without those that cannot be read.
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
        return skipped(readable(_parse_receipt, (item for page in pages for item in page["Items"])))

    def put_receipt(self, match: str, seq: int, broadcast: str, body: dict[str, Any]) -> None:
        """Keep what a broadcast has done up to ``seq``, unless there is a receipt of it already."""
        with suppress(self._db.exceptions.ConditionalCheckFailedException):
            self._db.put_item(
                TableName=self.table,
                Item={
                    **row_key(match, f"receipt#{seq:08d}#{broadcast}"),
                    **VERSION_ATTRIBUTE,
                    "body": {"S": orjson.dumps(body).decode()},
                },
                ConditionExpression="attribute_not_exists(match_id)",
            )

    def outcome(self, match: str, event_id: str, request: str | None = None) -> Outcome | None:
        """What became of an event, None for one that was never accepted. Raises UnreadableRowError.

        ``request`` is the digest of the content that is asked for; without it, the content that has the id.
        """
        row = self._id_row(match, event_id)
        if request is not None and _digest(row) != request:
            row = self._id_row(match, event_id, request)
        return _parse_outcome(row) if row is not None else None

    def is_taken(self, accepted: Accepted) -> bool:
        """Whether the event's id is that of an event with other content."""
        row = self._id_row(accepted.match, accepted.event_id)
        return row is not None and _digest(row) != accepted.digest

    def pending(self, accepted: Accepted) -> Outcome:
        """Note that an event is on the stream; return what is known of it, which may be more by now.

        An event whose id has other content is noted beside it, until ``record`` refuses it.
        """
        match, event_id = accepted.match, accepted.event_id
        for own in (None, accepted.digest):
            item = {
                **_id_key(match, event_id, own),
                **VERSION_ATTRIBUTE,
                "outcome": {"S": "pending"},
                "digest": {"S": accepted.digest},
                "ttl": _n(int(time.time()) + _PENDING_SECONDS),
            }
            if self._put_new(item):
                return Outcome("pending")
            known = self.outcome(match, event_id, accepted.digest)
            if known is not None:
                return known
        return Outcome("pending")

    def _put_new(self, item: dict[str, Any], *, over_pending: bool = False) -> bool:
        """Put a row of an id if there is none, or none but a pending one; returns whether it was put."""
        given: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(match_id)"}
        if over_pending:
            given["ConditionExpression"] += " OR outcome = :pending"
            given["ExpressionAttributeValues"] = {":pending": {"S": "pending"}}
        try:
            self._db.put_item(TableName=self.table, Item=item, **given)
        except self._db.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _id_row(self, match: str, event_id: str, digest: str | None = None) -> dict[str, Any] | None:
        """The row of the content that has the id, or with ``digest`` that of other content."""
        key = _id_key(match, event_id, digest)
        return self._db.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")

    def record(self, accepted: Accepted) -> Outcome:
        """Apply an event once and number it, or keep the reason why the rules refuse it.

        Returns what became of it, now or when it was delivered before. Raises UnknownMatchError, ContentionError,
        and botocore's ClientError for what is transient; BrokenMatchError if rows of the match cannot be read or
        contradict each other. Read once more a moment later, rows may agree: a reader can see the half of another's
        transaction (developerguide/transaction-apis.html, isolation levels).
        """
        match, event_id = accepted.match, accepted.event_id
        broken: BrokenMatchError | None = None
        for _ in range(_TRIES):
            broken = None
            state = self.state(match)
            row = self._id_row(match, event_id)
            if row is not None and _digest(row) != accepted.digest:
                return self._refuse_taken(accepted)
            if row is not None and (known := _parse_outcome(row)).status != "pending":
                if (known.seq or 0) > state.seq:
                    reason = f"it says seq {state.seq}, but the row id#{event_id} says applied as seq {known.seq}"
                    broken = _contradiction(match, reason)
                    continue
                return replace(known, again=True)
            history = self._whole_history(state) if names_earlier(accepted.event) else ()
            ruling = apply(state.board, accepted.event, accepted.at, history, state.periods)
            goal = None if isinstance(ruling, Refused) else self._unseen(state, accepted)
            if isinstance(ruling, Refused):
                outcome = Outcome("refused", reason=ruling.reason)
                writes = [self._settle(accepted, outcome)]
            elif goal is not None:
                outcome = Outcome("refused", reason=unseen.reason(goal), unseen=goal["seq"])
                writes = [self._settle(accepted, outcome)]
            else:
                outcome = Outcome("applied", seq=state.seq + 1)
                writes = list(self._writes(state, accepted, ruling))
            try:
                self._db.transact_write_items(TransactItems=writes)
            except self._db.exceptions.TransactionCanceledException as error:
                # Either someone else wrote the match or this id in between: read again and decide again, because the id
                # may have other content by now. Or DynamoDB says that the cause is not a condition at all.
                codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if not set(codes) <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                    raise
                # The reasons are in the order of the writes (_writes). Someone else who is faster changes the state
                # with the event. If the state is what was read and the event's row is there all the same, the rows
                # contradict each other, and that stays so.
                if codes[1:3] == ["ConditionalCheckFailed", "None"]:
                    reason = f"it says seq {state.seq}, but the row {event_item(state.seq + 1)} exists"
                    broken = _contradiction(match, reason)
            else:
                return outcome
        raise broken or ContentionError(f"{match} {event_id}")

    def _refuse_taken(self, accepted: Accepted) -> Outcome:
        """Settle an event whose id has other content, beside that content's row, unless that was done before."""
        outcome = Outcome("refused", reason=ID_TAKEN)
        item = _settled(accepted, outcome, _id_key(accepted.match, accepted.event_id, accepted.digest))
        return outcome if self._put_new(item, over_pending=True) else replace(outcome, again=True)

    def _whole_history(self, state: MatchState) -> list[dict[str, Any]]:
        """Every event of a match as it stood at ``state.seq``.

        Raises BrokenMatchError if one is missing or damaged: what is left would give another board.
        """
        pages = self._db.get_paginator("query").paginate(
            **events_query(self.table, state.match, 0, _HISTORY_PAGE, newest=False)
        )
        events = as_at(state.seq, (parse_event(item) for page in pages for item in page["Items"]))
        for seq, event in enumerate([*events, None], 1):
            if seq <= state.seq and (event is None or event["seq"] != seq):
                reason = f"it is missing, but the match has {state.seq} events"
                raise BrokenMatchError(state.match, event_item(seq), reason)
        return events

    def _unseen(self, state: MatchState, accepted: Accepted) -> dict[str, Any] | None:
        """Another operator's goal that this operator has not seen. Nothing is read unless the score has moved since."""
        seen = accepted.event.seen
        if seen is None or seen >= state.scored or not unseen.is_careful(accepted.event):
            return None
        items = self._db.query(**events_query(self.table, state.match, seen, _UNSEEN, newest=True))["Items"]
        return unseen.unseen(accepted.event, accepted.by, skipped(readable(_parse_posted, items)))

    def _settle(self, accepted: Accepted, outcome: Outcome) -> TransactWriteItemTypeDef:
        """Put the id with its outcome, unless it has one already or belongs to other content."""
        return {
            "Put": {
                "TableName": self.table,
                "Item": _settled(accepted, outcome, _id_key(accepted.match, accepted.event_id)),
                "ConditionExpression": "attribute_not_exists(match_id) OR (outcome = :pending AND digest = :digest)",
                "ExpressionAttributeValues": {":pending": {"S": "pending"}, ":digest": {"S": accepted.digest}},
            }
        }

    def _writes(self, state: MatchState, accepted: Accepted, ruling: Applied) -> Iterator[TransactWriteItemTypeDef]:
        """The one transaction that applies an event as the next seq."""
        seq, board = state.seq + 1, ruling.board
        body: dict[str, Any] = {"seq": seq, **accepted.event.content(), "at": accepted.at}
        body["score"] = board.score
        if board.shootout is not None:
            body["shootout"] = board.shootout
        target = ruling.target
        if target is not None:
            body["amends_seq" if accepted.event.kind == "amendment" else "cancels_seq"] = target["seq"]
        event: dict[str, Any] = {
            **row_key(state.match, event_item(seq)),
            **VERSION_ATTRIBUTE,
            "body": {"S": orjson.dumps(body).decode()},
        }
        if accepted.by is not None:
            # Beside the body, which everybody may read.
            event["by"] = {"S": accepted.by}
        if ruling.scores:
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
                    ":scored": _n(seq if ruling.scores else state.scored),
                },
            }
        }
        if target is not None:
            yield self._mark(accepted, seq, target)

    def _mark(self, accepted: Accepted, seq: int, target: Mapping[str, Any]) -> TransactWriteItemTypeDef:
        """Have an event's own row say that the event ``seq`` has taken it back, or has amended it."""
        values: dict[str, Any] = {":seq": _n(seq)}
        if accepted.event.kind == "amendment":
            # Beside the body, which stays as its operator posted it.
            now = amended(target, accepted.event.changes())
            values[":amended"] = {"S": orjson.dumps({name: now.get(name) for name in AMENDABLE}).decode()}
            update = "SET amended_by = :seq, amended = :amended"
        else:
            update = "SET cancelled_by = :seq"
        return {
            "Update": {
                "TableName": self.table,
                "Key": row_key(accepted.match, event_item(target["seq"])),
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
            ":from": {"S": event_item(min(after + 1, _LAST_SEQ))},
            ":to": {"S": event_item(_LAST_SEQ)},
        },
        "ConsistentRead": True,
        "ScanIndexForward": not newest,
        "Limit": limit,
    }


def state_get(table: str, match: str) -> dict[str, Any]:
    """The arguments of a consistent GetItem for the ``state`` row."""
    return {"TableName": table, "Key": state_key(match), "ConsistentRead": True}


def parse_state(item: dict[str, Any]) -> MatchState:
    """The ``state`` row as DynamoDB returns it.

    Raises UnreadableRowError.
    """
    match = item["match_id"]["S"]
    with reading(match, "state", item):
        kickoff = text(item, "kickoff")
        entry(kickoff)
        return MatchState(
            match=match,
            board=_load_board(json_object(item, "board")),
            competition=text(item, "competition") if "competition" in item else None,
            audience=count(item, "audience") if "audience" in item else None,
            seq=count(item, "seq"),
            scored=count(item, "scored"),
            kickoff=kickoff,
            epoch=text(item, "epoch"),
            home=text(item, "home"),
            away=text(item, "away"),
            **_load_terms(json_object(item, "terms") if "terms" in item else {}),
        )


def parse_event(item: dict[str, Any], *, as_posted: bool = False) -> dict[str, Any]:
    """An ``event#`` row as viewers see it, or without its amendments: as its operator posted it.

    Raises UnreadableRowError.
    """
    row = item["item"]["S"]
    with reading(item["match_id"]["S"], row, item):
        event = json_object(item, "body")
        whole(event, "seq", "at")
        if event_item(event["seq"]) != row:
            raise ValueError(f"its field seq is {event['seq']}")
        pair(event.get("score"), "score")
        for name in ("kind", "event_id"):
            if not isinstance(event.get(name), str):
                raise ValueError(f"its field {name} is missing or not a text")  # noqa: TRY004 - one kind for all of a row
        if "amended_by" in item:
            if not as_posted:
                changes = json_object(item, "amended")
                event = amended(event, {name: changes[name] for name in AMENDABLE if name in changes})
            event["amended_by"] = number(item, "amended_by")
        if "cancelled_by" in item:
            event["cancelled_by"] = number(item, "cancelled_by")
        _check_fields(event)
        return event


def _check_fields(event: dict[str, Any]) -> None:
    """Raises ValueError with a clause unless viewers can be sent every field of an event."""
    for name, value in event.items():
        if name in ("minute", "stoppage"):
            whole(event, name)
        elif name in ("score", "shootout"):
            pair(value, name)
        elif name in ("player", "assist", "player_on", "player_off"):
            if not isinstance(value, str | None):
                raise ValueError(f"its field {name} is {ascii(value)[:40]}, not a text")
        elif not isinstance(value, str | bool | None) and not is_whole(value):
            raise ValueError(f"its field {name} is neither a text nor a whole number")


def score_prev(item: dict[str, Any]) -> int | None:
    """For an ``event#`` row that a follower of the score is told of: the seq of the one before it, else None.

    Raises UnreadableRowError.
    """
    with reading(item["match_id"]["S"], item["item"]["S"], item):
        return number(item, "score_prev") if "score_prev" in item else None


def _parse_audited(item: dict[str, Any]) -> dict[str, Any]:
    event = parse_event(item, as_posted=True)
    with reading(item["match_id"]["S"], item["item"]["S"], item):
        return event | ({"by": text(item, "by")} if "by" in item else {})


def _parse_posted(item: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """An event as viewers see it, and the subject of the operator who posted it."""
    with reading(item["match_id"]["S"], item["item"]["S"], item):
        return parse_event(item), text(item, "by") if "by" in item else None


def _parse_receipt(item: dict[str, Any]) -> dict[str, Any]:
    with reading(item["match_id"]["S"], item["item"]["S"], item):
        body = json_object(item, "body")
        whole(body, "seq")
        return body


def _parse_outcome(item: dict[str, Any]) -> Outcome:
    with reading(item["match_id"]["S"], item["item"]["S"], item):
        status: Any = text(item, "outcome")
        if status not in ("pending", "applied", "refused"):
            raise ValueError(f"its attribute outcome is {status[:40]!a}")
        return Outcome(
            status=status,
            seq=count(item, "seq") if status == "applied" else None,
            reason=text(item, "reason") if "reason" in item else None,
            unseen=count(item, "unseen") if "unseen" in item else None,
        )


def _contradiction(match: str, reason: str) -> BrokenMatchError:
    remedy = "after a match was made again under its id, livescore match reset removes what is left of the old one"
    return BrokenMatchError(match, "state", f"{reason} ({remedy})")


def _id_key(match: str, event_id: str, digest: str | None = None) -> dict[str, Any]:
    """The key of the content that has an id, or with ``digest`` of other content; no event id has a #."""
    return row_key(match, f"id#{event_id}" if digest is None else f"id#{event_id}#{digest}")


def _digest(row: dict[str, Any] | None) -> str | None:
    """Which content an ``id#`` row is about. Raises UnreadableRowError."""
    if row is None or "digest" not in row:
        return None
    with reading(row["match_id"]["S"], row["item"]["S"], row):
        return text(row, "digest")


def _settled(accepted: Accepted, outcome: Outcome, key: dict[str, Any]) -> dict[str, Any]:
    """An ``id#`` row that says for good what became of an event."""
    item: dict[str, Any] = {
        **key, **VERSION_ATTRIBUTE, "outcome": {"S": outcome.status}, "digest": {"S": accepted.digest},
    }  # fmt: skip
    if outcome.seq is not None:
        item["seq"] = _n(outcome.seq)
    if outcome.reason is not None:
        item["reason"] = {"S": outcome.reason}
    if outcome.unseen is not None:
        item["unseen"] = _n(outcome.unseen)
    return item


def event_item(seq: int) -> str:
    """The sort key of the event of a seq."""
    return f"event#{seq:08d}"


def _n(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _dump_board(board: Board) -> str:
    return orjson.dumps(asdict(board)).decode()


def _load_board(raw: dict[str, Any]) -> Board:
    """Raises what ``rows.reading`` turns into an UnreadableRowError."""
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


def _lineups_row(match: str, lineups: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    body = {side: list(lineups[side]) for side in ("home", "away")}
    return {**row_key(match, LINEUPS), **VERSION_ATTRIBUTE, "body": {"S": orjson.dumps(body).decode()}}


def _dump_terms(state: MatchState) -> str:
    periods = {"half": state.periods.half, "extra_half": state.periods.extra_half}
    terms = {"neutral": state.neutral, "leg": state.leg, "first_leg": state.first_leg, **periods}
    return orjson.dumps(terms).decode()


def _load_terms(raw: dict[str, Any]) -> dict[str, Any]:
    """Fields of a MatchState; a match from before there were terms has the usual ones. Raises as ``_load_board``."""
    if not raw:
        return {}
    whole(raw, "half", "extra_half")
    if raw["leg"] is not None:
        whole(raw, "leg")
    return {
        "neutral": raw["neutral"] is True,
        "leg": raw["leg"],
        "first_leg": pair(raw["first_leg"], "first_leg") if raw["first_leg"] else None,
        "periods": Periods(raw["half"], raw["extra_half"]),
    }


def _load_clock(raw: dict[str, Any]) -> Clock:
    clock = Clock(**raw)
    whole(raw, "minute", "at")
    if clock.stoppage is not None:
        whole(raw, "stoppage")
    return clock
