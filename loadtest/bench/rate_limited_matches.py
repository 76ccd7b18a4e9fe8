"""Matches of a bench with a limited rate of POSTs: their events, the times of arrival, and the number of POSTs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from loadtest.bench.bench_result import median
from loadtest.bench.goal import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from loadtest.audience import Audience
    from loadtest.bench.standin_client import StandinClient

RATE, BURST = 2_000, 500
"""The account's POSTs a second and its burst in the stand-in."""

LATENCY_MS = 30
BUFFER_BYTES = 16_000
"""The most bytes that wait in the stand-in for one viewer. A viewer that reads never has that many."""

UNLIMITED = 1e6


class RateLimitedMatches:
    """Matches, the viewers that follow them, and the stand-in's limits."""

    def __init__(self, http: httpx.AsyncClient, control: StandinClient, audience: Audience) -> None:
        self._http = http
        self._control = control
        self.audience = audience
        self.seqs: dict[str, int] = {}
        self.cases: list[dict[str, Any]] = []
        """By case: its name, the seconds until the last viewer, and the POSTs; medians of its runs."""
        self.late = 0
        """Viewers that did not have an event a minute after its POST, even if they got it later."""

    async def create(self, match: str) -> None:
        """Create a match with the default shards, which four senders share, and kick it off without viewers."""
        about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
        (await self._http.post("/matches", json=about)).raise_for_status()
        self.seqs[match] = 0

    async def post(self, match: str) -> int:
        """Post the next event; returns the time of the POST (milliseconds since 1970)."""
        self.seqs[match] += 1
        event: dict[str, Any] = {"kind": "goal", "team": "home", "minute": 45}
        at = time.time_ns() // 1_000_000
        answer = await self._http.post(
            f"/matches/{match}/events", json=event if self.seqs[match] > 1 else {"kind": "kick_off"}
        )
        answer.raise_for_status()
        return at

    async def told(self, match: str, viewers: int) -> None:
        """Wait until all viewers have the last event of a match, and its broadcast has ended."""
        if not await self.audience.wait(match, self.seqs[match], viewers, 60.0):
            self.late += viewers - self.audience.arrived(match, self.seqs[match])
        await settled(self._http, match, self.seqs[match])

    def last(self, match: str, seq: int) -> int:
        """When the last viewer of a match had an event (milliseconds since 1970)."""
        return max(member.at.get(seq, 0) for member in self.audience.members if member.match == match)

    def missed(self, match: str) -> int:
        """Events that viewers of the match do not have."""
        members = [member for member in self.audience.members if member.match == match]
        return sum(len(set(range(1, self.seqs[match] + 1)) - set(member.seqs)) for member in members)

    def first(self, match: str, seq: int) -> int:
        """When the first viewer of a match had an event (milliseconds since 1970)."""
        return min(member.at[seq] for member in self.audience.members if member.match == match and seq in member.at)

    def case(self, name: str, last_s: list[float], posts: list[int]) -> None:
        """Note the runs of a case."""
        self.cases.append({"name": name, "last_viewer_s": median(last_s), "posts": round(median(posts))})

    def counted(self) -> tuple[int, int]:
        """POSTs since the last call, and those of them that were answered 429."""
        stats = self._control.stats()
        self._control.reset()
        return stats["posts"], stats["throttled_account"] + stats["throttled_buffer"]

    def bounded(self) -> None:
        """Limit the account's rate in the stand-in and delay its answers; the account's bucket begins full."""
        self._control.limit(account_rate=RATE, account_burst=BURST, latency_ms=LATENCY_MS, buffer_bytes=BUFFER_BYTES)

    def unbounded(self) -> None:
        """Remove the limits and the delay of the stand-in."""
        self._control.limit(account_rate=UNLIMITED, account_burst=UNLIMITED, latency_ms=0, buffer_bytes=BUFFER_BYTES)

    async def rest(self) -> None:
        """Wait until the account's bucket is full again, as between two goals."""
        await asyncio.sleep(BURST / RATE)

    async def enter(self, matches: Iterable[str], say: Callable[[str], None]) -> None:
        """Create the matches and connect the audience; from then on the stand-in limits the rate."""
        for match in matches:
            await self.create(match)
        self.unbounded()
        await self.audience.enter(lambda text: say(f"budget: {text}"))
        self.bounded()
