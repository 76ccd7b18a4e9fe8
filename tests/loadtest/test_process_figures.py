"""CPU time and memory of processes, as the bench of the crowd reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from loadtest.process_figures import (
    available_bytes,
    cpu_seconds,
    local_ports,
    of_function,
    open_files_left,
    resident_bytes,
)


def test_the_figures_of_this_process_are_those_that_the_system_gives() -> None:
    """CPU time is that of ``time.process_time``, in steps of 10 ms; memory is more than nothing."""
    before = time.process_time()
    read = cpu_seconds([os.getpid()])
    assert before - 0.05 <= read <= time.process_time() + 0.05
    assert 0 < resident_bytes([os.getpid()]) < available_bytes() + resident_bytes([os.getpid()])
    assert min(open_files_left(), local_ports()) > 0


def test_an_ended_process_uses_no_cpu() -> None:
    """The sender's process may end between two readings."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert cpu_seconds([ended.pid]) == 0


def test_the_processes_of_a_function_are_found() -> None:
    """Only processes of the session that run this function count."""
    env = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "livescore-sender"}
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert of_function(process.pid, "livescore-sender") == [process.pid]
        assert of_function(process.pid, "livescore-send") == of_function(os.getpid(), "livescore-sender") == []
