"""TakeLease, the state machine's first write: who gets the lease, and what a repeated write does.

The condition is the one of broadcast.asl.json, and MiniStack's DynamoDB judges it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from devstack.model.execution import definition
from matches.telling import telling_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.system import System

LEASE_SECONDS = 90


@pytest.fixture
def row(dynamodb: Any, system: System, match_id: str) -> Callable[..., None]:
    """Writes the match's row in the cell: seq, tried, and who has the lease until when."""

    def row(*, seq: int = 2, tried: int = 0, **lease: str | int) -> None:
        values: dict[str, str | int] = {"seq": seq, "tried": tried, **lease}
        item = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
        dynamodb.put_item(TableName=system.name("broadcasts"), Item={**telling_key(match_id), **item})

    return row


@pytest.fixture
def take(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes TakeLease's write; returns whether the condition held."""

    def take(owner: str, *, round_name: str = "b#1", before: str = "nobody", seq: int = 1) -> bool:
        said, now = definition()["TakeLease"]["Arguments"], int(time.time())
        values = {
            ":owner": {"S": owner}, ":before": {"S": before}, ":round": {"S": round_name}, ":seq": {"N": str(seq)},
            ":now": {"N": str(now)}, ":until": {"N": str(now + LEASE_SECONDS)},
        }  # fmt: skip
        try:
            dynamodb.update_item(
                TableName=system.name("broadcasts"),
                Key=telling_key(match_id),
                UpdateExpression=said["UpdateExpression"],
                ConditionExpression=said["ConditionExpression"],
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    return take


def test_a_lost_answer_of_the_first_write_costs_nothing(row: Callable[..., None], take: Callable[..., bool]) -> None:
    """The same execution writes again after a lost answer, and has the lease."""
    row()
    assert take("a")
    assert take("a")


def test_a_lost_answer_of_a_hand_over_costs_nothing(row: Callable[..., None], take: Callable[..., bool]) -> None:
    """A later round is handed over when its first event has been tried already; the repeated write still succeeds."""
    row(tried=1, lease_owner="old", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert take("new", before="old", round_name="b#2")
    assert take("new", before="old", round_name="b#2")


def test_a_live_lease_of_another_is_respected(row: Callable[..., None], take: Callable[..., bool]) -> None:
    """While one execution has the lease, neither a new one nor one with another predecessor gets it."""
    row()
    assert take("a")
    assert not take("b")
    assert not take("b", before="c")


def test_a_second_run_of_an_execution_does_not_go_back_to_an_earlier_round(
    row: Callable[..., None], take: Callable[..., bool]
) -> None:
    """Step Functions may run an Express execution twice: the second run finds the lease in a later round and ends."""
    row(tried=1, lease_owner="a", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert not take("a", round_name="b#1")


def test_what_has_been_tried_is_not_begun_again(row: Callable[..., None], take: Callable[..., bool]) -> None:
    """A broadcast that has ended, or that an operator stopped, has no lease: nobody takes it for the same event."""
    row(seq=1, tried=1)
    assert not take("a")
    assert not take("b", before="a")


def test_a_match_without_a_row_has_no_lease(take: Callable[..., bool]) -> None:
    """A match that was reset has no row in the cell, and TakeLease makes none."""
    assert not take("a")
    assert not take("a", before="b")
