"""The report of a bench, for programs and for people."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from rich.console import Console

from loadtest.bench import programs
from loadtest.bench.bench_result import Result, machine

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RESULT = Result(
    "send",
    rows=[
        {"name": "ours", "transport": "http", "per_second": 80_000.0, "cpu_us": 12.0},
        {"name": "wrk", "transport": "http", "per_second": 120_000.0},
    ],
    ratios={"wrk_http": 0.667},
    figures={"last_viewer_ms": {"p50": 747, "max": 801}},
    floors={"wrk_http": "0.50"},
    missing=["nginx is not installed."],
)


def test_the_json_says_what_was_measured_and_on_what() -> None:
    """A program finds rows, ratios and figures under their names, and the machine beside them."""
    body = json.loads(RESULT.to_json())
    assert (body["bench"], body["ratios"], body["last_viewer_ms"]["p50"]) == ("send", {"wrk_http": 0.667}, 747)
    assert [row["name"] for row in body["rows"]] == ["ours", "wrk"]
    assert body["missing"] == ["nginx is not installed."]
    assert body["machine"] == machine()
    assert body["machine"]["cores"] >= 1


def test_the_tables_show_each_figure_beside_its_floor() -> None:
    """A person sees the rows, and what was to be reached."""
    console = Console(width=120, record=True, file=io.StringIO())
    for table in RESULT.tables():
        console.print(table)
    text = console.export_text()
    for part in ("80,000", "wrk", "0.667", "0.50", "p50 747, max 801"):
        assert part in text


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    """Rows or, where there are none, figures are drawn."""
    for number, result in enumerate((RESULT, Result("budget", figures={"ratio": 1.05, "missed": 0}))):
        result.plot(tmp_path / f"{number}.svg")
        assert "<svg" in (tmp_path / f"{number}.svg").read_text()


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message about a missing nginx or wrk names the package to install."""
    monkeypatch.setattr(programs, "_find", lambda _: None)
    [nginx, wrk] = programs.lacking("nginx", "wrk")
    assert "apt-get install nginx-light" in nginx
    assert "apt-get install wrk" in wrk


def test_the_cores_are_given_back() -> None:
    """Programs that run after a bench has started its own may use every core again."""
    import os

    before = os.sched_getaffinity(0)
    with programs.on_core(min(before)):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before
