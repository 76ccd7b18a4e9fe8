"""One broadcast per match: the lease on the match's ``state`` row.

The state machine's first state takes it (broadcast.asl.json, TakeLease), each sender renews it, the last state gives
it back. An execution that died leaves a lease that runs out. ``owner`` is the execution's id. Who has lost the lease
stops: another execution tells everyone.
"""

from __future__ import annotations

from typing import Any

from matches.ledger import state_key

CONFLICT_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between tries while a transaction holds the row: DynamoDB answers TransactionConflictException
(API_UpdateItem.html), which botocore does not try again."""


def renewal(table: str, match: str, owner: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that keeps the lease until ``until`` (seconds since the epoch).

    It fails with ConditionalCheckFailedException if the lease is another's by now.
    """
    return {
        "TableName": table,
        "Key": state_key(match),
        "UpdateExpression": "SET lease_until = :until",
        "ConditionExpression": "lease_owner = :owner",
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":owner": {"S": owner}},
    }


def reopening(table: str, match: str, now: int) -> dict[str, Any]:
    """The arguments of the UpdateItem after which a match can be broadcast again from what it has been told.

    A batch that was set aside leaves ``tried`` at the newest event, so that no execution would take the lease. It fails
    with ConditionalCheckFailedException if everyone has been told, or a broadcast is running at ``now``.
    """
    return {
        "TableName": table,
        "Key": state_key(match),
        "UpdateExpression": "SET tried = told",
        "ConditionExpression": "told < seq AND (attribute_not_exists(lease_until) OR lease_until < :now)",
        "ExpressionAttributeValues": {":now": {"N": str(now)}},
    }


def is_live(item: dict[str, Any], now: float) -> bool:
    """Whether a ``state`` row as DynamoDB returns it carries a lease that has not run out."""
    return "lease_until" in item and int(item["lease_until"]["N"]) > now
