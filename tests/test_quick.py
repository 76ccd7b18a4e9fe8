"""`make quick` opens no socket and starts no process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from devstack.system import ROOT
from tests import longest
from tests.quick import FILES, Guard, NotQuickError, leaves_out

if TYPE_CHECKING:
    from collections.abc import Callable


def _bind() -> None:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))


def _connect() -> None:
    with socket.socket() as each:
        each.connect(("127.0.0.1", 9))


def _start() -> None:
    subprocess.run([sys.executable, "--version"], check=True)


@pytest.mark.parametrize("outside", [_bind, _connect, _start, os.fork])
def test_a_quick_test_that_is_not_quick_fails(outside: Callable[[], object]) -> None:
    """Under the guard, a socket or a process is refused with the name of the list to change."""
    with Guard().inside(), pytest.raises(NotQuickError, match=r"tests/quick\.py"):
        outside()


def test_the_list_of_quick_tests_names_files() -> None:
    """Every name in the list is a file of tests, and nothing else is collected."""
    listed = {ROOT / folder / f"{name}.py" for folder, names in FILES.items() for name in names}
    assert {path for path in (ROOT / "tests").rglob("test_*.py") if not leaves_out(path)} == listed
    assert leaves_out(ROOT / "tests/web")
    assert leaves_out(ROOT / "tests/api/test_api.py")


def test_the_list_of_longest_files_names_files() -> None:
    """Each name of the list of longest files belongs to a file of tests: the list follows when a file is renamed."""
    assert set(longest.FILES) - {path.stem for path in (ROOT / "tests").rglob("test_*.py")} == set()
