"""The demo: plays the 2022 final for viewers on real connections, some of whom vanish, and counts whom it reached."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from devstack.operator.api_client import ApiError, Operator
from devstack.operator.event_words import describe
from devstack.replay.demo_cell import DemoCell
from devstack.system import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.replay.demo_report import Report
    from devstack.system import System

SETTLE_SECONDS = 60.0


class Demo:
    """One run of the demo on a running stack. Each cell has ``viewers`` viewers of its own."""

    def __init__(
        self, system: System, viewers: int, say: Callable[[str], None], final: dict[str, Any] | None = None
    ) -> None:
        """``final``: the match and its ``events``; the final of 2022 by default."""
        self._system = system
        self._final = final or json.loads((ROOT / "devstack/replay/final.json").read_text())
        self._match: str = self._final["match"]
        self._say = say
        several = len(system.cells) > 1
        self._cells = [
            DemoCell(each, self._final, viewers, _naming(each, say) if several else say) for each in system.each_cell()
        ]

    async def run(self) -> dict[str, Report]:
        """Connect all viewers, play the match, and count; returns the report of each cell by its name.

        A cell whose viewers cannot connect takes no part, and its report says why.
        Raises ApiError if the API refuses a request or does not answer, or if no cell can take part.
        """
        with Operator(self._system.api_url) as operator:
            about = {name: value for name, value in self._final.items() if name != "events"}
            await asyncio.to_thread(operator.create_match, **about)
            try:
                await asyncio.gather(*(each.enter() for each in self._cells))
                if all(each.trouble is not None for each in self._cells):
                    raise ApiError(" ".join(each.trouble for each in self._cells if each.trouble is not None))
                return await self._play(operator)
            finally:
                await asyncio.gather(*(each.close() for each in self._cells))

    async def _play(self, operator: Operator) -> dict[str, Report]:
        events = self._final["events"]
        posted: dict[int, int] = {}
        for seq, event in enumerate(events, 1):
            if seq == len(events) // 2:
                await asyncio.gather(*(each.lose_some() for each in self._cells))
            posted[seq] = time.time_ns() // 1_000_000
            await asyncio.to_thread(operator.post_event, self._match, {**event, "event_id": f"final-{seq:02d}"})
            known = await asyncio.gather(*(each.reached(seq) for each in self._cells))
            names = [f"{each.cell.name} " if len(self._cells) > 1 else "" for each in self._cells]
            self._say(f"{describe(event)}: " + ", ".join(map("".join, zip(names, known, strict=True))))
        await self._all_told(operator, len(events))
        await asyncio.gather(*(each.catch_up(len(events)) for each in self._cells))
        history = await asyncio.to_thread(operator.events, self._match)
        dead = [await each.dead_rows() for each in self._cells]
        receipts = await asyncio.to_thread(operator.receipts, self._match)
        return {
            each.cell.name: each.report(history, receipts, posted, rows)
            for each, rows in zip(self._cells, dead, strict=True)
        }

    async def _all_told(self, operator: Operator, seq: int) -> None:
        """Wait for every cell's receipt of the last event."""
        deadline = time.monotonic() + SETTLE_SECONDS
        waiting = {each.cell.name for each in self._cells if each.trouble is None}
        while waiting and time.monotonic() < deadline:
            receipts = await asyncio.to_thread(operator.receipts, self._match)
            waiting -= {each["cell"] for each in receipts if each["seq"] >= seq}
            await asyncio.sleep(0.1)


def _naming(system: System, say: Callable[[str], None]) -> Callable[[str], None]:
    """``say`` with the cell's name before each line."""
    name = system.cell.name if system.cell else ""
    return lambda text: say(f"{name}: {text}")
