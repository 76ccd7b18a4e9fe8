"""CPU time and memory of processes of this machine, from /proc (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pids: Iterable[int]) -> float:
    """The CPU time that running processes have used, in steps of 10 ms. A process that has ended counts nothing.

    Fields 14 and 15 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html.
    """
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            # The name of the process is in brackets, and the third field follows it.
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def resident_bytes(pids: Iterable[int]) -> int:
    """The resident memory of running processes."""
    return sum(int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE for pid in pids)


def of_function(session: int, function: str) -> list[int]:
    """The processes of a session (MiniStack's) that run a Lambda function."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    found = []
    for entry in _PROC.iterdir():
        with suppress(OSError, ValueError):
            ours = entry.name.isdecimal() and os.getsid(int(entry.name)) == session
            if ours and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def available_bytes() -> int:
    """The memory that new programs may use."""
    lines = (_PROC / "meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024


def open_files_left() -> int:
    """The open files that all processes together may still have."""
    used, _, most = (_PROC / "sys/fs/file-nr").read_text().split()
    return int(most) - int(used)


def local_ports() -> int:
    """The local ports from which one address can connect to one listening port."""
    first, last = (_PROC / "sys/net/ipv4/ip_local_port_range").read_text().split()
    return int(last) - int(first) + 1
