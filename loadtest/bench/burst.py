"""A burst of 400 events of one match in front of another match's goal, in the same shard of the stream.

A shard keeps its records in order, so the goal waits until the fan-out has numbered what lies before it. devstack hands
the records of a shard to one fan-out at a time. The burst goes straight to the stream, in the records of 400 accepted
events: the API of devstack takes them more slowly than the fan-out numbers them. The goal is posted by an operator.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from loadtest.audience import Audience, leave
from loadtest.bench.bench_result import Result, median
from loadtest.bench.goal import SILENCE_SECONDS, settled
from matches.events import EVENT, AcceptedEvent
from matches.match_rows import event_item, row_key

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from loadtest.bench.target import Target

    Say = Callable[[str], None]

EVENTS = 400
RUNS = 5
VIEWERS = 10
"""Viewers of the other match. Nobody watches the match of the burst."""

BURST = "bench-burst"
REACH_SECONDS = 60.0
POLL_SECONDS = 0.05
"""Seconds between two reads of the ledger."""

FLOORS = {"other_goal_ms": "at most 1,500"}


async def run(target: Target, stream: str, say: Say, events: int = EVENTS, runs: int = RUNS) -> Result:
    """Measure the goal of another match behind a burst, and alone; the figures are medians over the runs.

    ``stream``: the name of the events' stream. Each run has a new burst. Times are from the acceptance of the goal.
    """
    result = Result("burst", floors=FLOORS)
    other = _in_the_shard_of(BURST, target.client("kinesis"), stream)
    async with target.api() as http:
        for match in (BURST, other):
            about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": VIEWERS}
            (await http.post("/matches", json=about)).raise_for_status()
        audience = Audience(target.websocket_url, {other: VIEWERS}, SILENCE_SECONDS)
        await audience.enter(lambda text: say(f"burst: {text}"))
        bench = _Bench(target, stream, http, audience=audience, other=other)
        try:
            for match in (BURST, other):
                await bench.post(match, {"kind": "kick_off"})
                await settled(http, match, 1)
            alone, behind, numbered, each = [], [], [], []
            for number in range(1, runs + 1):
                say(f"burst: a goal alone, run {number} of {runs}")
                alone.append((await bench.goal())[1])
                say(f"burst: a goal behind {events} events, run {number} of {runs}")
                numbering = await bench.burst(events)
                times = await bench.goal()
                numbered.append(times[0])
                behind.append(times[1])
                each.append(await numbering / events)
                await settled(http, BURST, bench.seqs[BURST])
        finally:
            await leave(audience.members)
    result.figures = {
        "events": events,
        "other_goal_ms": median(behind),
        "other_goal_max_ms": max(behind),
        "other_goal_numbered_ms": median(numbered),
        "goal_alone_ms": median(alone),
        "numbering_ms": median(each),
    }
    return result


class _Bench:
    """The matches of the bench; ``seqs`` has the newest seq of each."""

    def __init__(self, target: Target, stream: str, http: httpx.AsyncClient, *, audience: Audience, other: str) -> None:
        self._kinesis = target.client("kinesis")
        self._db = target.client("dynamodb")
        self._stream = stream
        self._http = http
        self._audience = audience
        self._ledger = target.ledger()
        self._other = other
        self._ids = itertools.count()
        self.seqs = {BURST: 0, other: 0}

    async def post(self, match: str, event: dict[str, Any]) -> None:
        """Post an event over HTTP."""
        self.seqs[match] += 1
        (await self._http.post(f"/matches/{match}/events", json=event)).raise_for_status()

    async def burst(self, events: int) -> asyncio.Task[float]:
        """Put a burst on the stream; the task gives the milliseconds from then until the last event is numbered."""
        begun = time.monotonic()
        goals = [{"kind": "goal", "team": "home", "minute": 45, "event_id": f"burst{next(self._ids)}"}
                 for _ in range(events)]  # fmt: skip
        at = time.time_ns() // 1_000_000
        entries = [
            {"Data": AcceptedEvent(BURST, at, EVENT.validate_python(goal)).to_record(), "PartitionKey": BURST}
            for goal in goals
        ]
        given = {"StreamName": self._stream, "Records": entries}
        await asyncio.to_thread(partial(self._kinesis.put_records, **given))
        self.seqs[BURST] += events
        seq = self.seqs[BURST]

        async def all_are_numbered() -> float:
            await self._numbered(BURST, seq)
            return (time.monotonic() - begun) * 1_000

        return asyncio.create_task(all_are_numbered())

    async def goal(self) -> tuple[int, int]:
        """Post a goal of the other match: milliseconds until it is numbered, and until its first viewer has it."""
        await self.post(self._other, {"kind": "goal", "team": "home", "minute": 45})
        seq = self.seqs[self._other]
        await self._numbered(self._other, seq)
        numbered = time.time_ns() // 1_000_000
        row = await asyncio.to_thread(
            self._db.get_item, TableName=self._ledger.table, Key=row_key(self._other, event_item(seq))
        )
        accepted = self._ledger.history(self._other, seq - 1, 1)[0]["at"]
        if "numbered" in row["Item"]:
            numbered = int(row["Item"]["numbered"]["N"])
        if not await self._audience.wait(self._other, seq, 1, REACH_SECONDS):
            raise TimeoutError(f"No viewer had the goal after {REACH_SECONDS:.0f} s.")
        first = min(member.at[seq] for member in self._audience.members if seq in member.at)
        await settled(self._http, self._other, seq)
        return numbered - accepted, first - accepted

    async def _numbered(self, match: str, seq: int) -> None:
        """Wait until the match has this seq."""
        async with asyncio.timeout(REACH_SECONDS):
            while (await asyncio.to_thread(self._ledger.state, match)).newest_seq < seq:
                await asyncio.sleep(POLL_SECONDS)


def _in_the_shard_of(match: str, kinesis: Any, stream: str) -> str:
    """The name of a match in the same shard: a shard has a range of the MD5 of the partition key, as a number.

    https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
    """
    ranges = [
        (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]
    ]

    def shard(key: str) -> tuple[int, int]:
        number = int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest())
        return next(each for each in ranges if each[0] <= number <= each[1])

    return next(each for each in (f"bench-goal-{n}" for n in itertools.count()) if shard(each) == shard(match))
