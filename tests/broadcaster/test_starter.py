"""The starter makes an event due, acquires the lease and starts an execution; no failure holds up the match."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control.lease import start_owner
from broadcaster.control.payload import CarriedEvent, ExecutionInput
from broadcaster.control.rate_share import done_update, first_rate_share_put, parse, rate_share_query
from tests.broadcaster.conftest import make_starter
from tests.support import until

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from broadcaster.control.starter import Starter
    from devstack.system import System
    from matches.ledger import Ledger


class _Executions:
    """Step Functions as far as the starter knows it: keeps the inputs, and fails if it is told to."""

    def __init__(self) -> None:
        self.inputs: list[ExecutionInput] = []
        self.fails = False

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        """As in boto3."""
        assert stateMachineArn
        if self.fails:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "StartExecution")
        self.inputs.append(ExecutionInput.parse(json.loads(input)))
        assert self.inputs[-1].broadcast == name


@pytest.fixture
def executions() -> _Executions:
    """The executions that were started."""
    return _Executions()


@pytest.fixture
def begins(system: System, cell_states: CellStates, executions: _Executions) -> Starter:
    """A starter of these executions."""
    made: Starter = make_starter(system, cell_states)
    object.__setattr__(made, "stepfunctions", executions)
    return made


def test_one_execution_has_the_lease_and_the_rate_share(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str, dynamodb: Any
) -> None:
    """The payload names the owner from which senders take the lease over, and when the event became due."""
    event: Any = {"kind": "goal", "seq": 2, "at": 1}
    begins.begin(ledger.state(numbered), [CarriedEvent(event, 0)])
    begins.begin(ledger.state(numbered))
    [given] = executions.inputs
    found = cell_states.read(numbered)
    assert found.owner == given.previous_owner == start_owner(given.broadcast)
    assert (given.due_seq, given.due_at, given.events) == (2, found.due_at, (CarriedEvent(event, 0),))
    assert found.round_name == f"{given.broadcast}#1"
    rows, _ = parse(dynamodb.query(**rate_share_query(cell_states.table))["Items"], time.time())
    [share] = [each for each in rows if each.match == numbered]
    assert (share.broadcast, share.batches) == (given.broadcast, len(given.batches))


def test_a_start_that_fails_holds_up_nothing(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str
) -> None:
    """Promise 2: if Step Functions starts no execution, the lease is free at once, and the next try begins."""
    executions.fails = True
    with pytest.raises(ClientError):
        begins.begin(ledger.state(numbered))
    assert (cell_states.read(numbered).owner, cell_states.read(numbered).due_seq) == (None, 2)
    executions.fails = False
    begins.begin(ledger.state(numbered))
    assert len(executions.inputs) == 1


def test_a_start_that_died_is_begun_again_with_the_record(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Promise 2: the process dies between lease and start. The record that comes again begins the broadcast at once."""

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(executions, "start_execution", die)
        with pytest.raises(KeyboardInterrupt):
            begins.begin(ledger.state(numbered))
    died = cell_states.read(numbered).owner
    assert died is not None
    begins.begin(ledger.state(numbered))
    assert executions.inputs == [], "a newer event waits for the running start"
    begins.begin(ledger.state(numbered), delivered_before=True)
    [given] = executions.inputs
    assert cell_states.read(numbered).owner == given.previous_owner != died


def test_a_record_that_comes_again_and_again_starts_no_second_execution(
    begins: Starter, executions: _Executions, ledger: Ledger, numbered: str
) -> None:
    """Promise 7: another match keeps the function failing, while the senders of this match's start are on their way."""
    begins.begin(ledger.state(numbered))
    for _ in range(3):
        begins.begin(ledger.state(numbered), delivered_before=True)
    assert len(executions.inputs) == 1


def test_a_start_that_fails_leaves_no_rate_share(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str, dynamodb: Any
) -> None:
    """Promise 7: a match that sends nothing has no part of the rate."""
    executions.fails = True
    with pytest.raises(ClientError):
        begins.begin(ledger.state(numbered))
    rows, _ = parse(dynamodb.query(**rate_share_query(cell_states.table))["Items"], time.time())
    assert [each for each in rows if each.match == numbered] == []


def test_a_lease_that_runs_out_in_this_second_is_free(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """The condition of the write and ``CellState.is_running`` agree on the last second of a lease."""
    grant_lease(numbered, seconds=0)
    assert not cell_states.read(numbered).is_running(time.time())
    begins.begin(ledger.state(numbered))
    assert len(executions.inputs) == 1


def test_a_rate_share_that_takes_long_holds_up_nobody(
    begins: Starter, executions: _Executions, ledger: Ledger, numbered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: the fan-out goes on with the next match while the row is still being written."""
    answered = threading.Event()
    monkeypatch.setattr(begins.cell_states.db, "put_item", lambda **_: answered.wait(20))
    begins.begin(ledger.state(numbered))
    assert (len(executions.inputs), answered.is_set()) == (1, False)
    answered.set()


def test_a_late_write_of_a_rate_share_undoes_nothing(cell_states: CellStates, numbered: str, dynamodb: Any) -> None:
    """Promise 5: a repeated write forgets no announcement, and a late write takes no row from a newer broadcast."""
    table, until = cell_states.table, int(time.time()) + 90

    def written(broadcast: str, until: int) -> bool:
        try:
            dynamodb.put_item(**first_rate_share_put(table, numbered, broadcast, 2, until))
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    assert written("b", until)
    dynamodb.update_item(**done_update(table, numbered, "b", 0, is_done=True))
    assert not written("b", until)
    assert not written("a", until - 1)
    assert written("c", until + 1)
    rows, _ = parse(dynamodb.query(**rate_share_query(table))["Items"], time.time())
    assert [(each.broadcast, each.senders) for each in rows if each.match == numbered] == [("c", 2)]


def test_a_broadcast_that_cannot_be_announced_begins(
    begins: Starter, executions: _Executions, ledger: Ledger, numbered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match whose rate share cannot be written still reaches its viewers."""

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem")

    monkeypatch.setattr(begins.cell_states.db, "put_item", refuse)
    begins.begin(ledger.state(numbered))
    assert len(executions.inputs) == 1


def test_the_watchdogs_message_comes_first(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str
) -> None:
    """An execution starts after the watchdog's message was sent; if that takes long, the viewers do not wait for it."""
    message: Future[None] = Future()
    begins.threads.submit(_send_when_due, message, cell_states, numbered)
    state = ledger.state(numbered)
    begins.begin(state, watchdog_message=message)
    assert (message.done(), len(executions.inputs)) == (True, 1)
    begins._started.clear()  # noqa: SLF001  # as in another process
    never: Future[None] = Future()
    assert begins.begin(state, watchdog_message=never, delivered_before=True).due_seq == 2
    assert (never.done(), len(executions.inputs)) == (False, 2)


def _send_when_due(message: Future[None], cell_states: CellStates, match: str) -> None:
    """The queue takes the message when the starter has the lease."""
    until(lambda: cell_states.read(match).owner)
    message.set_result(None)


def test_a_match_of_another_epoch_begins_anew(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str
) -> None:
    """A row of an earlier match of the id is replaced, and the broadcast of the new match begins."""
    cell_states.db.update_item(
        TableName=cell_states.table, Key={"pk": {"S": f"match#{numbered}"}, "sk": {"S": "state"}},
        UpdateExpression="SET epoch = :old, due_seq = :many, ended_seq = :many, told_seq = :many",
        ExpressionAttributeValues={":old": {"S": "old"}, ":many": {"N": "31"}},
    )  # fmt: skip
    begins.begin(ledger.state(numbered))
    found = cell_states.read(numbered)
    assert (found.due_seq, found.told_seq, found.epoch) == (2, 0, ledger.state(numbered).epoch)
    assert len(executions.inputs) == 1


def test_a_running_broadcast_learns_of_the_newer_event(
    begins: Starter, executions: _Executions, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """While an execution has the lease, the event only becomes due: the execution's senders see it."""
    grant_lease(numbered)
    before = cell_states.read(numbered)
    assert begins.begin(ledger.state(numbered), delivered_before=True).due_seq == 2
    assert executions.inputs == []
    assert cell_states.read(numbered).owner == before.owner
