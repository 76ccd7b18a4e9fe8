"""The command that shows the way of one event through the system."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from commands.cli import app
from devstack.operator.waterfall import COLUMNS
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    from devstack.operator.api_client import Operator
    from devstack.system import System


@pytest.fixture(scope="module")
def livescore(system: System) -> Callable[..., Result]:
    """Runs the command against the running system."""

    def run(*args: str) -> Result:
        return CliRunner().invoke(app, args, env={"LIVESCORE_API": system.api_url})

    return run


@pytest.fixture
def told(operator: Operator, match: str) -> str:
    """A match whose kick-off is told."""
    operator.play(match, {"kind": "kick_off"})
    until(lambda: operator.receipts(match, 0), "there is no receipt of the kick-off")
    return match


def test_a_trace_is_drawn_in_the_terminal(livescore: Any, told: str, system: System) -> None:
    """Each stage is a line with its times and a bar, within 100 columns."""
    ran = livescore("trace", told, "1")
    assert ran.exit_code == 0, ran.stderr
    head, _, accepted, *rest = ran.stdout.splitlines()
    assert head == f"{told}, event 1: kick off"
    assert accepted.split()[:4] == ["accepted", "by", "the", "API"]
    assert system.region in rest
    assert any("█" in line for line in rest)
    assert max(len(line) for line in [accepted, *rest] if "█" in line) <= COLUMNS


def test_a_trace_is_drawn_into_a_file(livescore: Any, told: str, tmp_path: Path) -> None:
    """The plot is an SVG, beside the lines or the JSON."""
    plot = tmp_path / "trace.svg"
    ran = livescore("trace", told, "1", "--plot", str(plot), "--json")
    assert ran.exit_code == 0, ran.stderr
    assert "<svg" in plot.read_text()
    assert (json.loads(ran.stdout)["match"], json.loads(ran.stdout)["complete"]) == (told, True)


@pytest.mark.parametrize(
    ("seq", "says"), [("7", "has no event 7: its newest event is 0."), ("99999999999", "seq must be at most ")]
)
def test_an_unknown_event_is_a_sentence(livescore: Any, match: str, seq: str, says: str) -> None:
    """The command says it in one line on stderr, and exits with 1."""
    ran = livescore("trace", match, seq)
    assert (ran.exit_code, says in ran.stderr, ran.stdout) == (1, True, "")


def test_an_unknown_match_is_a_sentence(livescore: Any) -> None:
    """A match that does not exist is said in words."""
    ran = livescore("trace", "nobody", "1")
    assert (ran.exit_code, ran.stderr) == (1, "livescore: There is no match nobody.\n")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("m", "two"), "Invalid value for 'seq': Input should be a valid integer"),
        (("m", "0"), "'seq': Input should be greater than or equal to 1"),
        (("m", "1", "--plot", "trace.txt"), "ends neither in .svg nor in .png"),
        (("m", "1", "--plot", "/missing/trace.svg"), "is in no folder that exists"),
    ],
)
def test_a_wrong_argument_is_said_before_anything_is_asked(args: tuple[str, ...], says: str) -> None:
    """The command exits with 2 and names the argument, although no system is running."""
    ran = CliRunner().invoke(app, ["trace", *args], env={"LIVESCORE_API": "http://127.0.0.1:9", "COLUMNS": "200"})
    assert ran.exit_code == 2
    assert says in ran.stderr
