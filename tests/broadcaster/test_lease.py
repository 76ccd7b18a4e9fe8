"""AcquireLease and RenewLease: which execution has the lease, also after a lost answer.

The conditions are those of broadcast.asl.json, and MiniStack's DynamoDB judges them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates, cell_state_key
from trials.model.execution import definition

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellState
    from devstack.system import System

LEASE_SECONDS = 90


@pytest.fixture
def seen(dynamodb: Any, system: System, match_id: str) -> Callable[[], CellState]:
    """Reads the match's row in the cell."""
    return lambda: CellStates(system.name("broadcasts"), dynamodb).read(match_id)


@pytest.fixture
def row(dynamodb: Any, system: System, match_id: str) -> Callable[..., None]:
    """Writes the match's row in the cell: due_seq, ended_seq, and the lease."""

    def row(*, due_seq: int = 2, ended_seq: int = 0, **lease: str | int) -> None:
        values: dict[str, str | int] = {"due_seq": due_seq, "ended_seq": ended_seq, **lease}
        item = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
        dynamodb.put_item(TableName=system.name("broadcasts"), Item={**cell_state_key(match_id), **item})

    return row


@pytest.fixture
def acquire(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the write of AcquireLease; returns whether its condition held."""

    def acquire(owner: str, *, round_name: str = "b#1", previous: str = "nobody", seq: int = 1) -> bool:
        now = int(time.time())
        values = {
            ":owner": {"S": owner}, ":previous": {"S": previous}, ":round": {"S": round_name}, ":due": {"N": str(seq)},
            ":now": {"N": str(now)}, ":until": {"N": str(now + LEASE_SECONDS)},
        }  # fmt: skip
        return written(dynamodb, system, match_id, "AcquireLease", values)

    return acquire


@pytest.fixture
def renew(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the write of RenewLease; returns whether its condition held."""

    def renew(owner: str) -> bool:
        values = {":owner": {"S": owner}, ":until": {"N": str(int(time.time()) + LEASE_SECONDS)}}
        return written(dynamodb, system, match_id, "RenewLease", values)

    return renew


def written(dynamodb: Any, system: System, match: str, state: str, values: dict[str, Any]) -> bool:
    """Make a state's write to the match's row; returns whether the condition held."""
    arguments = definition()[state]["Arguments"]
    try:
        dynamodb.update_item(
            TableName=system.name("broadcasts"),
            Key=cell_state_key(match),
            UpdateExpression=arguments["UpdateExpression"],
            ConditionExpression=arguments["ConditionExpression"],
            ExpressionAttributeValues=values,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def test_a_lost_answer_of_the_first_write_costs_nothing(row: Callable[..., None], acquire: Callable[..., bool]) -> None:
    """The same execution writes again after a lost answer, and has the lease."""
    row()
    assert acquire("a")
    assert acquire("a")


def test_a_lost_answer_of_a_hand_over_costs_nothing(row: Callable[..., None], acquire: Callable[..., bool]) -> None:
    """A hand-over in a later round finds ``ended_seq`` at its due event; the repeated write still succeeds."""
    row(ended_seq=1, lease_owner="old", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert acquire("new", previous="old", round_name="b#2")
    assert acquire("new", previous="old", round_name="b#2")


def test_a_running_lease_of_another_execution_is_respected(
    row: Callable[..., None], acquire: Callable[..., bool]
) -> None:
    """While one execution has the lease, no other gets it, neither a new one nor one after another hand-over."""
    row()
    assert acquire("a")
    assert not acquire("b")
    assert not acquire("b", previous="c")


def test_a_second_run_of_an_execution_does_not_go_back_to_an_earlier_round(
    row: Callable[..., None], acquire: Callable[..., bool]
) -> None:
    """Step Functions may run an Express execution twice: the second run finds the lease in a later round, and ends."""
    row(ended_seq=1, lease_owner="a", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert not acquire("a", round_name="b#1")


def test_an_ended_broadcast_does_not_begin_again(row: Callable[..., None], acquire: Callable[..., bool]) -> None:
    """After a broadcast has ended, or an operator has stopped it, no execution gets the lease for the same event."""
    row(due_seq=1, ended_seq=1)
    assert not acquire("a")
    assert not acquire("b", previous="a")


def test_a_match_without_a_row_has_no_lease(acquire: Callable[..., bool]) -> None:
    """A match that was reset has no row in the cell, and AcquireLease makes none."""
    assert not acquire("a")
    assert not acquire("a", previous="b")


def test_an_execution_renews_its_lease(
    row: Callable[..., None], renew: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """An execution renews its lease, also after a lost answer, and also if its time is over and nobody has it."""
    row(lease_owner="a", lease_until=int(time.time()) - 1)
    assert renew("a")
    assert renew("a")
    assert seen().lease_until > time.time() + LEASE_SECONDS - 30


def test_a_lost_lease_is_not_renewed(
    row: Callable[..., None], renew: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """An execution cannot renew a lease that another execution has, or that an operator's stop has removed."""
    row(lease_owner="b", lease_until=1)
    assert not renew("a")
    assert (seen().owner, seen().lease_until) == ("b", 1)
    row()
    assert not renew("a")
    assert seen().owner is None


def test_a_match_that_was_reset_has_no_lease_to_renew(
    renew: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """RenewLease makes no row for a match that has none any more."""
    assert not renew("a")
    assert seen().due_seq == 0
