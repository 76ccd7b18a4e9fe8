"""Pure: the lease, one broadcast at a time for a match in a cell. It lies on the match's state row (cell_state.py).

1. The starter acquires the lease for a short time, in the write that makes the event due. The owner is then the start
   of a broadcast: ``start#`` and the broadcast's name. If the execution cannot be started, the starter releases the
   lease at once.
2. The first poll of each sender takes the lease over for its execution: the owner is the id of the execution from then
   on. Nothing is sent before that. So if an execution runs twice, or if the process of the starter dies, no viewer
   notices.
3. Senders renew the lease, and so does RenewLease of broadcast.asl.json after a batch was set aside. The receipt renews
   it for another round, or releases it.
4. In a hand-over the senders of the next execution take the lease over from the execution before it.

The lease of an execution that died runs out. An execution that has lost the lease stops, because another execution
tells all viewers.
"""

from __future__ import annotations

from typing import Any

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.progress import round_name
from runtime.attributes import VERSION_ATTRIBUTE, as_number

START = "start#"
"""The owner begins with this as long as no sender has taken the lease over."""

START_SECONDS = 20
"""The most seconds for which the starter acquires the lease.

A busy Lambda may keep all senders waiting for longer. Then a newer event, or the watchdog, starts another execution,
and the senders of the first one stop at their first poll."""


def start_seconds(watchdog_seconds: int) -> int:
    """Seconds for which the starter acquires the lease.

    They end before the watchdog's first check, ``watchdog_seconds`` after the event. So that check finds a start that
    died.
    """
    return min(START_SECONDS, max(1, watchdog_seconds * 2 // 3))


def start_owner(broadcast: str) -> str:
    """The owner of the lease from the starter's write to the first poll of a sender."""
    return START + broadcast


def lease_start(
    table: str, match: str, seq: int, epoch: str, *, broadcast: str, now_ms: int, seconds: int, replaces_start: bool
) -> dict[str, Any]:
    """The arguments of the UpdateItem that makes event ``seq`` due and acquires the lease for a new broadcast.

    ``now_ms``: milliseconds since 1970. ``seconds``: the length of the lease. ``replaces_start``: a starter may
    have died, so its lease is acquired although it has not run out, if no sender has taken it over.

    The call fails with ConditionalCheckFailedException if another broadcast has the lease, if a broadcast of the event
    has ended, if a newer event is due, or if the row is that of another epoch. Its answer has the whole row.
    """
    free = "attribute_not_exists(lease_until) OR lease_until <= :now"
    starts = {":start": {"S": START}} if replaces_start else {}
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "SET due_seq = :seq, due_at = :now_ms, epoch = :epoch, #v = :v, "
        "told_seq = if_not_exists(told_seq, :none), ended_seq = if_not_exists(ended_seq, :none), "
        "lease_owner = :owner, lease_until = :until, round_name = :round",
        "ConditionExpression": "(attribute_not_exists(#v) OR #v = :v) "
        "AND (attribute_not_exists(epoch) OR epoch = :epoch) "
        "AND (attribute_not_exists(due_seq) OR due_seq <= :seq) "
        "AND (attribute_not_exists(ended_seq) OR ended_seq < :seq) "
        f"AND ({free} OR lease_owner = :owner{' OR begins_with(lease_owner, :start)' if replaces_start else ''})",
        "ExpressionAttributeNames": {"#v": "v"},
        "ExpressionAttributeValues": {
            ":seq": as_number(seq),
            ":none": as_number(0),
            ":epoch": {"S": epoch},
            ":v": VERSION_ATTRIBUTE["v"],
            ":owner": {"S": start_owner(broadcast)},
            ":round": {"S": round_name(broadcast, 1)},
            ":now": as_number(now_ms // 1000),
            ":now_ms": as_number(now_ms),
            ":until": as_number(now_ms // 1000 + seconds),
            **starts,
        },
        "ReturnValues": "ALL_NEW",
    }


def start_release(table: str, match: str, broadcast: str) -> dict[str, Any]:
    """The arguments of the UpdateItem that releases the lease of a broadcast whose execution could not be started.

    The call fails with ConditionalCheckFailedException if a sender has taken the lease over all the same.
    """
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "REMOVE lease_owner, lease_until",
        "ConditionExpression": "lease_owner = :owner",
        "ExpressionAttributeValues": {":owner": {"S": start_owner(broadcast)}},
    }


def lease_takeover(
    table: str, match: str, owner: str, until: int, *, previous_owner: str, running_round: str
) -> dict[str, Any]:
    """The arguments of the UpdateItem by which a sender takes the lease over for its execution, or renews it.

    ``until``: seconds since 1970. The call fails with ConditionalCheckFailedException if neither ``owner`` nor
    ``previous_owner`` has the lease, or if a round other than ``running_round`` is running. Its answer has the whole
    row.
    """
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "SET lease_owner = :owner, lease_until = :until",
        "ConditionExpression": "(lease_owner = :owner OR lease_owner = :previous) AND round_name = :round",
        "ExpressionAttributeValues": {
            ":until": as_number(until),
            ":owner": {"S": owner},
            ":previous": {"S": previous_owner},
            ":round": {"S": running_round},
        },
        "ReturnValues": "ALL_NEW",
    }


def lease_renewal(table: str, match: str, owner: str, until: int) -> dict[str, Any]:
    """The arguments of the UpdateItem that renews the lease until ``until`` (seconds since 1970).

    The call fails with ConditionalCheckFailedException if another execution has the lease, or none.
    """
    return {
        "TableName": table,
        "Key": cell_state_key(match),
        "UpdateExpression": "SET lease_until = :until",
        "ConditionExpression": "lease_owner = :owner",
        "ExpressionAttributeValues": {":until": as_number(until), ":owner": {"S": owner}},
    }
