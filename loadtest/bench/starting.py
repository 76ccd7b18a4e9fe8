"""One start of a function as on Lambda: INIT, then the first call, in its own process.

Python runs this script isolated (``-I -S``), so only the code of the zip is there. The arguments are the zip's folder
and the handler; the event comes on stdin; measurements and the answer go to stdout. The start of the interpreter is not
counted: on Lambda it has started when the code is imported.
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

    function_name = memory_limit_in_mb = aws_request_id = "cold"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:cold"

    def __init__(self) -> None:
        self._began = time.monotonic()

    def get_remaining_time_in_millis(self) -> int:
        """The remaining time with a time-out of 60 s."""
        return int((INVOCATION_SECONDS - (time.monotonic() - self._began)) * 1000)


def peak_resident_mb() -> float:
    """The most resident memory."""
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
    """Start the function, call it once, and print the measurements."""
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
