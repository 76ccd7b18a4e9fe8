"""Fairness: slow viewers in a match, and matches without viewers beside a crowd, must not delay the others.

These are two cases of the bench ``budget``, through the whole pipeline with its rate. Each compares a match with
itself:

- a tenth of its viewers never reads, against the same match without them;
- it kicks off together with 59 matches that have few viewers, against its own next event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from broadcaster.send.signing import Credentials, Endpoint
from loadtest.bench.bench_result import median
from loadtest.slow_viewers import fill, slow_viewers
from subscriptions.store import partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtest.bench.rate_limited_matches import RateLimitedMatches
    from loadtest.bench.target import Target

SLOW_SHARE = 0.1
KICK_OFFS = 60
FEW_VIEWERS = 2
"""Viewers of each of the other matches."""

OPERATORS = 8
"""The most POSTs to the HTTP API at once: MiniStack starts a process for each, and answers 502 for sixty."""

CLOSED_SECONDS = 20
SHARDS = 16
"""The shards of a match without an expected audience (subscriptions.shards)."""


async def with_slow_viewers(
    limited: RateLimitedMatches, target: Target, match: str, say: Callable[[str], None], runs: int
) -> dict[str, Any]:
    """Goals of a match with its audience, in turn without and with slow viewers.

    Each run has new slow viewers: a viewer that accepts nothing in three broadcasts is closed, which is counted.
    Raises loadtest.slow_viewers.NotSlowError.
    """
    env = target.environment
    keys = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN"))
    endpoint = Endpoint.parse(env["CONNECTIONS_URL"], env["AWS_DEFAULT_REGION"])
    await limited.post(match)
    honest = len(limited.audience.members)
    count = round(honest * SLOW_SHARE / (1 - SLOW_SHARE))
    without, beside, tries, closed = [], [], [], 0
    await limited.told(match, honest)  # The kick-off warms up.
    for number in range(runs):
        say(f"budget: a goal without slow viewers, run {number + 1} of {runs}")
        without.append(await _goal(limited, match, honest))
        before = set(_rows(target, match))
        say(f"budget: {count} slow viewers come, run {number + 1} of {runs}")
        async with slow_viewers(target.websocket_url, match, count):
            slow = [each for each in _rows(target, match) if each not in before]
            limited.unbounded()
            await fill(endpoint, keys, slow)
            limited.bounded()
            say(f"budget: a goal with slow viewers, run {number + 1} of {runs}")
            limited.counted()
            beside.append(await _goal(limited, match, honest))
            tries.append(limited.counted()[0])
            for _ in range(2):
                await _goal(limited, match, honest)
            closed += await _closed(target, match, slow)
    limited.case("a tenth of the viewers never reads", beside, tries)
    ratios = [slow / alone for slow, alone in zip(beside, without, strict=True)]
    return {
        "slow_viewers": count, "without_slow_s": median(without), "with_slow_s": median(beside),
        "slow_ratio": median(ratios), "slow_closed_share": round(closed / (count * runs), 3),
    }  # fmt: skip


async def crowd(
    limited: RateLimitedMatches, match: str, others: list[str], say: Callable[[str], None], runs: int
) -> dict[str, Any]:
    """Events of a match, in turn together with one of each of the ``others`` and alone. The first are kick-offs."""
    viewers = sum(member.match == match for member in limited.audience.members)
    together, alone, tries = [], [], []
    turns = asyncio.Semaphore(OPERATORS)

    async def post(each: str) -> int:
        async with turns:
            return await limited.post(each)

    for number in range(runs):
        say(f"budget: {len(others) + 1} matches at once, run {number + 1} of {runs}")
        limited.counted()
        at, *_ = await asyncio.gather(*(post(each) for each in (match, *others)))
        await limited.told(match, viewers)
        together.append((limited.last(match, limited.seqs[match]) - at) / 1000)
        for each in others:
            await limited.told(each, FEW_VIEWERS)
        tries.append(limited.counted()[0])
        say(f"budget: one of them alone, run {number + 1} of {runs}")
        alone.append(await _goal(limited, match, viewers))
    limited.case("sixty matches at once", together, tries)
    ratios = [each / one for each, one in zip(together, alone, strict=True)]
    return {"crowd_viewers": viewers, "crowd_matches": len(others) + 1, "crowd_alone_s": median(alone),
            "crowd_s": median(together), "crowd_ratio": median(ratios)}  # fmt: skip


async def _goal(limited: RateLimitedMatches, match: str, viewers: int) -> float:
    """Seconds from an operator's POST until the last viewer of the audience has the event."""
    at = await limited.post(match)
    await limited.told(match, viewers)
    await limited.rest()
    return (limited.last(match, limited.seqs[match]) - at) / 1000


async def _closed(target: Target, match: str, slow: list[str]) -> int:
    """The number of slow viewers without a row, after a bounded wait: ``$disconnect`` removes the row."""
    for _ in range(CLOSED_SECONDS * 5):
        left = set(_rows(target, match)) & set(slow)
        if not left:
            break
        await asyncio.sleep(0.2)
    return len(slow) - len(left)


def _rows(target: Target, match: str) -> Iterator[str]:
    """The connections that follow a match."""
    pages = target.client("dynamodb").get_paginator("query")
    for shard in range(SHARDS):
        for page in pages.paginate(
            TableName=target.environment["SUBSCRIPTIONS_TABLE"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition(match, shard)}},
            ConsistentRead=True,
        ):
            yield from (item["sk"]["S"] for item in page["Items"])
