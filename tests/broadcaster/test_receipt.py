"""The end of a round: the receipt, the seqs of the cell, and the lease."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.cell_state import cell_state_key
from broadcaster.control.payload import Batch, Counts, RoundEnd
from broadcaster.control.progress import progress_item, round_name
from broadcaster.control.rate_share import rate_share_key, rate_share_put
from broadcaster.control.receipt import Receipts
from matches.events import EVENT, AcceptedEvent
from matches.ledger import Ledger
from matches.match_rows import state_key
from subscriptions.shard_counts import broadcast_key
from subscriptions.viewer_counts import ViewerCounts
from tests.broadcaster.conftest import OWNER
from tests.silent_service import silent_service
from tests.support import counted

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from devstack.system import System

BATCH = Batch(0, 0, 1, 1, 1, done=True)

CELL = "main"
"""The name of the cell. Its region has another name."""


@pytest.fixture
def receipts(ledger: Ledger, system: System, dynamodb: Any) -> Receipts:
    """Receipts in the real tables."""
    return Receipts(
        ledger, system.name("broadcasts"), dynamodb, ViewerCounts(ledger.table, dynamodb), cell=CELL, lease_seconds=60
    )


def ended(match: str, *reached: int | None, lease_lost: bool = False) -> RoundEnd:
    """A round whose batches have reached these seqs; None for a batch that was set aside."""
    batches = tuple(replace(BATCH, reached_seq=each, lease_lost=lease_lost, set_aside=each is None) for each in reached)
    return RoundEnd(match, OWNER, "test", 1, 2, 5, 6, batches)


def reported(system: System, dynamodb: Any, match: str, rows: int, gone: int) -> RoundEnd:
    """A whole round of two batches. The first has so many rows, and so many of their connections are gone."""
    counts = replace(Counts(*[1] * len(fields(Counts))), rows=rows, gone=gone)
    key = broadcast_key(match, progress_item(round_name("test", 1), 0))
    body = {"S": json.dumps({"batch": 0, "lap_seq": 2, **counts.dump()})}
    dynamodb.put_item(TableName=system.name("broadcasts"), Item=key | {"body": body})
    batches = (replace(BATCH, reached_seq=2, counts=counts), replace(BATCH, reached_seq=2))
    return RoundEnd(match, OWNER, "test", 1, 2, 5, 6, batches)


def stand(cell_states: CellStates, match: str) -> tuple[int, int, str | None]:
    """The ``told_seq`` and ``ended_seq`` of a match in the cell, and the owner of its lease."""
    cell_state = cell_states.read(match)
    return cell_state.told_seq, cell_state.ended_seq, cell_state.owner


def test_a_whole_round_moves_told_seq_and_releases_the_lease(
    receipts: Receipts, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """When every batch has reached the newest event, ``told_seq`` is that event, and no execution has the lease."""
    grant_lease(numbered)
    assert receipts.finish(ended(numbered, 2, 2)) is False
    assert stand(cell_states, numbered) == (2, 2, None)


def test_a_newer_event_renews_the_lease_for_another_round(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """Promise 8: the same execution tells an event that was numbered during the round, in the next round."""
    grant_lease(numbered)
    goal = {"kind": "goal", "team": "home", "minute": 4, "event_id": "late"}
    ledger.apply_event(AcceptedEvent(numbered, 1, EVENT.validate_python(goal)))
    cell_states.mark_due(numbered, 3, ledger.state(numbered).epoch)
    assert receipts.finish(ended(numbered, 3, 2)) is True
    assert stand(cell_states, numbered) == (2, 2, OWNER)
    assert cell_states.read(numbered).round_name == "test#2"


def test_told_seq_is_only_what_every_batch_has_reached(
    receipts: Receipts, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """With a batch set aside, ``told_seq`` stays: the next frame carries what its viewers have missed."""
    grant_lease(numbered)
    assert receipts.finish(ended(numbered, 2, None)) is False
    assert stand(cell_states, numbered) == (0, 2, None)


def test_a_round_in_which_every_batch_failed_moves_no_seq(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """When every batch failed, the receipt only releases the lease: the watchdog starts the broadcast again."""
    grant_lease(numbered)
    assert receipts.finish(ended(numbered, None, None)) is False
    assert stand(cell_states, numbered) == (0, 0, None)
    assert [each["set_aside"] for each in counted(ledger.receipts(numbered))] == [2]


def test_an_execution_whose_senders_never_ran_leaves_no_receipt(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """Lambda was busy for longer than the start's lease: the broadcast that began meanwhile writes the receipt."""
    grant_lease(numbered, owner="successor", broadcast="second")
    assert receipts.finish(ended(numbered, None, None)) is False
    assert ledger.receipts(numbered) == []
    assert stand(cell_states, numbered) == (0, 0, "successor")


def test_a_second_run_of_an_execution_takes_no_seq_back(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """Promise 8: a second run ends its first round while the first run is in a later round; nothing goes back."""
    grant_lease(numbered)
    for number in range(2):
        goal = {"kind": "goal", "team": "home", "minute": 4, "event_id": f"late{number}"}
        ledger.apply_event(AcceptedEvent(numbered, 1, EVENT.validate_python(goal)))
    cell_states.mark_due(numbered, 4, ledger.state(numbered).epoch)
    assert receipts.finish(ended(numbered, 3)) is True
    assert receipts.finish(ended(numbered, 2)) is False
    assert stand(cell_states, numbered) == (3, 3, OWNER)


def test_a_second_execution_of_a_broadcast_keeps_the_rate_share_of_the_first(
    receipts: Receipts, system: System, dynamodb: Any, numbered: str, grant_lease: Any
) -> None:
    """Promise 5: an execution that lost the lease to another one of its broadcast leaves the broadcast's row alone."""
    table = system.name("broadcasts")
    dynamodb.put_item(**rate_share_put(table, numbered, "test", 1, int(time.time()) + 90))
    grant_lease(numbered, owner="the-other-one")
    assert receipts.finish(ended(numbered, 2, lease_lost=True)) is False
    assert "Item" in dynamodb.get_item(TableName=table, Key=rate_share_key(numbered))
    grant_lease(numbered, owner="the-other-one", broadcast="newer")
    assert receipts.finish(ended(numbered, 2, lease_lost=True)) is False
    assert "Item" not in dynamodb.get_item(TableName=table, Key=rate_share_key(numbered))


def test_an_execution_without_the_lease_moves_no_seq(
    receipts: Receipts, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """An execution that has lost the lease changes nothing in the row of the execution that has it."""
    grant_lease(numbered, owner="successor")
    assert receipts.finish(ended(numbered, 2)) is False
    assert receipts.finish(ended(numbered, 2, lease_lost=True)) is False
    assert stand(cell_states, numbered) == (0, 0, "successor")


def test_a_repeated_end_leaves_the_first_receipt(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """A receipt says where its frames began, also if the end of its round is repeated after a later round."""
    grant_lease(numbered)
    receipts.finish(ended(numbered, 2, None))
    grant_lease(numbered)
    receipts.finish(ended(numbered, 2, 2))
    assert cell_states.read(numbered).told_seq == 2
    receipts.finish(ended(numbered, 2, None))
    assert [each["prev"] for each in counted(ledger.receipts(numbered))] == [0]


def test_a_round_ends_without_home(
    system: System, dynamodb: Any, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """While home does not answer, the round ends in its cell: ``told_seq`` moves, and the lease is free."""
    grant_lease(numbered)
    done = reported(system, dynamodb, numbered, rows=60, gone=8)
    with silent_service() as silent:
        away = silent.client("dynamodb")
    matches = system.name("matches")
    receipts = Receipts(
        Ledger(matches, away), cell_states.table, dynamodb, ViewerCounts(matches, away), cell=CELL, lease_seconds=60
    )
    assert receipts.finish(done) is False
    assert stand(cell_states, numbered) == (2, 2, None)


def test_a_round_ends_although_its_match_was_reset(
    receipts: Receipts, system: System, dynamodb: Any, cell_states: CellStates, numbered: str, grant_lease: Any
) -> None:
    """After a reset of the match at home, its round still ends: ``told_seq`` moves, and the lease is free."""
    grant_lease(numbered)
    done = reported(system, dynamodb, numbered, rows=60, gone=8)
    dynamodb.delete_item(TableName=system.name("matches"), Key=state_key(numbered))
    assert receipts.finish(done) is False
    assert stand(cell_states, numbered) == (2, 2, None)


def test_a_whole_round_corrects_the_count_of_viewers(
    receipts: Receipts, ledger: Ledger, system: System, dynamodb: Any, numbered: str, grant_lease: Any
) -> None:
    """A whole round corrects the count of the cell's viewers: its rows without those that were gone."""
    before = ViewerCounts(ledger.table, dynamodb)
    before.add(numbered, CELL, 500)
    done = reported(system, dynamodb, numbered, rows=60, gone=8)
    grant_lease(numbered)
    receipts.finish(done)
    assert ViewerCounts(ledger.table, dynamodb).of_match(numbered) == 52
    before.add(numbered, CELL, 2)
    # The end of the round is repeated. Viewers that have come since then stay counted.
    receipts.finish(done)
    assert ViewerCounts(ledger.table, dynamodb).of_match(numbered) == 54


@pytest.mark.parametrize("spoiled", ["set aside", "lease lost", "stopped"])
def test_a_round_that_did_not_meet_every_row_corrects_no_count(
    receipts: Receipts, ledger: Ledger, cell_states: CellStates, system: System, dynamodb: Any, numbered: str,
    grant_lease: Any, spoiled: str,
) -> None:  # fmt: skip
    """After a round that did not meet every row, the count of viewers stays."""
    ViewerCounts(ledger.table, dynamodb).add(numbered, CELL, 500)
    whole, part = reported(system, dynamodb, numbered, rows=60, gone=8).batches
    spoils: dict[str, dict[str, Any]] = {
        "set aside": {"set_aside": True, "reached_seq": None},
        "lease lost": {"lease_lost": True, "reached_seq": None},
        "stopped": {"lease_lost": True},
    }
    grant_lease(numbered)
    if spoiled == "stopped":
        cell_states.stop(numbered, 2, ledger.state(numbered).epoch)
    receipts.finish(RoundEnd(numbered, OWNER, "test", 1, 2, 5, 6, (whole, replace(part, **spoils[spoiled]))))
    assert ViewerCounts(ledger.table, dynamodb).of_match(numbered) == 500


def test_a_damaged_progress_row_hides_no_other_row(
    receipts: Receipts, ledger: Ledger, system: System, dynamodb: Any, cell_states: CellStates, numbered: str,
    grant_lease: Any,
) -> None:  # fmt: skip
    """The round ends and ``told_seq`` moves; the receipt is the sum of the readable progress rows."""
    grant_lease(numbered)
    done = reported(system, dynamodb, numbered, rows=5, gone=1)
    for batch, body in ((1, "{"), (2, '{"batch": 2}')):
        key = broadcast_key(numbered, progress_item(round_name("test", 1), batch))
        dynamodb.put_item(TableName=system.name("broadcasts"), Item=key | {"body": {"S": body}})
    assert receipts.finish(done) is False
    assert stand(cell_states, numbered) == (2, 2, None)
    [receipt] = counted(ledger.receipts(numbered))
    assert (receipt["cell"], receipt["rows"], receipt["batches"]) == (CELL, 5, 1)


def test_a_round_on_a_damaged_row_frees_its_part_of_the_rate(
    receipts: Receipts, system: System, dynamodb: Any, numbered: str
) -> None:
    """Promise 7: if the cell's row of the match is damaged, the broadcast ends and frees its part of the send rate."""
    table = system.name("broadcasts")
    dynamodb.put_item(TableName=table, Item={**cell_state_key(numbered), "due_seq": {"S": "two"}})
    share_row = {
        **rate_share_key(numbered),
        "broadcast": {"S": "test"},
        "batches": {"N": "1"},
        "ttl": {"N": str(int(time.time()) + 600)},
    }
    dynamodb.put_item(TableName=table, Item=share_row)
    assert receipts.finish(ended(numbered, 2)) is False
    assert "Item" not in dynamodb.get_item(TableName=table, Key=rate_share_key(numbered))
