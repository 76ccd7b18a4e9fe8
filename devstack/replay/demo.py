"""The demo: plays the 2022 final for viewers on real WebSockets, some of whom vanish, and counts whom it reached."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from devstack.operator.api_client import ApiError, Operator
from devstack.operator.event_words import describe, minute, score
from devstack.stack.provision import client
from devstack.system import ROOT
from loadtest.audience import Audience, Member, TooFewError, leave
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import Row, Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devstack.system import System

PLANTED = 20
REACH_SECONDS = 20.0
SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the table; times in milliseconds since the operator's POST."""

    seq: int
    minute: str
    what: str
    score: str
    reached: int
    pruned: int
    first: int
    median: int
    last: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the demo."""

    viewers: int
    dropped: int
    planted: int
    events: int
    applied: int
    missed: int
    out_of_order: int
    rows_left: int
    pruned: int
    reconnected: int
    """Connections that staying viewers opened again. Each one leaves a row of a dead connection."""
    goal_to_glass_ms: dict[str, int]
    lines: list[Line]

    @property
    def passed(self) -> bool:
        """Whether every staying viewer applied every event once and in order, and no dead row is left."""
        return self.missed == 0 and self.out_of_order == 0 and self.rows_left == 0

    def to_json(self) -> str:
        """The text that ``demo --json`` writes."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__ if name != "lines"}, indent=2)


class Demo:
    """One run of the demo on a running stack."""

    def __init__(self, system: System, viewers: int, say: Callable[[str], None]) -> None:
        self._system = system
        self._say = say
        self._final = json.loads((ROOT / "devstack/replay/final.json").read_text())
        self._match: str = self._final["match"]
        self._count = viewers
        self._dynamodb = client(system, "dynamodb")
        self._subscriptions = Subscriptions(system.name("subscriptions"), self._dynamodb)

    async def run(self) -> Report:
        """Connect all viewers, play the match, and count.

        Raises ApiError if the API refuses a request or does not answer, or if too few viewers can connect.
        """
        with Operator(self._system.api_url) as operator:
            about = {name: value for name, value in self._final.items() if name != "events"}
            await asyncio.to_thread(operator.create_match, **about)
            system = self._system
            audience = Audience(system.websocket_url, {self._match: self._count}, api_url=system.api_url)
            try:
                await audience.enter(self._say)
                return await self._play(operator, audience)
            except TooFewError as error:
                raise ApiError(str(error)) from None
            finally:
                await audience.close()

    async def _play(self, operator: Operator, audience: Audience) -> Report:
        events = self._final["events"]
        half_way = len(events) // 2
        posted: dict[int, int] = {}
        dropped: list[Member] = []
        staying = audience.members
        for seq, event in enumerate(events, 1):
            if seq == half_way:
                dropped, staying = staying[: self._count // 10], staying[self._count // 10 :]
                self._say(f"{len(dropped)} viewers vanish, {PLANTED} rows of dead connections are planted")
                await self._drop(dropped)
                self._plant()
            posted[seq] = time.time_ns() // 1_000_000
            await asyncio.to_thread(operator.post_event, self._match, {**event, "event_id": f"final-{seq:02d}"})
            await audience.wait(self._match, seq, len(staying), REACH_SECONDS)
            self._say(f"{describe(event)}: {audience.arrived(self._match, seq)} of {len(staying)} viewers know")
        await self._all_told(operator, len(events))
        rows_left = await self._dead_rows()
        return self._report(operator, staying, dropped, posted, rows_left)

    def _plant(self) -> None:
        """Add rows of connections that do not exist, as a lost ``$disconnect`` leaves them."""
        for number in range(PLANTED):
            connection = f"planted{number:08d}="
            shard = shard_of(connection, initial_shards(self._final.get("audience")))
            self._subscriptions.add(self._match, shard, connection, score_only=False)

    @staticmethod
    async def _drop(dropped: Iterable[Member]) -> None:
        for each in dropped:
            each.viewer.drop()
        await leave(dropped)

    async def _all_told(self, operator: Operator, seq: int) -> None:
        """Wait for the receipt of the last event."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            receipts = await asyncio.to_thread(operator.receipts, self._match)
            if receipts and receipts[-1]["seq"] >= seq:
                return
            await asyncio.sleep(0.1)

    async def _dead_rows(self) -> int:
        """Wait until the rows of dead connections are gone; returns how many are left after 15 s.

        It asks the gateway about the connection of every row. It does not ask again about a connection that was alive.
        """
        gateway = client(self._system, "apigatewaymanagementapi")
        alive: set[str] = set()
        deadline: float | None = None
        while True:
            rows = await asyncio.to_thread(self._connections)
            asked = [each for each in rows if each not in alive]
            self._say(f"{len(asked)} rows are checked for dead connections")
            gone = await asyncio.gather(*(asyncio.to_thread(_is_dead, gateway, each) for each in asked))
            alive.update(each for each, dead in zip(asked, gone, strict=True) if not dead)
            deadline = deadline or time.monotonic() + 15
            if not any(gone) or time.monotonic() > deadline:
                return sum(gone)
            await asyncio.sleep(0.25)

    def _connections(self) -> list[str]:
        """The connection of every subscription in the table."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._subscriptions.table)
        rows = (Row(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"])
        return [row.connection for row in rows if row.match]

    def _report(
        self, operator: Operator, staying: list[Member], dropped: list[Member], posted: dict[int, int], rows_left: int
    ) -> Report:
        history = operator.events(self._match)
        receipts = operator.receipts(self._match)
        expected = [event["seq"] for event in history]
        lines, glass = [], []
        for event in history:
            seq = event["seq"]
            # A viewer who vanished counts for the events before that.
            delays = sorted(each.at[seq] - posted[seq] for each in (*staying, *dropped) if seq in each.at)
            glass += delays
            lines.append(
                Line(
                    seq=seq,
                    minute=minute(event),
                    what=describe(event),
                    score=score(event),
                    reached=len(delays),
                    pruned=sum(each.get("gone", 0) for each in receipts if each["prev"] < seq <= each["seq"]),
                    first=delays[0] if delays else 0,
                    median=round(statistics.median(delays)) if delays else 0,
                    last=delays[-1] if delays else 0,
                )
            )
        glass.sort()
        return Report(
            viewers=self._count,
            dropped=len(dropped),
            planted=PLANTED,
            events=len(history),
            applied=sum(len(each.seqs) for each in staying),
            missed=sum(len(set(posted) - set(each.seqs)) for each in staying),
            out_of_order=sum(
                each.seqs != sorted(set(each.seqs)) or not set(each.seqs) <= set(expected) for each in staying
            ),
            rows_left=rows_left,
            pruned=sum(each.get("gone", 0) for each in receipts),
            reconnected=sum(each.viewer.connects - 1 for each in staying),
            goal_to_glass_ms={
                "p50": _percentile(glass, 0.50),
                "p95": _percentile(glass, 0.95),
                "max": _percentile(glass, 1.0),
            },
            lines=lines,
        )


def _is_dead(gateway: Any, connection: str) -> bool:
    try:
        gateway.get_connection(ConnectionId=connection)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            return True
        raise
    return False


def _percentile(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
