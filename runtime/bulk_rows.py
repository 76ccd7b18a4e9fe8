"""Reads or deletes many rows of a table, in the largest requests that DynamoDB takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from runtime.attributes import Item

ROWS_PER_READ = 100
"""Rows in one BatchGetItem (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html)."""

ROWS_PER_DELETE = 25
"""Rows in one BatchWriteItem
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html)."""

UNPROCESSED_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds to wait before rows that DynamoDB left unprocessed are asked for again."""

_UNDELETED_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def read_rows(client: DynamoDBClient, table: str, keys: Iterable[Item]) -> Iterator[Item]:
    """The rows of these keys, read consistently, in no order. A key without a row gives nothing.

    Raises botocore's ClientError and BotoCoreError; TimeoutError when DynamoDB keeps returning keys unprocessed.
    """
    waiting = list(keys)
    pauses = iter(UNPROCESSED_PAUSES)
    while waiting:
        batch, waiting = waiting[:ROWS_PER_READ], waiting[ROWS_PER_READ:]
        answer = client.batch_get_item(RequestItems={table: {"Keys": batch, "ConsistentRead": True}})
        yield from answer["Responses"].get(table, [])
        unprocessed: Any = answer.get("UnprocessedKeys") or {}
        if left := unprocessed.get(table, {}).get("Keys"):
            waiting += left
            pause = next(pauses, None)
            if pause is None:
                raise TimeoutError(f"{len(waiting)} rows were left unread by DynamoDB")
            time.sleep(pause)


def delete_rows(client: DynamoDBClient, table: str, keys: Iterable[Item]) -> int:
    """Delete the rows of these keys. Returns the number of keys, whether or not each had a row.

    Raises botocore's ClientError; TimeoutError when DynamoDB keeps returning rows unprocessed.
    """
    waiting: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
    count = len(waiting)
    pauses = iter(_UNDELETED_PAUSES)
    while waiting:
        batch, waiting = waiting[:ROWS_PER_DELETE], waiting[ROWS_PER_DELETE:]
        answer = client.batch_write_item(RequestItems={table: batch})
        if unprocessed := answer.get("UnprocessedItems", {}).get(table, []):
            waiting += unprocessed
            pause = next(pauses, None)
            if pause is None:
                raise TimeoutError(f"{len(waiting)} rows were left undeleted by DynamoDB")
            time.sleep(pause)
    return count
