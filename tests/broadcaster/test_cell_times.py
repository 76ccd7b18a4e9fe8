"""The times at which one cell told one event."""

from __future__ import annotations

from typing import Any

import pytest

from broadcaster.control.cell_state import CellState
from broadcaster.control.cell_times import (
    LATER_EXECUTION_MS,
    CellRows,
    CellTimes,
    SenderTimes,
    receipts_of,
    times_in_receipt,
    times_so_far,
)
from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.traced_event import TracedEvent

GOAL = TracedEvent(5, "goal", "home", accepted=1_000, streamed=1_002, numbered=1_010)
STATE = MatchState("a-1", "e", 6, Board(), "A", "B", None, "2022-12-18", None, 5)


def receipt(prev: int, seq: int, broadcast: str = "a-1-5-x#1", **fields: Any) -> dict[str, Any]:
    """A receipt of one batch."""
    posts = [{"batch": 0, "started": 1_050, "first": 1_060, "last": 1_090}]
    about = {"cell": "r1", "prev": prev, "seq": seq, "broadcast": broadcast, "accepted": 3, "set_aside": 0}
    return {**about, "due_at": 1_020, "started_at": 1_040, "posts": posts, "at": 1_100, **fields}


def times(found: dict[str, Any]) -> CellTimes:
    """The times in a receipt."""
    return times_in_receipt(GOAL, "a-1", "r1", found)


def rows(*reports: dict[str, Any], **fields: Any) -> CellRows:
    """The rows of a cell that tells event 5."""
    about = {"due_seq": 5, "told_seq": 4, "ended_seq": 4, "round_name": "a-1-5-x#1", "epoch": "e", **fields}
    return CellRows(CellState("a-1", **about), reports)


def report(batch: int = 0, lap_seq: int = 5, **fields: int) -> dict[str, Any]:
    """The progress row of a batch."""
    return {"batch": batch, "lap_seq": lap_seq, "started": 1_050, "first_post": 1_060, "ended": 1_090, **fields}


def test_the_receipt_of_the_round_that_told_the_event_counts() -> None:
    """Rounds of events before and after it do not count, nor does a receipt that nobody can read."""
    told, other = receipt(4, 6), receipt(2, 6, cell="r2")
    unreadable: list[dict[str, Any]] = [
        {"seq": 5},
        {"seq": 5, "cell": 3, "prev": 4},
        {"seq": 5, "cell": "r3", "prev": "4"},
    ]
    found = receipts_of(5, [receipt(3, 4), *unreadable, told, receipt(6, 7), other, receipt(4, 7)])
    assert found == {"r1": told, "r2": other}
    assert receipts_of(5, [receipt(5, 7)]) == {}


def test_a_round_that_set_every_batch_aside_told_nobody() -> None:
    """The next round counts, and the first one only if there is no other; a round that told a part counts."""
    failed, part = receipt(4, 5, accepted=0, set_aside=2), receipt(4, 5, set_aside=1)
    assert receipts_of(5, [failed, receipt(4, 6)]) == {"r1": receipt(4, 6)}
    assert receipts_of(5, [failed]) == {"r1": failed}
    assert receipts_of(5, [part, receipt(4, 6)]) == {"r1": part}


def test_a_receipt_has_the_times_of_each_batch() -> None:
    """A batch that posted nothing has a start only; other fields than these are no times."""
    posts = [{"batch": 1, "started": 1_051, "first": 0, "last": 1_052}, {"batch": "x", "started": True}, None]
    found = times(receipt(4, 5, posts=posts))
    assert (found.due_at, found.started, found.receipt_at) == (1_020, 1_040, 1_100)
    assert found.senders == [SenderTimes(1, 1_051, None, None), SenderTimes(None, None, None, None)]
    assert (found.is_told, found.has_receipt, found.is_joined, found.is_stopped) == (True, True, False, False)


def test_a_receipt_of_an_older_release_has_the_times_of_the_round() -> None:
    """The first start and the end of the last lap are known, and no other time."""
    old = {"cell": "r1", "prev": 4, "seq": 5, "broadcast": "a-1-5-x#1", "started": 1_050, "ms": 40}
    assert times(old) == CellTimes(
        "r1", is_told=True, has_receipt=True, senders=[SenderTimes(None, 1_050, None, 1_090)]
    )
    for damage in ({"started": 0}, {"ms": "long"}):
        assert times(old | damage).senders == []


def test_a_later_execution_of_a_long_broadcast_is_not_its_start() -> None:
    """After a hand-over the receipt has the start of the last execution: the first one's is not known."""
    assert times(receipt(4, 5, started_at=1_050 + LATER_EXECUTION_MS)).started == 1_050 + LATER_EXECUTION_MS
    assert times(receipt(4, 5, started_at=1_051 + LATER_EXECUTION_MS)).started is None
    assert times(receipt(4, 5, posts=[])).started == 1_040


def test_a_broadcast_of_an_earlier_event_keeps_its_own_times() -> None:
    """If it told this event on the way, only the end of its laps belongs to this event; a later batch is this one's."""
    began = [{"batch": 0, "started": 900, "first": 910, "last": 1_090}, {"batch": 1, "started": 1_010, "first": 1_011}]
    found = times(receipt(3, 5, "a-1-4-x#1", posts=began))
    assert (found.is_joined, found.due_at, found.started) == (True, None, None)
    assert found.senders == [SenderTimes(0, None, None, 1_090), SenderTimes(1, 1_010, 1_011, None)]
    unnumbered = TracedEvent(5, "goal", "home", accepted=1_011)
    assert times_in_receipt(unnumbered, "a-1", "r1", receipt(3, 5, "a-1-4-x#2", posts=began)).senders[1].started is None


@pytest.mark.parametrize("broadcast", ["a-1-5-x#1", "a-1-6-x#1", "b#1", None])
def test_a_broadcast_of_this_or_a_later_event_is_its_own(broadcast: str | None) -> None:
    """Events that were numbered together are told together. A name of another form says nothing."""
    assert times(receipt(4, 6) | {"broadcast": broadcast}).due_at == 1_020


def test_a_receipt_says_how_the_round_ended() -> None:
    """An operator's stop and batches that were set aside are known; damaged counts are none."""
    assert times(receipt(4, 5, stopped=True)).is_stopped
    assert [times(receipt(4, 5, set_aside=each)).set_aside for each in (2, "two")] == [2, 0]


def test_a_cell_that_does_not_answer_is_unreached() -> None:
    """Nothing is known of it, and the event does not count as told there."""
    found = times_so_far(GOAL, STATE, "r1", None)
    assert (found.is_unreached, found.is_told) == (True, False)


def test_a_running_broadcast_has_times_so_far() -> None:
    """Batches that have reported are known; a lap of an earlier event has no end for this one."""
    found = times_so_far(GOAL, STATE, "r1", rows(report(), report(1, 4, ended=1_095)))
    assert found.senders == [SenderTimes(0, 1_050, 1_060, 1_090), SenderTimes(1, 1_050, 1_060, None)]
    assert (found.is_told, found.has_receipt, found.receipt_at) == (False, False, None)


def test_a_running_broadcast_of_an_earlier_event_has_times_once_a_lap_has_this_event() -> None:
    """Before that nothing of it belongs to this event."""
    before = times_so_far(GOAL, STATE, "r1", rows(report(0, 4, started=900), round_name="a-1-4-x#1"))
    assert (before.is_joined, before.senders) == (False, [SenderTimes(0, None, None, None)])
    after = times_so_far(GOAL, STATE, "r1", rows(report(0, 5, started=900), round_name="a-1-4-x#1"))
    assert (after.is_joined, after.senders) == (True, [SenderTimes(0, None, None, 1_090)])


def test_rows_that_are_not_about_the_event_say_nothing() -> None:
    """A cell that has not heard of the match, a row of an earlier match of the id, and a broadcast that has ended."""
    for cell_state in (CellState("a-1"), CellState("a-1", epoch="old", due_seq=5, due_at=9)):
        assert times_so_far(GOAL, STATE, "r1", CellRows(cell_state)) == CellTimes("r1")
    ended = times_so_far(GOAL, STATE, "r1", rows(report(), ended_seq=6))
    assert ended == CellTimes("r1", is_told=True)
