"""The whole pipeline in its own processes: deaths, batches set aside, hand-overs, stops."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control import rate_share
from broadcaster.control.cell_state import CellState, CellStates, cell_state_key
from broadcaster.control.lease import lease_start, start_owner
from broadcaster.control.payload import Batch, Counts, ExecutionInput
from broadcaster.control.progress import progress_item, round_name
from client.viewer import Viewer
from devstack.operator.api_client import Operator
from devstack.stack.ministack import free_port
from devstack.stack.provision import client
from devstack.stack.whole_stack import running
from devstack.system import REGION
from matches.events import EVENT, AcceptedEvent
from subscriptions.shard_counts import broadcast_key
from subscriptions.shards import every_shard_of, shard_count
from subscriptions.store import Subscriptions
from tests.support import counted, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from devstack.system import System
    from matches.ledger import Ledger

SECONDS = 40


def told(system: System, match: str) -> CellState:
    """The progress of the system's one cell with a match."""
    return CellStates(system.name("broadcasts"), client(system, "dynamodb")).read(match)


def begun(system: System, match: str, *batches: dict[str, Any]) -> dict[str, Any]:
    """Acquire the lease as the starter does; returns the input of an execution that tells the match's first event."""
    dynamodb, name, now_ms = client(system, "dynamodb"), f"{match}-1-test", int(time.time() * 1000)
    epoch = told(system, match).epoch or ""
    dynamodb.update_item(
        **lease_start(
            system.name("broadcasts"),
            match,
            1,
            epoch,
            broadcast=name,
            now_ms=now_ms,
            seconds=20,
            replaces_start=False,
        )
    )
    return {**ExecutionInput(match, 1, now_ms, start_owner(name), name, 1, ()).dump(), "batches": batches}


class Seen:
    """A viewer and what it has applied."""

    def __init__(self, system: System, match: str, only: Any = None) -> None:
        self.seqs: list[int] = []
        self.viewer = Viewer(
            system.websocket_url, [match], only=only, on_event=lambda _, event, __: self.seqs.append(event["seq"])
        )


@asynccontextmanager
async def watching(system: System, match: str, count: int = 1) -> AsyncIterator[list[Seen]]:
    """Viewers that follow the match while the block runs."""
    seen = [Seen(system, match) for _ in range(count)]
    tasks = []
    try:
        # A few at a time: MiniStack starts a process for each invocation that runs beside others.
        for few in (seen[start : start + 5] for start in range(0, count, 5)):
            tasks += [asyncio.create_task(each.viewer.run()) for each in few]
            for each in few:
                await asyncio.wait_for(each.viewer.subscribed.wait(), SECONDS)
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_burst_of_events_reaches_every_viewer_in_order(system: System, operator: Operator, match: str) -> None:
    """Promises 1, 2 and 8: events posted faster than they are told reach everyone, once each and in order."""
    async with watching(system, match, 10) as seen:
        for event in [{"kind": "kick_off"}] + [{"kind": "goal", "team": "home", "minute": m} for m in range(1, 12)]:
            await asyncio.to_thread(operator.post_event, match, event)
        await eventually(lambda: all(each.seqs[-1:] == [12] for each in seen))
        assert all(each.seqs == list(range(1, 13)) for each in seen)
        assert {each.viewer.followers[match].score for each in seen} == {(11, 0)}
        await eventually(lambda: told(system, match).told_seq == 12)
        # However many the routes had counted by then: the broadcast has met all ten.
        await eventually(lambda: operator.snapshot(match)["viewers"] == 10)
    # Operators are shown the round that is, or was, the last: its receipt goes by the same name.
    receipts = await asyncio.to_thread(operator.receipts, match)
    assert told(system, match).round_name == receipts[-1]["broadcast"]
    assert await asyncio.to_thread(operator.receipts, match, receipts[-1]["seq"]) == []


async def test_a_refused_event_is_not_broadcast(system: System, operator: Operator, match: str) -> None:
    """A goal before kick-off reaches no viewer, and leaves no number behind."""
    async with watching(system, match) as [seen]:
        posted = await asyncio.to_thread(operator.post_event, match, {"kind": "goal", "team": "home", "minute": 1})
        outcome = await asyncio.to_thread(operator.settled, match, posted["event_id"])
        assert outcome["status"] == "refused"
        await asyncio.to_thread(operator.post_event, match, {"kind": "kick_off"})
        await eventually(lambda: seen.seqs)
        assert seen.seqs == [1]


async def test_poison_on_the_stream_blocks_no_goal(system: System, operator: Operator, match: str) -> None:
    """Promise 6: records that are not ours lie in front of a goal on the same shard; the goal is told."""
    kinesis = client(system, "kinesis")
    async with watching(system, match) as [seen]:
        for data in (b"\x80not ours", b"{}", b'{"v":99}'):
            await asyncio.to_thread(
                kinesis.put_record, StreamName=system.resolve("stream"), Data=data, PartitionKey=match
            )
        await asyncio.to_thread(operator.post_event, match, {"kind": "kick_off"})
        await eventually(lambda: seen.seqs == [1])


async def test_a_lost_connection_comes_back_with_its_position(system: System, operator: Operator, match: str) -> None:
    """Promise 2: a viewer whose connection breaks gets what it missed, and nothing twice."""
    async with watching(system, match) as [seen]:
        await asyncio.to_thread(operator.post_event, match, {"kind": "kick_off"})
        await eventually(lambda: seen.seqs == [1])
        seen.viewer.drop()
        await asyncio.to_thread(operator.post_event, match, {"kind": "goal", "team": "away", "minute": 2})
        await eventually(lambda: seen.seqs == [1, 2])


async def test_a_batch_that_fails_for_good_is_set_aside_and_the_others_finish(
    system: System, operator: Operator, ledger: Ledger, cell_states: CellStates, match_id: str
) -> None:
    """A damaged batch lies in the queue with its reason; the other is told; the next broadcast repairs the rest."""
    await asyncio.to_thread(
        lambda: operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    )
    async with watching(system, match_id, 12) as seen:
        damaged = {**Batch(1, 8, 16, 16, 1).dump(), "first": "eight"}
        whole = Batch(0, 0, 8, 16, 1).dump()
        # Numbered without the fan-out, so that only this execution tells it.
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        cell_states.mark_due(match_id, 1, ledger.state(match_id).epoch)
        client(system, "stepfunctions").start_execution(
            stateMachineArn=system.resolve("state_machine"),
            input=json.dumps(begun(system, match_id, whole, damaged)),
        )
        cell_state = await eventually(lambda: (cell_state := told(system, match_id)).ended_seq and cell_state)
        assert cell_state.told_seq == 0
        [receipt] = counted(ledger.receipts(match_id))
        assert (receipt["batches"], receipt["set_aside"]) == (1, 1)
        await eventually(lambda: sum(1 for each in seen if each.seqs) == receipt["accepted"])
        sqs = client(system, "sqs")
        bodies: list[dict[str, Any]] = []

        def aside() -> dict[str, Any] | None:
            messages = sqs.receive_message(
                QueueUrl=system.resolve("queue.set-aside-batches"), MaxNumberOfMessages=10, VisibilityTimeout=600
            ).get("Messages", [])
            bodies.extend(json.loads(message["Body"]) for message in messages)
            return next((body for body in bodies if body.get("match") == match_id), None)

        body = await eventually(aside)
        assert body["kind"] == "batch"
        assert body["reason"]
        assert body["batch"].items() >= damaged.items()
        await asyncio.to_thread(operator.post_event, match_id, {"kind": "goal", "team": "home", "minute": 1})
        await eventually(lambda: all(each.seqs == [1, 2] for each in seen))


async def test_a_broadcast_that_reached_nobody_is_tried_again(
    system: System, operator: Operator, ledger: Ledger, cell_states: CellStates, match: str
) -> None:
    """Promise 2: when every batch failed, the event is not taken for told, and the watchdog brings it to everyone."""
    async with watching(system, match) as [seen]:
        ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        cell_states.mark_due(match, 1, ledger.state(match).epoch)
        damaged = {**Batch(0, 0, 1, 1, 1).dump(), "first": "none"}
        client(system, "stepfunctions").start_execution(
            stateMachineArn=system.resolve("state_machine"),
            input=json.dumps(begun(system, match, damaged)),
        )
        [receipt] = await eventually(lambda: operator.receipts(match))
        assert (receipt["set_aside"], receipt["accepted"]) == (1, 0)
        epoch = ledger.state(match).epoch
        client(system, "sqs").send_message(
            QueueUrl=system.resolve("queue.watchdog"),
            MessageBody=json.dumps({"match": match, "seq": 1, "cell": REGION, "tries": 0, "epoch": epoch}),
        )
        await eventually(lambda: seen.seqs == [1])


async def test_a_viewer_finds_out_what_it_missed_in_silence(system: System, ledger: Ledger, match: str) -> None:
    """Promise 2: an event that never reached a viewer, and no later one to show the gap, is found by asking."""
    seqs: list[int] = []
    viewer = Viewer(
        system.websocket_url, [match], on_event=lambda _, event, __: seqs.append(event["seq"]),
        care_seconds=0.2, silence_seconds=0.5,
    )  # fmt: skip
    task = asyncio.create_task(viewer.run())
    try:
        await asyncio.wait_for(viewer.subscribed.wait(), SECONDS)
        # Numbered behind the fan-out's back: nobody broadcasts it.
        ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
        await eventually(lambda: seqs == [1])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_hand_over_of_a_later_round_is_taken(
    system: System, operator: Operator, ledger: Ledger, match: str
) -> None:
    """Promise 2: a later round goes on after a hand-over, though a broadcast of its first event has ended."""
    async with watching(system, match) as [seen]:
        for number, kind in enumerate(("kick_off", "half_time")):
            ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": kind, "event_id": f"e{number}"})))
        client(system, "dynamodb").update_item(
            TableName=system.name("broadcasts"),
            Key=cell_state_key(match),
            UpdateExpression="SET due_seq = :two, ended_seq = :one, told_seq = :one, "
            "lease_owner = :old, lease_until = :until, round_name = :round",
            ExpressionAttributeValues={
                ":old": {"S": "old"}, ":until": {"N": str(int(time.time()) + 90)}, ":one": {"N": "1"},
                ":two": {"N": "2"}, ":round": {"S": round_name("b", 2)},
            },
        )  # fmt: skip
        given = ExecutionInput(match, 1, 1, "old", "b", 2, (Batch(0, 0, 16, 16, 1, reached_seq=1),))
        client(system, "stepfunctions").start_execution(
            stateMachineArn=system.resolve("state_machine"), input=json.dumps(given.dump())
        )
        await eventually(lambda: told(system, match).told_seq == 2)
        await eventually(lambda: 2 in seen.seqs)


@pytest.fixture(scope="module")
def impatient() -> Iterator[System]:
    """A system whose senders have little time and a small budget, and whose watchdog checks after two seconds."""
    settings = {
        "send_rate": 40, "sender_rate": 40, "sender_timeout": 7, "lease_seconds": 20,
        "watchdog_seconds": 2, "watchdog_visibility": 2, "hand_over_seconds": 4, "rows_per_shard": 4,
    }  # fmt: skip
    with running(free_port(), settings) as (system, _):
        yield system


async def test_the_watchdog_restarts_what_died(impatient: System) -> None:
    """Promise 2: an execution that died with the lease in its hand delays its event, and loses nothing."""
    dynamodb = client(impatient, "dynamodb")
    with Operator(impatient.api_url) as operator:
        await asyncio.to_thread(
            lambda: operator.create_match(match="died", home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=9)
        )
        runs_out = int(time.time()) + 4
        dynamodb.update_item(
            TableName=impatient.name("broadcasts"),
            Key=cell_state_key("died"),
            UpdateExpression="SET lease_owner = :dead, lease_until = :until",
            ExpressionAttributeValues={":dead": {"S": "dead"}, ":until": {"N": str(runs_out)}},
        )
        async with watching(impatient, "died") as [seen]:
            await asyncio.to_thread(operator.post_event, "died", {"kind": "kick_off"})
            await eventually(lambda: seen.seqs == [1])
            assert time.time() >= runs_out
            await eventually(lambda: told(impatient, "died").told_seq == 1)


async def test_the_state_machine_carries_on_from_a_cursor(impatient: System) -> None:
    """Promise 2: a lap longer than a sender's time is done in several invocations, and reaches every row."""
    subscriptions = Subscriptions(impatient.name("subscriptions"), client(impatient, "dynamodb"))
    with Operator(impatient.api_url) as operator:
        await asyncio.to_thread(
            lambda: operator.create_match(
                match="slow", home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=100
            )
        )
        async with watching(impatient, "slow", 3) as seen:
            planted = [f"planted{number:08d}=" for number in range(200)]
            for connection in planted:
                subscriptions.add("slow", 0, connection, score_only=False)
            await asyncio.to_thread(operator.post_event, "slow", {"kind": "kick_off"})
            [receipt] = await eventually(lambda: operator.receipts("slow"))
            assert receipt["invocations"] > 1
            assert (receipt["rows"], receipt["accepted"], receipt["gone"]) == (203, 3, 200)
            await eventually(lambda: [each.seqs for each in seen] == [[1]] * 3)
            left = {row.connection for each in planted for row in subscriptions.of_connection(each)}
            assert left == set()


async def test_a_long_broadcast_is_handed_to_a_new_execution(impatient: System) -> None:
    """Promise 2: an execution that grows old hands over its cursors, and the next one finishes; one receipt adds up."""
    subscriptions = Subscriptions(impatient.name("subscriptions"), client(impatient, "dynamodb"))
    with Operator(impatient.api_url) as operator:
        await asyncio.to_thread(
            lambda: operator.create_match(
                match="long", home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=100
            )
        )
        async with watching(impatient, "long", 3) as seen:
            for number in range(320):
                subscriptions.add("long", 0, f"planted{number:08d}=", score_only=False)
            await asyncio.to_thread(operator.post_event, "long", {"kind": "kick_off"})
            [receipt] = await eventually(lambda: operator.receipts("long"))
            assert (receipt["rows"], receipt["accepted"], receipt["gone"]) == (323, 3, 320)
            await eventually(lambda: [each.seqs for each in seen] == [[1]] * 3)
            assert told(impatient, "long").told_seq == 1
    executions = _inputs_of(impatient, "long")
    assert len(executions) > 1
    first, *rest = sorted(
        map(ExecutionInput.parse, executions), key=lambda each: each.previous_owner.startswith("arn:")
    )
    assert first.previous_owner == start_owner(first.broadcast)
    assert all(each.previous_owner.startswith("arn:") for each in rest)
    assert {each.broadcast.startswith("long-1-") for each in rest} == {True}
    assert {each.broadcast for each in rest} == {first.broadcast}


def _inputs_of(system: System, match: str) -> list[dict[str, Any]]:
    """The inputs of all executions of a match. MiniStack tells of Express executions; AWS would not."""
    stepfunctions = client(system, "stepfunctions")
    pages = stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=system.resolve("state_machine"))
    described = [stepfunctions.describe_execution(executionArn=each["executionArn"])
                 for page in pages for each in page["executions"]]  # fmt: skip
    inputs = [json.loads(each["input"]) for each in described]
    return [each for each in inputs if each["match"] == match]


async def test_a_broadcast_is_stopped_and_the_next_event_carries_what_was_not_told(impatient: System) -> None:
    """A slow broadcast ends when an operator says so; nobody starts it again; the next goal tells everyone the rest."""
    with Operator(impatient.api_url) as operator:
        await asyncio.to_thread(
            lambda: operator.create_match(match="stopped", home="A", away="B", kickoff="2022-12-18T15:00:00Z")
        )
        assert await asyncio.to_thread(operator.stop, "stopped") == {
            "match": "stopped", "stopped": False, "seq": 0, "cells": {REGION: {"stopped": False, "told": 0}}
        }  # fmt: skip
        async with watching(impatient, "stopped", 100) as seen:
            await asyncio.to_thread(operator.post_event, "stopped", {"kind": "kick_off"})
            # At 40 a second it takes two and a half seconds more.
            await eventually(lambda: any(each.seqs for each in seen))
            ended = await asyncio.to_thread(operator.stop, "stopped")
            assert (ended["stopped"], ended["seq"], ended["cells"][REGION]["told"]) == (True, 1, 0)
            [receipt] = await eventually(lambda: operator.receipts("stopped"))
            assert receipt["stopped"] is True
            accepted = receipt["accepted"]
            assert accepted < 100
            await eventually(lambda: sum(1 for each in seen if each.seqs) == accepted)
            assert told(impatient, "stopped").told_seq == 0
            # The watchdog checks it, and finds nothing to do.
            sqs, queue = client(impatient, "sqs"), impatient.resolve("queue.watchdog")
            names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
            await eventually(
                lambda: (
                    not sum(
                        int(number)
                        for number in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)[
                            "Attributes"
                        ].values()
                    )
                )
            )
            await eventually(lambda: sum(1 for each in seen if each.seqs) == accepted)
            assert sum("before" not in each for each in _inputs_of(impatient, "stopped")) == 1
            await asyncio.to_thread(operator.post_event, "stopped", {"kind": "goal", "team": "home", "minute": 1})
            await eventually(lambda: all(each.seqs == [1, 2] for each in seen))
            await eventually(lambda: told(impatient, "stopped").told_seq == 2)


async def test_a_broadcast_is_stopped_while_one_execution_hands_over_to_the_next(
    system: System, operator: Operator, ledger: Ledger, cell_states: CellStates, match: str
) -> None:
    """A receipt counts the sent frames though no execution has the lease in between; the match leaves its share."""
    ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    dynamodb = client(system, "dynamodb")
    broadcast = rate_share.rate_share_key(match) | {
        "broadcast": {"S": "b"},
        "batches": {"N": "1"},
        "ttl": {"N": str(int(time.time()) + 600)},
    }
    dynamodb.put_item(TableName=system.name("broadcasts"), Item=broadcast)
    counts = Counts(accepted=3, rows=3, invocations=1, started=1, ended=2)
    progress = broadcast_key(match, progress_item(round_name("b", 1), 0)) | {
        "body": {"S": json.dumps({"batch": 0, "lap_seq": 1, **counts.dump()})}
    }
    dynamodb.put_item(TableName=system.name("broadcasts"), Item=progress)
    cell_states.mark_due(match, 1, ledger.state(match).epoch)
    assert (await asyncio.to_thread(operator.stop, match))["stopped"] is True
    given = ExecutionInput(match, 1, 1, "old", "b", 1, (Batch(0, 0, 16, 16, 1, counts=counts),))
    client(system, "stepfunctions").start_execution(
        stateMachineArn=system.resolve("state_machine"), input=json.dumps(given.dump())
    )
    [receipt] = await eventually(lambda: operator.receipts(match))
    assert (receipt["stopped"], receipt["accepted"], receipt["seq"]) == (True, 3, 1)
    await eventually(
        lambda: (
            "Item" not in dynamodb.get_item(TableName=system.name("broadcasts"), Key=rate_share.rate_share_key(match))
        )
    )


async def test_a_match_doubles_its_shards_while_viewers_come_and_go(impatient: System) -> None:
    """Promise 2: a match that outgrows its shards doubles them again and again; nobody who stays misses an event."""
    goals, audience = 4, 9
    with Operator(impatient.api_url) as operator:
        await asyncio.to_thread(
            lambda: operator.create_match(
                match="grows", home="A", away="B", kickoff="2022-12-18T15:00:00Z", audience=audience
            )
        )
        await asyncio.to_thread(operator.post_event, "grows", {"kind": "kick_off"})
        async with AsyncExitStack() as stay:
            seen: list[Seen] = []
            for goal in range(1, goals + 1):
                seen += await stay.enter_async_context(watching(impatient, "grows", 4))
                # These go again while the goal is being told, and others come.
                async with watching(impatient, "grows", 6):
                    event = {"kind": "goal", "team": "home", "minute": goal}
                    await asyncio.to_thread(operator.post_event, "grows", event)
                seen += await stay.enter_async_context(watching(impatient, "grows", 2))
                await eventually(lambda seq=goal + 1: told(impatient, "grows").told_seq == seq)
            await eventually(lambda: all(each.seqs == list(range(1, goals + 2)) for each in seen))
            shards = shard_count(told(impatient, "grows").shards, audience)
            assert shards >= 4 * shard_count(None, audience)
            pages = (
                client(impatient, "dynamodb").get_paginator("scan").paginate(TableName=impatient.name("subscriptions"))
            )
            rows = [(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]]
            rows = [row for row in rows if row[0].startswith("grows#")]
            assert len(rows) >= len(seen)
            assert all(
                int(pk.rpartition("#")[2]) in every_shard_of(connection, audience, shards) for pk, connection in rows
            )
