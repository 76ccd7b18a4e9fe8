"""MiniStack, the emulator of AWS, as a process of ours in an environment of its own.

It pins a botocore that aioboto3 cannot live with, hence the environment. It runs Lambda functions in processes of its
own Python, so it gets the Python that the zips were built for: this one. A guard
(guarded_ministack.py) keeps web pages from it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

from devstack.builds import environments
from devstack.signals import held
from devstack.stack import stack_leftovers
from devstack.system import ROOT, SECRET, STATE
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 60
WARM_SECONDS = 3600
"""Idle workers stay so long: a goal after half-time, with MiniStack's 300 s, waits for Python to start again."""

FREED_SECONDS = 10
"""A MiniStack whose owner was killed ends within so long."""


class StackError(ProgramError):
    """The stack cannot run; the text says why, for a person."""


class MiniStack:
    """One MiniStack on 127.0.0.1, from ``start`` to ``stop``."""

    def __init__(self, port: int, log: Path | None = None, *, origins: str = "*") -> None:
        self.port = port
        self.log = log or STATE / "logs" / f"ministack-{port}.log"
        self._origins = origins
        self.state = stack_leftovers.folder_of(STATE / "run", port)
        """Its folder, from ``start`` to ``stop``."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises StackError if the port is taken or MiniStack does not come up.
        """
        check_port(self.port)
        python = environment() / "bin" / "python"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        stack_leftovers.remove_ended(self.state.parent)
        stack_leftovers.remove(self.state)
        self.state.mkdir(parents=True)
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
            # The functions of MiniStack sign with this secret, so that a gateway can verify their signatures.
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "GATEWAY_PORT": str(self.port),
            # MiniStack listens on all interfaces by default.
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "STATE_DIR": str(self.state / "state"),
            # Workers unpack the zips here, and leave them behind when they are killed.
            "TMPDIR": str(self.state),
            "S3_DATA_DIR": str(self.state / "s3"),
            "POWERTOOLS_LOG_LEVEL": "INFO",
            # Of the workers of a function it ends all but one when they have been idle for so long.
            "LAMBDA_WARM_TTL_SECONDS": str(WARM_SECONDS),
            # It would want a port of its own, the same for every stack.
            "IOT_MTLS_ENABLED": "0",
        }
        command = [str(python), "-m", stack_leftovers.PROGRAM, "--port", str(self.port), "--owner", str(os.getpid())]
        command += ["--state", str(self.state), "--origins", self._origins]
        with self.log.open("wb") as log, held():
            # Its stdin is ours: however we end, it ends as well. A session of its own keeps Ctrl-C from it.
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it and every process it has started, whatever signals come meanwhile."""
        with held():
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # It has nothing to save. Its workers are in its group, also those that outlive it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        stack_leftovers.remove(self.state)

    @property
    def pid(self) -> int:
        """Its process id, which is also the id of the session that its functions' processes belong to; 0 before."""
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive:
                # Another stack may have begun on this port at the same moment.
                check_port(self.port)
                raise StackError(f"MiniStack ended while it started; its log is {self.log}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_ministack/health", timeout=1) as answer:
                    if answer.headers[stack_leftovers.OWNER] == str(os.getpid()):
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        raise StackError(f"MiniStack was not ready after {START_SECONDS} s; its log is {self.log}")


def environment() -> Path:
    """MiniStack's virtual environment, made if it is not there yet."""
    try:
        return environments.environment("ministack")
    except subprocess.CalledProcessError as error:
        raise StackError("MiniStack could not be installed; what pip said is above.") from error


def check_port(port: int) -> None:
    """Raises StackError, with what to do about it, if somebody has the port of a stack."""
    deadline = time.monotonic() + FREED_SECONDS
    while not port_is_free(port):
        found = next((each for each in stack_leftovers.running() if each.port == port), None)
        if found is None:
            raise StackError(f"Port {port} is in use. Stop what listens there, or choose another with --port.")
        if found.owner is not None:
            raise StackError(f"Port {port} is in use: {found.described} Use it, or choose another port with --port.")
        if time.monotonic() > deadline:
            raise StackError(
                f"Port {port} is in use: a stack that was killed still runs there. "
                f"End it with `kill -- -{found.pid}`, or choose another port with --port."
            )
        time.sleep(0.1)


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1 has nobody on that port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
