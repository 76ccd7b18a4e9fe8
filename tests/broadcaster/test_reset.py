"""A match that was played is removed, and one of the same id is told to its last viewer."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from broadcaster.control.cell_state import CellStates
from broadcaster.control.reset import CellTables, MadeAgainError, Reset
from client.viewer import Viewer
from devstack.deployment.running_system import reset as of_devstack
from devstack.operator.api_client import ApiError, Operator
from matches.events import EVENT, AcceptedEvent
from matches.ledger import RowsLeftError
from matches.match_rows import row_key
from matches.schedule import NewMatch
from subscriptions.shard_counts import broadcast_key
from subscriptions.shards import DEFAULT_SHARDS
from subscriptions.store import partition
from subscriptions.store import row_key as subscription_key
from subscriptions.viewer_counts import audience_partition
from tests.silent_service import silent_service
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client.event import Event
    from devstack.system import System
    from matches.ledger import Ledger

SECONDS = 60
GOAL = {"kind": "goal", "team": "home", "minute": 3}


@pytest.fixture
def tables(system: System, monkeypatch: pytest.MonkeyPatch) -> Reset:
    """A ``Reset`` for matches of the running system, in which no match has more than 64 shards."""
    monkeypatch.setattr("broadcaster.control.reset.MAX_SHARDS", 4 * DEFAULT_SHARDS)
    return of_devstack(system.api_url, aws=False)


def rows(tables: Reset, match: str) -> list[str]:
    """Every row that is left of a match, anywhere."""

    def keys(db: Any, table: str, hash_key: str) -> Iterator[str]:
        for page in db.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                of = item[hash_key]["S"]
                if match in (of, of.partition("#")[2], of.partition("#")[0]) or item.get("sk") == {"S": match}:
                    yield f"{table} {of} {item.get('sk', item.get('item'))}"

    found = list(keys(tables.home, tables.matches, "match_id"))
    for cell in tables.cells:
        found += [*keys(cell.db, cell.broadcasts, "pk"), *keys(cell.db, cell.subscriptions or "", "pk")]
    return found


def noted(shown: list[int]) -> Callable[[str, Event, int], None]:
    """Notes the seqs that a viewer shows."""
    return lambda _, event, __: shown.append(event["seq"])


async def play(system: System, operator: Operator, tables: Reset, match: str, events: list[dict[str, Any]]) -> None:
    """Create a match and post its events; every viewer of every cell shows each, and the receipts say so."""
    await asyncio.to_thread(
        lambda: operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    )
    seen: list[list[int]] = []
    viewers: list[Viewer] = []
    for cell in tables.cells:
        for _ in range(3):
            shown: list[int] = []
            seen.append(shown)
            url = system.at(cell.name).websocket_url
            viewers.append(Viewer(url, [match], on_event=noted(shown)))
    tasks = [asyncio.create_task(viewer.run()) for viewer in viewers]
    expected = list(range(1, len(events) + 1))
    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(viewer.subscribed.wait() for viewer in viewers))
            for event in events:
                await asyncio.to_thread(operator.post_event, match, event)
            await eventually(lambda: seen == [expected] * len(viewers), seconds=SECONDS)
            told = [CellStates(cell.broadcasts, cell.db) for cell in tables.cells]
            await eventually(lambda: all(each.read(match).told_seq == len(events) for each in told), seconds=SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def all_receipts() -> list[dict[str, Any]] | None:
        found = operator.receipts(match)
        return found if max((each["seq"] for each in found), default=0) == len(events) else None

    # The API's processes keep receipts for a second, those of the match before this one too.
    receipts = await eventually(all_receipts, seconds=SECONDS)
    for cell in tables.cells:
        theirs = [each for each in receipts if each["cell"] == cell.name]
        assert max(each["seq"] for each in theirs) == len(events)
        assert theirs[0]["prev"] == 0
        assert all(each["rows"] == 3 for each in theirs)


async def test_a_match_is_played_reset_and_played_again(
    system: System, operator: Operator, tables: Reset, match_id: str
) -> None:
    """After a reset nothing of the match is left, and a new one of the id is told from its first event on."""
    await play(system, operator, tables, match_id, [{"kind": "kick_off"}, GOAL, GOAL, {"kind": "half_time"}])
    removed = await asyncio.to_thread(tables.run, match_id)
    assert removed.unreached == {}
    assert (removed.home["state"], removed.home["event"], removed.home["id"]) == (1, 4, 4)
    assert removed.home["receipt"] >= 1
    assert rows(tables, match_id) == []
    await play(system, operator, tables, match_id, [{"kind": "kick_off"}, GOAL])
    assert (await asyncio.to_thread(operator.snapshot, match_id))["score"] == [1, 0]


def test_what_is_left_of_a_match_is_said_when_its_id_is_used_again(
    operator: Operator, tables: Reset, match: str
) -> None:
    """Promise 6: a match that would never get beyond its first event is refused, and the sentence names the remedy."""
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    tables.home.delete_item(TableName=tables.matches, Key=row_key(match, "state"))
    with pytest.raises(ApiError, match=f"livescore match reset {match}") as refused:
        operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    assert refused.value.code == "match_has_rows"
    tables.run(match)
    operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    with pytest.raises(ApiError) as exists:
        operator.create_match(match=match, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    assert exists.value.code == "match_exists"


def test_a_second_run_finishes_what_a_first_one_left(tables: Reset, match_id: str) -> None:
    """Remaining rows, damaged ones too, are found without the state row; a third run finds nothing."""
    [cell] = tables.cells
    tables.home.put_item(TableName=tables.matches, Item={**row_key(match_id, "event#00000007"), "body": {"S": "{"}})
    tables.home.put_item(TableName=tables.matches, Item=row_key(audience_partition(match_id), cell.name))
    cell.db.put_item(TableName=cell.broadcasts, Item={**broadcast_key(match_id, "state"), "due_seq": {"S": "seven"}})
    cell.db.put_item(TableName=cell.broadcasts, Item=broadcast_key(match_id, "progress#x#000"))
    cell.db.put_item(TableName=cell.broadcasts, Item={"pk": {"S": "rate-share"}, "sk": {"S": match_id}})
    for shard in (0, 4 * DEFAULT_SHARDS - 1):
        key = subscription_key(partition(match_id, shard), "c")
        cell.db.put_item(TableName=cell.subscriptions or "", Item=key)
    removed = tables.run(match_id)
    assert (dict(removed.home), dict(removed.cells[cell.name])) == (
        {"event": 1, "audience": 1}, {"state": 1, "live": 1, "progress": 1, "subscription": 2},
    )  # fmt: skip
    assert rows(tables, match_id) == []
    again = tables.run(match_id)
    assert (dict(again.home), dict(again.cells[cell.name])) == ({}, {})


def test_a_damaged_state_row_is_removed(tables: Reset, dynamodb: Any, match: str) -> None:
    """A reset is what helps when a match's rows are damaged."""
    dynamodb.put_item(TableName=tables.matches, Item={**row_key(match, "state"), "board": {"S": "{"}})
    assert tables.run(match).home["state"] == 1
    assert rows(tables, match) == []


def test_a_cell_that_does_not_answer_is_named(tables: Reset, match: str) -> None:
    """The other cells and home are emptied all the same, and the result says where rows may be left."""
    with silent_service() as silent:
        away = silent.client("dynamodb", seconds=1)
        dead = CellTables("away", away, "b", "s")
        removed = dataclasses.replace(tables, cells=[dead, *tables.cells]).run(match)
    assert list(removed.unreached) == ["away"]
    assert removed.to_dict()["cells"]["away"]["unreached"]
    assert rows(tables, match) == []


def test_rows_of_an_earlier_match_in_a_cell_do_not_keep_the_new_one_silent(
    tables: Reset, ledger: Ledger, cell_states: CellStates, match_id: str
) -> None:
    """A cell that was not reached by a reset has the old match's row; the first event of the new match replaces it."""
    cell_states.mark_due(match_id, 31, "old")
    cell_states.stop(match_id, 31, "old")
    fresh = cell_states.mark_due(match_id, 1, "new")
    assert (fresh.due_seq, fresh.told_seq, fresh.ended_seq, fresh.epoch) == (1, 0, 0, "new")
    assert cell_states.read(match_id) == fresh
    assert cell_states.mark_due(match_id, 2, "new").due_seq == 2
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )
    tables.home.delete_item(TableName=tables.matches, Key=row_key(match_id, "state"))
    tables.home.put_item(TableName=tables.matches, Item=row_key(match_id, "id#left"))
    with pytest.raises(RowsLeftError):
        ledger.create(
            NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
        )


@pytest.mark.parametrize("with_events", [True, False])
def test_a_match_made_again_during_a_reset_is_kept(
    tables: Reset, ledger: Ledger, match: str, monkeypatch: pytest.MonkeyPatch, with_events: bool
) -> None:
    """Promise 2: a slow reset removes nothing of a match that was scheduled after another reset had ended."""
    if with_events:
        ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "k"})))
    about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}

    def meanwhile(*_: Any) -> None:
        monkeypatch.undo()
        monkeypatch.setattr("broadcaster.control.reset.MAX_SHARDS", 4 * DEFAULT_SHARDS)
        tables.run(match)
        ledger.create(NewMatch.model_validate(about))
        ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({"kind": "kick_off", "event_id": "new"})))

    monkeypatch.setattr("broadcaster.control.reset._wait_for_the_end", meanwhile)
    with pytest.raises(MadeAgainError, match="scheduled again"):
        tables.run(match)
    assert ledger.state(match).newest_seq == 1
    assert [event["event_id"] for event in ledger.history(match, 0, 10)] == ["new"]
