"""Runs a program beside this one: a process on this machine that reports when it is ready, and ends with its parent."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from typing import TYPE_CHECKING, Self

from devstack.errors import StackError
from devstack.signals import held
from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 5


class ChildProcess:
    """One process, from ``start`` to ``stop``.

    The program writes one line to stdout when it is ready. It ends when its stdin closes, so it ends with this process.
    """

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], *, port: int, log: Path) -> None:
        """``name`` begins sentences for a person, such as "The gateway".

        The process has ``env`` and the environment of this process without its variables of AWS.
        """
        self.name = name
        self.port = port
        self.log = log
        self._command = command
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the program and wait until it reports that it is ready.

        Raises StackError if its port is in use or the program does not start.
        """
        if not port_is_free(self.port):
            what = self.name[0].lower() + self.name[1:]
            raise StackError(f"Port {self.port} for {what} is in use. Stop the program that listens there.")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log, held():
            # In its own session the process gets no Ctrl-C.
            self._process = subprocess.Popen(
                list(self._command), cwd=ROOT, env={**inherited, **self._env}, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the program. Signals wait until that is done."""
        with held():
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """The process id; 0 if the program does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        pipe = process.stdout
        assert pipe is not None  # noqa: S101
        readable, _, _ = select.select([pipe], [], [], START_SECONDS)
        if not readable:
            raise StackError(f"{self.name} was not ready after {START_SECONDS} s; its log is {self.log}")
        if not pipe.readline():
            raise StackError(f"{self.name} ended while it started; its log is {self.log}")


def port_is_free(port: int) -> bool:
    """Whether a program can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that no program uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
