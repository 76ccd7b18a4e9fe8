"""The time from the operator's POST to the last of ten thousand viewers, through the whole system on this machine.

API, Kinesis, fan-out, Step Functions and senders run in MiniStack, the stand-in is the gateway.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from loadtest.audience import Audience, leave
from loadtest.bench.bench_result import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from loadtest.bench.target import Target

VIEWERS = 10_000
GOALS = 20
MATCH = "bench-goal"
REACH_SECONDS = 30.0
SILENCE_SECONDS = 900.0
"""Seconds of silence that are longer than the bench: no viewer repairs a miss, so the bench sees it."""

FLOORS = {"last_viewer_ms": "p50 at most 1,500", "missed": "0"}


async def run(target: Target, say: Callable[[str], None], viewers: int = VIEWERS, goals: int = GOALS) -> Result:
    """Post goals one after the other, each after the receipt of the one before."""
    result = Result("goal", floors=FLOORS)
    async with target.api() as http:
        about = {"match": MATCH, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": viewers}
        (await http.post("/matches", json=about)).raise_for_status()
        audience = Audience(target.websocket_url, {MATCH: viewers}, SILENCE_SECONDS)
        await audience.enter(lambda text: say(f"goal: {text}"))
        try:
            posted = []
            for seq in range(1, goals + 2):
                kind: dict[str, Any] = {"kind": "goal", "team": "home", "minute": min(seq, 45)}
                posted.append(time.time_ns() // 1_000_000)
                (
                    await http.post(f"/matches/{MATCH}/events", json=kind if seq > 1 else {"kind": "kick_off"})
                ).raise_for_status()
                await audience.wait(MATCH, seq, viewers, REACH_SECONDS)
                say(f"goal: event {seq} of {goals + 1} has reached {audience.arrived(MATCH, seq)} of {viewers}")
                await settled(http, MATCH, seq)
        finally:
            await leave(audience.members)
    # The kick-off warms up.
    last = sorted(
        max(member.at.get(seq, 0) for member in audience.members) - posted[seq - 1] for seq in range(2, goals + 2)
    )
    every = sorted(
        member.at[seq] - posted[seq - 1] for member in audience.members for seq in range(2, goals + 2)
        if seq in member.at
    )  # fmt: skip
    expected = set(range(1, goals + 2))
    result.figures = {
        "viewers": viewers,
        "goals": goals,
        "missed": sum(len(expected - set(member.seqs)) for member in audience.members),
        "last_viewer_ms": {"p50": percentile(last, 0.5), "p95": percentile(last, 0.95), "max": last[-1]},
        "every_viewer_ms": {
            "p50": percentile(every, 0.5),
            "p95": percentile(every, 0.95),
            "p99": percentile(every, 0.99),
        },
    }
    return result


async def settled(http: httpx.AsyncClient, match: str, seq: int) -> dict[str, Any]:
    """Wait for the receipt that brings a match to ``seq``; returns it."""
    async with asyncio.timeout(REACH_SECONDS * 2):
        while True:
            found = (await http.get(f"/matches/{match}/receipts")).raise_for_status().json()["receipts"]
            if found and found[-1]["seq"] >= seq:
                receipt: dict[str, Any] = found[-1]
                return receipt
            await asyncio.sleep(0.05)


def percentile(ordered: list[int], share: float) -> int:
    """The value below which this share of the ordered values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
