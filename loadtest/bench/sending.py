"""The sender's function in its own process, as on Lambda: tasks on stdin, their measurements on stdout."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INVOCATION_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Context:
    """The context that Lambda gives a function for an invocation."""

    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """The remaining time with a time-out of 60 s."""
        return int((INVOCATION_SECONDS - (time.monotonic() - self.began)) * 1000)


def peak_resident_mb() -> float:
    """The most resident memory; ``getrusage`` would include the parent's memory at the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    """Invoke the function for each task until it is done."""
    from broadcaster.send.sender import handler

    for line in sys.stdin:
        task: dict[str, Any] = json.loads(line)
        began, cpu = time.perf_counter(), time.process_time()
        while not task["batch"]["done"]:
            task["batch"] = handler(task, Context())  # type: ignore[arg-type]
        found = {
            "cpu_s": time.process_time() - cpu,
            "wall_s": time.perf_counter() - began,
            "resident_mb": peak_resident_mb(),
            "counts": task["batch"]["counts"],
        }
        print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
