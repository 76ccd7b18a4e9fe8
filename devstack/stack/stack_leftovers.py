"""Finds stacks that still run on this machine, and removes folders that ended stacks and workers have left behind."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
PROGRAM = "devstack.stack.guarded_ministack"
"""The module that each MiniStack of ours runs as. Its command-line options name the stack."""

OWNER = "X-Livescore-Owner"
"""The header of MiniStack's health check that has the process id of the command that started it."""

FRESH_SECONDS = 60.0
"""Age in seconds up to which a folder without a process is kept, because its process may be about to start."""

REMOVALS = 20
"""The most tries to remove a folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running MiniStack of ours."""

    pid: int
    """The process id, which is also the id of its session and of its process group."""
    port: int
    state: str
    """The path of its folder."""
    owner: str | None
    """The command that started it, such as ``livescore up``; None if that process has ended."""
    owner_pid: int
    site: str | None
    """The URL of its pages; None if it has no pages or is not ready yet."""

    @property
    def checkout(self) -> Path:
        """The checkout from which it was started."""
        return Path(self.state).parents[2]

    @property
    def described(self) -> str:
        """Sentences for a person: the command, the checkout from which it was started, and the URL of its pages."""
        pages = f" Its pages are on {self.site}" if self.site else ""
        return f"`{self.owner}` of {self.checkout} runs there as process {self.owner_pid}.{pages}"


def folder_of(run: Path, port: int) -> Path:
    """The folder for a stack that this process starts on a port. No other process uses the same folder."""
    return run / f"{port}-{os.getpid()}"


def note_site(state: Path, url: str) -> None:
    """Store the URL of a stack's pages in its folder, for ``running``."""
    (state / "site").write_text(url)


def running() -> Iterator[Running]:
    """Every running MiniStack of ours, of all checkouts; none on a system without ``/proc``."""
    for process in PROC.glob("[0-9]*"):
        words = _words(process)
        if PROGRAM not in words:
            continue
        options = dict(pairwise(words))
        with suppress(KeyError, ValueError, OSError):
            # The name of the process is in brackets. Fields 3 and 4 follow it: state and parent (proc_pid_stat(5)).
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            owner = _command(PROC / parent) if parent == options["--owner"] else None
            site = None
            with suppress(OSError, UnicodeDecodeError):
                site = (Path(options["--state"]) / "site").read_text()
            state, pid = options["--state"], int(options["--owner"])
            yield Running(int(process.name), int(options["--port"]), state, owner, pid, site)


def remove_ended(run: Path) -> None:
    """Remove the folders of ended stacks. ``run`` is the folder that holds the folders of all stacks.

    A folder without a MiniStack stays if the process that created it may be about to start one.
    """
    if not PROC.is_dir() or not run.is_dir():
        return
    for folder in list(run.iterdir()):
        pid = folder.name.rpartition("-")[2]
        started = _age(folder) < FRESH_SECONDS and (not pid.isdigit() or (PROC / pid).is_dir())
        # The list of running stacks is read again for each folder, because a stack may have started in between.
        if not started and str(folder) not in {each.state for each in running()}:
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder. Processes that are being killed may still write into it, so this tries several times."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def group() -> list[int]:
    """The ids of the processes in this process's group; none on a system without ``/proc``."""
    found = []
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):  # The process has ended.
            if os.getpgid(int(process.name)) == os.getpgid(0):
                found.append(int(process.name))
    return found


class Sweeper:
    """Removes the folders that ended workers have left in one stack's folder.

    MiniStack unpacks a function's zip into ``ministack-lambda-…/code`` for each worker, and starts the worker there. It
    removes the folder when it replaces the worker, but leaves the folder of a worker that failed or was killed.
    """

    def __init__(self, state: Path) -> None:
        self._state = state.resolve()
        self._started: set[str] = set()

    def sweep(self) -> list[str]:
        """Remove the folders of ended workers; returns the names of the removed folders.

        Does nothing on a system without ``/proc``.
        """
        if not PROC.is_dir():
            return []
        folders = {each.name: each for each in self._state.glob("ministack-lambda-*")}
        used = {name for place in _places() if (name := _below(self._state, place)) is not None}
        self._started = (self._started | used) & folders.keys()
        removed = []
        for name, folder in folders.items():
            if name not in used and (name in self._started or _age(folder) > FRESH_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(name)
        return removed


def _words(process: Path) -> list[str]:
    """The command line of a process; empty if it has ended."""
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def _command(process: Path) -> str:
    """The name of a running command for a person, such as ``livescore up``."""
    words = [Path(each).name for each in _words(process)]
    if "livescore" in words:
        return " ".join(words[words.index("livescore") :][:2])
    return words[0] if words else "another program"


def _places() -> list[Path]:
    """The working folders of all processes whose ``/proc`` entry this process may read."""
    found: list[Path] = []
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cwd").readlink())
    return found


def _below(state: Path, path: Path) -> str | None:
    """The name of the folder directly in ``state`` that contains a path; None if the path is not below ``state``."""
    return path.relative_to(state).parts[0] if path.is_relative_to(state) and path != state else None


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
