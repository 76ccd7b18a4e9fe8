"""Leftovers of stacks on a machine: processes that still run, folders of workers and of stacks that have ended."""

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
"""The module that every MiniStack of ours runs as; its options say which stack it is."""

OWNER = "X-Livescore-Owner"
"""The header of MiniStack's health check with the process id of the command that has started it."""

FRESH_SECONDS = 60.0
"""A folder without a process may be about to get one. A folder that is older than this is not."""

REMOVALS = 20
"""Tries to remove a folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """A MiniStack of ours that runs."""

    pid: int
    """Also the id of its session and of its process group."""
    port: int
    state: str
    """Its folder."""
    owner: str | None
    """The command that has started it, such as ``livescore up``; None if that process has ended."""
    owner_pid: int
    site: str | None
    """The URL of its pages, if it has any and is ready."""

    @property
    def checkout(self) -> Path:
        """The folder of the checkout that it was started from."""
        return Path(self.state).parents[2]

    @property
    def described(self) -> str:
        """For a person: which command it is, where it was started, and where its pages are."""
        pages = f" Its pages are on {self.site}" if self.site else ""
        return f"`{self.owner}` of {self.checkout} runs there as process {self.owner_pid}.{pages}"


def folder_of(run: Path, port: int) -> Path:
    """The folder below ``run`` of a stack that this process starts on a port; no other process has the same."""
    return run / f"{port}-{os.getpid()}"


def note_site(state: Path, url: str) -> None:
    """Note for ``running`` where the pages of a stack are."""
    (state / "site").write_text(url)


def running() -> Iterator[Running]:
    """All of them, of every checkout; none where there is no ``/proc``."""
    for process in PROC.glob("[0-9]*"):
        words = _words(process)
        if PROGRAM not in words:
            continue
        options = dict(pairwise(words))
        with suppress(KeyError, ValueError, OSError):
            # Fields 3 and 4 of stat, after the name in brackets: state and parent (proc_pid_stat(5)).
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            owner = _command(PROC / parent) if parent == options["--owner"] else None
            site = None
            with suppress(OSError, UnicodeDecodeError):
                site = (Path(options["--state"]) / "site").read_text()
            state, pid = options["--state"], int(options["--owner"])
            yield Running(int(process.name), int(options["--port"]), state, owner, pid, site)


def remove_ended(run: Path) -> None:
    """Remove the folders of stacks that run no more; ``run`` holds what ``folder_of`` names.

    A folder without a MiniStack stays if the process that has made it may be about to start one.
    """
    if not PROC.is_dir() or not run.is_dir():
        return
    for folder in list(run.iterdir()):
        pid = folder.name.rpartition("-")[2]
        started = _age(folder) < FRESH_SECONDS and (not pid.isdigit() or (PROC / pid).is_dir())
        # Asked for each anew: a stack may have started since the one before.
        if not started and str(folder) not in {each.state for each in running()}:
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder in which processes that are being killed may still write for a moment."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def group() -> list[int]:
    """The processes of the group of this process; none where there is no ``/proc``."""
    found = []
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if os.getpgid(int(process.name)) == os.getpgid(0):
                found.append(int(process.name))
    return found


class Sweeper:
    """Removes the folders of ended workers below the folder of one stack.

    MiniStack unpacks a function's zip into ``ministack-lambda-…/code`` for each worker, and starts the worker there. It
    removes the folder when it replaces the worker, and keeps the folder of a worker that has failed or was killed.
    """

    def __init__(self, state: Path) -> None:
        self._state = state.resolve()
        self._started: set[str] = set()

    def sweep(self) -> list[str]:
        """Remove them; returns the names of the folders that were removed.

        Does nothing where there is no ``/proc``.
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
    """The name that a person uses for a running command of ours."""
    words = [Path(each).name for each in _words(process)]
    if "livescore" in words:
        return " ".join(words[words.index("livescore") :][:2])
    return words[0] if words else "another program"


def _places() -> list[Path]:
    """The working folders of all processes that we may look at."""
    found: list[Path] = []
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cwd").readlink())
    return found


def _below(state: Path, path: Path) -> str | None:
    """The name of the folder directly below ``state`` that a path leads through."""
    return path.relative_to(state).parts[0] if path.is_relative_to(state) and path != state else None


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
