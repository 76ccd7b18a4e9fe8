"""The watchdog: what goes wrong with one message changes nothing for the others."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.set_aside import parse
from broadcaster.home import watchdog
from broadcaster.home.cells import Cell, Cells, InvalidCallError
from broadcaster.home.watchdog_queue import WatchdogQueue
from broadcaster.transports.description import CellDescription
from broadcaster.transports.registry import DEFAULT
from devstack.stack.provision import client
from devstack.system import REGION
from runtime import aws
from tests.broadcaster.conftest import THREADS, make_starter
from tests.support import given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broadcaster.control.cell_state import CellStates
    from devstack.system import System
    from matches.ledger import Ledger

CONTEXT: Any = SimpleNamespace()


class Queues:
    """Two queues of this test's own, and the watchdog in this process between them."""

    def __init__(self, sqs: Any, names: tuple[str, str]) -> None:
        self.sqs = sqs
        self.watched, self.aside = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in names)

    def taken(self, url: str) -> list[dict[str, Any]]:
        """The messages of a queue, which are in it no more."""
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"]
        )
        for message in found.get("Messages", []):
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found.get("Messages", [])  # type: ignore[no-any-return]


@pytest.fixture
def queues(
    system: System, ledger: Ledger, cell_states: CellStates, match_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Queues]:
    """The watchdog works with the real tables and these queues."""
    sqs = client(system, "sqs")
    queues = Queues(sqs, (f"watched-{match_id}", f"aside-{match_id}"))
    cell = Cell(CellDescription(REGION, REGION, DEFAULT), cell_states, make_starter(system, cell_states))
    cells = Cells({REGION: cell}, WatchdogQueue(sqs, queues.watched, 0), THREADS)
    # No message is delayed: the pauses are tried in test_reach.py.
    monkeypatch.setattr(cells, "check_later", lambda watched: cells._watchdog_queue.put(watched, 0))  # noqa: SLF001
    monkeypatch.setattr(watchdog, "cells", lambda: cells)
    monkeypatch.setattr(watchdog, "_ledger", lambda: ledger)
    monkeypatch.setattr(aws, "sqs", lambda: sqs)
    given(monkeypatch, "watchdog", SET_ASIDE_QUEUE=queues.aside)
    yield queues
    for url in (queues.watched, queues.aside):
        sqs.delete_queue(QueueUrl=url)


def check(*bodies: str) -> list[str]:
    """Let the watchdog get messages; returns the ids of those that it reports as failed."""
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    return [each["itemIdentifier"] for each in watchdog.handler({"Records": records}, CONTEXT)["batchItemFailures"]]


def message(match: str, seq: int, epoch: str) -> str:
    """A message as WatchdogQueue puts it."""
    return json.dumps({"match": match, "seq": seq, "cell": REGION, "epoch": epoch, "tries": 0})


def test_a_damaged_row_is_checked_a_few_times_and_set_aside(
    queues: Queues, cell_states: CellStates, ledger: Ledger, dynamodb: Any, match: str
) -> None:
    """Promise 6: the message of a match whose row in the cell cannot be read ends in the queue, with the reason."""
    dynamodb.put_item(TableName=cell_states.table, Item={**cell_state_key(match), "due_seq": {"S": "one"}})
    checks = 1
    assert check(message(match, 1, ledger.state(match).epoch)) == []
    while again := queues.taken(queues.watched):
        checks += 1
        assert check(again[0]["Body"]) == []
    assert checks == watchdog.DAMAGED_TRIES
    [aside] = [parse(each) for each in queues.taken(queues.aside)]
    assert (aside.kind, aside.match, aside.obstacle) == ("watch", match, None)
    assert "its attribute due_seq is" in aside.reason
    dynamodb.delete_item(TableName=cell_states.table, Key=cell_state_key(match))
    assert check(aside.body) == []
    [fresh] = queues.taken(queues.watched)
    assert json.loads(fresh["Body"])["restarts"] == 1, "sent again after the repair, the watchdog starts the broadcast"


def test_one_message_fails_alone(queues: Queues, cell_states: CellStates, ledger: Ledger, match: str) -> None:
    """A message that nobody can read is reported, and the watchdog does the others of the same invocation."""
    epoch = ledger.state(match).epoch
    cell_states.mark_due(match, 1, epoch)
    cell_states.stop(match, 1, epoch)
    ended = message(match, 1, epoch)
    assert check("no JSON", ended, '{"match": 7}', ended) == ["0", "2"]


def test_a_message_about_an_earlier_match_of_the_id_does_nothing(
    queues: Queues, cell_states: CellStates, ledger: Ledger, match: str
) -> None:
    """After a reset the old match's messages neither start a broadcast nor put the old seq into the cell's row."""
    old = message(match, 31, "old")
    assert check(old) == []
    cell_states.mark_due(match, 1, ledger.state(match).epoch)
    before = cell_states.read(match)
    assert check(old) == []
    assert cell_states.read(match) == before


def test_a_broadcast_that_runs_for_long_is_checked_as_long_as_it_runs(
    queues: Queues, cell_states: CellStates, ledger: Ledger, dynamodb: Any, match: str
) -> None:
    """A broadcast that outlasts every limit of deliveries keeps its message, and no message is set aside."""
    epoch = ledger.state(match).epoch
    cell_states.mark_due(match, 1, epoch)
    dynamodb.update_item(
        TableName=cell_states.table, Key=cell_state_key(match),
        UpdateExpression="SET lease_owner = :owner, lease_until = :until",
        ExpressionAttributeValues={":owner": {"S": "execution:1"}, ":until": {"N": str(int(time.time()) + 600)}},
    )  # fmt: skip
    body = message(match, 1, epoch)
    for _ in range(40):
        assert check(body) == []
        [again] = queues.taken(queues.watched)
        body = again["Body"]
    assert json.loads(body) == {**json.loads(message(match, 1, epoch)), "restarts": 0}
    cell_states.stop(match, 1, epoch)
    assert check(body) == []
    assert queues.taken(queues.watched) == queues.taken(queues.aside) == []


def test_a_broadcast_that_never_ends_is_set_aside(
    queues: Queues, cell_states: CellStates, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, match: str
) -> None:
    """After the last restart the message is set aside with the reason, and sent again it has all its restarts."""
    epoch = ledger.state(match).epoch
    monkeypatch.setattr(Cells, "check", lambda *_: "restarted")
    body = message(match, 1, epoch)
    for number in range(1, watchdog.MOST_RESTARTS):
        assert check(body) == []
        [again] = queues.taken(queues.watched)
        body = again["Body"]
        assert json.loads(body)["restarts"] == number
    assert check(body) == []
    assert queues.taken(queues.watched) == []
    [aside] = [parse(each) for each in queues.taken(queues.aside)]
    assert (aside.kind, aside.match, aside.reason) == (
        "watch", match, f"the watchdog has started the broadcast of seq 1 {watchdog.MOST_RESTARTS} times",
    )  # fmt: skip
    assert json.loads(aside.body)["restarts"] == 0


def test_a_frame_that_a_service_calls_invalid_is_set_aside(
    queues: Queues, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, match: str
) -> None:
    """Promise 6: the same frame fails again, so after some tries the message is set aside with the service's reason."""

    def blamed(*_: Any) -> None:
        raise InvalidCallError("the frame is no JSON")

    monkeypatch.setattr(Cells, "check", blamed)
    checks = 1
    assert check(message(match, 1, ledger.state(match).epoch)) == []
    while again := queues.taken(queues.watched):
        checks += 1
        assert check(again[0]["Body"]) == []
    assert checks == watchdog.INVALID_TRIES
    [aside] = [parse(each) for each in queues.taken(queues.aside)]
    assert (aside.kind, aside.match, aside.reason) == ("watch", match, "the frame is no JSON")
    assert json.loads(aside.body)["tries"] == 0


def test_a_cell_that_does_not_answer_keeps_the_count_of_restarts(
    queues: Queues, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, match: str
) -> None:
    """A cell that is down for a while between two restarts gets no further restarts for that."""
    monkeypatch.setattr(Cells, "check", lambda *_: "unreached")
    assert check(json.dumps({**json.loads(message(match, 1, ledger.state(match).epoch)), "restarts": 7})) == []
    [again] = queues.taken(queues.watched)
    assert (json.loads(again["Body"])["restarts"], json.loads(again["Body"])["tries"]) == (7, 1)
