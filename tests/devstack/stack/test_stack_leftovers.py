"""A stack leaves no process or folder behind, however it ends, and a running one removes its workers' folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack.operator.api_client import Operator
from devstack.stack import stack_leftovers
from devstack.stack.ministack import free_port
from devstack.system import ROOT, STATE
from tests.support import needs, processes, until

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """The message of ``up`` about a port that is in use."""
    command = [LIVESCORE, "up", "--port", str(port), *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    return ran.stderr


def folders(port: int) -> list[Path]:
    """The folders of the stacks of a port."""
    return list((STATE / "run").glob(f"{port}-*"))


def test_a_stack_ends_with_the_command_that_was_killed() -> None:
    """After ``kill -9`` of ``up``, MiniStack, its workers and its folder disappear."""
    port = free_port()
    with up(port) as command:
        assert len(processes(port)) > 3
        assert folders(port)
        command.send_signal(signal.SIGKILL)
        command.wait(10)
        until(lambda: not processes(port), "processes are left")
    until(lambda: not folders(port), "the folder is left")


def test_a_second_up_says_which_one_is_there() -> None:
    """It names command, checkout, process and pages of the healthy stack, for either port, and never how to end it.

    The first one has removed the folder of a stack that was killed, whatever its port.
    """
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    left = STATE / "run" / f"1-{gone.pid}" / "ministack-lambda-a"
    left.mkdir(parents=True)
    with up(port) as command:
        assert not left.exists()
        [stack] = [each for each in stack_leftovers.running() if each.port == port]
        assert stack.site is not None
        site_port = stack.site.rstrip("/").rpartition(":")[2]
        runs = f"`livescore up` of {ROOT} runs there as process {command.pid}. Its pages are on {stack.site} Use it, or"
        said = again(port)
        assert f"Port {port} is in use: {runs} choose another port with --port." in said
        assert "kill" not in said
        other = again(free_port(), "--site-port", site_port)
        assert f"Port {site_port} for the pages is in use: {runs} choose another with --site-port." in other


def test_of_two_that_start_at_once_one_runs() -> None:
    """If two ``up`` start on one port at the same moment, one works, and the other ends with a sentence."""
    port = free_port()
    command = [LIVESCORE, "up", "--port", str(port), "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        until(lambda: any(each.poll() is not None for each in both), "both run", 120)
        [lost] = [each for each in both if each.poll() is not None]
        [won] = [each for each in both if each is not lost]
        _, said = lost.communicate()
        assert (lost.returncode, "Traceback" in said) == (1, False), said
        assert f"Port {port} is in use: `livescore up` of {ROOT} runs there as process {won.pid}." in said
        assert won.stdout is not None
        urls = json.loads(won.stdout.readline())
        with Operator(urls["api"]) as operator:
            assert operator.matches("2000-01-01")["matches"] == []
        assert len(folders(port)) == 1
    finally:
        for each in both:
            each.terminate()
            each.communicate()
    assert not folders(port)


def test_a_stranger_is_never_named() -> None:
    """The advice about a port in use names a process only if it is our MiniStack on that port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        folder = STATE / "run" / f"{port}-{os.getpid()}"
        folder.mkdir(parents=True)
        (folder / "pid").write_text(str(os.getpid()))
        try:
            said = again(port)
        finally:
            (folder / "pid").unlink()
            folder.rmdir()
    assert f"Port {port} is in use. Stop the program that listens there, or choose another with --port." in said
    assert str(os.getpid()) not in said.replace(str(port), "")


def test_the_folder_of_an_ended_worker_is_removed_while_the_stack_runs(system: System, operator: Operator) -> None:
    """The unpacked zip of a killed worker is removed; those of living workers stay, and functions go on."""
    [state] = folders(system.port)
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
    until(lambda: not folder.exists(), "the folder is left", stack_leftovers.FRESH_SECONDS + SECONDS)
    assert all(each.exists() for each in others)
    assert operator.matches("2000-01-01")["matches"] is not None


def test_a_folder_is_kept_until_its_worker_has_had_time_to_start(tmp_path: Path) -> None:
    """A folder without a process stays for a minute, because its zip may be unpacked just now; then it is removed."""
    fresh, old = tmp_path / "ministack-lambda-a", tmp_path / "ministack-lambda-b"
    for folder in (fresh, old):
        (folder / "code").mkdir(parents=True)
    (tmp_path / "s3").mkdir()
    os.utime(old, (1, 1))
    os.utime(tmp_path / "s3", (1, 1))
    sweeper = stack_leftovers.Sweeper(tmp_path)
    assert sweeper.sweep() == ["ministack-lambda-b"]
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=fresh / "code", stdin=subprocess.PIPE) as worker:
        assert sweeper.sweep() == []
        worker.kill()
    assert sweeper.sweep() == ["ministack-lambda-a"]
    assert (tmp_path / "s3").exists()


def test_the_folders_of_killed_stacks_go_at_the_next_start(system: System, tmp_path: Path) -> None:
    """The folder of an ended process is removed at once; a folder in use, and one that is just being made, stay."""
    [used] = folders(system.port)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    names = {"killed": f"1-{gone.pid}", "another has its number": f"2-{os.getppid()}", "from before": "3"}
    made = {name: used.parent / each for name, each in names.items()}
    fresh = stack_leftovers.folder_of(used.parent, 4)
    for folder in (*made.values(), fresh):
        (folder / "ministack-lambda-a").mkdir(parents=True)
    for folder in (made["another has its number"], made["from before"], used):
        os.utime(folder, (1, 1))
    try:
        stack_leftovers.remove_ended(used.parent)
        stack_leftovers.remove_ended(tmp_path / "nothing")
        assert not [each for each in made.values() if each.exists()]
        assert fresh.exists()
        assert used.exists()
    finally:
        shutil.rmtree(fresh)


def test_workers_stay_warm_over_half_time(system: System) -> None:
    """The installed MiniStack keeps idle workers for longer than the half-time of a match."""
    [stack] = [each for each in stack_leftovers.running() if each.port == system.port]
    environ = (Path("/proc") / str(stack.pid) / "environ").read_bytes().decode().split("\0")
    given = dict(each.split("=", 1) for each in environ if "=" in each)
    program = "from ministack.core import lambda_runtime; print(lambda_runtime._LOCAL_WORKER_TTL)"
    python = (Path("/proc") / str(stack.pid) / "cmdline").read_bytes().decode().split("\0")[0]
    ran = subprocess.run([python, "-c", program], env=given, capture_output=True, text=True, check=True)
    assert float(ran.stdout) >= 30 * 60
