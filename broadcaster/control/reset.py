"""Deletes all rows of a match, at home and in every cell. Then the id can be used again.

The order of the deletions keeps the match from growing meanwhile, and lets a second run finish what a first run left:

1. The state row at home. From then on no event of the match is numbered, and nobody can subscribe to it.
2. The state row in a cell. Senders find no lease at their next poll and end; no execution can acquire the lease.
3. After the broadcast has ended, all other rows.

A damaged row is deleted like any other, because reset finds rows by their keys.
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
from runtime.attributes import DamagedRowError
from runtime.bulk_rows import delete_rows
from runtime.errors import ConflictError
from subscriptions.shards import MAX_SHARDS, shard_count
from subscriptions.store import partition
from subscriptions.viewer_counts import audience_partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

END_SECONDS = 6.0
"""Seconds in which a running broadcast may end: a poll, the requests in flight, the end of its round."""

ANNOUNCE_SECONDS = 0.5
"""Seconds after which a starter that has acquired the lease has written the rate share."""

_AT_ONCE = 8
"""Shards that are emptied side by side."""


@dataclass(frozen=True, slots=True)
class CellTables:
    """The tables of a cell: the cell's name, a client, the names of ``broadcasts`` and ``subscriptions``."""

    name: str
    db: DynamoDBClient
    broadcasts: str
    subscriptions: str | None
    """None in a cell that keeps no rows of viewers."""


@dataclass(slots=True)
class Removed:
    """The numbers of removed rows, by kind: ``state``, ``event``, ``progress``, ``subscription`` and others."""

    match: str
    home: Counter[str] = field(default_factory=Counter)
    cells: dict[str, Counter[str]] = field(default_factory=dict)
    unreached: dict[str, str] = field(default_factory=dict)
    """By name: the reason why rows may be left in a cell."""

    def to_dict(self) -> dict[str, Any]:
        """As ``livescore match reset --json`` prints it."""
        cells: dict[str, Any] = {name: {"removed": dict(counts)} for name, counts in self.cells.items()}
        for name, reason in self.unreached.items():
            cells.setdefault(name, {})["unreached"] = reason
        return {"match": self.match, "home": {"removed": dict(self.home)}, "cells": cells}


class MadeAgainError(ConflictError):
    """The match was created again during the reset. The rows that are there now belong to the new match."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets matches of one deployment. ``home``: the client of home's region; ``matches``: the table's name."""

    home: DynamoDBClient
    matches: str
    cells: list[CellTables]

    def run(self, match: str) -> Removed:
        """Delete all rows of a match. A second run deletes the rows that a first run has left.

        Raises botocore's ClientError and BotoCoreError, and TimeoutError, if home fails. The result names each cell
        that fails; the reset goes on in the other cells. Raises MadeAgainError if the match has a state row again after
        a wait: another reset may have ended earlier, and the id has been used again.
        """
        removed = Removed(match)
        audience, is_known = self._audience(match)
        removed.home += _delete_row(self.home, self.matches, state_key(match))
        for cell in self.cells:
            removed.cells[cell.name] = counts = Counter[str]()
            try:
                _empty_cell(cell, match, counts, audience, is_known=is_known, check=partial(self._check, match))
            except (ClientError, BotoCoreError, TimeoutError) as error:
                removed.unreached[cell.name] = str(error)
        self._check(match)
        for pk in (match, audience_partition(match)):
            keys = list(_keys(self.home, self.matches, "match_id", "item", pk))
            delete_rows(self.home, self.matches, keys)
            removed.home.update("audience" if pk != match else _kind(key["item"]["S"]) for key in keys)
        return removed

    def _check(self, match: str) -> None:
        """Raises MadeAgainError if the match has a state row."""
        if "Item" in self.home.get_item(TableName=self.matches, Key=state_key(match), ConsistentRead=True):
            raise MadeAgainError(f"Match {match} was scheduled again while it was being removed. The new one is kept.")

    def _audience(self, match: str) -> tuple[int | None, bool]:
        """The audience that the match was created with, and whether the match's row could be read."""
        try:
            return Ledger(self.matches, self.home).state(match).audience, True
        except (UnknownMatchError, DamagedRowError):
            return None, False


def _empty_cell(
    cell: CellTables, match: str, counts: Counter[str], audience: int | None, *, is_known: bool,
    check: Callable[[], None],
) -> None:  # fmt: skip
    shards, has_lease = MAX_SHARDS, True
    try:
        cell_state = CellStates(cell.broadcasts, cell.db).read(match)
    except DamagedRowError:
        pass
    else:
        has_lease = cell_state.is_running(time.time())
        if cell_state.shards is not None or is_known:
            shards = shard_count(cell_state.shards, audience)
    counts += _delete_row(cell.db, cell.broadcasts, cell_state_key(match))
    if has_lease:
        # A starter that has just acquired the lease has not written the rate share yet.
        time.sleep(ANNOUNCE_SECONDS)
    _wait_for_the_end(cell, match)
    check()
    # "live" is the name of this kind in the command's JSON.
    counts += _delete_row(cell.db, cell.broadcasts, rate_share_key(match), "live")
    rows = list(_keys(cell.db, cell.broadcasts, "pk", "sk", cell_state_key(match)["pk"]["S"]))
    delete_rows(cell.db, cell.broadcasts, rows)
    counts.update(_kind(key["sk"]["S"]) for key in rows)

    if cell.subscriptions is not None and (deleted := _empty_shards(cell.db, cell.subscriptions, match, shards)):
        counts["subscription"] += deleted


def _empty_shards(db: DynamoDBClient, table: str, match: str, shards: int) -> int:
    """Delete the rows of the match's viewers; returns their number."""

    def empty(shard: int) -> int:
        return delete_rows(db, table, _keys(db, table, "pk", "sk", partition(match, shard)))

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return sum(threads.map(empty, range(shards)))


def _wait_for_the_end(cell: CellTables, match: str) -> None:
    """Wait until the match has no rate-share row, or the row has run out because the broadcast died."""
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


def _kind(item: str) -> str:
    """The kind of a row: the first part of its sort key."""
    return item.partition("#")[0]
