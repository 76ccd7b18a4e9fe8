"""``livescore watch`` in a cell of each transport."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

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

LIVESCORE = str(Path(sys.executable).parent / "livescore")
SECONDS = 60.0
CELLS = {
    "main": "api-gateway", "events": "appsync-events", "graphql": "appsync-graphql", "iot": "iot-core",
    "momento": "momento",
}  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, Operator]]:
    """The site of a system with a cell of each transport, and an operator."""
    text = ",".join(f"{name}=us-east-1/{transport}" for name, transport in CELLS.items())
    with (
        running(free_port(), cells=parse(text, System(1).transports)) as (system, _),
        serving(system, free_port()) as site,
        Operator(system.api_url, tokens_of(system)) as operator,
    ):
        yield site, operator


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
