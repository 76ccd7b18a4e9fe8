"""Finds the TCP sockets of processes that listen to other machines. Linux only: it reads ``/proc``."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Self

_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (proc_net_tcp in the kernel's documentation, networking/proc_net_tcp.rst)."""


PLANTED = "# planted"
"""In a command line: this socket is open on purpose, so that it can be found."""


class Listening:
    """Looks again and again, from ``__enter__`` to ``__exit__``, at what this process and its descendants listen on."""

    def __init__(self, every: float) -> None:
        self.seen: set[str] = set()
        """Everything that listened, as ``127.0.0.1:4566 python``."""
        self.open: set[str] = set()
        """The programs that listened to other machines."""
        self._every = every
        self._known: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_again, name="listening", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look_again(self) -> None:
        while not self._ended.wait(self._every):
            self.look()

    def look(self) -> None:
        """Look once."""
        listeners = _listeners()
        # A socket that was looked at is not looked for again in all open files.
        if not listeners.keys() - self._known:
            return
        owners = {inode: pid for pid in _family(os.getpid()) for inode in _sockets(pid) if inode in listeners}
        self._known = set(listeners)
        for inode, pid in owners.items():
            address, port = listeners[inode]
            name = f"{address}:{port} {_name(pid)}"
            self.seen.add(name)
            if not address.is_loopback:
                self.open.add(name)


def _listeners() -> dict[str, tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """All listening sockets of the machine: inode -> address and port."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    address, _, port = fields[1].partition(":")
                    found[fields[9]] = _address(bytes.fromhex(address)), int(port, 16)
    return found


def _address(raw: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address that the kernel writes in words of the machine's byte order, which is little-endian here."""
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(turned)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _family(root: int) -> list[int]:
    """A process and all its descendants."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
    family = [root]
    for pid in family:
        family += children[pid]
    return family


def _sockets(pid: int) -> list[str]:
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                link = str(entry.readlink())
                if link.startswith("socket:["):
                    found.append(link[8:-1])
    return found


def _name(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(Path(each).name for each in words[:4])
    return "?"
