"""A command that may open too few files says so at its start, and the number that it asks for is enough."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.stack.ministack import free_port
from devstack.stack.whole_stack import FILES

LIVESCORE = str(Path(sys.executable).parent / "livescore")
COMMANDS = {
    "up": ["up"], "demo": ["demo"], "loadtest": ["loadtest"], "faults": ["faults"], "goal": ["bench", "goal"],
    "send": ["bench", "send"], "page": ["bench", "page"], "gateway": ["bench", "gateway"],
}  # fmt: skip


@pytest.mark.parametrize("files", [64, 128])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_too_few_open_files_are_a_sentence(command: list[str], files: int) -> None:
    """The command names the needed number and how to raise the limit, starts nothing, and exits with status 1."""
    options = [] if command[0] == "bench" else ["--port", str(free_port())]
    ran = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", LIVESCORE, *command, *options],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert f"open files, and {files} are allowed here. Run `ulimit -n " in ran.stderr
    assert ran.stderr.count("livescore: ") == 1
    assert "Traceback" not in ran.stderr
    assert "Preparing" not in ran.stderr


def test_the_files_that_are_asked_for_are_enough() -> None:
    """With exactly the needed number of open files a whole stack starts and ends without a message."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", LIVESCORE, "up", "--json", "--port", str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as up:  # fmt: skip
        assert up.stdout is not None
        ready = up.stdout.readline()
        up.terminate()
        _, said = up.communicate(timeout=60)
    assert ready.startswith("{"), said
    assert "Traceback" not in said


def test_a_low_soft_limit_is_raised() -> None:
    """The soft limit is raised as far as it is needed; only the hard limit can be too low."""
    program = (
        "from resource import *; from devstack.stack.whole_stack import enough_files; enough_files(); "
        "print(getrlimit(RLIMIT_NOFILE)[0])"
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)),
    )  # fmt: skip
    assert ran.stdout == f"{FILES}\n"
