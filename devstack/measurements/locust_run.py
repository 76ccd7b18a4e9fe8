"""Runs the load test against a running stack: starts locust, reports its progress, and reads its result."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devstack.operator.local_tokens import tokens_of
from devstack.signals import held
from devstack.stack.ministack import StackError, free_port
from devstack.stack.site import serving
from devstack.stack_cells import API_GATEWAY
from devstack.system import ROOT, STATE
from loadtest.director import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.system import System

STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Load:
    """The plan of a load test; times in seconds."""

    viewers: int
    goals: int
    shape: str
    matches: int
    pace: float
    join_rate: float
    processes: int
    gateway: str = "standin"
    """The program that plays API Gateway; of no meaning for other transports."""
    transport: str = API_GATEWAY
    """The transport of the cell under load."""

    @property
    def options(self) -> list[str]:
        """The options of locust. ``livescore loadtest`` has the same options, and ``--gateway`` or ``--transport``."""
        given = {name: value for name, value in asdict(self).items() if name not in ("gateway", "transport")}
        return [part for name in given for part in (f"--{name.replace('_', '-')}", str(given[name]))]

    @property
    def command(self) -> str:
        """The command that runs the same load test again."""
        behind = self.transport == API_GATEWAY
        where = ["--gateway", self.gateway] if behind else ["--transport", self.transport]
        return shlex.join(["livescore", "loadtest", *self.options, *where])


def run(system: System, load: Load, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the load test in the system's first cell to its end; returns the result of ``loadtest.swarm_results``.

    Raises StackError if locust ends without a result.
    """
    log = STATE / "logs" / f"locust-{system.port}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _viewer_options(system) as options:
        results = Path(folder) / "results.json"
        command = [
            sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest/locustfile.py"), "--headless", "--only-summary",
            "--api", system.api_url, *options, "--results", str(results), *load.options,
        ]  # fmt: skip
        if load.processes == 1:
            # Without the option, locust runs in one process and forks no workers.
            command = command[: command.index("--processes")]
        else:
            # locust's first process listens for the others, by default on port 5557, which may be in use.
            port = str(free_port())
            command += ["--master-bind-port", port, "--master-port", port]
        _run(command, log, say, tokens_of(system).environment())
        if not results.exists():
            raise StackError(f"locust ended without a result; its log is {log}")
        result: dict[str, Any] = json.loads(results.read_text())
        return result


@contextlib.contextmanager
def _viewer_options(system: System) -> Iterator[list[str]]:
    """The options of locust that name the first cell. The address of a broadcasting one is in ``deployment.json``."""
    cell = system.cells[0]
    if cell.transport == API_GATEWAY:
        yield ["--websocket", system.websocket_url]
        return
    with serving(system, free_port()) as site:
        yield ["--cell", cell.name, "--site", site]


def _run(command: list[str], log: Path, say: Callable[[str], None], tokens: dict[str, str]) -> None:
    """Run locust in its own session: Ctrl-C then reaches only this process, which can end locust's whole group."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    # locust would prefer this token, which may belong to another deployment.
    inherited.pop("LIVESCORE_TOKEN", None)
    environment = {**inherited, **tokens}
    with log.open("w") as kept:
        locust = None
        try:
            with held():
                locust = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=kept, text=True,
                    start_new_session=True,
                )  # fmt: skip
            for line in locust.stdout or ():
                if line.startswith(PROGRESS):
                    say(line.removeprefix(PROGRESS).rstrip())
                else:
                    kept.write(line)
            locust.wait()
        finally:
            if locust is not None:
                with held():
                    _end(locust)


def _end(locust: subprocess.Popen[str]) -> None:
    """End locust and all processes that it has started."""
    if locust.poll() is None:
        locust.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            locust.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(locust.pid, signal.SIGKILL)
    locust.wait()
    if locust.stdout is not None:
        locust.stdout.close()
