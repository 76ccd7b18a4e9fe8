"""The lease: one broadcast at a time for a match in a cell. It lies on the match's state row (cell_state.py).

AcquireLease, the first state of broadcast.asl.json, acquires the lease. Each sender renews it, and so does RenewLease
after a batch was set aside. The receipt releases it, or renews it for another round. The lease of an execution that
died runs out. The owner is the id of an execution. An execution that has lost the lease stops, because another
execution tells all viewers.
"""

from __future__ import annotations

from typing import Any

from broadcaster.control.cell_state import cell_state_key


def lease_renewal(table: str, match: str, owner: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that renews the lease until ``until`` (seconds since 1970).

    The call fails with ConditionalCheckFailedException if another execution has the lease, or none.
    """
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "SET lease_until = :until",
        "ConditionExpression": "lease_owner = :owner",
        "ExpressionAttributeValues": {":until": {"N": str(until)}, ":owner": {"S": owner}},
    }
