"""The state machine on MiniStack while one of its services refuses every try."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.payload import Batch
from devstack.stack.provision import client
from devstack.system import ROLE
from matches.events import EVENT, AcceptedEvent
from tests.broadcaster.test_pipeline import begun, told, watching
from tests.support import counted, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcaster.control.cell_state import CellStates
    from devstack.system import System
    from matches.ledger import Ledger

WHOLE = Batch(0, 0, 16, 16, 1).dump()
DAMAGED = {**Batch(1, 8, 16, 16, 1).dump(), "first": "eight"}


@pytest.fixture
def machine(system: System, match_id: str) -> Callable[..., str]:
    """Makes the same state machine with some texts replaced and without pauses between tries; returns its ARN."""

    def machine(replaced: dict[str, str]) -> str:
        definition = system.state_machine()
        for old, new in replaced.items():
            assert old in definition
            definition = definition.replace(old, new)
        made = client(system, "stepfunctions").create_state_machine(
            name=f"{match_id}-machine",
            type="EXPRESS",
            definition=definition.replace('"IntervalSeconds": 1', '"IntervalSeconds": 0'),
            roleArn=ROLE,
        )
        return str(made["stateMachineArn"])

    return machine


def start(system: System, machine: str, match: str, *batches: dict[str, Any]) -> None:
    """Start an execution that sends the match's first event."""
    given = begun(system, match, *batches)
    client(system, "stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(given))


async def test_a_batch_that_cannot_be_set_aside_ends_no_other_batch(
    system: System, ledger: Ledger, cell_states: CellStates, match: str, machine: Callable[..., str]
) -> None:
    """SQS refuses a failed batch on every try: the other batch is sent, the receipt counts both, the lease is free."""
    ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    cell_states.mark_due(match, 1, ledger.state(match).epoch)
    queue = system.resolve("queue.set-aside-batches")
    async with watching(system, match) as [seen]:
        start(system, machine({queue: queue + "-that-is-not-there"}), match, WHOLE, DAMAGED)
        await eventually(lambda: told(system, match).ended_seq == 1)
        await eventually(lambda: seen.seqs == [1])
    [receipt] = counted(ledger.receipts(match))
    assert (receipt["batches"], receipt["accepted"], receipt["set_aside"]) == (1, 1, 1)
    assert (told(system, match).told_seq, told(system, match).owner) == (0, None)


async def test_a_batch_that_is_set_aside_leaves_a_full_lease(
    system: System, ledger: Ledger, cell_states: CellStates, match: str, machine: Callable[..., str]
) -> None:
    """The receipt waits for its function with a full lease, however long the batch has waited for a sender."""
    ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    cell_states.mark_due(match, 1, ledger.state(match).epoch)
    sender, receipt = system.resolve("function.sender"), system.resolve("function.receipt")
    # No function is there, so only RenewLease takes over the lease, which the starter acquires for 20 s.
    missing = {sender: sender + "-that-is-not-there", receipt: receipt + "-that-is-not-there"}
    start(system, machine(missing), match, WHOLE)
    await eventually(lambda: told(system, match).lease_until > time.time() + 80)
