"""The demo, whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.demo import Report

LIVESCORE = str(Path(sys.executable).parent / "livescore")


@pytest.mark.parametrize("gateway", ["ministack", "standin"])
def test_the_demo_passes_and_tells_the_truth(tmp_path: Path, gateway: str) -> None:
    """Everyone who stays gets every event once and in order, and no row of the dropped or planted is left."""
    figures = tmp_path / "demo.json"
    command = [LIVESCORE, "demo", "--viewers", "40", "--json", str(figures), "--gateway", gateway]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(figures.read_text())
    assert (report["viewers"], report["dropped"], report["planted"], report["events"]) == (40, 4, 20, 25)
    assert report["applied"] == 36 * 25
    assert (report["missed"], report["out_of_order"], report["rows_left"]) == (0, 0, 0)
    assert 20 <= report["pruned"] <= 24
    assert set(report["goal_to_glass_ms"]) == {"p50", "p95", "max"}
    assert "Lionel Messi" in ran.stdout


def test_a_demo_in_which_someone_missed_something_fails() -> None:
    """One missed event, one out of order or one dead row is enough."""
    good = {
        "viewers": 2, "dropped": 0, "planted": 0, "events": 1, "applied": 2, "missed": 0, "out_of_order": 0,
        "rows_left": 0, "pruned": 0, "goal_to_glass_ms": {}, "lines": [],
    }  # fmt: skip
    assert Report(**good).passed  # type: ignore[arg-type]
    for what in ("missed", "out_of_order", "rows_left"):
        assert not Report(**{**good, what: 1}).passed  # type: ignore[arg-type]
