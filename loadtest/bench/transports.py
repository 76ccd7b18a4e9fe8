"""The time from the operator's POST to the viewers, on one transport after the other, in one stack.

Each transport has a match of its own with the same number of viewers. The match is told in every cell, and only the
measured cell has viewers. MiniStack fans out for AppSync Events and IoT Core, a stand-in for AppSync GraphQL and
Momento, and MiniStack's gateway plays API Gateway. So the times compare the ways through livescore on one machine, not
the services on AWS. The calls and bytes of a goal are the same on AWS.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from loadtest.audience import FEW_AT_ONCE, Audience, TooFewError
from loadtest.bench.bench_result import Result
from loadtest.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from client.cell_address import CellAddress
    from client.frame_types import RawFrame
    from loadtest.bench.target import Target

VIEWERS = 1_000
GOALS = 20
REACH_SECONDS = 60.0
SILENCE_SECONDS = 900.0
"""Seconds of silence that are longer than a match of the bench: no viewer reads a missed goal because of a silence."""

REST_SECONDS = 180.0
SECOND_LOOK_SECONDS = 2.5
"""Seconds after the subscriptions in which viewers of a broadcasting transport read once more (client/dialer.py)."""

_GATEWAY = "api-gateway"
_NO_SLOWER = ("appsync-events", "iot-core")
"""The transports whose last viewer is to have a goal no later than that of API Gateway. MiniStack plays all three."""


async def run(
    target: Target,
    cells: Mapping[str, CellAddress],
    say: Callable[[str], None],
    viewers: int = VIEWERS,
    goals: int = GOALS,
) -> Result:
    """Measure the cells one after the other. ``cells``: name -> address. The row of a cell has its transport's name.

    A cell whose viewers cannot connect, or whose match does not go on, has a sentence in place of a row.
    """
    result = Result("transports")
    async with target.api() as http:
        bench = _Bench(target.api_url, http, say, viewers, goals)
        for number, (name, address) in enumerate(cells.items(), 1):
            try:
                result.rows.append(await bench.row(number, name, address))
            except (TooFewError, ValueError, TimeoutError, httpx.HTTPError) as error:
                result.missing.append(f"{address.transport} was not measured. {_reason(error)}")
    last = {row["name"]: row["last_ms"] for row in result.rows}
    result.ratios = {
        f"{name}_last_viewer": round(ms / last[_GATEWAY], 3)
        for name, ms in last.items()
        if name != _GATEWAY and ms and last.get(_GATEWAY)
    }
    result.floors = {f"{name}_last_viewer": "at most 1, of API Gateway's" for name in _NO_SLOWER}
    return result


@dataclass(frozen=True, slots=True)
class _Bench:
    """The bench of one transport after the other."""

    api_url: str
    http: httpx.AsyncClient
    say: Callable[[str], None]
    viewers: int
    goals: int

    async def row(self, number: int, cell: str, address: CellAddress) -> dict[str, Any]:
        """Measure a cell, with a match of this number.

        Raises TooFewError, ValueError, TimeoutError and httpx.HTTPError.
        """
        transport, viewers = address.transport, self.viewers
        match = f"transport-{number}"
        await self._at_rest()
        about = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "audience": viewers}
        (await self.http.post("/matches", json=about)).raise_for_status()
        sizes: dict[int, int] = {}

        def measure(frame: RawFrame) -> None:
            seq = frame.get("seq")
            if frame.get("type") == "update" and isinstance(seq, int) and seq not in sizes:
                sizes[seq] = len(orjson.dumps(frame))

        audience = Audience(
            address, {match: viewers}, SILENCE_SECONDS,
            api_url=self.api_url, on_frame=measure, connects_at_once=FEW_AT_ONCE,
        )  # fmt: skip
        posted: dict[int, int] = {}
        receipts: list[dict[str, Any]] = []
        try:
            await audience.enter(lambda text: self.say(f"transports: {transport}: {text}"))
            await asyncio.sleep(SECOND_LOOK_SECONDS)
            for seq in range(1, self.goals + 2):
                event: dict[str, Any] = {"kind": "goal", "team": "home", "minute": min(seq, 45)}
                posted[seq] = time.time_ns() // 1_000_000
                path = f"/matches/{match}/events"
                (await self.http.post(path, json=event if seq > 1 else {"kind": "kick_off"})).raise_for_status()
                await audience.wait(match, seq, viewers, REACH_SECONDS)
                reached = f"{audience.arrived(match, seq)} of {viewers}"
                self.say(f"transports: {transport}: event {seq} of {self.goals + 1} has reached {reached}")
                receipts += await self._receipts(match, cell, seq)
        finally:
            await audience.close()
        # The kick-off warms up.
        del posted[1]
        members = audience.members
        arrived = [sorted(each.at[seq] - at for each in members if seq in each.at) for seq, at in posted.items()]
        calls, sent = calls_and_bytes([each for each in receipts if each["seq"] > 1], sizes)
        return {
            "name": transport,
            "viewers": viewers,
            "goals": self.goals,
            "missed": sum(len(posted.keys() - set(each.seqs)) for each in members),
            "repaired": sum(each.viewer.repaired for each in members),
            "first_ms": _median([each[0] for each in arrived if each]),
            "median_ms": _median([percentile(each, 0.5) for each in arrived if each]),
            "last_ms": _median([each[-1] for each in arrived if each]),
            "calls_per_goal": round(calls / self.goals, 1),
            "bytes_per_goal": round(sent / self.goals),
        }

    async def _at_rest(self) -> None:
        """Wait until the API answers at once: the end of a thousand connections may keep the system busy.

        Raises TimeoutError.
        """
        async with asyncio.timeout(REST_SECONDS):
            while True:
                with suppress(httpx.TimeoutException):
                    (await self.http.get("/matches", timeout=1.0)).raise_for_status()
                    return
                await asyncio.sleep(0.5)

    async def _receipts(self, match: str, cell: str, seq: int) -> list[dict[str, Any]]:
        """Wait for the cell's receipt of event ``seq``, so that the next goal starts from rest; returns its receipts.

        Raises TimeoutError.
        """
        async with asyncio.timeout(REACH_SECONDS):
            while True:
                answer = await self.http.get(f"/matches/{match}/receipts", params={"after": seq - 1})
                found = [each for each in answer.raise_for_status().json()["receipts"] if each["cell"] == cell]
                if found:
                    return found
                await asyncio.sleep(0.05)


def calls_and_bytes(receipts: Sequence[Mapping[str, Any]], sizes: Mapping[int, int]) -> tuple[int, int]:
    """The calls that carried frames to viewers or to a service, and the bytes of these frames, by a cell's receipts.

    A receipt of senders counts POSTs. ``sizes``: seq -> bytes of the frame that the viewers got.
    """
    calls = sent = 0
    for each in receipts:
        if "published" in each:
            calls += len(each["published"]) + len(each["refused"])
            sent += sum(feed["bytes"] for feed in each["published"])
        else:
            posts = each["accepted"] + each["gone"] + each["failed"] + each["throttled"]
            calls += posts
            sent += posts * sizes.get(each["seq"], 0)
    return calls, sent


def _reason(error: Exception) -> str:
    """A sentence about the error that ended the measurement of a cell."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"The API answered {error.response.status_code}."
    if isinstance(error, httpx.HTTPError):
        return f"The API did not answer ({type(error).__name__})."
    return str(error) or "A receipt did not come in time."


def _median(values: list[int]) -> int | None:
    return round(statistics.median(values)) if values else None
