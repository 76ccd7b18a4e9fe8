"""The whole demo."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from commands.common import gateway_for
from devstack.child_process import free_port
from devstack.operator.api_client import ApiError
from devstack.replay.demo import Demo
from devstack.replay.demo_cell import BEHIND_SECONDS, REACH_SECONDS, DemoCell
from devstack.replay.demo_report import Report, to_json
from devstack.stack_cells import StackCell
from devstack.system import Provisioned
from loadtest import audience
from tests.support import soak

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System

GOOD = {
    "viewers": 2, "dropped": 0, "planted": 0, "events": 1, "applied": 2, "missed": 0, "out_of_order": 0,
    "rows_left": 0, "pruned": 0, "reconnected": 0, "goal_to_glass_ms": {}, "lines": [],
}  # fmt: skip
"""The figures of a demo that has passed."""

LIVESCORE = str(Path(sys.executable).parent / "livescore")


ABOUT = ("match", "home", "away", "kickoff")


def short(match: str) -> dict[str, Any]:
    """A match of three events."""
    kinds = ("kick_off", "half_time", "second_half")
    about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
    return {**about, "events": [{"kind": kind} for kind in kinds]}


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
    assert Report(**GOOD).passed  # type: ignore[arg-type]
    for what in ("missed", "out_of_order", "rows_left"):
        assert not Report(**{**GOOD, what: 1}).passed  # type: ignore[arg-type]
    assert not Report(**{**GOOD, "trouble": "No viewer could connect."}).passed  # type: ignore[arg-type]


def test_each_cell_of_the_demo_has_its_own_viewers_and_figures(tmp_path: Path) -> None:
    """Three cells of three transports: each has its own viewers, table and figures, and no viewer misses an event.

    Viewers vanish and rows are planted only in the cell that has rows.
    """
    figures = tmp_path / "demo.json"
    cells = "main=us-east-1,events=eu-west-1/appsync-events,iot=us-east-1/iot-core"
    command = [LIVESCORE, "demo", "--viewers", "10", "--json", str(figures), "--cells", cells]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(figures.read_text())
    assert (told["passed"], list(told["cells"])) == (True, ["main", "events", "iot"])
    for name, transport in (("main", "api-gateway"), ("events", "appsync-events"), ("iot", "iot-core")):
        report, dropped = told["cells"][name], 1 if name == "main" else 0
        assert (report["transport"], report["passed"], report["trouble"]) == (transport, True, None)
        assert (report["viewers"], report["dropped"], report["planted"]) == (10, dropped, 20 * dropped)
        assert (report["applied"], report["missed"]) == ((10 - dropped) * 25, 0)
        assert report["rows_left"] == (0 if name == "main" else None)
        assert f"{name} ({transport})" in ran.stdout


async def test_a_cell_that_no_viewer_reaches_is_reported_and_the_others_go_on(system: System, match_id: str) -> None:
    """If no viewer of a cell can connect, its report says so and has not passed; the other cell plays the match."""
    provisioned = {**system.provisioned, "down": Provisioned(address={"url": "ws://127.0.0.1:1/"})}
    several = replace(system, cells=(*system.cells, StackCell("down", transport="fax")), provisioned=provisioned)
    said: list[str] = []
    reports = await Demo(several, 10, said.append, short(match_id)).run()
    assert reports["us-east-1"].passed
    assert reports["us-east-1"].applied == 9 * 3
    assert (reports["down"].passed, reports["down"].trouble) == (False, "This client does not know the transport fax.")
    assert "down: down takes no part. This client does not know the transport fax." in said


async def test_a_demo_without_any_viewer_ends_with_a_sentence(
    system: System, match_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no viewer of any cell can connect, the demo ends with the reasons."""
    monkeypatch.setattr(audience, "PATIENCE_SECONDS", 1.0)
    alone = replace(system, cells=(StackCell("down"),), provisioned={})
    alone.provisioned["down"] = Provisioned(address={"url": f"ws://127.0.0.1:{free_port()}/live"})
    with pytest.raises(ApiError, match="Only 0 of 10 viewers could subscribe"):
        await Demo(alone, 10, lambda _: None, short(match_id)).run()


async def test_a_cell_that_goes_silent_does_not_hold_up_the_others(
    system: System, operator: Operator, match_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo waits long for the first event that a cell does not tell, and only shortly for the next events."""
    waited: list[float] = []

    async def wait(_: Any, __: str, ___: int, ____: int, seconds: float) -> bool:
        waited.append(seconds)
        return False

    monkeypatch.setattr(audience.Audience, "wait", wait)
    await asyncio.to_thread(operator.create_match, **{name: short(match_id)[name] for name in ABOUT})
    cell = DemoCell(system.at("us-east-1"), short(match_id), 10, lambda _: None)
    await cell.enter()
    try:
        assert [await cell.reached(seq) for seq in (1, 2)] == ["0 of 10 viewers know"] * 2
        await cell.catch_up(2)
    finally:
        await cell.close()
    assert waited == [REACH_SECONDS, BEHIND_SECONDS, REACH_SECONDS]


def test_one_cell_decides_whether_the_demo_of_several_cells_has_passed() -> None:
    """The figures of several cells say that the demo failed if a viewer of one cell missed an event."""
    passed = json.loads(to_json({"a": Report(**GOOD), "b": Report(**GOOD)}, by_cell=True))  # type: ignore[arg-type]
    assert passed["passed"]
    wrong = Report(**{**GOOD, "missed": 1, "transport": "iot-core"})  # type: ignore[arg-type]
    failed = json.loads(to_json({"a": Report(**GOOD), "b": wrong}, by_cell=True))  # type: ignore[arg-type]
    assert (failed["passed"], failed["cells"]["a"]["passed"], failed["cells"]["b"]["passed"]) == (False, True, False)
    assert failed["cells"]["b"]["transport"] == "iot-core"


def test_a_cell_without_rows_has_none_left() -> None:
    """A cell whose transport keeps no rows passes, and its figures say that no rows were counted."""
    report = Report(**{**GOOD, "rows_left": None, "pruned": None})  # type: ignore[arg-type]
    assert report.passed
    figures = json.loads(to_json({"a": report}, by_cell=True))["cells"]["a"]
    assert (figures["rows_left"], figures["pruned"]) == (None, None)


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
