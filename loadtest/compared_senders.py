"""The senders that are compared, one process for each: ``python -m loadtest.compared_senders NAME URL SECONDS``.

Each sender POSTs a frame to one connection after the other as fast as one core can, and prints its counts as JSON. The
environment has the credentials, with a session token as in Lambda, and ``AWS_CA_BUNDLE``.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import random
import string
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broadcaster.send.post_queue import Post, PreparedRequest

WARM_SECONDS = 0.5
THREADS = 32
TASKS = 64
CONNECTIONS = 128
IDS = 10_000

FRAME = json.dumps(
    {"type": "update", "match": "wc22-final", "epoch": "c0ffee01", "prev": 9, "seq": 10, "status": "second_half",
     "score": [3, 1], "shootout": None, "events": [{"seq": 10, "kind": "goal", "team": "home", "minute": 81,
     "player": "Kylian Mbappé", "assist": "Marcus Thuram", "at": 1766080000123, "score": [3, 1]}],
     "at": 1766080000123}, ensure_ascii=False,
).encode()  # fmt: skip


class Meter:
    """Counts posts between two moments."""

    def __init__(self, seconds: float) -> None:
        self.begin = time.perf_counter() + WARM_SECONDS
        self.end = self.begin + seconds
        self.count = 0
        self._from: tuple[float, float, int] | None = None

    def more(self) -> bool:
        """Count one post; returns whether there is time for more."""
        self.count += 1
        now = time.perf_counter()
        if self._from is None and now >= self.begin:
            self.start(now)
        return now < self.end

    def start(self, now: float) -> None:
        """Begin the measurement."""
        self._from = (now, time.process_time(), self.count)

    def found(self) -> dict[str, float]:
        """Posts a second, and the CPU time of this process for each."""
        assert self._from is not None  # noqa: S101
        begun, cpu, before = self._from
        posts = self.count - before
        seconds = time.perf_counter() - begun
        return {"per_second": posts / seconds, "cpu_us": (time.process_time() - cpu) / posts * 1e6}


def connection_ids(count: int = IDS) -> list[str]:
    """Connection ids of API Gateway's shape."""
    chance, letters = random.Random(22), string.ascii_letters + string.digits + "-_"
    return ["".join(chance.choices(letters, k=15)) + "=" for _ in range(count)]


def boto3_threads(url: str, seconds: float) -> dict[str, float]:
    """boto3 as its guide recommends: one client for many threads."""
    import boto3

    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=_config(THREADS))
    meter, ids, lock = Meter(seconds), itertools.cycle(connection_ids()), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not meter.more():
                    return
                connection = next(ids)
            client.post_to_connection(ConnectionId=connection, Data=FRAME)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return meter.found()


async def aioboto3_tasks(url: str, seconds: float) -> dict[str, float]:
    """aioboto3 with many requests at once."""
    import aioboto3

    meter, ids = Meter(seconds), itertools.cycle(connection_ids())
    async with aioboto3.Session().client("apigatewaymanagementapi", endpoint_url=url, config=_config(TASKS)) as client:

        async def work() -> None:
            while meter.more():
                await client.post_to_connection(ConnectionId=next(ids), Data=FRAME)

        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(work())
    return meter.found()


async def ours(url: str, seconds: float, connections: list[str] | None = None) -> dict[str, float]:
    """The product's own sender, with all its handling of errors, pacing and time-outs."""
    from broadcaster.send.gateway import Gateway
    from broadcaster.send.pacing import Pace
    from broadcaster.send.post_queue import PostQueue
    from broadcaster.send.sender import credentials
    from broadcaster.send.signing import Endpoint

    class Endless:
        waiting_rows, fresh, exhausted = 1_000_000, True, False

        def __init__(self, request: PreparedRequest) -> None:
            self._request = request
            self._ids: Iterator[str] = itertools.cycle(connections or connection_ids())

        def next_row(self) -> Post:
            return next(self._ids), self._request, "match#0", 0

    loop = asyncio.get_running_loop()
    gateway = await Gateway.open(
        Endpoint.parse(url, os.environ["AWS_DEFAULT_REGION"]), credentials, connections=CONNECTIONS
    )
    rows = Endless(gateway.requests.for_post(FRAME))

    async def deliver(for_seconds: float) -> int:
        now = loop.time()
        queue = PostQueue(rows, Pace(1e9, now), until=now + for_seconds, on_gone=lambda _: None)
        await gateway.deliver(queue, now + for_seconds + 5)
        return queue.tally.accepted_posts

    await deliver(WARM_SECONDS)
    meter = Meter(seconds)
    meter.start(time.perf_counter())
    meter.count = await deliver(seconds)
    found = meter.found()
    await gateway.close()
    return found


def _config(connections: int) -> Config:
    return Config(max_pool_connections=connections, request_checksum_calculation="when_required")


def main() -> None:
    """Measure one sender."""
    name, url, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    gc.collect()
    gc.freeze()
    senders: dict[str, Any] = {"aioboto3": aioboto3_tasks, "ours": ours}
    found = boto3_threads(url, seconds) if name == "boto3" else asyncio.run(senders[name](url, seconds))
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
