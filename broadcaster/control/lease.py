"""One broadcast per match and cell: the lease on the match's ``state`` row in the cell's table (cell_state.py).

AcquireLease, the first state of broadcast.asl.json, acquires the lease. Each sender renews it, and so does RenewLease
after a batch was set aside. The receipt releases it. If an execution dies, its lease ends by itself. ``owner`` is the
execution's id. An execution that has lost the lease stops: another execution tells everyone.
"""

from __future__ import annotations

from typing import Any

from broadcaster.control.cell_state import cell_state_key


def renewal(table: str, match: str, owner: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that keeps the lease until ``until`` (seconds since the epoch).

    It fails with ConditionalCheckFailedException if the lease is another's by now.
    """
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "SET lease_until = :until",
        "ConditionExpression": "lease_owner = :owner",
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":owner": {"S": owner}},
    }
