"""``livescore watch`` and ``livescore smoke`` in a cell of each transport."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devstack.operator.api_client import Operator
from devstack.operator.local_tokens import tokens_of
from devstack.stack.ministack import free_port
from devstack.stack.site import serving
from devstack.stack.whole_stack import running
from devstack.stack_cells import parse
from devstack.system import System
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.child_process import ChildProcess
    from devstack.stack.whole_stack import Stack

LIVESCORE = str(Path(sys.executable).parent / "livescore")
SECONDS = 60.0
CELLS = {
    "main": "api-gateway", "events": "appsync-events", "graphql": "appsync-graphql", "iot": "iot-core",
    "momento": "momento",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[str, Operator, Stack]]:
    """The site of a system with a cell of each transport, an operator, and its processes."""
    text = ",".join(f"{name}=us-east-1/{transport}" for name, transport in CELLS.items())
    with (
        running(free_port(), cells=parse(text, System(1).transports)) as (system, stack),
        serving(system, free_port()) as site,
        Operator(system.api_url, tokens_of(system)) as operator,
    ):
        yield site, operator, stack


@pytest.fixture(scope="module")
def place(whole: tuple[str, Operator, Stack]) -> tuple[str, Operator]:
    """The site of a system with a cell of each transport, and an operator."""
    return whole[:2]


@pytest.fixture
def silenced(whole: tuple[str, Operator, Stack]) -> Iterator[ChildProcess]:
    """The process that plays Momento; it runs again after the test."""
    [momento] = [each for each in whole[2].stand_ins if "momento" in each.name.lower()]
    yield momento
    if not momento.alive:
        momento.start()


def test_a_goal_is_seen_in_a_cell_of_each_transport(place: tuple[str, Operator], tmp_path: Path) -> None:
    """``watch --cell`` finds the transport in the site's ``deployment.json``, and all show the same goal."""
    site, operator = place
    operator.create_match(match="m", home="A", away="B", kickoff="2030-01-01T15:00:00Z", competition="World Cup 2022")
    with ExitStack() as stack:
        for cell in CELLS:
            out = stack.enter_context((tmp_path / cell).open("w"))
            command = [LIVESCORE, "watch", "m", "--site", site, "--cell", cell, "--json"]
            stack.callback(stack.enter_context(subprocess.Popen(command, stdout=out, stderr=out)).kill)
        wanted = []
        for event in ({"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 1}):
            operator.post_event("m", event)
            wanted.append(event["kind"])
            for cell in CELLS:
                until(lambda: kinds(tmp_path / cell) == wanted, f"{cell} has not shown {event}", SECONDS)  # noqa: B023


def kinds(shown: Path) -> list[str]:
    """The kinds of the events that a watch has printed; a line that is no event is returned as it is."""
    lines = shown.read_text().splitlines()
    return [json.loads(each)["kind"] if each.startswith("{") else each for each in lines]


def test_a_cell_that_is_not_there_is_a_sentence(place: tuple[str, Operator]) -> None:
    """A name that the site does not have ends the command with exit status 1, and the sentence has the names."""
    site, _ = place
    done = subprocess.run(
        [LIVESCORE, "watch", "m", "--site", site, "--cell", "nobody"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"Its cells are {', '.join(CELLS)}." in " ".join(done.stderr.split())


def smoke(site: str, operator: Operator, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status of a smoke test of the site's cells, and its steps by name."""
    command = [LIVESCORE, "smoke", operator.url, "--site", site, "--posts", "0", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["steps"]}


def test_smoke_tries_a_viewer_in_each_cell_of_the_site(place: tuple[str, Operator]) -> None:
    """The smoke test sees the goal in every cell that ``deployment.json`` names, whatever its transport."""
    status, steps = smoke(*place)
    for cell, transport in CELLS.items():
        step = steps[f"a viewer in the cell {cell} ({transport}) sees goal"]
        assert step["ms"] > 0, step
    assert status == 0, steps


def test_a_cell_that_is_down_is_named(place: tuple[str, Operator], silenced: ChildProcess) -> None:
    """``watch`` of a cell whose service is down names the cell and its transport, and smoke fails only there."""
    site, operator = place
    operator.create_match(match="down", home="A", away="B", kickoff="2030-01-01T15:00:00Z")
    silenced.stop()
    command = [LIVESCORE, "watch", "down", "--site", site, "--cell", "momento"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The cell momento (momento) is down: nothing answers at http://127.0.0.1" in " ".join(done.stderr.split())
    status, steps = smoke(site, operator)
    assert status == 1
    viewers = {name: each["wrong"] for name, each in steps.items() if name.startswith("a viewer in the cell")}
    assert {name for name, wrong in viewers.items() if wrong} == {"a viewer in the cell momento (momento) subscribes"}


def test_a_watcher_is_live_again_only_with_its_service(
    place: tuple[str, Operator], silenced: ChildProcess, tmp_path: Path
) -> None:
    """A watcher whose service has died shows a goal that it read over HTTP, and is live again only with the service."""
    site, operator = place
    operator.create_match(match="dies", home="A", away="B", kickoff="2030-01-01T15:00:00Z", competition="Cup")
    operator.post_event("dies", {"kind": "kick_off"})
    shown, said = tmp_path / "shown", tmp_path / "said"
    with (
        shown.open("w") as out,
        said.open("w") as err,
        subprocess.Popen(
            [LIVESCORE, "watch", "dies", "--site", site, "--cell", "momento", "--json"], stdout=out, stderr=err
        ) as watcher,
    ):
        try:
            until(lambda: kinds(shown) == ["kick_off"], "the kick-off is not shown", SECONDS)
            silenced.stop()
            until(lambda: said.read_text().splitlines(), "nothing is said of the lost connection", SECONDS)
            operator.post_event("dies", {"kind": "goal", "team": "home", "minute": 1})
            until(lambda: kinds(shown) == ["kick_off", "goal"], "the goal is not shown", 2 * SECONDS)
            assert "live again" not in said.read_text()
            silenced.start()
            until(lambda: said.read_text().endswith("live again\n"), "not live again", 2 * SECONDS)
            assert said.read_text().count("live again") == 1
        finally:
            watcher.kill()
