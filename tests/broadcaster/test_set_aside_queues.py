"""Messages that were set aside are seen and put back, on the real queue, stream and pipeline."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates, cell_state_key
from broadcaster.control.set_aside import DATA_BYTES, record_body
from client.viewer import Viewer
from devstack.deployment.running_system import redrive as of_devstack
from devstack.system import REGION
from matches.events import EVENT, AcceptedEvent
from matches.match_rows import state_key
from tests.silent_service import silent_service
from tests.support import eventually, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from broadcaster.home.set_aside_queues import Redrive
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from matches.ledger import Ledger

SECONDS = 40


@pytest.fixture
def queue(system: System, match_id: str) -> Iterator[Redrive]:
    """The system's, with a queue of its own."""
    redrive = of_devstack(system.api_url, aws=False)
    [_, cells] = redrive.queues
    url = cells.sqs.create_queue(QueueName=f"aside-{match_id}")["QueueUrl"]
    yield dataclasses.replace(redrive, queues=[dataclasses.replace(cells, url=url)])
    cells.sqs.delete_queue(QueueUrl=url)


def aside(queue: Redrive, body: str) -> None:
    """Set something aside."""
    [own] = queue.queues
    own.sqs.send_message(QueueUrl=own.url, MessageBody=body)


def records(match: str) -> list[str]:
    """A kick-off and two goals of a match that did not exist, as the fan-out sets them aside."""
    events: list[dict[str, Any]] = [
        {"kind": "kick_off"},
        *({"kind": "goal", "team": "home", "minute": m} for m in (1, 2)),
    ]
    return [
        record_body(
            {
                "eventID": f"shardId-0:{100 + number}",
                "kinesis": {
                    "partitionKey": match,
                    "data": base64.b64encode(
                        AcceptedEvent(match, 1, EVENT.validate_python({**event, "event_id": f"e{number}"})).to_record()
                    ).decode(),
                },
            },
            f"there is no match {match}",
        )
        for number, event in enumerate(events)
    ]


def create(operator: Operator, match: str) -> None:
    """The match exists after all."""
    operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")


@asynccontextmanager
async def watching(system: System, match: str) -> AsyncIterator[list[int]]:
    """The seqs that a viewer of the match has shown."""
    shown: list[int] = []
    viewer = Viewer(system.websocket_url, [match], on_event=lambda _, event, __: shown.append(event["seq"]))
    task = asyncio.create_task(viewer.run())
    try:
        await asyncio.wait_for(viewer.subscribed.wait(), SECONDS)
        yield shown
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_everything_is_listed_and_nothing_stays_hidden(queue: Redrive) -> None:
    """More messages than one call gives are listed once each, and the next redrive receives them all at once."""
    for number in range(25):
        aside(queue, json.dumps({"match": "m", "seq": number}))
    for _ in range(2):
        with queue:
            assert len({message.id for message in queue.receive()}) == 25


def test_records_go_back_to_the_stream_in_order(queue: Redrive, operator: Operator, match_id: str) -> None:
    """However they lie in the queue, they are numbered as they had been posted; then the queue is empty."""
    for body in reversed(records(match_id)):
        aside(queue, body)
    create(operator, match_id)
    with queue:
        assert [queue.send(message).outcome for message in queue.receive()] == ["sent"] * 3
    events = until(lambda: len(found := operator.events(match_id)) == 3 and found, seconds=SECONDS)
    assert [event["event_id"] for event in events] == ["e0", "e1", "e2"]
    with queue:
        assert queue.receive() == []


def test_nothing_is_lost_where_it_cannot_be_sent(queue: Redrive, match_id: str) -> None:
    """A stream that refuses a record leaves it in the queue."""
    aside(queue, records(match_id)[0])
    without_stream = dataclasses.replace(queue, stream="no-such-stream")
    with without_stream, pytest.raises(ClientError):
        without_stream.send(without_stream.receive()[0])
    with queue:
        assert len(queue.receive()) == 1


def test_killed_between_sending_and_deleting(queue: Redrive, operator: Operator, match_id: str) -> None:
    """A message that was sent and not deleted is sent again, and counts once."""

    class Killed:
        def __getattr__(self, name: str) -> Any:
            if name == "delete_message":
                raise KeyboardInterrupt
            return getattr(queue.queues[0].sqs, name)

    aside(queue, records(match_id)[0])
    create(operator, match_id)
    killed = dataclasses.replace(queue, queues=[dataclasses.replace(queue.queues[0], sqs=Killed())])  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt), killed:
        killed.send(killed.receive()[0])
    with queue:
        [message] = queue.receive()
        assert queue.send(message).outcome == "sent"
    goal = operator.post_event(match_id, {"kind": "goal", "team": "home", "minute": 9, "event_id": "after"})
    operator.settled(match_id, goal["event_id"])
    assert [event["event_id"] for event in operator.events(match_id)] == ["e0", "after"]


async def test_a_batch_is_broadcast_again_if_its_match_is_behind(
    system: System, queue: Redrive, operator: Operator, ledger: Ledger, cell_states: CellStates, match_id: str
) -> None:
    """Viewers whose batch failed are told at once, not with the next event; when all are told nothing is started."""
    create(operator, match_id)
    body = json.dumps({"kind": "batch", "match": match_id, "reason": "GatewayError", "batch": {"batch": 1}})
    async with watching(system, match_id) as shown:
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        # As a round leaves it of which a batch was set aside.
        cell_states.mark_due(match_id, 1, ledger.state(match_id).epoch)
        cell_states.stop(match_id, 1, ledger.state(match_id).epoch)
        for _ in range(2):
            aside(queue, body)
        with queue:
            done = [queue.send(message) for message in await asyncio.to_thread(queue.receive)]
            assert [each.outcome for each in done] == ["sent", "settled"]
        await eventually(lambda: shown == [1])
    await eventually(lambda: cell_states.read(match_id).told_seq == 1)
    aside(queue, body)
    with queue:
        [message] = queue.receive()
        done = [queue.send(message)]
        assert (done[0].outcome, queue.receive()) == ("settled", [])


def test_a_batch_waits_for_the_broadcast_that_is_running(
    queue: Redrive, operator: Operator, ledger: Ledger, cell_states: CellStates, dynamodb: Any, match_id: str
) -> None:
    """That one may have set it aside: the message stays until it can be put right."""
    create(operator, match_id)
    ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    cell_states.mark_due(match_id, 1, ledger.state(match_id).epoch)
    dynamodb.update_item(
        TableName=cell_states.table, Key=cell_state_key(match_id),
        UpdateExpression="SET ended_seq = due_seq, lease_owner = :owner, lease_until = :until",
        ExpressionAttributeValues={":owner": {"S": "x"}, ":until": {"N": str(int(time.time()) + 60)}},
    )  # fmt: skip
    aside(queue, json.dumps({"kind": "batch", "match": match_id, "reason": "no"}))
    with queue:
        done = queue.send(queue.receive()[0])
    assert (done.outcome, cell_states.read(match_id).ended_seq) == ("kept", 1)
    with queue:
        assert len(queue.receive()) == 1


async def test_the_watchdog_checks_again(
    system: System, queue: Redrive, operator: Operator, ledger: Ledger, match_id: str
) -> None:
    """A broadcast that was given up is told once the watchdog is asked again."""
    create(operator, match_id)
    async with watching(system, match_id) as shown:
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        body = {"match": match_id, "seq": 1, "cell": REGION, "tries": 0, "epoch": ledger.state(match_id).epoch}
        aside(queue, json.dumps(body))
        with queue:
            [message] = await asyncio.to_thread(queue.receive)
            assert queue.send(message).outcome == "sent"
        await eventually(lambda: shown == [1])


def test_what_cannot_be_sent_stays_until_it_is_dropped(queue: Redrive) -> None:
    """A record of which a part is missing, a match that is gone, what nobody can read: a sentence, and it is kept."""
    cut = {"kinesis": {"partitionKey": "m", "data": "A" * (DATA_BYTES + 4)}}
    for body in (record_body(cut, "why"), '{"kind":"batch","match":"nobody","reason":"no"}', "nonsense"):
        aside(queue, body)
    with queue:
        done = [queue.send(message) for message in queue.receive()]
        assert [each.outcome for each in done] == ["kept"] * 3
        assert all(each.reason for each in done)
    with queue:
        assert [queue.drop(message).outcome for message in queue.receive()] == ["dropped"] * 3
        assert queue.receive() == []


def test_a_cell_that_does_not_answer_hides_no_others(queue: Redrive, match_id: str) -> None:
    """Messages in the other queues are listed, and the cell whose queue cannot be read is named."""
    aside(queue, json.dumps({"kind": "batch", "match": match_id, "reason": "GatewayError"}))
    [own] = queue.queues
    assert own.cell is not None
    with silent_service() as silent:
        away = dataclasses.replace(own.cell, description=dataclasses.replace(own.cell.description, name="away"))
        dead = dataclasses.replace(own, sqs=silent.client("sqs"), cell=away)
    both = dataclasses.replace(queue, queues=[dead, own])
    with both:
        assert [each.match for each in both.receive()] == [match_id]
    assert both.unreached == {"away"}


def test_a_batch_of_a_damaged_match_is_kept(
    queue: Redrive, operator: Operator, ledger: Ledger, dynamodb: Any, match_id: str
) -> None:
    """Until its rows are repaired the batch stays in the queue, and the sentence says which row is damaged."""
    create(operator, match_id)
    dynamodb.put_item(TableName=ledger.table, Item={**state_key(match_id), "board": {"S": "{"}})
    aside(queue, json.dumps({"kind": "batch", "match": match_id, "reason": "GatewayError"}))
    with queue:
        done = queue.send(queue.receive()[0])
    assert (done.outcome, f"the row state of match {match_id} cannot be read" in done.reason) == ("kept", True)
    with queue:
        assert len(queue.receive()) == 1
