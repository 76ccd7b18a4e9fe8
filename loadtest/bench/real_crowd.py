"""A crowd of real WebSockets, up to a hundred thousand, and goals through the whole system.

Each cell has a stand-in process and a process of viewers. First a tenth of the viewers is there, in the first cells,
each as full as it will be; then everybody. So the CPU of a goal for each viewer compares like with like.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from loadtest.bench.bench_result import Result
from loadtest.bench.crowd_routes import MATCH
from loadtest.bench.goal import ended
from loadtest.crowd_needs import MOST_VIEWERS, Room, filled, lack, shares
from loadtest.process_figures import available_bytes, cpu_seconds, local_ports, open_files_left, resident_bytes
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from loadtest.bench.target import Target

    Say = Callable[[str], None]

VIEWERS = MOST_VIEWERS
GOALS = 10
PART = 10
"""The smaller audience is this part of the whole one."""

JOIN_SECONDS = 600.0
"""Bound on the time that all viewers may take to subscribe."""

REACH_SECONDS = 60.0
"""Bound on the time that a goal may take to the last viewer."""

JOIN_STEP = 1_000
"""Viewers of one cell that join between two reports of progress."""

FLOORS = {"missed": "0", "cpu_ratio": "0.8 to 1.2"}


class CrowdError(ProgramError):
    """The crowd could not be brought together; the text is for people."""


@dataclass(slots=True)
class CrowdCell:
    """A cell: its WebSocket URL, its stand-in's process, and the processes of its senders as they are now."""

    url: str
    standin: int
    senders: Callable[[], list[int]]
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    """The process of the cell's viewers."""
    watching: int = field(default=0, init=False)

    async def open(self, viewers: int) -> None:
        """Start the process that will hold this many viewers. Raises CrowdError."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "loadtest.bench.crowd_viewers", self.url, MATCH, str(viewers),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        await self._answer()

    async def tell(self, **order: Any) -> dict[str, Any]:
        """Give the viewers an order; returns their answer. Raises CrowdError."""
        assert self.process is not None and self.process.stdin is not None  # noqa: S101, PT018
        with suppress(ConnectionError):
            self.process.stdin.write(orjson.dumps(order) + b"\n")
            await self.process.stdin.drain()
        return await self._answer()

    async def close(self) -> None:
        """End the process of the viewers."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def _answer(self) -> dict[str, Any]:
        assert self.process is not None and self.process.stdout is not None  # noqa: S101, PT018
        line = await self.process.stdout.readline()
        if not line:
            raise CrowdError("A process of viewers has ended by itself. Its own message stands above.")
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def cpu(self) -> dict[str, dict[int, float]]:
        """The CPU seconds of each process of the cell, by its role."""
        assert self.process is not None  # noqa: S101
        roles = {"standin": [self.standin], "swarm": [self.process.pid], "senders": self.senders()}
        return {role: {pid: cpu_seconds([pid]) for pid in pids} for role, pids in roles.items()}


def refusal(viewers: int, cells: int) -> str | None:
    """A sentence with the figure that this machine lacks for a crowd, else None."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = sys.maxsize if files == resource.RLIM_INFINITY else files
    return lack(viewers, cells, Room(files, open_files_left(), local_ports(), available_bytes()))


async def run(
    target: Target, cells: Sequence[CrowdCell], say: Say, viewers: int = VIEWERS, goals: int = GOALS
) -> Result:
    """Post goals to a part of the viewers, then to all of them; each goal when the broadcast before it has ended.

    The kick-off, and the first event with all viewers, warm up and do not count. Raises CrowdError.
    """
    # Only the first cells have viewers of the smaller audience.
    few = max(1, viewers // PART)
    every = shares(viewers, len(cells))
    part = filled(few, every)
    async with target.api() as http:
        about = {"match": MATCH, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": every[0]}
        (await http.post("/matches", json=about)).raise_for_status()
        crowd = _Crowd(http, cells, say)
        try:
            await asyncio.gather(*(cell.open(count) for cell, count in zip(cells, every, strict=True)))
            before = crowd.memory()
            began = time.monotonic()
            await crowd.join(part)
            first_join = time.monotonic() - began
            await crowd.event({"kind": "kick_off"})
            small = [await crowd.goal() for _ in range(goals)]
            began = time.monotonic()
            await crowd.join(every)
            join_s = first_join + time.monotonic() - began
            after = crowd.memory()
            await crowd.goal()
            large = [await crowd.goal() for _ in range(goals)]
            missed = [await cell.tell(do="missed", seq=crowd.seq) for cell in cells]
        finally:
            await asyncio.gather(*(cell.close() for cell in cells))
    times = [sorted(Counter(each.ms).elements()) for each in large]
    last = sorted(each[-1] for each in times if each)
    cpu = {str(few): _per_viewer(small, few), str(viewers): _per_viewer(large, viewers)}
    result = Result("crowd", floors=FLOORS)
    result.figures = {
        "viewers": viewers,
        "goals": goals,
        "cells": len(cells),
        "missed": sum(each["missed"] for each in missed),
        "viewers_that_missed": sum(each["viewers_that_missed"] for each in missed),
        "last_viewer_ms": {"p50": _middle(last), "max": last[-1] if last else 0},
        "median_viewer_ms": {"p50": _middle([_middle(each) for each in times if each])},
        "join_s": round(join_s, 1),
        "bytes_per_viewer": {name: round((after[name] - before[name]) / viewers) for name in before},
        "cpu_us_per_viewer": {name: sum(roles.values()) for name, roles in cpu.items()},
        "cpu_us_by_process": {f"{name} {role}": us for name, roles in cpu.items() for role, us in roles.items()},
    }
    us = list(result.figures["cpu_us_per_viewer"].values())
    result.figures["cpu_ratio"] = round(us[-1] / max(us[0], 0.1), 2)
    return result


@dataclass(frozen=True, slots=True)
class _Goal:
    ms: dict[int, int]
    """Milliseconds from the POST -> viewers that had the goal then."""
    cpu: dict[str, float]
    """CPU seconds of the goal by role, in the cells that have viewers."""


class _Crowd:
    """The viewers of all cells, and the match."""

    def __init__(self, http: httpx.AsyncClient, cells: Sequence[CrowdCell], say: Say) -> None:
        self._http, self._cells, self._say = http, cells, say
        self.seq = 0

    def memory(self) -> dict[str, int]:
        """Resident bytes of all stand-ins and of all processes of viewers; the kernel's memory is not in them."""
        swarm = [cell.process.pid for cell in self._cells if cell.process is not None]
        return {"standin": resident_bytes(cell.standin for cell in self._cells), "swarm": resident_bytes(swarm)}

    async def join(self, wanted: Sequence[int]) -> None:
        """Bring each cell to this many viewers. Raises CrowdError."""
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await asyncio.gather(
                    *(self._join(cell, count, sum(wanted)) for cell, count in zip(self._cells, wanted, strict=True))
                )
        except TimeoutError:
            raise CrowdError(f"Only {self._watching} of {sum(wanted)} viewers could subscribe.") from None

    async def _join(self, cell: CrowdCell, wanted: int, everybody: int) -> None:
        while cell.watching < wanted:
            answer = await cell.tell(do="join", count=min(JOIN_STEP, wanted - cell.watching))
            cell.watching = answer["watching"]
            if answer["failed"]:
                raise CrowdError(f"Only {self._watching} of {everybody} viewers could subscribe: {answer['failed']}.")
            self._say(f"crowd: {self._watching} of {everybody} viewers are watching")

    @property
    def _watching(self) -> int:
        return sum(cell.watching for cell in self._cells)

    async def goal(self) -> _Goal:
        """Post a goal."""
        return await self.event({"kind": "goal", "team": "home", "minute": 45})

    async def event(self, event: dict[str, Any]) -> _Goal:
        """Post an event, and wait until every viewer has it and the broadcast has ended."""
        self.seq += 1
        cells = [cell for cell in self._cells if cell.watching]
        before = [cell.cpu() for cell in cells]
        posted = time.time_ns() // 1_000_000
        (await self._http.post(f"/matches/{MATCH}/events", json=event)).raise_for_status()
        waits = (cell.tell(do="wait", seq=self.seq, posted=posted, seconds=REACH_SECONDS) for cell in cells)
        ms: Counter[int] = Counter()
        for answer in await asyncio.gather(*waits):
            ms.update({int(at): count for at, count in answer["ms"].items()})
        await ended(self._http, MATCH, self.seq)
        cpu: defaultdict[str, float] = defaultdict(float)
        for was, now in zip(before, (cell.cpu() for cell in cells), strict=True):
            for role, pids in now.items():
                cpu[role] += sum(used - was[role].get(pid, 0.0) for pid, used in pids.items())
        told, last = ms.total(), max(ms, default=0)
        self._say(f"crowd: event {self.seq} has reached {told} of {self._watching} viewers after {last} ms")
        return _Goal(dict(ms), dict(cpu))


def _per_viewer(goals: Sequence[_Goal], viewers: int) -> dict[str, float]:
    """CPU microseconds of a goal for each viewer, by role: the mean over the goals, because a tick has 10 ms."""
    roles = goals[0].cpu
    return {role: round(statistics.mean(each.cpu[role] for each in goals) / viewers * 1e6, 1) for role in roles}


def _middle(values: Sequence[int]) -> int:
    return int(statistics.median(values)) if values else 0
