"""The number of viewers of a match: approximate, over all cells, and never worth a failure or a wait.

Table ``matches``, at home, in a partition of its own, so that it costs the match nothing: ``match_id`` is
``audience#<match>``, and no match's id has a #. One row per cell, ``item`` is its region:

- ``net``    who has subscribed less who has left, as the routes have written it so far
- ``rows``   the subscriptions that the last whole broadcast left
- ``base``   what ``net`` was at that moment

Each row has a version, ``v`` (runtime/attributes.py).

A cell's viewers are ``rows + net - base``. The next broadcast corrects the count. The errors are rows whose connection
went without a word, subscriptions that were counted twice, and changes that a frozen process had not written.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from runtime.attributes import VERSION_ATTRIBUTE, number, parse_rows, reading_row
from runtime.bulk_rows import read_rows
from runtime.metrics import readable_rows
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.attributes import Item

ROW_SECONDS = 48 * 3600
"""Life of a row after the last write to it."""

FRESH_SECONDS = 5.0
"""A process reads a match's count so often at most."""

_UNREAD: tuple[int | None, float] = (None, float("-inf"))

logger = Logger(service="viewers")


class ViewerCounts:
    """The counts as one process knows them. ``client`` should give up soon: ``aws.dynamodb(patience="once")``."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client
        self._known: dict[str, tuple[int | None, float]] = {}
        """The count of a match, None if nobody has counted, and when it was read."""

    def of_match(self, match: str) -> int | None:
        """The number of viewers of a match, None if it is not known. Never raises."""
        self._refresh([match], lambda: self._query(match))
        return self._known[match][0]

    def of_matches(self, matches: Collection[str], regions: Iterable[str]) -> dict[str, int | None]:
        """The same for many matches at once, over these cells."""
        regions = list(regions)
        self._refresh(
            matches,
            lambda: list(read_rows(self._db, self.table, [_key(match, each) for match in matches for each in regions])),
        )
        return {match: self._known[match][0] for match in matches}

    def add(self, match: str, region: str, change: int) -> None:
        """Note that so many more watch in a cell, or fewer. Raises botocore's ClientError and BotoCoreError."""
        self._update(match, region, "SET #ttl = :ttl ADD #net :change", {":change": change}, "net")
        known, read_at = self._known.get(match, _UNREAD)
        self._known[match] = (max(0, (known or 0) + change), read_at)

    def correct(self, match: str, region: str, rows: int) -> None:
        """A whole broadcast has left so many subscriptions in a cell. Raises as ``add`` does."""
        update = "SET #rows = :rows, #base = if_not_exists(#net, :none), #ttl = :ttl"
        self._update(match, region, update, {":rows": rows, ":none": 0}, "net", "rows", "base")

    def _update(self, match: str, region: str, update: str, values: Mapping[str, int], *names: str) -> None:
        until = int(time.time()) + ROW_SECONDS
        self._db.update_item(
            TableName=self.table,
            Key=_key(match, region),
            UpdateExpression=update.replace("SET ", "SET #v = :v, ", 1),
            ExpressionAttributeNames={f"#{name}": name for name in ("ttl", "v", *names)},
            ExpressionAttributeValues={
                ":v": VERSION_ATTRIBUTE["v"],
                **{name: {"N": str(value)} for name, value in {**values, ":ttl": until}.items()},
            },
        )

    def _refresh(self, matches: Collection[str], read: Callable[[], list[Item]]) -> None:
        """Read again unless all of these are fresh; when that fails, what is known is good for as long again."""
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
    """The viewers of each match from its cells' rows as DynamoDB returns them; no cell counts for less than none.

    A row that cannot be read is reported, and counts for nobody.
    """
    counts: dict[str, int] = {}
    for match, viewers in readable_rows(parse_rows(_count, items)):
        counts[match] = counts.get(match, 0) + max(0, viewers)
    return counts


def _count(item: Mapping[str, Any]) -> tuple[str, int]:
    """A cell's viewers of a match."""
    match = item["match_id"]["S"].removeprefix(audience_partition(""))
    with reading_row(match, f"{item['item']['S']} of {audience_partition(match)}", item):
        net, rows, base = (number(item, name) if name in item else 0 for name in ("net", "rows", "base"))
        return match, rows + net - base


def audience_partition(match: str) -> str:
    """The partition key of a match's counts."""
    return f"audience#{match}"


def _key(match: str, region: str) -> Item:
    return {"match_id": {"S": audience_partition(match)}, "item": {"S": region}}
