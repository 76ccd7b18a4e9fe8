"""A process that holds thousands of viewers for one locust worker.

locust's own greenlets would queue before the sockets and measure themselves (160 ms at the median for 5,000 viewers),
so they only send orders. Orders are lines of JSON on stdin, and reports are lines of JSON on stdout, twice a second.
The swarm ends when stdin ends, so it never outlives its worker.

    {"do": "join", "viewer": 7, "stays": true, "matches": ["m"]}      a viewer connects
    {"do": "drop", "viewer": 7}                                       its connection breaks; it reconnects
    {"do": "leave", "viewer": 7}                                      it leaves
    {"do": "cut"}                                                     all connections break now
    {"do": "settle", "seqs": {"m": 31}}                               count the missed events of viewers that stay
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson
import uvloop

from client.cell_address import CellAddress
from client.dialer import as_cell
from client.http_reader import HttpReader
from client.viewer import Viewer
from loadtest.load_limits import allow_sockets
from loadtest.swarm_results import Histogram, Status, posted_at

if TYPE_CHECKING:
    from client.event import Event

REPORT_SECONDS = 0.5
LAG_SECONDS = 0.05
"""Seconds between two measurements of the loop's own lateness."""


_COUNTS = {
    "connects": attrgetter("connects"),
    "failed_connects": attrgetter("failed"),
    "gaps": attrgetter("gaps"),
    "repaired": attrgetter("repaired"),
    "silence_checks": attrgetter("checks"),
    "asked_over_the_socket": attrgetter("syncs"),
    "junk_frames": attrgetter("junk"),
}
"""Names of counts -> attributes of a viewer."""


@dataclass(slots=True)
class Tally:
    """The counts and times since the last report."""

    times: dict[str, Histogram] = field(default_factory=lambda: defaultdict(dict))
    glass: dict[int, Histogram] = field(default_factory=lambda: defaultdict(dict))
    lag: dict[int, Histogram] = field(default_factory=lambda: defaultdict(dict))
    counts: Counter[str] = field(default_factory=Counter)

    def time(self, name: str, ms: float) -> None:
        """Add a duration to the histogram of its name."""
        histogram = self.times[name]
        histogram[round(ms)] = histogram.get(round(ms), 0) + 1


class Seat:
    """A viewer in the swarm, and the events that it has shown."""

    def __init__(self, swarm: Swarm, number: int, matches: list[str], *, stays: bool) -> None:
        self.stays = stays
        self._swarm = swarm
        self._number = number
        self.viewer = Viewer(swarm.cell, matches, reader=swarm.reader, on_event=self._event, on_frame=self._frame)
        self.task = asyncio.get_running_loop().create_task(self.viewer.run())
        self._subscribed: dict[str, tuple[int, int]] = {}
        """By match: the number of the connection of its last subscription, and the time (milliseconds since 1970)."""
        self._begins: dict[str, int] = {}
        """By match: the newest event of the first snapshot."""
        self._shown: Counter[str] = Counter()
        self.cut_at: float | None = None
        """When the connection of a viewer that stays was cut, until it is subscribed again (``time.monotonic``)."""

    def missed(self, seqs: dict[str, int]) -> int:
        """Number of events up to ``seqs`` after the subscription that were not shown."""
        return sum(
            max(0, seqs.get(match, 0) - self._begins.get(match, 0)) - self._shown[match]
            for match in self.viewer.followers
        )

    def _frame(self, frame: dict[str, Any]) -> None:
        kind, match = frame.get("type"), frame.get("match")
        if kind == "error":
            self._swarm.tally.counts["errors"] += 1
        if kind != "snapshot" or not isinstance(match, str):
            return
        viewer = self.viewer
        if self._subscribed.get(match, (0, 0))[0] == viewer.connects:
            return  # the answer to a sync
        if all(connection != viewer.connects for connection, _ in self._subscribed.values()):
            self._swarm.tally.time("connect", viewer.connect_ms)
        self._subscribed[match] = (viewer.connects, time.time_ns() // 1_000_000)
        now = time.monotonic()
        self._swarm.tally.time("subscribe", (now - viewer.opened_at) * 1000)
        if self.cut_at is not None:
            self._swarm.tally.time("back", (now - self.cut_at) * 1000)
            self.cut_at = None
        self._begins.setdefault(match, frame["seq"])
        self._swarm.ready.add(self._number)

    def _event(self, match: str, event: Event, at: int) -> None:
        if event["seq"] > self._begins.get(match, 0):
            self._shown[match] += 1
        posted, tally = posted_at(event), self._swarm.tally
        connection, since = self._subscribed.get(match, (0, 0))
        if posted < since or connection != self.viewer.connects:
            # The viewer was not subscribed then, so the age of the event says nothing about the broadcast.
            tally.time("catch_up", at - posted)
            return
        histogram, ms = tally.glass[at // 1000], at - posted
        histogram[ms] = histogram.get(ms, 0) + 1


class Swarm:
    """All viewers of this process."""

    def __init__(self, cell: CellAddress, api_url: str) -> None:
        self.cell = cell
        self.reader = HttpReader(api_url)
        """Reads missed events: one request for all viewers that miss the same events."""
        self.tally = Tally()
        self.ready: set[int] = set()
        self._seats: dict[int, Seat] = {}
        self._counted: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()
        self._seqs: dict[str, int] | None = None
        self._cpu = (time.monotonic(), time.process_time())

    def obey(self, order: dict[str, Any]) -> None:
        """Carry out one order."""
        match order["do"]:
            case "join":
                self._leave(order["viewer"])
                seat = Seat(self, order["viewer"], order["matches"], stays=order["stays"])
                self._seats[order["viewer"]] = seat
            case "drop":
                if (there := self._seats.get(order["viewer"])) is not None:
                    there.viewer.drop()
            case "leave":
                self._leave(order["viewer"])
            case "cut":
                self._cut()
            case "settle":
                self._seqs = order["seqs"]

    def report(self) -> dict[str, Any]:
        """The counts since the last report, and the state of the swarm."""
        tally, self.tally = self.tally, Tally()
        counted = Counter(self._gone)
        for name, of in _COUNTS.items():
            counted[name] += sum(of(seat.viewer) for seat in self._seats.values())
        counted["reads_wanted"], counted["reads_fetched"] = self.reader.reads, self.reader.requests
        tally.counts.update(counted - self._counted)
        self._counted = counted
        for seat in self._seats.values():
            for ms in seat.viewer.repair_ms:
                tally.time("repair", ms)
            seat.viewer.repair_ms.clear()
        staying = [seat for seat in self._seats.values() if seat.stays]
        now, used = time.monotonic(), time.process_time()
        cpu = round(100 * (used - self._cpu[1]) / max(now - self._cpu[0], 0.001))
        self._cpu = (now, used)
        status = Status(
            watching=sum(seat.viewer.is_open and seat.viewer.subscribed.is_set() for seat in self._seats.values()),
            ready=len(self.ready),
            stayed=len(staying),
            missed=sum(seat.missed(self._seqs) for seat in staying) if self._seqs is not None else 0,
            settled=self._seqs is not None,
            away=sum(seat.cut_at is not None for seat in self._seats.values()),
            cpu=cpu,
        )
        found = {"times": tally.times, "glass": tally.glass, "lag": tally.lag, "counts": tally.counts}
        return {**found, "status": asdict(status)}

    async def watch_lag(self) -> None:
        """Measure for ever the lateness of this loop, which every measured time includes."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            ms = max(0, round((loop.time() - due) * 1000))
            histogram = self.tally.lag[time.time_ns() // 1_000_000_000]
            histogram[ms] = histogram.get(ms, 0) + 1

    async def close(self) -> None:
        """Disconnect all viewers."""
        tasks = [seat.task for seat in self._seats.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.reader.close()

    def _cut(self) -> None:
        """Break all connections at once, as a failing gateway would; all viewers reconnect."""
        now = time.monotonic()
        for seat in self._seats.values():
            if seat.viewer.is_open:
                self.tally.counts["cut"] += 1
                seat.viewer.drop()
                # A viewer that comes and goes may be dropped again before it has reconnected.
                seat.cut_at = now if seat.stays else None

    def _leave(self, number: int) -> None:
        seat = self._seats.pop(number, None)
        if seat is not None:
            self._gone.update({name: of(seat.viewer) for name, of in _COUNTS.items()})
            seat.task.cancel()


async def serve(cell: CellAddress, api_url: str) -> None:
    """Take orders from stdin and report on stdout until stdin ends."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    swarm = Swarm(cell, api_url)
    tasks = [asyncio.create_task(each) for each in (_obey(swarm, orders), swarm.watch_lag(), _report(swarm))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await swarm.close()


async def _obey(swarm: Swarm, orders: asyncio.StreamReader) -> None:
    while line := await orders.readline():
        swarm.obey(orjson.loads(line))


async def _report(swarm: Swarm) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        os.write(sys.stdout.fileno(), orjson.dumps(swarm.report(), option=orjson.OPT_NON_STR_KEYS) + b"\n")


def main() -> None:
    """``python -m loadtest.swarm CELL API_URL VIEWERS``.

    ``CELL`` is a ``CellAddress`` in JSON, or the URL of an API Gateway WebSocket.
    """
    # Ctrl-C reaches the whole process group, but the worker decides when the swarm ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (refusal := allow_sockets(int(sys.argv[3]))) is not None:
        sys.exit(f"livescore: {refusal}")
    # A full collection visits every object of every viewer while all viewers wait, and finds almost no garbage.
    gc.set_threshold(100_000, 50, 100)
    cell = sys.argv[1]
    uvloop.run(serve(CellAddress(**orjson.loads(cell)) if cell.startswith("{") else as_cell(cell), sys.argv[2]))


if __name__ == "__main__":
    main()
