"""The demo in one cell: its viewers, those that vanish, its rows of dead connections, and its report."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from client.cell_address import read_cells
from devstack.operator.event_words import describe, minute, score
from devstack.replay.demo_report import Line, Report
from devstack.transports.ministack_resources import client
from loadtest.audience import CONNECTS_AT_ONCE, FEW_AT_ONCE, Audience, Member, TooFewError, leave
from loadtest.percentiles import percentile
from subscriptions.shards import initial_shards, shard_of
from subscriptions.store import Row, Subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from devstack.stack_cells import StackCell
    from devstack.system import System

PLANTED = 20
REACH_SECONDS = 20.0
BEHIND_SECONDS = 1.0
"""Seconds for which the demo waits for a cell that has not told everyone the event before."""

DEAD_ROWS_SECONDS = 15.0


class DemoCell:
    """The viewers of one cell. ``system`` is the cell's view.

    In a cell that has rows, a tenth of the viewers vanish and rows of dead connections are planted.
    """

    def __init__(self, system: System, match: Mapping[str, Any], viewers: int, say: Callable[[str], None]) -> None:
        assert system.cell is not None  # noqa: S101
        self.cell: StackCell = system.cell
        self.trouble: str | None = None
        """A sentence for a person if the cell could not take part."""
        self._system = system
        self._match: str = match["match"]
        self._estimate: int | None = match.get("audience")
        self._count = viewers
        self._say = say
        self._audience: Audience | None = None
        self._staying: list[Member] = []
        self._dropped: list[Member] = []
        self._planted = 0
        self._is_behind = False
        self._dynamodb = client(system, "dynamodb")
        self._subscriptions = Subscriptions(system.name("subscriptions"), self._dynamodb)

    @property
    def has_rows(self) -> bool:
        """Whether the cell has a row for each viewer."""
        return "subscriptions" in self._system.parts("tables", "cell")

    async def enter(self) -> None:
        """Connect all viewers. If that fails, ``trouble`` says why, and the cell takes no part."""
        name = self.cell.name
        try:
            address = read_cells({"version": 1, "cells": {name: self._system.address()}})[name]
            at_once = CONNECTS_AT_ONCE if len(self._system.cells) == 1 else FEW_AT_ONCE
            self._audience = Audience(
                address, {self._match: self._count}, api_url=self._system.api_url, connects_at_once=at_once
            )
            self._staying = self._audience.members
            await self._audience.enter(self._say)
        except (TooFewError, ValueError) as error:
            self.trouble = str(error)
            self._staying = []
            self._say(f"{name} takes no part. {error}")

    async def close(self) -> None:
        """Disconnect all viewers."""
        if self._audience is not None:
            await self._audience.close()

    async def lose_some(self) -> None:
        """A tenth of the viewers vanish, and rows are planted as a lost ``$disconnect`` leaves them."""
        if self.trouble is not None or not self.has_rows:
            return
        tenth = self._count // 10
        self._dropped, self._staying = self._staying[:tenth], self._staying[tenth:]
        self._say(f"{len(self._dropped)} viewers vanish, {PLANTED} rows of dead connections are planted")
        for each in self._dropped:
            each.viewer.drop()
        await leave(self._dropped)
        for number in range(PLANTED):
            connection = f"planted{number:08d}="
            shard = shard_of(connection, initial_shards(self._estimate))
            self._subscriptions.add(self._match, shard, connection, score_only=False)
        self._planted = PLANTED

    async def reached(self, seq: int) -> str:
        """Wait until every staying viewer has the event; returns how many have it, for a person.

        A cell that is behind is not waited for, so that the other cells go on.
        """
        if self._audience is None or self.trouble is not None:
            return "no viewer takes part"
        seconds = BEHIND_SECONDS if self._is_behind else REACH_SECONDS
        self._is_behind = not await self._audience.wait(self._match, seq, len(self._staying), seconds)
        return f"{self._audience.arrived(self._match, seq)} of {len(self._staying)} viewers know"

    async def catch_up(self, seq: int) -> None:
        """Give the viewers of a cell that is behind the time to read what they have missed."""
        self._is_behind = False
        await self.reached(seq)

    async def dead_rows(self) -> int | None:
        """Wait until the rows of dead connections are gone; returns how many are left after 15 s.

        It asks the gateway about the connection of every row. It does not ask again about a connection that was alive.
        """
        if self.trouble is not None or not self.has_rows:
            return None
        gateway = client(self._system, "apigatewaymanagementapi")
        alive: set[str] = set()
        deadline: float | None = None
        while True:
            rows = await asyncio.to_thread(self._connections)
            asked = [each for each in rows if each not in alive]
            self._say(f"{len(asked)} rows are checked for dead connections")
            gone = await asyncio.gather(*(asyncio.to_thread(_is_dead, gateway, each) for each in asked))
            alive.update(each for each, dead in zip(asked, gone, strict=True) if not dead)
            deadline = deadline or time.monotonic() + DEAD_ROWS_SECONDS
            if not any(gone) or time.monotonic() > deadline:
                return sum(gone)
            await asyncio.sleep(0.25)

    def _connections(self) -> list[str]:
        """The connection of every subscription in the table."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._subscriptions.table)
        rows = (Row(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"])
        return [row.connection for row in rows if row.match]

    def report(
        self, history: Sequence[Any], receipts: Iterable[Any], posted: Mapping[int, int], rows_left: int | None
    ) -> Report:
        """The result in this cell.

        ``history``: the events. ``receipts``: of all cells. ``posted``: seq -> time of its POST (ms since 1970).
        """
        own = [each for each in receipts if each["cell"] == self.cell.name and "gone" in each]
        expected = [event["seq"] for event in history]
        lines: list[Line] = []
        glass: list[int] = []
        for event in history:
            seq = event["seq"]
            # A viewer who vanished counts for the events before that.
            members = (*self._staying, *self._dropped)
            delays = sorted(each.at[seq] - posted[seq] for each in members if seq in each.at)
            glass += delays
            gone = sum(each["gone"] for each in own if each["prev"] < seq <= each["seq"])
            lines.append(
                Line(
                    seq=seq,
                    minute=minute(event),
                    what=describe(event),
                    score=score(event),
                    reached=len(delays),
                    pruned=gone if self.has_rows else None,
                    first=delays[0] if delays else 0,
                    median=round(statistics.median(delays)) if delays else 0,
                    last=delays[-1] if delays else 0,
                )
            )
        glass.sort()
        staying = self._staying
        return Report(
            viewers=self._count,
            dropped=len(self._dropped),
            planted=self._planted,
            events=len(history),
            applied=sum(len(each.seqs) for each in staying),
            missed=sum(len(set(posted) - set(each.seqs)) for each in staying),
            out_of_order=sum(
                each.seqs != sorted(set(each.seqs)) or not set(each.seqs) <= set(expected) for each in staying
            ),
            rows_left=rows_left,
            pruned=sum(each["gone"] for each in own) if self.has_rows else None,
            reconnected=sum(each.viewer.connects - 1 for each in staying),
            goal_to_glass_ms={
                "p50": percentile(glass, 0.50),
                "p95": percentile(glass, 0.95),
                "max": percentile(glass, 1.0),
            },
            lines=lines,
            transport=self.cell.transport,
            trouble=self.trouble,
        )


def _is_dead(gateway: Any, connection: str) -> bool:
    try:
        gateway.get_connection(ConnectionId=connection)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            return True
        raise
    return False
