"""The demo's result in one cell, and what ``demo --json`` writes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from devstack.replay.demo_report import Report, to_json

PASSED = Report(
    viewers=10, dropped=1, planted=2, events=3, applied=27, missed=0, out_of_order=0, rows_left=0, pruned=3,
    reconnected=0, goal_to_glass_ms={"p50": 1}, lines=[],
)  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"missed": 1}, {"out_of_order": 1}, {"rows_left": 1}, {"trouble": "The service does not answer."}]
)
def test_a_cell_passes_only_without_any_fault(wrong: dict[str, object]) -> None:
    """A missed event, an event out of order, a dead row, or a cell that could not take part: the demo fails."""
    assert PASSED.passed
    assert replace(PASSED, rows_left=None).passed  # a cell without rows
    assert not replace(PASSED, **wrong).passed  # type: ignore[arg-type]


def test_the_figures_of_one_cell_are_an_object_without_the_table() -> None:
    """Without ``--cells`` the JSON has the figures only, as it had before there were transports."""
    written = json.loads(to_json({"us-east-1": PASSED}, by_cell=False))
    assert written["viewers"] == 10
    assert {"lines", "transport", "trouble", "passed"}.isdisjoint(written)


def test_the_figures_of_several_cells_are_by_name() -> None:
    """The whole passed only if each cell passed."""
    failed = replace(PASSED, transport="iot-core", missed=2)
    written = json.loads(to_json({"main": PASSED, "iot": failed}, by_cell=True))
    assert written["passed"] is False
    assert written["cells"]["main"]["passed"] is True
    assert written["cells"]["iot"] | {"transport": "iot-core", "passed": False, "missed": 2} == written["cells"]["iot"]
    assert json.loads(to_json({"main": PASSED}, by_cell=True))["passed"] is True
