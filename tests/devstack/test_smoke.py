"""The smoke test of a running system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

import devstack.smoke
from devstack.cli import app
from devstack.ministack import free_port

if TYPE_CHECKING:
    import pytest

    from devstack.operator import Operator
    from devstack.system import System


def test_a_system_that_works_passes(system: System, operator: Operator) -> None:
    """One goal goes all the way, to two viewers and into the snapshots, and the match is over when the test is."""
    ws = ["--ws", system.websocket_url]
    done = CliRunner().invoke(app, ["smoke", system.api_url, *ws, "--site", system.api_url, "--json"])
    said = json.loads(done.stdout)
    assert (done.exit_code, said["passed"]) == (0, True), done.output
    assert next(step for step in said["steps"] if "sees goal" in step["name"])["ms"] > 0
    assert operator.snapshot(said["match"])["status"] == "full_time"


def test_what_does_not_work_is_said(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that nobody serves fails its step with a sentence, and the other steps are still tried."""
    monkeypatch.setattr(devstack.smoke, "PATIENCE_SECONDS", 5.0)
    nobody = f"ws://127.0.0.1:{free_port()}/live"
    done = CliRunner().invoke(
        app,
        ["smoke", system.api_url, "--ws", nobody, "--ws", system.websocket_url, "--json"],
    )
    said = json.loads(done.stdout)
    wrong = [step["name"] for step in said["steps"] if step["wrong"]]
    assert done.exit_code == 1
    assert wrong[0].startswith("a viewer at")
    assert any("sees goal" in step["name"] and step["ms"] for step in said["steps"])


def test_no_api_is_a_sentence() -> None:
    """Without an API nothing else is tried, and nobody sees a traceback."""
    url = f"http://127.0.0.1:{free_port()}"
    done = CliRunner().invoke(app, ["smoke", url, "--ws", "ws://127.0.0.1:1/live"], env={"LIVESCORE_TOKEN": "x"})
    assert done.exit_code == 1
    assert "Nothing answers" in done.output
    assert "Traceback" not in done.output
