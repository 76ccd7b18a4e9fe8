"""Removes everything of a match: its rows at home and in every cell. Its id can then be used again.

The order makes a second run finish what a first one left, and keeps the match from growing meanwhile. Home's ``state``
row goes first: from then on nobody numbers an event of the match or subscribes to it. A cell's ``state`` row goes next:
senders that find no lease end at their next look, and no execution can take one. Then, when the broadcast has ended,
all the rest. Nothing is read that has to be readable: damaged rows are found by their keys.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from broadcaster.control.cell_state import CellStates, cell_state_key
from broadcaster.control.rate_share import rate_share_key
from matches.ledger import Ledger, UnknownMatchError
from matches.match_rows import state_key
from runtime.attributes import UnreadableRowError
from runtime.bulk_rows import delete_rows
from runtime.errors import ConflictError
from subscriptions.shards import MAX_SHARDS, shard_count
from subscriptions.store import partition
from subscriptions.viewer_counts import audience_partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

END_SECONDS = 6.0
"""A broadcast that was running has so long to end: a look, what is on the wire, the end of its round."""

ANNOUNCE_SECONDS = 0.5
"""An execution that has taken the lease has announced itself after so long."""

_AT_ONCE = 8
"""Shards that are asked at the same time."""


@dataclass(frozen=True, slots=True)
class CellTables:
    """The tables of a cell."""

    region: str
    db: DynamoDBClient
    broadcasts: str
    subscriptions: str


@dataclass(slots=True)
class Removed:
    """Numbers of removed rows, by kind: ``state``, ``event``, ``progress``, ``subscription`` and so on."""

    match: str
    home: Counter[str] = field(default_factory=Counter)
    cells: dict[str, Counter[str]] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    """The cells in which rows may be left, and why."""

    def to_dict(self) -> dict[str, Any]:
        """As ``livescore match reset --json`` prints it."""
        cells: dict[str, Any] = {region: {"removed": dict(counts)} for region, counts in self.cells.items()}
        for region, reason in self.unreached.items():
            cells.setdefault(region, {})["unreached"] = reason
        return {"match": self.match, "home": {"removed": dict(self.home)}, "cells": cells}


class MadeAgainError(ConflictError):
    """The match was scheduled again while it was removed: what is there now belongs to the new one."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets matches of one deployment. ``matches``: the table at home."""

    home: DynamoDBClient
    matches: str
    cells: list[CellTables]

    def run(self, match: str) -> Removed:
        """Remove everything of a match; running it again removes what a first run has left.

        Raises botocore's ClientError and BotoCoreError, and TimeoutError, if home fails. A cell that fails is named in
        the result, and keeps nobody from removing the rest. Raises MadeAgainError if a ``state`` row has come
        meanwhile: another reset may have ended first, and the id been used again. It is looked for after each wait.
        """
        removed = Removed(match)
        audience, is_known = self._audience(match)
        removed.home += _delete_row(self.home, self.matches, state_key(match))
        for cell in self.cells:
            removed.cells[cell.region] = counts = Counter[str]()
            try:
                _empty_cell(cell, match, counts, audience, is_known=is_known, check=partial(self._check, match))
            except (ClientError, BotoCoreError, TimeoutError) as error:
                removed.unreached[cell.region] = str(error)
        self._check(match)
        for pk in (match, audience_partition(match)):
            keys = list(_keys(self.home, self.matches, "match_id", "item", pk))
            delete_rows(self.home, self.matches, keys)
            removed.home.update("audience" if pk != match else _name(key["item"]["S"]) for key in keys)
        return removed

    def _check(self, match: str) -> None:
        """Raises MadeAgainError if the match has a ``state`` row."""
        if "Item" in self.home.get_item(TableName=self.matches, Key=state_key(match), ConsistentRead=True):
            raise MadeAgainError(f"Match {match} was scheduled again while it was being removed. The new one is kept.")

    def _audience(self, match: str) -> tuple[int | None, bool]:
        """The audience that the match was planned for, and whether that is known."""
        try:
            return Ledger(self.matches, self.home).state(match).audience, True
        except (UnknownMatchError, UnreadableRowError):
            return None, False


def _empty_cell(
    cell: CellTables, match: str, counts: Counter[str], audience: int | None, *, is_known: bool,
    check: Callable[[], None],
) -> None:  # fmt: skip
    shards, has_lease = MAX_SHARDS, True
    try:
        cell_state = CellStates(cell.broadcasts, cell.db).read(match)
    except UnreadableRowError:
        pass
    else:
        has_lease = cell_state.is_running(time.time())
        if cell_state.shards is not None or is_known:
            shards = shard_count(cell_state.shards, audience)
    counts += _delete_row(cell.db, cell.broadcasts, cell_state_key(match))
    if has_lease:
        # Between taking the lease and announcing itself an execution has no live row.
        time.sleep(ANNOUNCE_SECONDS)
    _wait_for_the_end(cell, match)
    check()
    counts += _delete_row(cell.db, cell.broadcasts, rate_share_key(match), "live")
    rows = list(_keys(cell.db, cell.broadcasts, "pk", "sk", cell_state_key(match)["pk"]["S"]))
    delete_rows(cell.db, cell.broadcasts, rows)
    counts.update(_name(key["sk"]["S"]) for key in rows)

    def empty(shard: int) -> int:
        pk = partition(match, shard)
        return delete_rows(cell.db, cell.subscriptions, _keys(cell.db, cell.subscriptions, "pk", "sk", pk))

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        if found := sum(threads.map(empty, range(shards))):
            counts["subscription"] += found


def _wait_for_the_end(cell: CellTables, match: str) -> None:
    """The end of a round removes its live row; one whose functions are dead leaves it."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        item = cell.db.get_item(TableName=cell.broadcasts, Key=rate_share_key(match), ConsistentRead=True).get(
            "Item", {}
        )
        until = item.get("ttl", {}).get("N", "")
        if not until.isdecimal() or int(until) < time.time():
            return
        time.sleep(0.1)


def _keys(db: DynamoDBClient, table: str, hash_key: str, range_key: str, pk: str) -> Iterator[dict[str, Any]]:
    """The keys of all rows of a partition."""
    names = {"#hash": hash_key, "#range": range_key}
    pages = db.get_paginator("query").paginate(
        TableName=table, KeyConditionExpression="#hash = :pk", ProjectionExpression="#hash, #range",
        ExpressionAttributeNames=names, ExpressionAttributeValues={":pk": {"S": pk}}, ConsistentRead=True,
    )  # fmt: skip
    for page in pages:
        yield from page["Items"]


def _delete_row(db: DynamoDBClient, table: str, key: dict[str, Any], name: str = "state") -> Counter[str]:
    before = db.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")
    return Counter({name: 1} if "Attributes" in before else {})


def _name(item: str) -> str:
    """The kind of a row, by its sort key."""
    return item.partition("#")[0]
