"""Pure: the processes, files, ports and memory that a crowd of real WebSockets on this machine needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loadtest.load_limits import SPARE

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEWERS_PER_CELL: Final = 17_000
"""The most viewers of one stand-in process. Many systems allow a process 20,000 open files."""

LEAST_CELLS: Final = 2
MOST_VIEWERS: Final = 100_000

BYTES_PER_VIEWER: Final = 60_000
"""Memory of a viewer in stand-in, swarm and kernel, rounded up (docs/bench.md has the measured figures)."""

BYTES_PER_CELL: Final = 400_000_000
"""Memory of the processes of a cell without viewers: a stand-in, a swarm, two senders and the other functions."""


@dataclass(frozen=True, slots=True)
class Room:
    """The means of this machine."""

    files: int
    """Open files that a process may have."""
    system_files: int
    """Open files that all processes together may still open."""
    ports: int
    """Local ports for connections to one listening port."""
    memory: int
    """Available bytes."""


def shares(viewers: int, cells: int) -> list[int]:
    """The viewers of each cell: equal numbers, or one more in the first cells."""
    return [viewers // cells + (number < viewers % cells) for number in range(cells)]


def filled(viewers: int, most: Sequence[int]) -> list[int]:
    """The viewers of each cell when the first cells are filled, each up to its ``most``."""
    found: list[int] = []
    for each in most:
        found.append(min(viewers - sum(found), each))
    return found


def cells_for(viewers: int) -> int:
    """The number of cells that a crowd needs."""
    return max(LEAST_CELLS, -(-viewers // VIEWERS_PER_CELL))


def lack(viewers: int, cells: int, room: Room) -> str | None:
    """A sentence with the figure that this machine lacks, or None if it has enough for the crowd."""
    each = shares(viewers, cells)[0]
    memory = viewers * BYTES_PER_VIEWER + cells * BYTES_PER_CELL
    crowd = f"{viewers} viewers in {cells} cells need"
    for wanted, given, what in (
        (each + SPARE, room.files, "open files in each process. `ulimit -n` shows and raises the limit"),
        (2 * viewers, room.system_files, "open files in all processes. /proc/sys/fs/file-max is the limit"),
        (each, room.ports, "local ports. The range is in /proc/sys/net/ipv4/ip_local_port_range"),
        (memory // 1_000_000, room.memory // 1_000_000, "MB of memory"),
    ):
        if wanted > given:
            return f"{crowd} {wanted} {what}; {given} are available here. Use fewer viewers: --viewers N."
    return None
