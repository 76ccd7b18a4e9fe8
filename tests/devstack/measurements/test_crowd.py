"""The bench of the crowd, with few viewers in two cells. `livescore bench crowd` gives the figures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.child_process import free_port
from devstack.measurements.bench_runs import crowd_cells, target_of
from devstack.stack.whole_stack import Routes, running
from devstack.stack_cells import StackCell
from loadtest.bench import crowd_routes, real_crowd
from tests.loadtest.test_locust import marked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.stack.whole_stack import Stack
    from devstack.system import System

LIVESCORE = str(Path(sys.executable).parent / "livescore")
SECONDS = 60


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[System, Stack]]:
    """A stack with two cells of API Gateway, each with a stand-in of its own."""
    routes = Routes(f"{crowd_routes.__name__}.handler", crowd_routes.THREADS, throttled=False)
    cells = [StackCell(), StackCell("crowd-2")]
    with running(free_port(), gateway="standin", routes=routes, cells=cells) as found:
        yield found


async def test_a_gateway_that_refuses_viewers_is_a_sentence(crowded: tuple[System, Stack]) -> None:
    """The bench ends with the number of viewers that could subscribe, and leaves no process of viewers."""
    system, stack = crowded
    cells = crowd_cells(system, stack)
    cells[0].url = cells[0].url.replace("/live", "/nowhere")
    with pytest.raises(real_crowd.CrowdError, match="Only 0 of 4 viewers could subscribe: "):
        await real_crowd.run(target_of(system), cells, lambda _: None, viewers=40, goals=1)
    async with target_of(system).api() as http:
        (await http.delete(f"/matches/{crowd_routes.MATCH}")).raise_for_status()
    assert all(cell.process is not None and cell.process.returncode is not None for cell in cells)


async def test_a_goal_reaches_the_crowd_in_every_cell(crowded: tuple[System, Stack]) -> None:
    """Every viewer of both cells gets every goal, and the figures name both audiences."""
    system, stack = crowded
    cells = crowd_cells(system, stack)
    assert len({cell.url for cell in cells}) == len({cell.standin for cell in cells}) == 2
    figures = (await real_crowd.run(target_of(system), cells, lambda _: None, viewers=41, goals=2)).figures
    assert (figures["viewers"], figures["goals"], figures["missed"], figures["viewers_that_missed"]) == (41, 2, 0, 0)
    assert [cell.watching for cell in cells] == [21, 20]
    assert set(figures["cpu_us_per_viewer"]) == {"4", "41"}
    assert 0 < figures["last_viewer_ms"]["p50"] <= figures["last_viewer_ms"]["max"]
    assert set(figures["bytes_per_viewer"]) == {"standin", "swarm"}


async def test_a_viewer_that_misses_a_goal_is_counted(crowded: tuple[System, Stack]) -> None:
    """The count of missed events is exact: two viewers that lack an event miss one each, and the others none."""
    system, stack = crowded
    [cell, _] = crowd_cells(system, stack)
    try:
        await cell.open(2)
        assert (await cell.tell(do="join", count=2)) == {"watching": 2, "failed": None}
        seq = target_of(system).ledger().state(crowd_routes.MATCH).newest_seq
        assert await cell.tell(do="missed", seq=seq) == {"missed": 0, "viewers_that_missed": 0}
        assert await cell.tell(do="wait", seq=seq + 1, posted=0, seconds=0.01) == {"ms": {}}
        assert await cell.tell(do="missed", seq=seq + 1) == {"missed": 2, "viewers_that_missed": 2}
    finally:
        await cell.close()


def test_an_interrupted_bench_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C while goals are told ends the viewers, the stand-ins and the stack."""
    mark, env = f"LIVESCORE_TEST={tmp_path}", {**os.environ, "LIVESCORE_TEST": str(tmp_path)}
    command = [LIVESCORE, "bench", "crowd", "--viewers", "40"]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any("crowd: event 2" in line for line in process.stderr)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 130
        finally:
            process.kill()
    assert marked(mark) == []


@pytest.mark.parametrize(
    ("viewers", "sentence"),
    [("1", "bench crowd takes 2 to 100000 viewers"), ("100001", "less than or equal to 100000")],
)
def test_a_crowd_of_another_size_is_refused(viewers: str, sentence: str) -> None:
    """A number of viewers out of range is a sentence, before anything starts."""
    ran = subprocess.run(
        [LIVESCORE, "bench", "crowd", "--viewers", viewers], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert sentence in " ".join(ran.stderr.replace("│", " ").split())


def test_too_few_open_files_are_a_sentence() -> None:
    """The bench says before it starts how many open files a process lacks."""
    ran = subprocess.run(
        ["bash", "-c", f"ulimit -n 4000; exec {LIVESCORE} bench crowd --viewers 20000"],  # noqa: S607
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "20000 viewers in 2 cells need 10200 open files in each process" in ran.stderr
    assert "4000 are available here" in ran.stderr
