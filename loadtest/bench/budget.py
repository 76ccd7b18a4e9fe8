"""What a send budget is worth: the last viewer against the ideal of viewers over rate, through the whole pipeline.

The stand-in allows the account so many POSTs a second and takes 30 ms for each; four senders share that. Three cases:
one goal; two matches at once; two goals a second apart in one match.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from loadtest.audience import Audience, leave
from loadtest.bench.control import Control
from loadtest.bench.goal import SILENCE_SECONDS, settled
from loadtest.bench.result import Result, median

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from loadtest.bench.target import Target

VIEWERS = 10_000
RATE, BURST, SENDERS = 2_000, 500, 4
LATENCY_MS = 30
ROUNDS = 5
GAP_SECONDS = 1.0
SETTINGS = {"send_rate": RATE, "sender_rate": RATE // SENDERS}
"""Of the system that is measured."""

ONE, TWO = "bench-one", "bench-two"
FLOORS = {"ratio": "1.10 at most", "throttled_share": "under 0.01", "missed": "0", "two_matches_ratio": "1.25 at most",
          "two_goals_rounds": "1.3 at most", "posts_saved": "0.30 at least"}  # fmt: skip


class Stage:
    """Two matches of half the viewers each, and one of all, played by the same sockets' worth of viewers."""

    def __init__(self, http: httpx.AsyncClient, control: Control, audience: Audience) -> None:
        self._http = http
        self._control = control
        self.audience = audience
        self.seqs: dict[str, int] = {}
        self.late = 0
        """Viewers that did not have an event a minute after it was posted, whether they got it later or not."""

    async def create(self, match: str) -> None:
        """Schedule a match and kick it off while nobody watches. The default shards, so that four senders have some."""
        about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
        (await self._http.post("/matches", json=about)).raise_for_status()
        self.seqs[match] = 0

    async def post(self, match: str) -> int:
        """Post the next event; returns when (ms since the epoch)."""
        self.seqs[match] += 1
        event: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 45}
        at = time.time_ns() // 1_000_000
        answer = await self._http.post(
            f"/matches/{match}/events", json=event if self.seqs[match] > 1 else {"kind": "kick_off"}
        )
        answer.raise_for_status()
        return at

    async def told(self, match: str, viewers: int) -> None:
        """Wait until everybody has the last event of a match, and its broadcast has ended."""
        if not await self.audience.wait(match, self.seqs[match], viewers, 60.0):
            self.late += viewers - self.audience.arrived(match, self.seqs[match])
        await settled(self._http, match, self.seqs[match])

    def last(self, match: str, seq: int) -> int:
        """When the last viewer of a match had an event (ms since the epoch)."""
        return max(member.at.get(seq, 0) for member in self.audience.members if member.match == match)

    def missed(self, match: str) -> int:
        """Events that a viewer of the match does not have, or had too late to be in the times."""
        members = [member for member in self.audience.members if member.match == match]
        return self.late + sum(len(set(range(1, self.seqs[match] + 1)) - set(member.seqs)) for member in members)

    def counted(self) -> tuple[int, int]:
        """POSTs since the last time, and those of them that were answered 429."""
        stats = self._control.stats()
        self._control.reset()
        return stats["posts"], stats["throttled_account"] + stats["throttled_buffer"]


async def run(target: Target, say: Callable[[str], None], viewers: int = VIEWERS, rounds: int = ROUNDS) -> Result:
    """Measure the three cases; the figures are medians over the rounds."""
    result = Result("budget", floors=FLOORS)
    control = Control(target.websocket_url)
    control.limit(account_rate=1e6, account_burst=1e6, connects_per_second=1e6)
    async with target.api() as http:
        whole = await _one_match(Stage(http, control, _audience(target, {ONE: viewers})), control, say, viewers, rounds)
        half = viewers // 2
        both = {TWO + "-a": half, TWO + "-b": half}
        shared = await _two_matches(Stage(http, control, _audience(target, both)), control, say, both, rounds)
    result.figures = {**whole, **shared}
    result.figures["missed"] = whole["missed"] + shared["two_matches_missed"]
    return result


def _audience(target: Target, matches: dict[str, int]) -> Audience:
    return Audience(target.websocket_url, matches, SILENCE_SECONDS)


async def _enter(stage: Stage, control: Control, say: Callable[[str], None], matches: list[str]) -> None:
    for match in matches:
        await stage.create(match)
    control.limit(account_rate=1e6, account_burst=1e6, latency_ms=0)
    await stage.audience.enter(lambda text: say(f"budget: {text}"))
    control.limit(account_rate=RATE, account_burst=BURST, latency_ms=LATENCY_MS)


async def _one_match(
    stage: Stage, control: Control, say: Callable[[str], None], viewers: int, rounds: int
) -> dict[str, Any]:
    ideal = viewers / RATE
    single, double, saved, posts, refused = [], [], [], 0, 0
    await _enter(stage, control, say, [ONE])
    try:
        await stage.post(ONE)
        await stage.told(ONE, viewers)  # the kick-off warms up
        for number in range(rounds):
            say(f"budget: one goal, round {number + 1} of {rounds}")
            stage.counted()
            at = await stage.post(ONE)
            await stage.told(ONE, viewers)
            single.append((stage.last(ONE, stage.seqs[ONE]) - at) / 1000)
            counted = stage.counted()
            posts, refused = posts + counted[0], refused + counted[1]
            await asyncio.sleep(BURST / RATE)  # the account's bucket fills again, as it would between two goals
        for number in range(rounds):
            say(f"budget: two goals a second apart, round {number + 1} of {rounds}")
            stage.counted()
            at = await stage.post(ONE)
            await asyncio.sleep(max(0.0, at / 1000 + GAP_SECONDS - time.time()))
            await stage.post(ONE)
            await stage.told(ONE, viewers)
            double.append((stage.last(ONE, stage.seqs[ONE]) - at) / 1000)
            counted = stage.counted()
            saved.append(1 - (counted[0] - counted[1]) / (2 * viewers))
            posts, refused = posts + counted[0], refused + counted[1]
            await asyncio.sleep(BURST / RATE)
        missed = stage.missed(ONE)
    finally:
        await leave(stage.audience.members)
    return {
        "viewers": viewers, "rate": RATE, "senders": SENDERS, "ideal_s": ideal, "last_viewer_s": median(single),
        "ratio": median(each / ideal for each in single), "throttled_share": round(refused / posts, 5),
        "missed": missed, "two_goals_s": median(double),
        "two_goals_rounds": median(each / median(single) for each in double), "posts_saved": median(saved),
    }  # fmt: skip


async def _two_matches(
    stage: Stage, control: Control, say: Callable[[str], None], matches: dict[str, int], rounds: int
) -> dict[str, Any]:
    shares = {match: viewers / (RATE / len(matches)) for match, viewers in matches.items()}
    ratios = []
    await _enter(stage, control, say, list(matches))
    try:
        for number in range(rounds + 1):
            say(f"budget: two matches at once, round {number} of {rounds}")
            begun = dict(zip(matches, await asyncio.gather(*(stage.post(match) for match in matches)), strict=True))
            for match, viewers in matches.items():
                await stage.told(match, viewers)
            last = {match: (stage.last(match, stage.seqs[match]) - begun[match]) / 1000 for match in matches}
            if number:
                ratios.append(max(last[match] / shares[match] for match in matches))
            await asyncio.sleep(BURST / RATE)
        missed = sum(stage.missed(match) for match in matches) - stage.late * (len(matches) - 1)
    finally:
        await leave(stage.audience.members)
    return {"two_matches_ratio": median(ratios), "two_matches_missed": missed}
