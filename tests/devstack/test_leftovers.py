"""Nothing of a stack outlives it, however it ends, and a running one leaves no folders behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack import leftovers
from devstack.ministack import free_port
from devstack.system import STATE
from tests.support import needs, processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.operator import Operator
    from devstack.system import System

LIVESCORE = str(Path(sys.executable).parent / "livescore")
SECONDS = 20.0


@pytest.fixture(autouse=True)
def proc() -> None:
    """All of this is about processes."""
    needs("/proc", Path("/proc/self/environ").exists())


@contextmanager
def up(port: int) -> Iterator[subprocess.Popen[str]]:
    """``livescore up`` on a port, ready."""
    command = [LIVESCORE, "up", "--port", str(port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process
        finally:
            process.terminate()


def again(port: int, *options: str) -> str:
    """What ``up`` says about a port that is taken."""
    command = [LIVESCORE, "up", "--port", str(port), *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_a_stack_ends_with_the_command_that_was_killed() -> None:
    """After ``kill -9`` of ``up`` MiniStack and all of its go; advice never ends a stack that is healthy."""
    port = free_port()
    with up(port) as command:
        assert len(processes(port)) > 3
        assert f"Port {port} is in use: `livescore up` runs there." in (said := again(port))
        assert "kill" not in said
        command.send_signal(signal.SIGKILL)
        command.wait(10)
        until(lambda: not processes(port), "processes are left")
    until(lambda: not (STATE / "run" / str(port)).exists(), "the folder is left")


def test_a_stranger_is_never_named() -> None:
    """The advice about a taken port names a process only if it is our MiniStack of that port, whatever a file says."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        folder = STATE / "run" / str(port)
        folder.mkdir(parents=True)
        (folder / "pid").write_text(str(os.getpid()))
        try:
            said = again(port)
        finally:
            (folder / "pid").unlink()
            folder.rmdir()
    assert f"Port {port} is in use. Stop what listens there, or choose another with --port." in said
    assert str(os.getpid()) not in said.replace(str(port), "")


def test_the_folder_of_an_ended_worker_is_removed_while_the_stack_runs(system: System, operator: Operator) -> None:
    """A worker that was killed leaves no unpacked zip behind; those of living workers stay, and functions go on."""
    state = STATE / "run" / str(system.port)
    living = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if place.startswith(f"{state}/ministack-lambda-livescore-api-"):
            living[int(process.name)] = Path(place).parent
    [(pid, folder), *_] = living.items()
    others = {each for each in state.glob("ministack-lambda-*") if "livescore-api-" not in each.name}
    os.kill(pid, signal.SIGKILL)
    # The sweeper may not have seen this worker yet, and then gives it the time to start.
    until(lambda: not folder.exists(), "the folder is left", leftovers.FRESH_SECONDS + SECONDS)
    assert all(each.exists() for each in others)
    assert operator.matches("2000-01-01")["matches"] is not None


def test_a_folder_is_kept_until_its_worker_has_had_time_to_start(tmp_path: Path) -> None:
    """A zip that is being unpacked has no process yet; after a minute without one its folder is a leftover."""
    fresh, old = tmp_path / "ministack-lambda-a", tmp_path / "ministack-lambda-b"
    for folder in (fresh, old):
        (folder / "code").mkdir(parents=True)
    (tmp_path / "s3").mkdir()
    os.utime(old, (1, 1))
    os.utime(tmp_path / "s3", (1, 1))
    sweeper = leftovers.Sweeper(tmp_path)
    assert sweeper.sweep() == ["ministack-lambda-b"]
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=fresh / "code", stdin=subprocess.PIPE) as worker:
        assert sweeper.sweep() == []
        worker.kill()
    assert sweeper.sweep() == ["ministack-lambda-a"]
    assert (tmp_path / "s3").exists()


def test_the_folders_of_killed_stacks_go_at_the_next_start(system: System, tmp_path: Path) -> None:
    """A folder without a process goes, that of a running stack stays, and so does one that is just being made."""
    run = STATE / "run"
    left, fresh = run / "1", tmp_path / "2"
    (left / "ministack-lambda-a").mkdir(parents=True)
    fresh.mkdir()
    os.utime(left, (1, 1))
    os.utime(run / str(system.port), (1, 1))
    leftovers.remove_ended(run)
    leftovers.remove_ended(tmp_path)
    assert not left.exists()
    assert fresh.exists()
    assert (run / str(system.port)).exists()
