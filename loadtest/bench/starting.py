"""One start of a function, as Lambda goes through it: INIT, then the first call, in a process of its own.

A script that Python is to run by itself (``-I -S``), so that nothing is there but the code of the zip: its folder and
the handler are the arguments, the event comes on stdin, figures and the answer go to stdout. The start of the
interpreter is not counted: on Lambda it runs already when the code is imported.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

INVOCATION_SECONDS = 60.0


class Context:
    """The context that Lambda gives a function for an invocation."""

    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "cold"

    def __init__(self) -> None:
        self._began = time.monotonic()

    def get_remaining_time_in_millis(self) -> int:
        """As a time-out of 60 s makes it."""
        return int((INVOCATION_SECONDS - (time.monotonic() - self._began)) * 1000)


def peak_resident_mb() -> float:
    """The most memory that was resident."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def clients() -> int:
    """The number of AWS clients in this process."""
    base = sys.modules.get("botocore.client")
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    found = sum(issubclass(type(each), base.BaseClient) for each in gc.get_objects()) if base is not None else 0
    if frozen:
        gc.freeze()
    return found


def main() -> None:
    """Start, call once, tell."""
    folder, handler = sys.argv[1:]
    event: dict[str, Any] = json.load(sys.stdin)
    # The function's output is its log, as on Lambda.
    told, sys.stdout = sys.stdout, sys.stderr
    module, _, name = handler.rpartition(".")
    began, cpu = time.perf_counter(), time.process_time()
    sys.path.insert(0, folder)
    function = getattr(importlib.import_module(module), name)
    initialized = time.perf_counter()
    init_cpu = time.process_time()
    made = clients()
    called, call_cpu = time.perf_counter(), time.process_time()
    answer = function(event, Context())
    ended = time.perf_counter()
    found = {
        "init_ms": (initialized - began) * 1000,
        "call_ms": (ended - called) * 1000,
        "init_cpu_ms": (init_cpu - cpu) * 1000,
        "call_cpu_ms": (time.process_time() - call_cpu) * 1000,
        "clients_made": clients() - made,
        "resident_mb": peak_resident_mb(),
        "answer": answer,
    }
    print(json.dumps(found), file=told)


if __name__ == "__main__":
    main()
