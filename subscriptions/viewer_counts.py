"""The number of viewers of a match over all cells.

The number is approximate. No request fails because of it, and a call of DynamoDB that fails is not tried again.

The counts lie in the table ``matches``, at home, in a partition of their own, so that they cost the match nothing:
``match_id`` is ``audience#<match>``, and no match's id has a #. Each cell has a row; ``item`` is the cell's name:

- ``net``    the viewers that have subscribed less those that have left, as far as the routes have written them
- ``rows``   the subscriptions that the last whole broadcast left
- ``base``   the value of ``net`` at that moment

Each row has a version, ``v`` (runtime/attributes.py).

A cell's viewers are ``rows + net - base``. The next broadcast corrects the count. Until then three things make it
wrong: connections that ended without a ``$disconnect``, subscriptions that were counted twice, and changes that a
frozen process has not written.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from runtime.attributes import VERSION_ATTRIBUTE, number, parse_rows, reading_row
from runtime.bulk_rows import read_rows
from runtime.metrics import undamaged_rows
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.attributes import Item

ROW_SECONDS = 48 * 3600
"""Life of a row in seconds, from the last write to it."""

FRESH_SECONDS = 5.0
"""Seconds between two reads of a match's count by one process."""

_UNREAD: tuple[int | None, float] = (None, float("-inf"))

logger = Logger(service="viewers")


class ViewerCounts:
    """The counts that one process knows. ``client`` should give up soon: ``aws.dynamodb(patience="once")``."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client
        self._known: dict[str, tuple[int | None, float]] = {}
        """Match -> its count (None if nobody has counted), and the time of the read."""

    def of_match(self, match: str) -> int | None:
        """The number of viewers of a match, or None if it is not known. Does not raise errors of DynamoDB."""
        self._refresh([match], lambda: self._query(match))
        return self._known[match][0]

    def of_matches(self, matches: Collection[str], cells: Iterable[str]) -> dict[str, int | None]:
        """The numbers of viewers of many matches, over the cells of these names."""
        cells = list(cells)
        self._refresh(
            matches,
            lambda: list(read_rows(self._db, self.table, [_key(match, each) for match in matches for each in cells])),
        )
        return {match: self._known[match][0] for match in matches}

    def add(self, match: str, cell: str, change: int) -> None:
        """Write that a cell has ``change`` more viewers, or fewer. Raises botocore's ClientError and BotoCoreError."""
        self._update(match, cell, "SET #ttl = :ttl ADD #net :change", {":change": change}, "net")
        known, read_at = self._known.get(match, _UNREAD)
        self._known[match] = (max(0, (known or 0) + change), read_at)

    def correct(self, match: str, cell: str, rows: int) -> None:
        """Write the number of subscriptions that a whole broadcast has left in a cell. Raises as ``add`` does."""
        update = "SET #rows = :rows, #base = if_not_exists(#net, :none), #ttl = :ttl"
        self._update(match, cell, update, {":rows": rows, ":none": 0}, "net", "rows", "base")

    def _update(self, match: str, cell: str, update: str, values: Mapping[str, int], *names: str) -> None:
        until = int(time.time()) + ROW_SECONDS
        self._db.update_item(
            TableName=self.table,
            Key=_key(match, cell),
            UpdateExpression=update.replace("SET ", "SET #v = :v, ", 1),
            ExpressionAttributeNames={f"#{name}": name for name in ("ttl", "v", *names)},
            ExpressionAttributeValues={
                ":v": VERSION_ATTRIBUTE["v"],
                **{name: {"N": str(value)} for name, value in {**values, ":ttl": until}.items()},
            },
        )

    def _refresh(self, matches: Collection[str], read: Callable[[], list[Item]]) -> None:
        """Read the counts again unless all are fresh. If the read fails, the known counts stay for as long again."""
        now = seconds()
        if all(now - self._known.get(match, _UNREAD)[1] < FRESH_SECONDS for match in matches):
            return
        try:
            counts = counts_by_match(read())
        except (ClientError, BotoCoreError, TimeoutError) as error:
            logger.warning("viewer_count_unread", matches=len(matches), exc_info=error)
            self._known |= {match: (self._known.get(match, _UNREAD)[0], now) for match in matches}
        else:
            self._known |= {match: (counts.get(match), now) for match in matches}

    def _query(self, match: str) -> list[Item]:
        return self._db.query(
            TableName=self.table,
            KeyConditionExpression="match_id = :partition",
            ExpressionAttributeValues={":partition": {"S": audience_partition(match)}},
            ConsistentRead=True,
        )["Items"]


def counts_by_match(items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Match -> its viewers, from its cells' rows as DynamoDB returns them. No cell counts below 0.

    A damaged row is reported, and counts as 0.
    """
    counts: dict[str, int] = {}
    for match, viewers in undamaged_rows(parse_rows(_count, items)):
        counts[match] = counts.get(match, 0) + max(0, viewers)
    return counts


def _count(item: Mapping[str, Any]) -> tuple[str, int]:
    """(match, viewers) of one cell."""
    match = item["match_id"]["S"].removeprefix(audience_partition(""))
    with reading_row(match, f"{item['item']['S']} of {audience_partition(match)}", item):
        net, rows, base = (number(item, name) if name in item else 0 for name in ("net", "rows", "base"))
        return match, rows + net - base


def audience_partition(match: str) -> str:
    """The partition key of a match's counts."""
    return f"audience#{match}"


def _key(match: str, cell: str) -> Item:
    return {"match_id": {"S": audience_partition(match)}, "item": {"S": cell}}
