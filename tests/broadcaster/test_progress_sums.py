"""The sums of a round, and the progress of a cell as operators see it."""

from __future__ import annotations

from broadcaster.control.cell_state import CellState
from broadcaster.control.progress import SUMMED, batch_times, cell_progress, progress_item, round_name, total

NOW = 1_000.0
BUSY = CellState("m", due_seq=7, told_seq=5, owner="o", lease_until=int(NOW) + 60)
FIRST = {**dict.fromkeys(SUMMED, 1), "batch": 0, "lap_seq": 6, "rows": 10, "started": 2_000, "ended": 2_900}
SECOND = {**dict.fromkeys(SUMMED, 2), "batch": 1, "lap_seq": 7, "rows": 20, "started": 2_100, "ended": 3_500}


def test_the_rows_of_a_round_stand_together() -> None:
    """The key of each batch begins with that of its round."""
    assert progress_item(round_name("b", 2), 7) == "progress#b#2#007"
    assert progress_item(round_name("b", 2), 7).startswith(progress_item(round_name("b", 2)))


def test_a_round_is_the_sum_of_its_batches() -> None:
    """Counts are added; the time runs from the first start to the last end. A round without a report is all zeros."""
    names = {"accepted", "gone", "failed", "skipped", "closed", "throttled", "queries", "invocations"}
    assert set(SUMMED) == names
    sums = total([FIRST, SECOND])
    assert {sums[name] for name in names} == {3}
    assert [sums[name] for name in ("rows", "batches", "started", "ms")] == [30, 2, 2_000, 1_500]
    assert set(total([]).values()) == {0}


def test_a_running_round_is_shown() -> None:
    """Operators see the sums of the running round, and the newest seq that a batch sends."""
    about = cell_progress(BUSY, [FIRST, SECOND], NOW)
    assert [about[name] for name in ("seq", "told", "running")] == [7, 5, True]
    assert [about["broadcast"][name] for name in ("seq", "rows", "batches")] == [7, 30, 2]


def test_a_cell_without_a_report_shows_no_broadcast() -> None:
    """A round without a report and a cell without a round have no broadcast to show."""
    assert cell_progress(BUSY, [], NOW)["broadcast"] is None
    idle = cell_progress(CellState("m", due_seq=7, told_seq=7), [FIRST], NOW)
    assert (idle["running"], idle["broadcast"]) == (False, None)


def test_the_times_of_a_round_are_those_of_its_batches_in_order() -> None:
    """Each batch says when its sender began, when its first POST went out, and when the last answer came."""
    reports = [{**SECOND, "first_post": 2_300}, {**FIRST, "first_post": 0}]
    assert batch_times(reports) == [
        {"batch": 0, "started": 2_000, "first": 0, "last": 2_900},
        {"batch": 1, "started": 2_100, "first": 2_300, "last": 3_500},
    ]
