"""The progress of one cell with a match: a row in that cell's ``broadcasts`` table.

The ledger says what happened, once, at home; each cell tells its own viewers, at its own pace, and keeps here how far
it is. Keys of the table: ``pk`` and ``sk``. A match's rows have ``pk`` = ``match#<id>``:

- ``state``        this row: what is to be told, what has been, and the lease of the broadcast (lease.py)
- ``progress#…``   how far each batch of a broadcast is (progress.py)

Beside them ``pk`` = ``live`` has a row for each broadcast that shares the send rate (rate_share.py). Every row has a
version, ``v`` (runtime/attributes.py).

The ``state`` row belongs to one epoch of its match. A match that is made again under its id has another epoch, and its
first event replaces the row: otherwise nothing would be told before the new seq had passed the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broadcaster.control.progress import PROGRESS_FIELDS, progress_item
from runtime.attributes import (
    VERSION_ATTRIBUTE,
    as_number,
    check_whole,
    count,
    json_object,
    parse_rows,
    reading_row,
    text,
)
from runtime.metrics import readable_rows
from subscriptions.shard_counts import broadcast_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

_MARK_DUE = (
    "SET due_seq = :seq, #v = :v, "
    "told_seq = if_not_exists(told_seq, :none), ended_seq = if_not_exists(ended_seq, :none)"
)
_OURS = "(attribute_not_exists(#v) OR #v = :v)"
_SAME_EPOCH = "(attribute_not_exists(epoch) OR epoch = :epoch)"


@dataclass(frozen=True, slots=True)
class CellState:
    """The progress of a cell with a match.

    ``due_seq``: the newest event that the cell has to tell. ``told_seq``: every subscription row of the match in the
    cell has been sent everything up to it. ``ended_seq``: the newest event for which a broadcast has ended, with or
    without batches set aside. ``stopped_seq``: ``due_seq`` when an operator last stopped a broadcast, 0 if none did.
    ``rows``: subscription rows that the last broadcast saw. ``shards``: the number of shards of its subscriptions
    once that has grown; subscriptions.shards knows the first. ``owner``: the execution that has the lease until
    ``lease_until`` (seconds since the epoch). ``round``: the round that it is in, or the last one was in.
    ``epoch``: that of the match whose events these are, None in a row from before rows said so.
    """

    match: str
    due_seq: int = 0
    told_seq: int = 0
    ended_seq: int = 0
    stopped_seq: int = 0
    rows: int = 0
    shards: int | None = None
    owner: str | None = None
    lease_until: int = 0
    round: str | None = None
    epoch: str | None = None

    def is_running(self, now: float) -> bool:
        """Whether a broadcast has the lease at ``now`` (seconds since the epoch)."""
        return self.owner is not None and self.lease_until > now


class CellStates:
    """The ``state`` rows of one cell's ``broadcasts`` table.

    Raises botocore's ClientError and BotoCoreError; UnreadableRowError for a row that is damaged.
    """

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def read(self, match: str) -> CellState:
        """The progress of the cell, read consistently. Without a row, nothing has been told yet."""
        return parse_cell_state(match, self._db.get_item(**cell_state_get(self.table, match)).get("Item"))

    def mark_due(self, match: str, seq: int, epoch: str | None = None) -> CellState:
        """Note that ``seq`` is to be told, unless something newer is; returns how far the cell is.

        The write that gives back the lease also checks this number. So an event that is handed over at that moment
        either is seen, or finds the lease free. A row of another ``epoch`` than the match has now is replaced: what was
        told of the earlier match says nothing about this one.
        """
        names, values = {"#v": "v"}, {":seq": as_number(seq), ":none": as_number(0), ":v": VERSION_ATTRIBUTE["v"]}
        update, condition = _MARK_DUE, f"{_OURS} AND (attribute_not_exists(due_seq) OR due_seq < :seq)"
        if epoch is not None:
            update, condition = f"{update}, epoch = :epoch", f"{condition} AND {_SAME_EPOCH}"
            values[":epoch"] = {"S": epoch}
        try:
            updated = self._db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            found = self.read(match)
            if epoch is None or found.epoch in (None, epoch):
                return found
            return self._replace(found, seq, epoch)
        return parse_cell_state(match, updated["Attributes"])

    def _replace(self, old: CellState, seq: int, epoch: str) -> CellState:
        """Put the row of a match that was made again in place of ``old``, unless somebody was faster."""
        try:
            self._db.update_item(
                TableName=self.table,
                Key=cell_state_key(old.match),
                UpdateExpression="SET epoch = :epoch, due_seq = :seq, told_seq = :none, ended_seq = :none "
                "REMOVE lease_owner, lease_until, round_name, stopped_seq, shards, #rows",
                ConditionExpression="epoch = :old",
                ExpressionAttributeNames={"#rows": "rows"},
                ExpressionAttributeValues={
                    ":epoch": {"S": epoch},
                    ":seq": as_number(seq),
                    ":none": as_number(0),
                    ":old": {"S": old.epoch or ""},
                },
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return self.read(old.match)
        return CellState(old.match, due_seq=seq, epoch=epoch)

    def stop(self, match: str, seq: int, epoch: str | None = None) -> tuple[CellState, bool]:
        """End the broadcast of everything up to ``seq``; returns how far it got, and whether there was one to end.

        A cell that is behind is handed ``seq`` first: otherwise what it is handed later would begin again. Then one
        write: the lease is taken from whoever has it, which its senders see at their next look; and the newest
        event counts as tried, so that nobody starts again for it: neither the watchdog, nor a record delivered twice,
        nor an execution that has been started and has not taken the lease yet. ``told`` stays, so the frame of the next
        event begins there.
        """
        if seq:
            self.mark_due(match, seq, epoch)
        try:
            updated = self._db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET ended_seq = due_seq, stopped_seq = due_seq REMOVE lease_owner, lease_until",
                ConditionExpression="ended_seq < due_seq OR attribute_exists(lease_owner)",
                ReturnValues="ALL_NEW",
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return self.read(match), False
        return parse_cell_state(match, updated["Attributes"]), True

    def progress(self, match: str, round_of: str) -> list[dict[str, Any]]:
        """The counts of the batches of a round so far, read consistently. Rows that cannot be read are left out."""
        pages = self._db.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :match AND begins_with(sk, :progress)",
            ExpressionAttributeValues={
                ":match": broadcast_key(match, "")["pk"],
                ":progress": {"S": progress_item(round_of)},
            },
            ConsistentRead=True,
        )
        return readable_rows(parse_rows(_parse_progress, (item for page in pages for item in page["Items"])))

    def reopen(self, match: str, now: int) -> bool:
        """Have the match broadcast again from what it has been told; returns whether it may be.

        A batch that was set aside leaves ``tried`` at the newest event, so that no execution would take the lease. It
        may not if everyone has been told, or a broadcast is running at ``now`` (seconds since the epoch).
        """
        try:
            self._db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET ended_seq = told_seq",
                ConditionExpression="told_seq < due_seq AND (attribute_not_exists(lease_until) OR lease_until < :now)",
                ExpressionAttributeValues={":now": as_number(now)},
            )
        except self._db.exceptions.ConditionalCheckFailedException:
            return False
        return True


def cell_state_key(match: str) -> dict[str, Any]:
    """The primary key of a match's ``state`` row."""
    return broadcast_key(match, "state")


def cell_state_get(table: str, match: str) -> dict[str, Any]:
    """The arguments of a consistent GetItem for the ``state`` row."""
    return {"TableName": table, "Key": cell_state_key(match), "ConsistentRead": True}


def parse_cell_state(match: str, item: Mapping[str, Any] | None) -> CellState:
    """The ``state`` row as DynamoDB returns it, if there is one.

    Raises UnreadableRowError.
    """
    item = item or {}
    names = ("due_seq", "told_seq", "ended_seq", "stopped_seq", "rows", "shards", "lease_until")
    with reading_row(match, f"state of {broadcast_key(match, '')['pk']['S']}", item):
        numbers: Any = {name: count(item, name) for name in names if name in item}
        texts: Any = {
            name: text(item, key)
            for name, key in (("owner", "lease_owner"), ("round", "round_name"), ("epoch", "epoch"))
            if key in item
        }
        return CellState(match, **texts, **numbers)


def _parse_progress(item: Mapping[str, Any]) -> dict[str, Any]:
    with reading_row(item["pk"]["S"].removeprefix("match#"), item["sk"]["S"], item):
        body = json_object(item, "body")
        check_whole(body, *PROGRESS_FIELDS)
        return body
