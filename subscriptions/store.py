"""The table ``subscriptions``: its rows, their keys, and the query for a page.

One row per connection and match. Key ``pk`` = ``<match>#<shard>``, ``sk`` = connection id; ``only`` = ``score`` for a
follower of the score; ``ttl`` in seconds. ``slow``, on few rows: the number of successive broadcasts in which its
viewer took nothing. The names are short because a row is paid for a million times. With the longest match id, 20 bytes,
a row has 63 bytes (2+25, 2+16, 3+6, 4+5) by DynamoDB's size rules
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html). It must stay within
64 bytes, so it has no version, unlike the other tables' rows (runtime/attributes.py): another form of this row needs
another table.

The index ``by_connection`` finds the rows of one connection.

Two other kinds of rows lie beside them, in partitions that are no match's (``Row.match`` is empty): the connections
that listen for messages to their subject (listeners.py), and notes of closed connections.

A closed connection has a note for some minutes: the row ``pk`` = ``#<connection>``, in no match's partition. A
subscribe that is still being served finds the note and removes its own row again. The note lies in this table,
because this table takes as many writes as viewers subscribe. Goals write to the table ``broadcasts``, so a rush of
viewers must not go there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.bulk_rows import delete_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.attributes import Item

INDEX = "by_connection"

ROW_SECONDS = 2 * 3600 + 15 * 60
"""Life of a row in seconds: a connection lives two hours at most
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html),
and a little more."""

CLOSED_SECONDS = 300
"""Life of the note of a closed connection in seconds: longer than any subscribe takes (terraform/system.json)."""


@dataclass(frozen=True, slots=True)
class Row:
    """The key of a subscription."""

    pk: str
    connection: str

    @property
    def match(self) -> str:
        """The match that the row follows; empty for the row of a listener and for the note of a closed connection."""
        return self.pk.rpartition("#")[0]


class Subscriptions:
    """The rows of viewers, as the WebSocket routes write them."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def add(self, match: str, shard: int, connection: str, *, score_only: bool) -> bool:
        """Write a row, or overwrite it; returns whether it is new."""
        item: Item = {
            **row_key(partition(match, shard), connection),
            "ttl": {"N": str(int(time.time()) + ROW_SECONDS)},
        }
        if score_only:
            item["only"] = {"S": "score"}
        before = self._db.put_item(TableName=self.table, Item=item, ReturnValues="ALL_OLD")
        return "Attributes" not in before

    def of_connection(self, connection: str) -> list[Row]:
        """Subscriptions of one connection, from the index: one of the last moments may be missing, or gone already."""
        return [row for row in self.every_row_of(connection) if row.match]

    def every_row_of(self, connection: str) -> list[Row]:
        """The same with the connection's listeners (listeners.py), but without the note that it has closed."""
        found: list[Row] = []
        query: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": INDEX,
            "KeyConditionExpression": "sk = :connection",
            "ExpressionAttributeValues": {":connection": {"S": connection}},
        }
        while True:
            page = self._db.query(**query)
            rows = [Row(item["pk"]["S"], item["sk"]["S"]) for item in page["Items"]]
            found += [row for row in rows if row.pk != _closed_partition(connection)]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def note_closed(self, connection: str) -> None:
        """Note that a connection has closed: ``is_closed`` says so from now on. Raises botocore's ClientError."""
        until = {"ttl": {"N": str(int(time.time()) + CLOSED_SECONDS)}}
        self._db.put_item(TableName=self.table, Item={**_closed_key(connection), **until})

    def is_closed(self, connection: str) -> bool:
        """Whether it was noted that a connection has closed; read consistently. Raises botocore's ClientError."""
        found = self._db.get_item(TableName=self.table, Key=_closed_key(connection), ConsistentRead=True)
        return "Item" in found

    def delete_one(self, row: Row) -> bool:
        """Delete a row; returns whether it was there. Raises botocore's ClientError."""
        before = self._db.delete_item(TableName=self.table, Key=row_key(row.pk, row.connection), ReturnValues="ALL_OLD")
        return "Attributes" in before

    def delete_many(self, rows: Iterable[Row]) -> None:
        """Delete rows; those that are gone already do not matter.

        Raises botocore's ClientError; TimeoutError when DynamoDB keeps returning rows unprocessed.
        """
        delete_rows(self._db, self.table, (row_key(row.pk, row.connection) for row in rows))


def partition(match: str, shard: int) -> str:
    """The partition key of one shard of a match."""
    return f"{match}#{shard}"


def row_key(pk: str, connection: str) -> Item:
    """The primary key of a row, as DynamoDB takes it."""
    return {"pk": {"S": pk}, "sk": {"S": connection}}


def _closed_key(connection: str) -> Item:
    return row_key(_closed_partition(connection), connection)


def _closed_partition(connection: str) -> str:
    """The partition of the note that a connection has closed; each has one of its own."""
    return f"#{connection}"


def page_query(table: str, pk: str, after: str | None) -> dict[str, Any]:
    """The arguments of one consistent Query: as many rows of a shard after connection ``after`` as a megabyte holds."""
    query: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ProjectionExpression": "sk, #only, #ttl, slow",
        "ExpressionAttributeNames": {"#only": "only", "#ttl": "ttl"},
        "ConsistentRead": True,
    }
    if after is not None:
        query["ExclusiveStartKey"] = row_key(pk, after)
    return query
