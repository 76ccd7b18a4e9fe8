"""The time from the operator's POST to the first, the median and the last viewer, through the whole system.

API, Kinesis, fan-out, Step Functions and senders run in MiniStack, the stand-in is the gateway.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from loadtest.audience import Audience, leave
from loadtest.bench.bench_result import Result
from loadtest.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import httpx

    from loadtest.bench.target import Target

VIEWERS = 10_000
GOALS = 20
ONE_VIEWERS_GOALS = 30
"""Goals with a single viewer, which take half a second each."""

MATCH = "bench-goal"
REACH_SECONDS = 30.0
SILENCE_SECONDS = 900.0
"""Seconds of silence that are longer than the bench: no viewer repairs a miss, so the bench sees it."""

STAGES = (
    "accepted", "streamed", "numbered", "due", "started", "sender_started", "first_post", "last_post",
    "all_published", "score_published", "receipt",
)  # fmt: skip
"""The stages of a goal, in their order, as the trace of an event names them."""

FLOORS = {"last_viewer_ms": "p50 at most 1,500", "missed": "0", "calls_in_a_row": "at most 10"}


async def run(target: Target, say: Callable[[str], None], viewers: int = VIEWERS, goals: int | None = None) -> Result:
    """Post goals one after the other, each when the broadcast of the one before has ended.

    Without ``goals``, GOALS of them, or ONE_VIEWERS_GOALS for a single viewer.
    """
    goals = goals or (ONE_VIEWERS_GOALS if viewers == 1 else GOALS)
    result = Result("goal", floors=FLOORS)
    async with target.api() as http:
        about = {"match": MATCH, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": viewers}
        (await http.post("/matches", json=about)).raise_for_status()
        audience = Audience(target.websocket_url, {MATCH: viewers}, SILENCE_SECONDS)
        await audience.enter(lambda text: say(f"goal: {text}"))
        try:
            posted = {}
            for seq in range(1, goals + 2):
                kind: dict[str, Any] = {"kind": "goal", "team": "home", "minute": min(seq, 45)}
                posted[seq] = time.time_ns() // 1_000_000
                (
                    await http.post(f"/matches/{MATCH}/events", json=kind if seq > 1 else {"kind": "kick_off"})
                ).raise_for_status()
                await audience.wait(MATCH, seq, viewers, REACH_SECONDS)
                say(f"goal: event {seq} of {goals + 1} has reached {audience.arrived(MATCH, seq)} of {viewers}")
                await ended(http, MATCH, seq)
            # The kick-off warms up.
            del posted[1]
            stages = [after(await _trace(http, seq), at) for seq, at in posted.items()]
        finally:
            await leave(audience.members)
    arrived = [
        sorted(member.at[seq] - at for member in audience.members if seq in member.at) for seq, at in posted.items()
    ]
    expected = set(range(1, goals + 2))
    every = sorted(ms for each in arrived for ms in each)
    result.figures = {
        "viewers": viewers,
        "goals": goals,
        "missed": sum(len(expected - set(member.seqs)) for member in audience.members),
        "first_viewer_ms": _percentiles(each[0] for each in arrived if each),
        "median_viewer_ms": _percentiles(percentile(each, 0.5) for each in arrived if each),
        "last_viewer_ms": _percentiles(each[-1] for each in arrived if each),
        "every_viewer_ms": {
            "p50": percentile(every, 0.5),
            "p95": percentile(every, 0.95),
            "p99": percentile(every, 0.99),
        },
        "stages_ms": medians(stages),
    }
    return result


async def ended(http: httpx.AsyncClient, match: str, seq: int) -> None:
    """Wait until every cell has told an event and no broadcast has the lease: so the next goal starts from rest."""
    async with asyncio.timeout(REACH_SECONDS * 2):
        while True:
            cells = (await http.get(f"/matches/{match}/progress")).raise_for_status().json()["cells"].values()
            if all(each.get("told", 0) >= seq and not each.get("running", True) for each in cells):
                return
            await asyncio.sleep(0.05)


async def settled(http: httpx.AsyncClient, match: str, seq: int) -> dict[str, Any]:
    """Wait for the receipt that brings a match to ``seq``; returns it."""
    async with asyncio.timeout(REACH_SECONDS * 2):
        while True:
            found = (await http.get(f"/matches/{match}/receipts")).raise_for_status().json()["receipts"]
            if found and found[-1]["seq"] >= seq:
                receipt: dict[str, Any] = found[-1]
                return receipt
            await asyncio.sleep(0.05)


async def _trace(http: httpx.AsyncClient, seq: int) -> list[dict[str, Any]]:
    """The stages of an event, each with its time ``at`` in ms since 1970; none if the system has no traces."""
    answer = await http.get(f"/matches/{MATCH}/trace/{seq}")
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return []
    stages: list[dict[str, Any]] = answer.raise_for_status().json()["stages"]
    return stages


def after(stages: Iterable[Mapping[str, Any]], posted: int) -> dict[str, int]:
    """Milliseconds from the operator's POST to each stage that is known.

    If several batches have a stage, the last one counts for ``last_post`` and ``receipt``, else the first one.
    """
    found: dict[str, int] = {}
    for each in stages:
        name, ms = each["stage"], each["at"] - posted
        choose = max if name in ("last_post", "receipt") else min
        found[name] = choose(found.get(name, ms), ms)
    return found


def medians(goals: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The median of each stage over the goals that know it, in the order of STAGES."""
    known = {stage: [each[stage] for each in goals if stage in each] for stage in STAGES}
    return {stage: round(statistics.median(values)) for stage, values in known.items() if values}


def _percentiles(values: Iterable[int]) -> dict[str, int]:
    ordered = sorted(values)
    return {"p50": percentile(ordered, 0.5), "p95": percentile(ordered, 0.95), "max": ordered[-1] if ordered else 0}
