"""Bench of the send budget: the last viewer's time compared with the ideal, viewers / rate, through the whole pipeline.

The stand-in limits the account's POSTs a second and delays each answer by 30 ms; four senders share the rate. Five
cases: one goal; two goals a second apart in one match; two matches at once; a match with slow viewers; 60 matches at
once.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from loadtest.audience import Audience, leave
from loadtest.bench import fairness
from loadtest.bench.bench_result import Result, median
from loadtest.bench.goal import SILENCE_SECONDS
from loadtest.bench.rate_limited_matches import RATE, UNLIMITED, RateLimitedMatches
from loadtest.bench.standin_client import StandinClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtest.bench.target import Target

    Say = Callable[[str], None]

VIEWERS = 10_000
SENDERS = 4
RUNS = 5
FAIR_RUNS = 3
"""The most runs of the last two cases: each of their runs has several goals."""

GAP_SECONDS = 1.0
SETTINGS = {"send_rate": RATE, "sender_rate": RATE // SENDERS}
"""Settings of the measured system."""

ONE, TWO, SLOW, CROWD = "bench-one", "bench-two", "bench-slow", "bench-crowd"
FLOORS = {"ratio": "1.10 at most", "throttled_share": "under 0.01", "missed": "0", "two_matches_ratio": "1.25 at most",
          "two_goals_rounds": "1.3 at most", "posts_saved": "0.30 at least", "slow_ratio": "1.25 at most",
          "crowd_ratio": "1.1 at most"}  # fmt: skip


async def run(target: Target, say: Say, viewers: int = VIEWERS, runs: int = RUNS) -> Result:
    """Measure the cases; the figures are medians over the runs.

    Raises slow.NotSlowError if the buffers of the slow viewers could not be filled.
    """
    result = Result("budget", floors=FLOORS)
    control = StandinClient(target.websocket_url)
    control.limit(account_rate=UNLIMITED, account_burst=UNLIMITED, connects_per_second=UNLIMITED)
    half = viewers // 2
    others = [f"bench-few-{number}" for number in range(1, fairness.KICK_OFFS)]
    cases: list[tuple[dict[str, int], Any]] = [
        ({ONE: viewers}, lambda limited: _one_match(limited, say, viewers, runs)),
        ({f"{TWO}-a": half, f"{TWO}-b": half}, lambda limited: _two_matches(limited, say, half, runs)),
        (
            {SLOW: round(viewers * (1 - fairness.SLOW_SHARE))},
            lambda limited: fairness.with_slow_viewers(limited, target, SLOW, say, min(runs, FAIR_RUNS)),
        ),
        (
            {CROWD: viewers, **dict.fromkeys(others, fairness.FEW_VIEWERS)},
            lambda limited: fairness.crowd(limited, CROWD, others, say, min(runs, FAIR_RUNS)),
        ),
    ]
    missed, measured = 0, []
    async with target.api() as http:
        for matches, case in cases:
            limited = RateLimitedMatches(http, control, Audience(target.websocket_url, matches, SILENCE_SECONDS))
            try:
                await limited.enter(matches, say)
                result.figures |= await case(limited)
                measured += limited.cases
                missed += limited.late + sum(limited.missed(match) for match in matches)
            finally:
                await leave(limited.audience.members)
    result.figures["missed"] = missed
    result.figures["cases"] = measured
    return result


async def _one_match(limited: RateLimitedMatches, say: Say, viewers: int, runs: int) -> dict[str, Any]:
    ideal = viewers / RATE
    single, double, saved, posts, refused = [], [], [], 0, 0
    tries: dict[str, list[int]] = {"single": [], "double": []}
    await limited.post(ONE)
    await limited.told(ONE, viewers)  # The kick-off warms up.
    at = await limited.post(ONE)
    await limited.told(ONE, viewers)
    first_s = (limited.first(ONE, limited.seqs[ONE]) - at) / 1000  # Also a goal that warms up: no case counts it.
    await limited.rest()
    for number in range(runs):
        say(f"budget: one goal, run {number + 1} of {runs}")
        limited.counted()
        at = await limited.post(ONE)
        await limited.told(ONE, viewers)
        single.append((limited.last(ONE, limited.seqs[ONE]) - at) / 1000)
        counted = limited.counted()
        tries["single"].append(counted[0])
        posts, refused = posts + counted[0], refused + counted[1]
        await limited.rest()
    for number in range(runs):
        say(f"budget: two goals a second apart, run {number + 1} of {runs}")
        limited.counted()
        at = await limited.post(ONE)
        await asyncio.sleep(max(0.0, at / 1000 + GAP_SECONDS - time.time()))
        await limited.post(ONE)
        await limited.told(ONE, viewers)
        double.append((limited.last(ONE, limited.seqs[ONE]) - at) / 1000)
        counted = limited.counted()
        tries["double"].append(counted[0])
        saved.append(1 - (counted[0] - counted[1]) / (2 * viewers))
        posts, refused = posts + counted[0], refused + counted[1]
        await limited.rest()
    limited.case("one goal", single, tries["single"])
    limited.case("two goals a second apart", double, tries["double"])
    return {
        "viewers": viewers, "warm_first_viewer_s": first_s, "rate": RATE, "senders": SENDERS, "ideal_s": ideal,
        "last_viewer_s": median(single),
        "ratio": median(each / ideal for each in single), "throttled_share": round(refused / posts, 5),
        "two_goals_s": median(double), "two_goals_rounds": median(each / median(single) for each in double),
        "posts_saved": median(saved),
    }  # fmt: skip


async def _two_matches(limited: RateLimitedMatches, say: Say, viewers: int, runs: int) -> dict[str, Any]:
    """Events of two matches at once, each with ``viewers``, compared with half of the rate."""
    matches, ratios, lasts, tries = list(limited.seqs), [], [], []
    share = viewers / (RATE / len(matches))
    for number in range(runs + 1):
        say(f"budget: two matches at once, run {number} of {runs}")
        limited.counted()
        begun = await asyncio.gather(*(limited.post(match) for match in matches))
        for match in matches:
            await limited.told(match, viewers)
        last = [limited.last(match, limited.seqs[match]) for match in matches]
        if number:
            lasts.append(max(end - at for end, at in zip(last, begun, strict=True)) / 1000)
            tries.append(limited.counted()[0])
            ratios.append(max((end - at) / 1000 / share for end, at in zip(last, begun, strict=True)))
        await limited.rest()
    limited.case("two matches at once", lasts, tries)
    return {"two_matches_ratio": median(ratios)}
