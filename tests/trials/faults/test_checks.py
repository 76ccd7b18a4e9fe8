"""The checks that judge a run of faults."""

from __future__ import annotations

from typing import Any

import pytest

from trials.faults.checks import ViewerComparison, ledger_trouble, receipt_trouble
from trials.faults.fault_report import Report, Score

HISTORY = [(1, "a"), (2, "b"), (3, "c")]
APPLIED = "applied"
RECEIPT = {"accepted": 2, "gone": 1, "failed": 0, "skipped": 0, "rows": 3, "set_aside": 0}
PUBLISHED = {"published": [{"feed": "all"}, {"feed": "score"}]}


@pytest.mark.parametrize(
    ("seen", "lost", "duplicated"),
    [
        (HISTORY, 0, 0),
        (HISTORY[:2], 1, 0),
        ([HISTORY[0], HISTORY[2]], 1, 0),
        ([*HISTORY, HISTORY[2]], 0, 1),
        ([HISTORY[1], HISTORY[0], HISTORY[2]], 0, 1),
        ([*HISTORY[:2], (3, "x")], 1, 1),
        ([], 3, 0),
    ],
)
def test_a_viewer_is_held_against_the_history(seen: list[Any], lost: int, duplicated: int) -> None:
    """Events that are missing, came twice, came out of order or never happened are counted."""
    assert ViewerComparison.compare(seen, HISTORY) == ViewerComparison(lost, duplicated)


def test_a_follower_of_the_score_must_have_the_events_that_change_it() -> None:
    """An event of another sort may be missing or there; one that changes the score may not be missing."""
    needed = [HISTORY[0], HISTORY[2]]
    for seen, lost in ((needed, 0), (HISTORY, 0), (HISTORY[:2], 1)):
        assert ViewerComparison.compare(seen, HISTORY, needed) == ViewerComparison(lost, 0)


@pytest.mark.parametrize(
    ("history", "outcomes", "word"),
    [
        ([{"seq": 1, "event_id": "a"}], {"a": APPLIED}, None),
        ([{"seq": 1, "event_id": "a"}, {"seq": 2, "event_id": "a"}], {"a": APPLIED}, "twice"),
        ([{"seq": 2, "event_id": "a"}], {"a": APPLIED}, "seqs"),
        ([], {"a": "pending"}, "pending"),
        ([], {"a": None}, "unknown"),
        ([], {"a": APPLIED}, "not in the history"),
        ([{"seq": 1, "event_id": "a"}], {"a": "refused"}, "refused and in"),
        ([{"seq": 1, "event_id": "a"}], {}, "nobody posted"),
    ],
)
def test_a_ledger_that_is_wrong_is_found_out(history: list[Any], outcomes: dict[str, Any], word: str | None) -> None:
    """An event twice, a hole in the seqs, an accepted event that came to nothing: each is a sentence."""
    trouble = " ".join(ledger_trouble(history, outcomes))
    assert (word in trouble) if word else not trouble


@pytest.mark.parametrize(
    ("receipts", "told", "word"),
    [
        ([{**RECEIPT, "prev": 0, "seq": 1}, {**RECEIPT, "prev": 1, "seq": 2}], 2, None),
        ([{**RECEIPT, "prev": 0, "seq": 1, "accepted": 1}], 1, "accounts for 2"),
        ([{**RECEIPT, "prev": 0, "seq": 1, "accepted": 3}], 1, "accounts for 4"),
        ([{**RECEIPT, "prev": 0, "seq": 2, "accepted": 4}], 2, None),
        ([{**RECEIPT, "prev": 1, "seq": 2}], 2, "1 to 1"),
        ([{**RECEIPT, "prev": 0, "seq": 1}], 2, "told_seq is 2"),
        ([{**RECEIPT, "prev": 1, "seq": 1}], 1, "begins at 1"),
        ([{**RECEIPT, "prev": 0, "seq": 1, "set_aside": 1}], 0, None),
        ([{**PUBLISHED, "prev": 0, "seq": 1}, {**PUBLISHED, "prev": 0, "seq": 2}], 2, None),
        ([{**PUBLISHED, "prev": 0, "seq": 1}], 2, "told_seq is 2"),
        ([{"published": [{"feed": "score"}], "prev": 0, "seq": 1}], 1, "no frame of all events"),
    ],
)
def test_receipts_that_do_not_add_up_are_found_out(receipts: list[Any], told: int, word: str | None) -> None:
    """Rows that no count covers, and events that no receipt covers, are sentences."""
    trouble = " ".join(receipt_trouble(receipts, told))
    assert (word in trouble) if word else not trouble


def test_a_run_that_lost_or_proved_nothing_fails() -> None:
    """A report fails with one lost event, one event twice, one sentence of trouble, or no fault at all."""
    good = {"seed": 1, "kinds": {"x": Score(injected=1)}}
    assert Report(**good).passed  # type: ignore[arg-type]
    bads: tuple[dict[str, Any], ...] = ({"lost": 1}, {"duplicated": 1}, {"trouble": ["!"]}, {"kinds": {}})
    for bad in bads:
        assert not Report(**{**good, **bad}).passed


def test_a_report_as_the_command_prints_it() -> None:
    """JSON has the faults that took effect, by kind, and the times of the repairs."""
    report = Report(seed=1, kinds={"x": Score(injected=2, repaired=1, ms=[5, 9])}, repairs_ms=[10, 20])
    printed = report.to_dict()
    assert (printed["injected"], printed["passed"], printed["repaired"]) == (2, True, 2)
    assert printed["by_kind"] == {"x": {"injected": 2, "repaired": 1, "worst_ms": 9}}
    assert printed["repair_ms"] == {"p50": 20, "p95": 20, "p99": 20, "max": 20}
    assert Report(seed=1).to_dict()["repair_ms"]["max"] == 0
