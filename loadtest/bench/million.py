"""Page and send to a million rows of which one in a hundred is gone, with the sender's own function.

The function runs in its own process, as on Lambda: it is invoked again until it is done. The bench measures its CPU
time and memory. The running DynamoDB has the rows, and nginx answers in place of API Gateway.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from loadtest.bench.bench_result import Result
from loadtest.bench.programs import Cores, lacking, nginx, on_core
from loadtest.bench.send import credentials
from loadtest.compared_senders import connection_ids
from subscriptions.shards import initial_shards
from subscriptions.store import partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtest.bench.target import Target

SIZES = (10_000, 100_000, 1_000_000)
GONE_EVERY = 100
FLOORS = {"cpu_s": "20 at most", "resident_mb": "120 at most", "cpu_flat": "1.2 at most", "pruned_wrong": "0"}
OWNER = "bench"


def run(target: Target, say: Callable[[str], None], sizes: tuple[int, ...] = SIZES) -> Result:
    """Measure one size after the other in one process, after a small match has warmed it up."""
    result = Result("million", floors=FLOORS, missing=lacking("nginx"))
    if result.missing:
        return result
    cores = Cores.here()
    with nginx(cores.server) as server, _sender(target, server.http, cores.sender) as sender:
        _broadcast(target, sender, 1_000, say)
        for size in sizes:
            found = _broadcast(target, sender, size, say)
            counts = found["counts"]
            living, dead = _left(target, _match(size), size, say)
            gone = len(range(0, size, GONE_EVERY))
            wrong = dead + (size - gone - living)
            result.rows.append(
                {
                    "name": f"{size:,} rows",
                    "cpu_s": round(found["cpu_s"], 3),
                    "wall_s": round(found["wall_s"], 2),
                    "cpu_us": round(found["cpu_s"] / size * 1e6, 2),
                    "per_second": round(size / found["wall_s"]),
                    "resident_mb": round(found["resident_mb"], 1),
                    "accepted": counts["accepted"],
                    "pruned": counts["gone"],
                    "pruned_wrong": wrong,
                    "invocations": counts["invocations"],
                    "queries": counts["queries"],
                }
            )
    last = result.rows[-1]
    result.figures = {name: last[name] for name in ("cpu_s", "resident_mb", "pruned_wrong")}
    each = [row["cpu_us"] for row in result.rows]
    result.figures["cpu_flat"] = round(max(each) / min(each), 2)
    return result


def _match(size: int) -> str:
    return f"bench-{size}"


def _connections(size: int) -> Iterator[str]:
    """Ids of API Gateway's shape; nginx answers 410 for those that begin with ``gone``."""
    ids = connection_ids(1_000)
    for number in range(size):
        tail = f"{number:07d}"
        yield (
            f"gone{ids[number % 1_000][:4]}{tail}="
            if number % GONE_EVERY == 0
            else f"L{ids[number % 1_000][:7]}{tail}="
        )


def _broadcast(target: Target, sender: subprocess.Popen[str], size: int, say: Callable[[str], None]) -> dict[str, Any]:
    match = _match(size)
    target.numbered(match, size)
    target.plant(match, size, _connections(size), lambda count: say(f"million: {count:,} of {size:,} rows written"))
    target.lease(match, OWNER)
    say(f"million: sending to {size:,} rows")
    task = target.sender_task(match, OWNER, initial_shards(size))
    if sender.stdin is None or sender.stdout is None:
        raise RuntimeError("the sender has no pipes")
    sender.stdin.write(json.dumps(task) + "\n")
    sender.stdin.flush()
    line = sender.stdout.readline()
    if not line:
        raise RuntimeError("the sender ended; what it said is above")
    found: dict[str, Any] = json.loads(line)
    return found


def _left(target: Target, match: str, size: int, say: Callable[[str], None]) -> tuple[int, int]:
    """Rows that are left: of open connections, and of gone ones."""
    say(f"million: counting what is left of {size:,} rows")
    client, table = target.client("dynamodb"), target.environment["SUBSCRIPTIONS_TABLE"]
    pages = client.get_paginator("query")
    sums = []
    for condition in ("pk = :pk", "pk = :pk AND begins_with(sk, :gone)"):
        total = 0
        for shard in range(initial_shards(size)):
            values = {":pk": {"S": partition(match, shard)}}
            if "gone" in condition:
                values[":gone"] = {"S": "gone"}
            found = pages.paginate(
                TableName=table, Select="COUNT", KeyConditionExpression=condition, ExpressionAttributeValues=values
            )
            total += sum(page["Count"] for page in found)
        sums.append(total)
    return sums[0] - sums[1], sums[1]


@contextlib.contextmanager
def _sender(target: Target, connections_url: str, core: int | None) -> Iterator[subprocess.Popen[str]]:
    env = {
        **os.environ, **credentials(), **target.environment, "CONNECTIONS_URL": connections_url,
        "SEND_RATE": "1000000000", "POWERTOOLS_LOG_LEVEL": "WARNING",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }  # fmt: skip
    with on_core(core):
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtest.bench.sending"], env=env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()
