"""The whole demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands.common import gateway_for
from devstack.replay.demo import Report
from tests.support import soak

LIVESCORE = str(Path(sys.executable).parent / "livescore")


@pytest.mark.parametrize("gateway", soak(["ministack"], ["ministack", "standin"]))
def test_the_demo_passes_and_tells_the_truth(tmp_path: Path, gateway: str) -> None:
    """Everyone who stays gets every event once and in order, and no row of the dropped or planted is left.

    With MiniStack's gateway, as ``make demo`` has it; in ``make soak`` with the stand-in as well.
    """
    figures = tmp_path / "demo.json"
    command = [LIVESCORE, "demo", "--viewers", "40", "--json", str(figures), "--gateway", gateway]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads(figures.read_text())
    assert (report["viewers"], report["dropped"], report["planted"], report["events"]) == (40, 4, 20, 25)
    assert report["applied"] == 36 * 25
    assert (report["missed"], report["out_of_order"], report["rows_left"]) == (0, 0, 0)
    assert 20 <= report["pruned"] <= 24 + report["reconnected"]
    assert set(report["goal_to_glass_ms"]) == {"p50", "p95", "max"}
    assert "Lionel Messi" in ran.stdout


def test_a_demo_in_which_someone_missed_something_fails() -> None:
    """The demo fails after one missed event, one event out of order, or one dead row."""
    good = {
        "viewers": 2, "dropped": 0, "planted": 0, "events": 1, "applied": 2, "missed": 0, "out_of_order": 0,
        "rows_left": 0, "pruned": 0, "reconnected": 0, "goal_to_glass_ms": {}, "lines": [],
    }  # fmt: skip
    assert Report(**good).passed  # type: ignore[arg-type]
    for what in ("missed", "out_of_order", "rows_left"):
        assert not Report(**{**good, what: 1}).passed  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["demo", "loadtest"])
def test_too_many_viewers_for_a_gateway_are_said_at_once(command: str) -> None:
    """MiniStack's gateway with 5,000 viewers is refused in one sentence, before anything is started."""
    ran = subprocess.run(
        [LIVESCORE, command, "--viewers", "5000", "--gateway", "ministack"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == (
        "livescore: MiniStack's gateway is too slow for more than 500 viewers. "
        "Use --gateway standin for 5000, or fewer viewers.\n"
    )


def test_many_viewers_get_the_gateway_that_can_tell_them(capsys: pytest.CaptureFixture[str]) -> None:
    """For more than 500 viewers the stand-in is the default for API Gateway, and the command says so."""
    assert gateway_for(500, None) == "ministack"
    assert gateway_for(500, "standin") == "standin"
    assert not capsys.readouterr().err
    assert gateway_for(501, None) == "standin"
    assert "The stand-in plays API Gateway" in capsys.readouterr().err


def test_viewers_of_the_environment_choose_the_gateway_too() -> None:
    """``VIEWERS=600 make demo`` says at its start that it uses the stand-in for API Gateway."""
    with subprocess.Popen(
        [LIVESCORE, "demo"], env={**os.environ, "VIEWERS": "600"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    ) as demo:  # fmt: skip
        assert demo.stderr is not None
        first = demo.stderr.readline()
        demo.terminate()
        demo.stderr.read()
    assert "The stand-in plays API Gateway" in first
