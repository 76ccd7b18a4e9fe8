"""The stored number of shards of a match's subscriptions in this cell.

Only a broadcast counts the rows, so its receipt writes the number: ``shards`` of the match's ``state`` row in the
cell's table ``broadcasts``. broadcaster/control/cell_state.py describes the rest of that row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.attributes import count, reading_row, text
from subscriptions.shards import shard_count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.match_state import MatchState
    from runtime.attributes import Item


class ShardCounts:
    """The number of shards of each match in one cell, from the cell's table ``broadcasts``."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self.table = table
        self._db = client

    def number(self, state: MatchState) -> int:
        """The number of shards of a match, read consistently: the stored number, else the first number.

        Raises botocore's ClientError and BotoCoreError; DamagedRowError for a row that is damaged.
        """
        return shard_count(self.stored_number(state.match, state.epoch), state.audience)

    def stored_number(self, match: str, epoch: str | None = None) -> int | None:
        """The stored number, None before the first round without a failed batch. Raises as ``number`` does."""
        found = self._db.get_item(TableName=self.table, Key=broadcast_key(match, "state"), ConsistentRead=True)
        item = found.get("Item") or {}
        with reading_row(match, f"state of match#{match}", item):
            # A row of another epoch belongs to an earlier match of this id. The first event of this match replaces it.
            if "shards" not in item or ("epoch" in item and text(item, "epoch") != epoch):
                return None
            return count(item, "shards")


def broadcast_key(match: str, item: str) -> Item:
    """The primary key of one of a match's rows in a cell's table ``broadcasts``, as DynamoDB takes it."""
    return {"pk": {"S": f"match#{match}"}, "sk": {"S": item}}
