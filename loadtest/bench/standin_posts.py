"""POSTs a second through the stand-in on one core to real WebSockets; sender and viewers share the other core."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvloop

from client.websocket import dial
from loadtest.bench.bench_result import Result, median
from loadtest.bench.programs import Cores, free_ports, on_core
from loadtest.bench.send import credentials
from loadtest.bench.standin_client import StandinClient
from loadtest.compared_senders import ours
from loadtest.load_limits import allow_all_sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOCKETS = 10_000
SECONDS = 3
RUNS = 5
CONNECTS_AT_ONCE = 64
FLOORS = {"posts_per_second": "25,000", "undelivered": "0"}
API = {"stage": "live", "routes": ["$connect", "$disconnect", "whoami"], "two_way": ["whoami"],
       "route_selection_expression": "$request.body.action", "function": "routes"}  # fmt: skip


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The function behind the sockets: accepts every viewer and sends it its connection id."""
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}


def run(say: Callable[[str], None], sockets: int = SOCKETS, runs: int = RUNS) -> Result:
    """Measure with a number of sockets."""
    allow_all_sockets()
    cores = Cores.here()
    with standin(cores.server) as port, on_core(cores.sender):
        return uvloop.run(_measure(port, say, sockets, runs))


async def _measure(port: int, say: Callable[[str], None], sockets: int, runs: int) -> Result:
    os.environ.update(credentials())
    come = 0
    ids: list[str] = []

    def heard(text: bytes | memoryview) -> None:
        nonlocal come
        come += 1
        if len(ids) < sockets:
            ids.append(bytes(text).decode())

    turns = asyncio.Semaphore(CONNECTS_AT_ONCE)

    async def enter() -> Any:
        async with turns:
            wire = await dial(f"ws://127.0.0.1:{port}/live", heard)
            wire.send(b'{"action":"whoami"}')
            return wire

    say(f"gateway: connecting {sockets} sockets")
    wires = await asyncio.gather(*(enter() for _ in range(sockets)))
    async with asyncio.timeout(60):
        while len(ids) < sockets:
            await asyncio.sleep(0.05)
    result, control = Result("gateway", floors=FLOORS), StandinClient(f"ws://127.0.0.1:{port}/live")
    rates, cpu = [], []
    for number in range(runs):
        say(f"gateway: run {number + 1} of {runs}")
        control.reset()
        come, used, began = 0, _cpu_of(port), time.perf_counter()
        await ours(f"http://127.0.0.1:{port}/live", SECONDS, ids)
        seconds = time.perf_counter() - began
        stats = control.stats()
        rates.append(stats["delivered"] / seconds)
        cpu.append((_cpu_of(port) - used) / stats["delivered"] * 1e6)
        async with asyncio.timeout(30):
            while come < stats["delivered"]:
                await asyncio.sleep(0.01)
        result.figures["undelivered"] = stats["posts"] - stats["delivered"] + result.figures.get("undelivered", 0)
        result.figures["signatures_checked"] = stats["signatures_checked"]
    result.rows.append({"name": "stand-in", "transport": f"http to {sockets:,} WebSockets",
                        "per_second": median(rates), "cpu_us": median(cpu)})  # fmt: skip
    result.figures["posts_per_second"] = median(rates)
    for wire in wires:
        wire.abort()
    await asyncio.gather(*(wire.closed() for wire in wires))
    return result


@contextmanager
def standin(core: int | None) -> Iterator[int]:
    """The stand-in alone, without rate limits; yields its port."""
    [port] = free_ports(1)
    limits = {"account_rate": 1e9, "account_burst": 1e9, "connects_per_second": 1e9}
    command = [sys.executable, "-m", "loadtest.standin.server", "--port", str(port), "--with-parent", "--api",
               json.dumps(API), "--handler", f"{__name__}.handler", "--limits", json.dumps(limits)]  # fmt: skip
    with on_core(core):
        process = subprocess.Popen(
            command, env={**os.environ, **credentials()}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    try:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the stand-in did not start; what it said is above")
        _processes[port] = process.pid
        yield port
    finally:
        process.terminate()
        process.communicate()


_processes: dict[int, int] = {}


def _cpu_of(port: int) -> float:
    """CPU seconds that the stand-in at a port has used."""
    with open(f"/proc/{_processes[port]}/stat") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
