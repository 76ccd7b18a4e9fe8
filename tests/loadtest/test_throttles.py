"""The product's sender against the stand-in's two kinds of 429."""

from __future__ import annotations

import asyncio
import socket as sockets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from broadcaster.send.gateway import Gateway
from broadcaster.send.pacing import AnswerCounts, Pace
from broadcaster.send.post_queue import PostQueue, Tally
from broadcaster.send.signing import Credentials, Endpoint
from devstack.system import ACCOUNT, REGION, SECRET
from tests.broadcaster.test_gateway import Ids
from tests.loadtest.conftest import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.loadtest.conftest import Bench

VIEWERS = 30
SECONDS = 20.0


@pytest.fixture
async def viewers(bench: Bench) -> AsyncIterator[list[str]]:
    """Connection ids of viewers that read what comes."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connect(bench.url, max_queue=None)) for _ in range(VIEWERS)]
        yield [(await ask(each, action="ask"))["id"] for each in opened]


@pytest.fixture
async def gateway(bench: Bench) -> AsyncIterator[Gateway]:
    """The sender's client of the stand-in."""
    gateway = await Gateway.open(Endpoint.parse(bench.http, REGION), lambda: Credentials(ACCOUNT, SECRET))
    yield gateway
    await gateway.close()


class Remembered(Pace):
    """A pace that remembers how far down it has gone: by the end of a send it may be back."""

    lowest = float("inf")

    def adjust(self, answers: AnswerCounts, now: float) -> None:
        """Judge, and remember."""
        super().adjust(answers, now)
        self.lowest = min(self.lowest, self.bucket.rate)


async def post(gateway: Gateway, connections: list[str], frame: bytes, rate: float) -> tuple[Tally, Remembered]:
    """Post a frame to each; returns what became of it, and the pace."""
    now = asyncio.get_running_loop().time()
    pace = Remembered(rate, now)
    queue = PostQueue(Ids(gateway, frame, connections), pace, until=now + SECONDS, on_gone=lambda _: None)
    await gateway.deliver(queue, now + SECONDS)
    gateway.requests.forget()
    return queue.tally, pace


async def test_the_accounts_throttle_delays_everybody_and_loses_nobody(
    bench: Bench, gateway: Gateway, viewers: list[str]
) -> None:
    """Promise 2: at ten times the account's rate the pace drops until every post was accepted."""
    bench.limit(account_rate=300, account_burst=10)
    tally, pace = await post(gateway, viewers * 20, b"{}", rate=3_000)
    assert (tally.accepted_posts, tally.failed_posts) == (VIEWERS * 20, 0)
    assert tally.throttled_tries > 0
    assert pace.lowest < 3_000


async def test_a_slow_viewer_delays_nobody_else(bench: Bench, gateway: Gateway, viewers: list[str]) -> None:
    """A viewer that does not read is tried again and given up; all others get the frame at the full pace."""
    bench.limit(buffer_bytes=0, account_rate=1e6, account_burst=1e6)
    frame = b"x" * 30_000
    async with connect(bench.url, max_queue=1) as slow:
        connection = (await ask(slow, action="ask"))["id"]
        raw: sockets.socket = slow.transport.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        slow.transport.pause_reading()
        for _ in range(400):  # until what the kernels' buffers take is full
            full, _ = await post(gateway, [connection] * 10, frame, rate=1e6)
            if full.failed_posts:
                break
        assert full.failed_posts
        before = bench.stats()["delivered"]
        tally, pace = await post(gateway, [*viewers[:15], connection, *viewers[15:]] * 10, frame[:200], rate=2_000)
        slow.transport.abort()
    assert tally.accepted_posts == VIEWERS * 10
    assert tally.failed_posts == 10
    assert pace.lowest == 2_000
    assert bench.stats()["delivered"] - before == VIEWERS * 10
