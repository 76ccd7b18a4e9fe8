"""The ledger in DynamoDB: it applies each event once, numbers it, and stores the history.

Table ``matches``, keys ``match_id`` and ``item``:

- ``state``               the match as it stands; ``newest_seq`` is the number of the newest event; ``epoch``
                          is another one when the match is created again; ``day`` and ``starts`` put it into the
                          calendar (calendar.py); ``terms`` has the other facts of its schedule
- ``event#00000012``      the event that got seq 12, as viewers see it; ``by`` is its operator. ``streamed`` and
                          ``numbered`` say when (ms since 1970) Kinesis took its record and the fan-out wrote it. After
                          an amendment, ``amended`` has the corrected fields, and ``amended_by`` the seq of the last
                          amendment
- ``id#<event_id>``       the outcome of the event with that id: pending, applied as seq n, or refused with a reason;
                          ``digest`` distinguishes its content from that of another event under the same id
- ``id#<event_id>#<digest>``  the outcome of other content that was posted under that id: pending or refused
- ``lineups``             the names of each side's players, if they were given
- ``receipt#…``           the receipt of one round of a broadcast in one cell (broadcaster/control/receipt.py)

Every row has a version, ``v`` (runtime/attributes.py). match_rows.py reads rows, ledger_writes.py makes
them, numbering.py numbers events. Each cell keeps the progress of its own broadcasts
(broadcaster/control/cell_state.py).
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from matches.clock import Periods
from matches.ledger_writes import lineups_row, pending_row, receipt_row, schedule_attributes, state_row
from matches.match_rows import (
    LAST_SEQ,
    LINEUPS,
    digest_of,
    event_item,
    events_query,
    id_key,
    parse_audited,
    parse_event,
    parse_lineups,
    parse_outcome,
    parse_receipt,
    parse_state,
    row_key,
    score_prev,
    state_key,
)
from matches.match_state import MatchState, Outcome
from matches.numbering import ContentionError, Numbering, UnknownMatchError, put_new
from matches.scoreboard import AHEAD, Board
from matches.traced_event import parse_traced
from runtime.attributes import Item, as_number, parse_rows
from runtime.errors import ConflictError
from runtime.lifecycle import NO_MATCH
from runtime.metrics import undamaged_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from botocore.exceptions import ClientError
    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.decisions import MatchReading, Numbered
    from matches.event_types import AnyReceipt, AuditedEvent, LineupNames, StoredEvent
    from matches.events import AcceptedEvent
    from matches.schedule import MatchChange, NewMatch
    from matches.traced_event import TracedEvent

__all__ = [
    "AlreadyKickedOffError", "ContentionError", "Ledger", "MatchExistsError", "RowsLeftError", "UnknownMatchError",
]  # fmt: skip

_TRIES = 5
_PENDING_SECONDS = 30 * 24 * 3600
"""Life of a pending row in seconds: longer than a record may wait on the stream or be set aside."""


class MatchExistsError(ConflictError):
    """The ledger has a match of that id already."""


class RowsLeftError(ConflictError):
    """The ledger has no match of that id, but rows of an earlier one: ``livescore match reset`` removes them."""


class AlreadyKickedOffError(ConflictError):
    """The match has kicked off, so it cannot be changed or removed."""


class Ledger:
    """The table ``matches``.

    All reads except those of receipts are strongly consistent, because snapshots and gaps rely on them.
    """

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client
        self._numbering = Numbering(table, client)

    def create(self, new: NewMatch) -> MatchState:
        """Schedule a match.

        Raises MatchExistsError if the id is taken; RowsLeftError if a match was played under it of which rows are left,
        because its first event would meet an event that has that seq already.
        """
        self._check_nothing_is_left(new.match_id)
        state = MatchState(
            match=new.match_id, epoch=secrets.token_hex(4), newest_seq=0, board=Board(), home=new.home, away=new.away,
            competition=new.competition, kickoff=new.kickoff, audience=new.audience, newest_score_seq=0,
            neutral=new.neutral, leg=new.leg,
            first_leg=new.first_leg, periods=Periods(new.half_minutes, new.extra_half_minutes),
        )  # fmt: skip
        new_row = {"Item": state_row(state), "ConditionExpression": "attribute_not_exists(match_id)"}
        puts: list[Any] = [{"TableName": self.table, **new_row}]
        if new.lineups is not None:
            puts.append({"TableName": self.table, "Item": lineups_row(state.match, new.lineups.names())})
        try:
            self._db.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except self._db.exceptions.TransactionCanceledException as error:
            if not _first_condition_failed(error):
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
        """Change the schedule of a match: its kick-off, teams, ground, legs or lengths.

        Raises UnknownMatchError; AlreadyKickedOffError once it has kicked off; ContentionError; ValueError with a
        sentence if what was said before and the change contradict each other.
        """
        for _ in range(_TRIES):
            state = self.state(match)
            if state.board.status not in AHEAD:
                raise AlreadyKickedOffError(match)
            after = change.apply_to(state)
            values = schedule_attributes(after)
            try:
                self._db.update_item(
                    TableName=self.table,
                    Key=state_key(match),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                    ConditionExpression="newest_seq = :read",
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues={
                        ":read": as_number(state.newest_seq),
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
            "ConditionExpression": "newest_seq = :zero",
            "ExpressionAttributeValues": {":zero": as_number(0)},
        }
        writes: list[Any] = [
            {"Delete": state}, {"Delete": {"TableName": self.table, "Key": row_key(match, LINEUPS)}},
        ]  # fmt: skip
        try:
            self._db.transact_write_items(TransactItems=writes)
        except self._db.exceptions.TransactionCanceledException as error:
            if not _first_condition_failed(error):
                raise
            self.state(match)
            raise AlreadyKickedOffError(match) from error

    def lineups(self, match: str) -> LineupNames:
        """The names of each side's players; empty lists if nobody gave them. Raises DamagedRowError."""
        found = self._db.get_item(TableName=self.table, Key=row_key(match, LINEUPS), ConsistentRead=True)
        return parse_lineups(match, found.get("Item"))

    def put_lineups(self, match: str, lineups: LineupNames) -> None:
        """Replace the names of each side's players."""
        self._db.put_item(TableName=self.table, Item=lineups_row(match, lineups))

    def open_connection(self) -> None:
        """Read a match that does not exist, to open the connection. Raises ClientError and BotoCoreError."""
        with suppress(UnknownMatchError):
            self.state(NO_MATCH)

    def state(self, match: str) -> MatchState:
        """The match as it stands.

        Raises UnknownMatchError; DamagedRowError if the row is damaged.
        """
        found = self._db.get_item(TableName=self.table, Key=state_key(match), ConsistentRead=True)
        if "Item" not in found:
            raise UnknownMatchError(match)
        return parse_state(found["Item"])

    def events(self, match: str, after: int, limit: int) -> list[StoredEvent]:
        """The newest ``limit`` events with a seq above ``after``, oldest first, without damaged ones."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=True))
        return undamaged_rows(parse_rows(parse_event, reversed(page["Items"])))

    def events_with_score_prev(self, match: str, after: int, limit: int) -> list[tuple[StoredEvent, int | None]]:
        """As ``events``. Each event that changes a plain scoreboard has the seq of the score event before it beside it.

        Any other event has None beside it.
        """
        page = self._db.query(**events_query(self.table, match, after, limit, newest=True))
        return undamaged_rows(parse_rows(lambda item: (parse_event(item), score_prev(item)), reversed(page["Items"])))

    def history(self, match: str, after: int, limit: int) -> list[StoredEvent]:
        """The next ``limit`` events with a seq above ``after``, oldest first, without damaged ones."""
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return undamaged_rows(parse_rows(parse_event, page["Items"]))

    def audit(self, match: str, after: int, limit: int) -> list[AuditedEvent]:
        """As ``history``, and each event has ``by``: the subject of its operator, if it is known.

        An amended event is as its own operator posted it; the amendments stand behind it with who posted those.
        """
        page = self._db.query(**events_query(self.table, match, after, limit, newest=False))
        return undamaged_rows(parse_rows(parse_audited, page["Items"]))

    def traced_event(self, match: str, seq: int) -> TracedEvent | None:
        """The times of an event at home, None if there is no such event. Raises DamagedRowError."""
        key = row_key(match, event_item(seq))
        found = self._db.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return parse_traced(found["Item"]) if "Item" in found else None

    def receipts(self, match: str, after: int | None = None) -> list[AnyReceipt]:
        """The receipts of a match's broadcasts, oldest first (broadcaster/control/receipt.py writes them).

        Only those whose seq is above ``after``, if that is given; without those that cannot be read.
        """
        first = 0 if after is None else min(after + 1, LAST_SEQ)
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
        return undamaged_rows(parse_rows(parse_receipt, (item for page in pages for item in page["Items"])))

    def put_receipt(self, match: str, seq: int, round_name: str, body: AnyReceipt) -> None:
        """Write the receipt of a round of a broadcast up to ``seq``, unless it exists already."""
        with suppress(self._db.exceptions.ConditionalCheckFailedException):
            self._db.put_item(
                TableName=self.table,
                Item=receipt_row(match, seq, round_name, body),
                ConditionExpression="attribute_not_exists(match_id)",
            )

    def outcome(self, match: str, event_id: str, digest: str | None = None) -> Outcome | None:
        """The outcome of an event, or None if no such event was accepted. Raises DamagedRowError.

        ``digest``: of the content that is asked for. Without it, the content that has the id is asked for.
        """
        row = self._id_row(match, event_id)
        if digest is not None and digest_of(row) != digest:
            row = self._id_row(match, event_id, digest)
        return parse_outcome(row) if row is not None else None

    def mark_pending(self, accepted: AcceptedEvent) -> Outcome:
        """Mark an event as pending on the stream. Returns its outcome, which may be final already.

        If the id belongs to other content, the mark stands beside that content's row, until ``apply_event`` refuses it.
        """
        match, event_id = accepted.match, accepted.event_id
        for own in (None, accepted.digest):
            if put_new(self._db, self.table, pending_row(accepted, own, int(time.time()) + _PENDING_SECONDS)):
                return Outcome("pending")
            known = self.outcome(match, event_id, accepted.digest)
            if known is not None:
                return known
        return Outcome("pending")

    def _id_row(self, match: str, event_id: str, digest: str | None = None) -> Item | None:
        """The row of the content that has the id, or with ``digest`` the row of other content."""
        key = id_key(match, event_id, digest)
        return self._db.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")

    def state_with_ids(self, match: str, event_ids: Collection[str]) -> MatchReading:
        """The match as it stands, with the rows of these event ids, in one BatchGetItem.

        Raises UnknownMatchError; DamagedRowError if the state row is damaged; TimeoutError if DynamoDB keeps
        leaving rows out.
        """
        return self._numbering.state_with_ids(match, event_ids)

    def apply_events(self, events: Sequence[AcceptedEvent]) -> Iterator[Numbered]:
        """Apply events of one match, each once, in order, or store the reasons of their refusal (numbering.py).

        Yields the result of each event, also if an earlier delivery of its record decided it. Raises the error of the
        first event that can be neither applied nor refused, after the results of the events before it:
        UnknownMatchError; ContentionError and botocore's ClientError, which are transient; DamagedMatchError if rows of
        the match cannot be read or contradict each other. A second read a moment later may find rows that agree: a
        reader can see half of another writer's transaction
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html, isolation levels).
        """
        return self._numbering.apply_events(events)

    def apply_event(self, accepted: AcceptedEvent) -> Outcome:
        """Apply one event as ``apply_events`` does; returns its outcome."""
        return next(self.apply_events([accepted])).outcome


def _first_condition_failed(error: ClientError) -> bool:
    """Whether a transaction was cancelled because the condition of its first write failed."""
    return bool(error.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed")
