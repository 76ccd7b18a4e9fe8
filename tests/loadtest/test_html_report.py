"""The HTML report."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import orjson

from loadtest.html_report import render
from loadtest.swarm_results import Results

if TYPE_CHECKING:
    from pathlib import Path

ABOUT: dict[str, Any] = {
    "shape": "goal-storm", "viewers": 3, "goals": 1, "matches": 1, "pace": 1.0, "join_rate": 9.0,
    "api": "http://x/<script>$default", "websocket": "ws://x", "begun": 0, "seconds": 3, "trouble": None,
    "machine": "2 cores", "python": "3",
}  # fmt: skip


def result(**about: Any) -> dict[str, Any]:
    """The result of a run with two deliveries."""
    results = Results()
    status = {"watching": 3, "ready": 3, "stayed": 3, "missed": 0, "settled": True, "cpu": 5}
    glass, lag = {"100": {"12": 1, "40": 1}}, {"99": {"0": 9}, "100": {"1": 9}}
    times = {"connect": {"3": 2}}
    results.take("a", {"times": times, "glass": glass, "lag": lag, "counts": {"connects": 3}, "status": status})
    return results.to_dict({**ABOUT, **about}, posted=1, wanted=1)


def test_a_report_is_one_file_with_figures_and_plots() -> None:
    """The report has verdict, percentiles, four plots and the command, and loads no other file."""
    page = render(result())
    assert "passed" in page
    assert page.count("<svg") == 4
    assert "<td>goal to glass</td><td>12</td><td>40</td>" in page
    assert "locust -f loadtest/locustfile.py --headless --shape goal-storm --viewers 3" in page
    for reference in ("src=", "<link", "@import", "url(http"):
        assert reference not in page


def test_what_comes_from_outside_is_escaped() -> None:
    """Tags in a URL or a sentence are shown as text."""
    page = render(result(trouble="<b>cut</b>"), "livescore loadtest <i>")
    assert "<script>" not in page
    assert "&lt;b&gt;cut&lt;/b&gt;" in page
    assert "livescore loadtest &lt;i&gt;" in page


def test_a_run_in_which_nothing_arrived_has_a_report_too(tmp_path: Path) -> None:
    """A run without deliveries has a report too, also by the command for a result file."""
    source, target = tmp_path / "results.json", tmp_path / "report.html"
    source.write_bytes(orjson.dumps(Results().to_dict({**ABOUT, "trouble": "nobody came"}, posted=0, wanted=1)))
    subprocess.run([sys.executable, "-m", "loadtest.html_report", str(source), str(target)], check=True)
    assert "The run was cut short: nobody came." in target.read_text()
