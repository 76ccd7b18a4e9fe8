"""The state row of a match in a cell: which events the cell has to tell, which it has told, and the lease.

The ledger at home numbers the events of a match. Each cell then tells its own viewers at its own pace, and keeps its
progress in its own table ``broadcasts`` (keys ``pk`` and ``sk``). A match's rows have ``pk`` = ``match#<id>``:

- ``state``        the row of this module, with the lease of the running broadcast (lease.py)
- ``progress#…``   the counts of one batch of a broadcast (progress.py)

The partition ``pk`` = ``rate-share`` has one row for each running broadcast (rate_share.py). Every row has a version,
``v`` (runtime/attributes.py).

The state row belongs to one epoch of its match. If a match is created again under the same id, its first event
replaces the row. Without that, the cell would tell nothing until the new seqs had passed the old ones.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

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
from runtime.metrics import undamaged_rows
from subscriptions.shard_counts import broadcast_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.event_types import RefusedFeed

_MARK_DUE = (
    "SET due_seq = :seq, epoch = :epoch, #v = :v, "
    "told_seq = if_not_exists(told_seq, :none), ended_seq = if_not_exists(ended_seq, :none)"
)
_IS_NEWER = (
    "(attribute_not_exists(#v) OR #v = :v) AND (attribute_not_exists(epoch) OR epoch = :epoch) "
    "AND (attribute_not_exists(due_seq) OR due_seq < :seq)"
)


@dataclass(frozen=True, slots=True)
class CellState:
    """The state row of a match in a cell. Without a row, all numbers are 0 and ``epoch`` is None.

    ``due_seq``: the newest event that the cell has to tell. ``due_at``: when the starter made the event due with which
    the last broadcast began (milliseconds since 1970), 0 before the first broadcast. ``told_seq``: every subscription
    row of the match in the cell has been sent everything up to it. ``ended_seq``: the newest event for which a
    broadcast has ended, with or without batches set aside. ``stopped_seq``: ``due_seq`` when an operator last stopped a
    broadcast, 0 if none did. ``rows``: the subscription rows that the last broadcast read. ``shards``: the number of
    shards of the match's subscriptions, None before the first round without a failed batch. Until then
    subscriptions/shards.py computes the number from the operator's estimate.
    ``owner``: the owner of the lease (lease.py), until ``lease_until`` (seconds since 1970). ``round_name``: the round
    that is running, or ran last. ``epoch``: the epoch of the match that these numbers are about. ``refused``: the
    frames of untold events that the cell's service has refused; only a broadcasting transport writes them.
    """

    match: str
    due_seq: int = 0
    due_at: int = 0
    told_seq: int = 0
    ended_seq: int = 0
    stopped_seq: int = 0
    rows: int = 0
    shards: int | None = None
    owner: str | None = None
    lease_until: int = 0
    round_name: str | None = None
    epoch: str | None = None
    refused: tuple[RefusedFeed, ...] = ()

    def is_running(self, now: float) -> bool:
        """Whether a broadcast has the lease at ``now`` (seconds since 1970)."""
        return self.owner is not None and self.lease_until > now


class CellStates:
    """The state rows of one cell's table ``broadcasts``.

    Raises botocore's ClientError and BotoCoreError; DamagedRowError for a row that is damaged.
    """

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self.db = client

    def read(self, match: str) -> CellState:
        """The state row of a match, read consistently."""
        return parse_cell_state(match, self.db.get_item(**cell_state_get(self.table, match)).get("Item"))

    def mark_due(
        self,
        match: str,
        seq: int,
        epoch: str,
        *,
        now_ms: int | None = None,
        is_present: Callable[[], bool] = lambda: True,
    ) -> CellState:
        """Mark event ``seq`` of an epoch as due in the cell; returns the row as it is afterwards.

        With ``now_ms`` (milliseconds since 1970) the row also says since when the event has been due. In a cell with
        senders the starter writes that time.

        If a newer event is due already, nothing changes. A row of another epoch is replaced: what was told of an
        earlier match says nothing about this one. ``is_present`` is asked before that: whether this is the match's
        epoch now. If it is not, nothing changes.

        The write that releases the lease also checks ``due_seq``. So an event that becomes due at that moment either
        is seen by the running broadcast, or finds the lease free.
        """
        since, times = ("", {}) if now_ms is None else (", due_at = :now_ms", {":now_ms": as_number(now_ms)})
        try:
            updated = self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression=_MARK_DUE + since,
                ConditionExpression=_IS_NEWER,
                ExpressionAttributeNames={"#v": "v"},
                ExpressionAttributeValues={
                    ":seq": as_number(seq),
                    ":none": as_number(0),
                    ":epoch": {"S": epoch},
                    ":v": VERSION_ATTRIBUTE["v"],
                    **times,
                },
                ReturnValues="ALL_NEW",
            )
        except self.db.exceptions.ConditionalCheckFailedException:
            present = self.read(match)
            if present.epoch in (None, epoch) or not is_present():
                return present
            return self._replace(present, seq, epoch)
        return parse_cell_state(match, updated["Attributes"])

    def _replace(self, old: CellState, seq: int, epoch: str) -> CellState:
        """Replace ``old`` by the row of a match that was created again, unless another process has done so."""
        try:
            self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(old.match),
                UpdateExpression="SET epoch = :epoch, due_seq = :seq, told_seq = :none, ended_seq = :none "
                "REMOVE due_at, lease_owner, lease_until, round_name, stopped_seq, shards, refused, #rows",
                ConditionExpression="epoch = :old",
                ExpressionAttributeNames={"#rows": "rows"},
                ExpressionAttributeValues={
                    ":epoch": {"S": epoch},
                    ":seq": as_number(seq),
                    ":none": as_number(0),
                    ":old": {"S": old.epoch or ""},
                },
            )
        except self.db.exceptions.ConditionalCheckFailedException:
            return self.read(old.match)
        return CellState(old.match, due_seq=seq, epoch=epoch)

    def mark_told(self, match: str, seq: int, epoch: str) -> CellState | None:
        """Write that every viewer of the match in the cell was sent everything up to ``seq``; returns the row.

        None if nothing changes, because a newer event has been told, an operator has stopped the broadcast, or the row
        belongs to another epoch.
        """
        try:
            updated = self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET told_seq = :seq, ended_seq = :seq REMOVE refused",
                ConditionExpression="epoch = :epoch AND told_seq < :seq AND ended_seq < :seq",
                ExpressionAttributeValues={":seq": as_number(seq), ":epoch": {"S": epoch}},
                ReturnValues="ALL_NEW",
            )
        except self.db.exceptions.ConditionalCheckFailedException:
            return None
        return parse_cell_state(match, updated["Attributes"])

    def note_refused(self, match: str, epoch: str, refused: Sequence[RefusedFeed]) -> None:
        """Write which frames of the untold events the cell's service has refused. ``mark_told`` removes that again."""
        with suppress(self.db.exceptions.ConditionalCheckFailedException):
            self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET refused = :refused",
                ConditionExpression="epoch = :epoch AND told_seq < due_seq",
                ExpressionAttributeValues={
                    ":refused": {"S": orjson.dumps({"refused": list(refused)}).decode()},
                    ":epoch": {"S": epoch},
                },
            )

    def stop(self, match: str, seq: int, epoch: str) -> tuple[CellState, bool]:
        """Stop the broadcast of all events up to ``seq``; returns the row, and whether there was a broadcast to stop.

        First, ``seq`` becomes due: in a cell that is behind, an older event that arrives later would otherwise begin a
        broadcast. Then one write removes the lease and sets ``ended_seq`` to ``due_seq``. The senders see at their next
        poll that the lease is gone. Nobody starts a broadcast of these events again: neither the watchdog, nor a record
        that is delivered twice, nor an execution that has started and has not acquired the lease yet. ``told_seq``
        stays, so the frame of the next event begins after it.
        """
        if seq:
            self.mark_due(match, seq, epoch)
        try:
            updated = self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET ended_seq = due_seq, stopped_seq = due_seq REMOVE lease_owner, lease_until",
                ConditionExpression="ended_seq < due_seq OR attribute_exists(lease_owner)",
                ReturnValues="ALL_NEW",
            )
        except self.db.exceptions.ConditionalCheckFailedException:
            return self.read(match), False
        return parse_cell_state(match, updated["Attributes"]), True

    def progress(self, match: str, round_name: str) -> list[dict[str, Any]]:
        """The counts of the batches of a round so far, read consistently. Rows that cannot be read are left out."""
        pages = self.db.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :match AND begins_with(sk, :progress)",
            ExpressionAttributeValues={
                ":match": broadcast_key(match, "")["pk"],
                ":progress": {"S": progress_item(round_name)},
            },
            ConsistentRead=True,
        )
        return undamaged_rows(parse_rows(_parse_progress, (item for page in pages for item in page["Items"])))

    def reopen(self, match: str, now: int) -> bool:
        """Let an execution broadcast the match again from ``told_seq``; returns whether that is allowed.

        A batch that was set aside leaves ``ended_seq`` at the newest event, so no execution would acquire the lease. It
        is not allowed if every row has been told, or if a broadcast has the lease at ``now`` (seconds since 1970).
        """
        try:
            self.db.update_item(
                TableName=self.table,
                Key=cell_state_key(match),
                UpdateExpression="SET ended_seq = told_seq",
                ConditionExpression="told_seq < due_seq AND (attribute_not_exists(lease_until) OR lease_until <= :now)",
                ExpressionAttributeValues={":now": as_number(now)},
            )
        except self.db.exceptions.ConditionalCheckFailedException:
            return False
        return True


def cell_state_key(match: str) -> dict[str, Any]:
    """The primary key of a match's state row."""
    return broadcast_key(match, "state")


def cell_state_get(table: str, match: str) -> dict[str, Any]:
    """The arguments of a consistent GetItem of the state row."""
    return {"TableName": table, "Key": cell_state_key(match), "ConsistentRead": True}


def parse_cell_state(match: str, item: Mapping[str, Any] | None) -> CellState:
    """The CellState of a row as DynamoDB returns it. ``item`` is None if there is no row: then all numbers are 0.

    Raises DamagedRowError.
    """
    item = item or {}
    names = ("due_seq", "due_at", "told_seq", "ended_seq", "stopped_seq", "rows", "shards", "lease_until")
    with reading_row(match, f"state of {broadcast_key(match, '')['pk']['S']}", item):
        numbers: Any = {name: count(item, name) for name in names if name in item}
        texts: Any = {
            name: text(item, key)
            for name, key in (("owner", "lease_owner"), ("round_name", "round_name"), ("epoch", "epoch"))
            if key in item
        }
        refused = tuple(json_object(item, "refused").get("refused", ())) if "refused" in item else ()
        return CellState(match, **texts, **numbers, refused=refused)


def _parse_progress(item: Mapping[str, Any]) -> dict[str, Any]:
    with reading_row(item["pk"]["S"].removeprefix("match#"), item["sk"]["S"], item):
        body = json_object(item, "body")
        check_whole(body, *PROGRESS_FIELDS)
        return body
