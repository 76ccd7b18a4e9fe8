"""Finds the process of a session at the other end of a TCP connection, and kills it. Reads /proc (Linux)."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def pid_of(session: int, port: int) -> int | None:
    """The process of ``session`` whose TCP connection has the local ``port``; None if there is none."""
    inode = _inode(port)
    if inode is None:
        return None
    link = f"socket:[{inode}]"
    for pid in processes(session):
        with suppress(OSError):
            for fd in (_PROC / str(pid) / "fd").iterdir():
                with suppress(OSError):
                    if str(fd.readlink()) == link:
                        return pid
    return None


def processes(session: int) -> list[int]:
    """The processes of a session, without its leader."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and int(entry.name) != session:
            with suppress(OSError, ValueError, IndexError):
                # The command is in parentheses and may hold anything (proc_pid_stat(5)).
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    found.append(int(entry.name))
    return found


def of_function(session: int, function: str) -> list[int]:
    """The processes of a session that run a Lambda function."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    found = []
    for pid in processes(session):
        with suppress(OSError):
            if wanted in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def kill(pid: int) -> None:
    """End a process at once with SIGKILL."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _inode(port: int) -> str | None:
    """The inode of the socket with this local port; None if there is none (proc_pid_net(5): tcp)."""
    local = f":{port:04X}"
    for line in (_PROC / "net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[1].endswith(local) and columns[9] != "0":
            return columns[9]
    return None
