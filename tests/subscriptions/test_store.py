"""Rows in a real table."""

from __future__ import annotations

from typing import Any

import pytest

from matches.events import MATCH_ID_BYTES
from subscriptions.shards import MAX_SHARDS
from subscriptions.store import Row, Subscriptions, partition

ROW_BYTES = 64


def item_bytes(item: dict[str, dict[str, Any]]) -> int:
    """Size of an item by DynamoDB's rules.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

    Names and strings count their UTF-8 bytes; a number about one byte per two digits and one more.
    """
    size = 0
    for name, value in item.items():
        size += len(name.encode())
        if "S" in value:
            size += len(value["S"].encode())
        else:
            digits = value["N"].strip("0")
            size += (len(digits) + 1) // 2 + 1
    return size


@pytest.mark.parametrize("score_only", [False, True])
def test_a_row_is_at_most_64_bytes(subscriptions: Subscriptions, dynamodb: Any, *, score_only: bool) -> None:
    """A row is paid for a million times: the longest match id in the last shard stays within 64 bytes."""
    match = "m" * MATCH_ID_BYTES
    connection = "L0SM9cOFvHcCIhw="
    subscriptions.add(match, MAX_SHARDS - 1, connection, score_only=score_only)
    row = Row(partition(match, MAX_SHARDS - 1), connection)
    key = {"pk": {"S": row.pk}, "sk": {"S": row.connection}}
    item = dynamodb.get_item(TableName=subscriptions.table, Key=key)["Item"]
    subscriptions.delete_many([row])
    assert item_bytes(item) <= ROW_BYTES
    assert ("only" in item) == score_only


def test_rows_of_a_connection_are_found_and_removed(subscriptions: Subscriptions, match_id: str) -> None:
    """``$disconnect`` finds every row of its connection, many batches of them, and of no other."""
    for number in range(230):
        subscriptions.add(f"{match_id}-{number}", 3, "gone=", score_only=False)
    subscriptions.add(match_id, 3, "stays=", score_only=False)
    rows = subscriptions.of_connection("gone=")
    assert {row.match for row in rows} == {f"{match_id}-{number}" for number in range(230)}
    subscriptions.delete_many(rows)
    assert subscriptions.of_connection("gone=") == []
    assert subscriptions.of_connection("stays=") == [Row(f"{match_id}#3", "stays=")]
    subscriptions.delete_many([Row(f"{match_id}#3", "stays=")])
