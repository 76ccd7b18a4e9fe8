"""Runs the stand-in for API Gateway (``loadtest/standin/server.py``), to which viewers connect, as a process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

from devstack.signals import held
from devstack.stack.ministack import StackError, port_is_free
from devstack.system import ROOT, STATE

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.system import System

START_SECONDS = 30
STOP_SECONDS = 5


class StandIn:
    """One stand-in on 127.0.0.1, from ``start`` to ``stop``. It runs the routes' functions, on MiniStack's tables.

    ``limits``: see loadtest/standin/gateway_limits.py. ``handler`` replaces the handler of the described function.
    """

    def __init__(
        self, system: System, limits: dict[str, Any] | None = None, *, handler: str | None = None, threads: int = 8
    ) -> None:
        self.log: Path = STATE / "logs" / f"gateway-{system.gateway_port}.log"
        self._system = system
        self._limits = limits or {}
        self._handler = handler
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the stand-in and wait until it reports that it is ready.

        Raises StackError if the port is in use or the stand-in does not start.
        """
        system = self._system
        if system.gateway_port is None or not port_is_free(system.gateway_port):
            raise StackError(
                f"Port {system.gateway_port} for the gateway is in use. Stop the program that listens there."
            )
        described = system.raw["websocket_api"]
        function = described["function"]
        command = [sys.executable, "-m", "loadtest.standin.server", "--port", str(system.gateway_port), "--with-parent"]
        command += ["--api", json.dumps(described), "--limits", json.dumps(self._limits)]
        command += ["--handler", self._handler or system.raw["functions"][function]["handler"]]
        command += ["--threads", str(self._threads), "--origins", system.resolve("setting.origins")]
        functions = [function]
        if "authorizer" in described:
            # The authorizer comes first, so that the variables of the routes win.
            functions.insert(0, described["authorizer"])
            command += ["--authorizer", system.raw["functions"][described["authorizer"]]["handler"]]
        given = {name: value for each in functions for name, value in system.environment(each).items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # Log only warnings: nobody reads a line for each of 10,000 viewers.
        quiet = {
            "POWERTOOLS_LOG_LEVEL": "WARNING", "POWERTOOLS_METRICS_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": function,
        }  # fmt: skip
        env = {**quiet, **inherited, **system.credentials(), **given}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log, held():
            # The stand-in ends when its stdin closes, so it ends with this process. In its own session it gets no
            # Ctrl-C.
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            self._wait(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the stand-in. Signals wait until that is done."""
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
    def alive(self) -> bool:
        """Whether the stand-in's process runs."""
        return self._process is not None and self._process.poll() is None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        pipe = process.stdout
        assert pipe is not None  # noqa: S101
        readable, _, _ = select.select([pipe], [], [], START_SECONDS)
        if not readable:
            raise StackError(f"The gateway was not ready after {START_SECONDS} s; its log is {self.log}")
        if not pipe.readline():
            raise StackError(f"The gateway ended while it started; its log is {self.log}")
