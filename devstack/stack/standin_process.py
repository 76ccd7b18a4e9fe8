"""The API Gateway stand-in (``loadtest/standin/server.py``) as a process of ours, where the viewers connect."""

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
    """One stand-in on 127.0.0.1, from ``start`` to ``stop``; the system's functions run in it, on MiniStack's tables.

    ``limits`` are those of loadtest/standin/gateway_limits.py. ``handler`` names a function instead of the described
    one.
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
        """Start it and wait until it says that it is ready.

        Raises StackError if the port is taken or it does not come up.
        """
        system = self._system
        if system.gateway_port is None or not port_is_free(system.gateway_port):
            raise StackError(f"Port {system.gateway_port} for the gateway is in use. Stop what listens there.")
        described = system.raw["websocket_api"]
        function = described["function"]
        command = [sys.executable, "-m", "loadtest.standin.server", "--port", str(system.gateway_port), "--with-parent"]
        command += ["--api", json.dumps(described), "--limits", json.dumps(self._limits)]
        command += ["--handler", self._handler or system.raw["functions"][function]["handler"]]
        command += ["--threads", str(self._threads), "--origins", system.resolve("setting.origins")]
        functions = [function]
        if "authorizer" in described:
            # Before: where both are given something, the routes' is what counts.
            functions.insert(0, described["authorizer"])
            command += ["--authorizer", system.raw["functions"][described["authorizer"]]["handler"]]
        given = {name: value for each in functions for name, value in system.environment(each).items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # A line for each of ten thousand viewers is read by nobody.
        quiet = {
            "POWERTOOLS_LOG_LEVEL": "WARNING", "POWERTOOLS_METRICS_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": function,
        }  # fmt: skip
        env = {**quiet, **inherited, **system.credentials(), **given}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log, held():
            # Its stdin is ours: however we end, it ends as well. A session of its own keeps Ctrl-C from it.
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
        """End it, whatever signals come meanwhile."""
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
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        pipe = process.stdout
        assert pipe is not None  # noqa: S101
        readable, _, _ = select.select([pipe], [], [], START_SECONDS)
        if not readable:
            raise StackError(f"The gateway was not ready after {START_SECONDS} s; its log is {self.log}")
        if not pipe.readline():
            raise StackError(f"The gateway ended while it started; its log is {self.log}")
