"""Connections that listen for messages to their subject: rows of the cell's table ``subscriptions``.

One row per subject and connection. Key ``pk`` = ``s-<hash of the subject>``, which is no partition of a match, because
those have a ``#``; ``sk`` = connection id; ``ttl`` in seconds. So no broadcast reads these rows, and nobody counts them
as viewers. ``$disconnect`` deletes a connection's row, and a message deletes the row of a connection that is gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from matches.channels import subject_segment
from subscriptions.store import ROW_SECONDS, row_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_LISTENERS = 20
"""The most connections of one subject in one cell that get its messages: pages and devices of one person. One message
is a POST for each of them, and all POSTs are taken from the account's budget."""


class Listeners:
    """The listening connections of each subject in one cell. Methods raise botocore's ClientError and BotoCoreError."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def add(self, subject: str, connection: str) -> bool:
        """Write the row of a connection, or renew it.

        Returns False, and writes nothing, if ``MAX_LISTENERS`` other connections of the subject listen. Two that come
        at one moment may both be written: a message goes to the first ``MAX_LISTENERS`` rows.
        """
        if len(set(self.of_subject(subject)) - {connection}) >= MAX_LISTENERS:
            return False
        until = {"ttl": {"N": str(int(time.time()) + ROW_SECONDS)}}
        self._db.put_item(TableName=self.table, Item={**row_key(subject_segment(subject), connection), **until})
        return True

    def of_subject(self, subject: str) -> list[str]:
        """The connections of a subject that listen, read consistently; at most ``MAX_LISTENERS``.

        Some may be gone. A row after its ``ttl`` does not count, because DynamoDB deletes it hours or days later
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
        """
        page = self._db.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="#ttl > :now",
            ProjectionExpression="sk",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":pk": {"S": subject_segment(subject)}, ":now": {"N": str(int(time.time()))}},
            ConsistentRead=True,
        )
        return [item["sk"]["S"] for item in page["Items"]][:MAX_LISTENERS]

    def delete(self, subject: str, connection: str) -> bool:
        """Delete the row of a connection; returns whether it was there."""
        key = row_key(subject_segment(subject), connection)
        return "Attributes" in self._db.delete_item(TableName=self.table, Key=key, ReturnValues="ALL_OLD")
