"""One broadcast per match and cell: the lease on the match's ``state`` row in the cell's table (cell_state.py).

The state machine's first state takes it (broadcast.asl.json, TakeLease). Each sender renews it, and so does KeepLease
after a batch was set aside. The last state gives it back. The lease of an execution that died runs out. ``owner`` is
the execution's id. An execution that has lost the lease stops: another execution tells everyone.
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
