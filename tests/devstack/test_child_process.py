"""Programs beside this one: they start, report, and end."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from devstack.child_process import ChildProcess, free_port
from devstack.errors import StackError
from devstack.stack.whole_stack import Stack
from tests.support import alive, until

if TYPE_CHECKING:
    from pathlib import Path

READY = "import sys; print('ready', flush=True); sys.stdin.read()"
"""A program that is ready at once and ends when its stdin closes."""


def program(log: Path, text: str = READY, **env: str) -> ChildProcess:
    """A process that is not started yet."""
    return ChildProcess("The stand-in of events", [sys.executable, "-c", text], env, port=free_port(), log=log)


def test_a_program_runs_until_it_is_stopped(tmp_path: Path) -> None:
    """A started program runs, and no process of it is left after its end."""
    child = program(tmp_path / "log").start()
    group = child.pid
    assert (child.alive, alive(group)) == (True, True)
    child.stop()
    assert (child.alive, child.pid, alive(group)) == (False, 0, False)
    child.stop()


def test_a_program_ends_with_its_parent(tmp_path: Path) -> None:
    """A program whose parent has gone sees the end of its stdin, and ends."""
    child = program(tmp_path / "log").start()
    try:
        stdin = child._process.stdin if child._process else None  # noqa: SLF001
        assert stdin is not None
        stdin.close()
        until(lambda: not child.alive, seconds=20)
    finally:
        child.stop()


def test_a_program_gets_its_environment_and_none_of_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the shell do not reach a program; its own variables do."""
    monkeypatch.setenv("AWS_PROFILE", "mine")
    text = f"import os; open({str(tmp_path / 'env')!r}, 'w').write(repr(dict(os.environ)));" + READY
    program(tmp_path / "log", text, OWN="1").start().stop()
    given = (tmp_path / "env").read_text()
    assert "'OWN': '1'" in given
    assert "AWS_" not in given


def test_a_program_that_ends_while_it_starts_names_its_log(tmp_path: Path) -> None:
    """The error of a program that fails at its start says where its log is, and the log has the program's error."""
    child = program(tmp_path / "log", "raise SystemExit('no')")
    with pytest.raises(StackError, match=f"The stand-in of events ended while it started; its log is {tmp_path}/log"):
        child.start()
    assert (tmp_path / "log").read_text() == "no\n"
    assert not child.alive


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """A program is not started on a port on which another one listens; a sentence names the port."""
    child = program(tmp_path / "log")
    with socket.socket() as other:
        other.bind(("127.0.0.1", child.port))
        other.listen()
        with pytest.raises(StackError, match=f"Port {child.port} for the stand-in of events is in use."):
            child.start()


def test_the_end_of_a_cells_stand_in_is_said_once(tmp_path: Path) -> None:
    """If the stand-in of a cell ends by itself, the stack says so once and goes on with its other cells."""
    child = program(tmp_path / "log").start()
    ministack = cast("Any", program(tmp_path / "other").start())
    stack = Stack(ministack, None, (child,))
    said: list[str] = []
    try:
        stack.check(said.append)
        assert said == []
        child.stop()
        for _ in range(2):
            stack.check(said.append)
        sentence = f"The stand-in of events has ended by itself; its log is {child.log}. The other cells go on."
        assert said == [sentence]
    finally:
        child.stop()
        ministack.stop()
    with pytest.raises(StackError, match="has ended by itself"):
        stack.check(said.append)
