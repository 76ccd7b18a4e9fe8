"""Makes the clock of a function's process wrong: Python imports this first, from PYTHONPATH.

``FAULTS_CLOCKS`` names a folder; a file there with the function's name holds the seconds by which its clock is fast.
"""

import os
import time
from pathlib import Path


def _set_wrong() -> None:
    folder, function = os.environ.get("FAULTS_CLOCKS"), os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if not folder or not function:
        return
    wish = Path(folder) / function
    if not wish.exists():
        return
    seconds = int(wish.read_text())
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + seconds
    time.time_ns = lambda: right_ns() + seconds * 1_000_000_000
    (Path(folder) / f"{function}.felt").touch()


_set_wrong()
