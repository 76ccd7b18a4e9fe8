"""The cells that tell a match's viewers: each in a region of its own, with its own viewers, senders and send rate.

The ledger and what numbers events are at home. From there each numbered event is handed to every cell, side by side. A
cell that does not answer delays nobody: its event goes to the watchdog's queue at home, which hands it over when the
cell is back.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

from aws_lambda_powertools import Logger

from broadcaster.plan import Budget
from broadcaster.starter import Starter
from broadcaster.watch import Watch
from matches import aws
from matches.reach import Reach
from matches.telling import Tellings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matches.ledger import MatchState

SOON_SECONDS = 1
"""The watchdog's first look after an event that could not be handed over."""

Seen = Literal["settled", "running", "restarted", "unreached"]
"""How the watchdog finds an event in a cell: nothing left to do, being told, begun again, or nobody answers."""

logger = Logger(service="cells")


@dataclass(frozen=True, slots=True)
class Cell:
    """How home reaches a cell."""

    region: str
    tellings: Tellings
    starter: Starter


class Cells:
    """All cells of a deployment, by region."""

    def __init__(self, cells: Mapping[str, Cell], watch: Watch) -> None:
        self._cells = dict(cells)
        self._watch = watch
        self._reach = Reach(4 * len(self._cells) if len(self._cells) > 1 else 0)

    def __contains__(self, region: str) -> bool:
        return region in self._cells

    def broadcast(self, state: MatchState) -> list[str]:
        """Have every cell tell the match up to ``state.seq``; returns the cells that could not be reached.

        Raises botocore's ClientError and BotoCoreError if the watchdog's queue does not take such a cell's event.
        """
        work = {region: partial(self._broadcast, cell, state) for region, cell in self._cells.items()}
        reached = self._reach.each(work)
        unreached = [region for region in self._cells if region not in reached]
        for region in unreached:
            self._watch.put(state.match, state.seq, region, SOON_SECONDS)
        return unreached

    def look(self, match: str, seq: int, region: str, state: Callable[[], MatchState]) -> Seen:
        """How a cell is with event ``seq``; starts a broadcast there if it was not told and nobody else does it.

        ``state`` reads the match from the ledger. Raises what it raises.
        """
        answer = self._reach.each({region: partial(self._look, self._cells[region], match, seq, state)})
        return answer.get(region, "unreached")

    def _broadcast(self, cell: Cell, state: MatchState) -> bool:
        telling = cell.tellings.hand(state.match, state.seq)
        if telling.tried < state.seq:
            # An Express execution may die without a trace (step-functions/latest/dg/concepts-standard-vs-express.html),
            # so the watchdog is told before it is started.
            self._watch.put(state.match, state.seq, cell.region)
            cell.starter.start(state, telling)
        return True

    @staticmethod
    def _look(cell: Cell, match: str, seq: int, state: Callable[[], MatchState]) -> Seen:
        telling = cell.tellings.hand(match, seq)
        if telling.tried >= seq:
            return "settled"
        if telling.lease_until > time.time():
            return "running"
        logger.warning("starting again", match=match, seq=seq, tried=telling.tried, cell=cell.region)
        cell.starter.start(state(), telling)
        return "restarted"


@cache
def cells() -> Cells:
    """The cells of this process, from its environment."""
    budget = Budget(int(aws.setting("SEND_RATE")), int(aws.setting("SENDER_RATE")))
    machines: dict[str, str] = json.loads(aws.setting("CELLS"))
    return Cells(
        {
            region: Cell(
                region,
                Tellings(aws.setting("BROADCASTS_TABLE"), aws.dynamodb(region)),
                Starter(aws.stepfunctions(region), machine, budget),
            )
            for region, machine in machines.items()
        },
        Watch(aws.sqs(), aws.setting("WATCHDOG_QUEUE"), int(aws.setting("WATCHDOG_SECONDS"))),
    )
