"""A locust worker's side of its swarm: the process, a pipe for orders and a pipe for reports."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.cell_address import CellAddress

STOP_SECONDS = 10.0


class SwarmProcess:
    """One swarm, from construction to ``stop``. Under gevent every call gives way to other greenlets."""

    def __init__(self, cell: CellAddress, api_url: str, viewers: int) -> None:
        self._process = subprocess.Popen(  # our own program
            [sys.executable, "-m", "loadtest.swarm", orjson.dumps(asdict(cell)).decode(), api_url, str(viewers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._writing = threading.Lock()

    def tell(self, **order: Any) -> None:
        """Send an order. An order to a swarm that has ended is lost."""
        if self._process.stdin is None:
            return
        with self._writing:
            try:
                self._process.stdin.write(orjson.dumps(order) + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                return

    def reports(self) -> Iterator[dict[str, Any]]:
        """The reports as they come, until the swarm ends."""
        if self._process.stdout is not None:
            for line in self._process.stdout:
                yield orjson.loads(line)

    def stop(self) -> None:
        """End the swarm and wait for its end."""
        if self._process.stdin is not None:
            with self._writing:
                try:
                    self._process.stdin.close()
                except OSError:
                    self._process.kill()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
