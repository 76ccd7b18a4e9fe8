"""The lease: which broadcast, and which execution of it, has the lease, also after a lost answer.

The conditions are those of lease.py and of RenewLease in broadcast.asl.json, and MiniStack's DynamoDB judges them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates, cell_state_key
from broadcaster.control.lease import lease_start, lease_takeover, start_owner, start_release
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
    """Writes the match's row in the cell: due_seq, ended_seq, and other attributes."""

    def row(*, due_seq: int = 2, ended_seq: int = 0, **more: str | int) -> None:
        values: dict[str, str | int] = {"due_seq": due_seq, "ended_seq": ended_seq, **more}
        item = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
        dynamodb.put_item(TableName=system.name("broadcasts"), Item={**cell_state_key(match_id), **item})

    return row


@pytest.fixture
def begin(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the starter's write for a broadcast; returns whether its condition held."""

    def begin(broadcast: str, *, seq: int = 2, epoch: str = "e", replaces_start: bool = False) -> bool:
        now_ms = int(time.time() * 1000)
        start = lease_start(
            system.name("broadcasts"),
            match_id,
            seq,
            epoch,
            broadcast=broadcast,
            now_ms=now_ms,
            seconds=20,
            replaces_start=replaces_start,
        )
        return made(dynamodb, start)

    return begin


@pytest.fixture
def take_over(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the write of a sender's first poll; returns whether its condition held."""

    def take_over(owner: str, previous: str, running_round: str = "b#1") -> bool:
        until = int(time.time()) + LEASE_SECONDS
        table = system.name("broadcasts")
        return made(
            dynamodb,
            lease_takeover(table, match_id, owner, until, previous_owner=previous, running_round=running_round),
        )

    return take_over


@pytest.fixture
def release(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the write of a starter that could not start the execution; returns whether its condition held."""
    return lambda broadcast: made(dynamodb, start_release(system.name("broadcasts"), match_id, broadcast))


@pytest.fixture
def renew(dynamodb: Any, system: System, match_id: str) -> Callable[..., bool]:
    """Makes the write of RenewLease; returns whether its condition held."""

    def renew(owner: str) -> bool:
        values = {
            ":owner": {"S": owner},
            ":previous": {"S": start_owner("b")},
            ":until": {"N": str(int(time.time()) + LEASE_SECONDS)},
        }
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


def made(dynamodb: Any, update: dict[str, Any]) -> bool:
    """Make a write; returns whether its condition held."""
    try:
        dynamodb.update_item(**update)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def test_the_starter_makes_an_event_due_and_has_the_lease(
    row: Callable[..., None], begin: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """One write makes the event due, states when, and acquires the lease for a short time; a repeated one succeeds."""
    row(due_seq=1, ended_seq=1, told_seq=1)
    before = int(time.time() * 1000)
    assert begin("b")
    assert begin("b")
    found = seen()
    assert (found.due_seq, found.ended_seq, found.told_seq, found.epoch) == (2, 1, 1, "e")
    assert (found.owner, found.round_name) == (start_owner("b"), "b#1")
    assert before <= found.due_at <= time.time() * 1000
    assert found.lease_until <= time.time() + 20


def test_a_match_without_a_row_gets_one_with_the_lease(
    begin: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """The first event of a match makes the row of the cell."""
    assert begin("b", seq=1)
    assert (seen().due_seq, seen().ended_seq, seen().told_seq, seen().owner) == (1, 0, 0, start_owner("b"))


def test_a_running_broadcast_keeps_the_lease(
    row: Callable[..., None], begin: Callable[..., bool], take_over: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """While a broadcast has the lease, no other begins: not for a newer event, and not if the event comes again."""
    row()
    assert begin("b")
    assert not begin("c")
    assert not begin("c", seq=3)
    assert take_over("arn:b", start_owner("b"))
    assert not begin("c", replaces_start=True)
    assert (seen().owner, seen().due_seq) == ("arn:b", 2)


def test_a_start_that_died_holds_up_nothing(
    row: Callable[..., None], begin: Callable[..., bool], take_over: Callable[..., bool]
) -> None:
    """A record that is delivered again begins its broadcast at once, though the lease has not run out.

    No sender has taken that lease over, so nothing was sent. An execution that was started all the same gets nothing.
    """
    row()
    assert begin("b")
    assert begin("c", replaces_start=True)
    assert not take_over("arn:b", start_owner("b"))
    assert take_over("arn:c", start_owner("c"), "c#1")


def test_a_lease_that_has_run_out_is_acquired(row: Callable[..., None], begin: Callable[..., bool]) -> None:
    """The lease of an execution that died runs out; then a broadcast begins."""
    row(lease_owner="arn:dead", lease_until=int(time.time()) - 2)
    assert begin("b")


def test_a_start_that_failed_releases_the_lease(
    row: Callable[..., None], begin: Callable[..., bool], take_over: Callable[..., bool], release: Callable[..., bool]
) -> None:
    """The next try begins at once; a lease that a sender has taken over is not released."""
    row()
    assert begin("b")
    assert release("b")
    assert begin("c")
    assert not release("b")
    assert take_over("arn:c", start_owner("c"), "c#1")
    assert not release("c")


def test_an_ended_broadcast_does_not_begin_again(row: Callable[..., None], begin: Callable[..., bool]) -> None:
    """After a broadcast has ended, or an operator has stopped it, none begins for the same event or an older one."""
    row(due_seq=2, ended_seq=2)
    assert not begin("b")
    assert not begin("b", replaces_start=True)
    assert not begin("b", seq=1)


def test_an_older_event_begins_no_broadcast(row: Callable[..., None], begin: Callable[..., bool]) -> None:
    """A record of an older event comes late: the newer event that is due has its own start."""
    row(due_seq=3)
    assert not begin("b", seq=2)


def test_a_row_of_another_epoch_gives_no_lease(row: Callable[..., None], begin: Callable[..., bool]) -> None:
    """A row of an earlier match gives this match no lease: the starter has to replace it first."""
    row(epoch="old")
    assert not begin("b", epoch="new")


def test_the_senders_of_one_execution_take_the_lease_over(
    row: Callable[..., None], begin: Callable[..., bool], take_over: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """Every sender of the execution succeeds, also after a lost answer; then the lease is a whole one."""
    row()
    assert begin("b")
    assert take_over("arn:a", start_owner("b"))
    assert take_over("arn:a", start_owner("b"))
    assert (seen().owner, seen().lease_until > time.time() + LEASE_SECONDS - 30) == ("arn:a", True)


def test_a_second_execution_of_a_broadcast_gets_no_lease(
    row: Callable[..., None], begin: Callable[..., bool], take_over: Callable[..., bool]
) -> None:
    """The answer of StartExecution was lost, and it was called again: only one of the two executions sends."""
    row()
    assert begin("b")
    assert take_over("arn:a", start_owner("b"))
    assert not take_over("arn:b", start_owner("b"))


def test_a_hand_over_gives_the_lease_to_one_execution(row: Callable[..., None], take_over: Callable[..., bool]) -> None:
    """The senders of the next execution take the lease over from the one before; its own senders get nothing more."""
    row(ended_seq=1, lease_owner="arn:old", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert take_over("arn:new", "arn:old", "b#2")
    assert take_over("arn:new", "arn:old", "b#2")
    assert not take_over("arn:other", "arn:old", "b#2")
    assert not take_over("arn:old", start_owner("b"), "b#2")


def test_a_second_run_of_an_execution_does_not_go_back_to_an_earlier_round(
    row: Callable[..., None], take_over: Callable[..., bool]
) -> None:
    """Step Functions may run an Express execution twice: the second run finds the lease in a later round, and ends."""
    row(ended_seq=1, lease_owner="arn:a", lease_until=int(time.time()) + LEASE_SECONDS, round_name="b#2")
    assert not take_over("arn:a", start_owner("b"), "b#1")


def test_a_released_lease_is_not_taken_over(row: Callable[..., None], take_over: Callable[..., bool]) -> None:
    """An operator has stopped the broadcast, or the match was reset: a sender that comes late gets no lease."""
    row()
    assert not take_over("arn:a", start_owner("b"))


def test_a_match_that_was_reset_has_no_lease(
    take_over: Callable[..., bool], release: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """Neither a sender nor a starter makes a row for a match that has none any more."""
    assert not take_over("arn:a", start_owner("b"))
    assert not release("b")
    assert seen().due_seq == 0


def test_an_execution_renews_its_lease(
    row: Callable[..., None], renew: Callable[..., bool], seen: Callable[[], CellState]
) -> None:
    """An execution renews its lease, also after a lost answer, and also if its time is over and nobody has it.

    If no sender has run, RenewLease takes the lease over.
    """
    for owner in ("a", start_owner("b")):
        row(lease_owner=owner, lease_until=int(time.time()) - 1)
        assert renew("a")
        assert renew("a")
        assert seen().owner == "a"
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
