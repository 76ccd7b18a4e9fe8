"""Runs MiniStack, the emulator of AWS, as a process in its own virtual environment.

MiniStack pins a botocore that conflicts with aioboto3, so it needs its own environment. It runs Lambda functions with
its own Python, so the environment uses the Python of this process, for which the zip is built. A guard
(guarded_ministack.py) refuses the requests of web pages.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

from devstack.builds import environments
from devstack.child_process import free_port, port_is_free
from devstack.errors import StackError
from devstack.signals import held
from devstack.stack import stack_leftovers
from devstack.system import ROOT, SECRET, STATE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MiniStack", "StackError", "check_port", "environment", "free_port", "port_is_free"]

START_SECONDS = 60
WARM_SECONDS = 3600
"""Seconds for which MiniStack keeps idle workers. With its default of 300 s, a goal after half-time would have to start
new workers."""

FREED_SECONDS = 10
"""Seconds within which a MiniStack ends after its owner was killed."""


class MiniStack:
    """One MiniStack on 127.0.0.1, from ``start`` to ``stop``."""

    name = "MiniStack"

    def __init__(self, port: int, log: Path | None = None, *, origins: str = "*") -> None:
        self.port = port
        self.log = log or STATE / "logs" / f"ministack-{port}.log"
        self._origins = origins
        self.state = stack_leftovers.folder_of(STATE / "run", port)
        """MiniStack's folder, which exists from ``start`` to ``stop``."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start MiniStack and wait until it answers.

        Raises StackError if the port is in use or MiniStack does not start.
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
            # MiniStack ends all workers of a function but one that were idle for this many seconds.
            "LAMBDA_WARM_TTL_SECONDS": str(WARM_SECONDS),
            # AppSync Events asks its Lambda authorizer, and refuses a caller without a key or token.
            "APPSYNC_EVENTS_ENFORCE_AUTH": "1",
            # IoT would need another port, the same for every stack.
            "IOT_MTLS_ENABLED": "0",
        }
        command = [str(python), "-m", stack_leftovers.PROGRAM, "--port", str(self.port), "--owner", str(os.getpid())]
        command += ["--state", str(self.state), "--origins", self._origins]
        with self.log.open("wb") as log, held():
            # MiniStack ends when its stdin closes, so it ends with this process. In its own session it gets no Ctrl-C.
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
        """End MiniStack and every process that it has started. Signals wait until that is done."""
        with held():
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # MiniStack has nothing to save. All its workers are in its process group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        stack_leftovers.remove(self.state)

    @property
    def pid(self) -> int:
        """MiniStack's process id, which is also the session id of its workers; 0 if MiniStack does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        """Whether MiniStack's process runs."""
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
    """The folder of MiniStack's virtual environment, created if necessary. Raises StackError."""
    try:
        return environments.environment("ministack")
    except subprocess.CalledProcessError as error:
        raise StackError("MiniStack could not be installed; the reason is above.") from error


def check_port(port: int) -> None:
    """Raise StackError, with a remedy, if a stack's port is in use."""
    deadline = time.monotonic() + FREED_SECONDS
    while not port_is_free(port):
        found = next((each for each in stack_leftovers.running() if each.port == port), None)
        if found is None:
            raise StackError(
                f"Port {port} is in use. Stop the program that listens there, or choose another with --port."
            )
        if found.owner is not None:
            raise StackError(f"Port {port} is in use: {found.described} Use it, or choose another port with --port.")
        if time.monotonic() > deadline:
            raise StackError(
                f"Port {port} is in use: a stack that was killed still runs there. "
                f"End it with `kill -- -{found.pid}`, or choose another port with --port."
            )
        time.sleep(0.1)
