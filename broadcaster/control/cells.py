"""The cells that tell a match's viewers: each in a region of its own, with its own viewers, senders and send rate.

The ledger and what numbers events are at home. From there each numbered event is handed to every cell, side by side. A
cell that does not answer delays nobody: its event goes to the watchdog's queue at home, which hands it over when the
cell is back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates
from broadcaster.control.control_settings import HomeSettings
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter
from broadcaster.control.watchdog_queue import WatchdogQueue
from runtime import aws
from runtime.attributes import BrokenMatchError, UnreadableRowError
from runtime.environment import settings
from runtime.metrics import unreadable
from runtime.refusals import AWS_ERRORS, judge
from runtime.regions import COLD_SECONDS, Regions
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broadcaster.control.cell_state import CellState
    from matches.match_state import MatchState

SILENCE_SECONDS = 15.0
"""A cell that did not answer is left to the watchdog for so long: it is not waited for at each event."""

SLOW_SECONDS = 0.5
"""A cell that took longer than this to answer with an error has not answered, either. A cell to which a connection has
to be opened has ``regions.COLD_SECONDS`` more."""

SOON_SECONDS = 1
"""The watchdog's first look after an event that could not be handed over."""

Seen = Literal["settled", "running", "restarted", "unreached"]
"""The watchdog's finding about an event in a cell: nothing is left to do, a broadcast runs, a broadcast was started
again, or the cell does not answer."""

logger = Logger(service="cells")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """Home's clients for one cell."""

    region: str
    cell_states: CellStates
    starter: Starter


class Cells:
    """All cells of a deployment, by region. ``clock`` tells seconds, those of a freeze included."""

    def __init__(
        self, cells: Mapping[str, Cell], watchdog_queue: WatchdogQueue, clock: Callable[[], float] = seconds
    ) -> None:
        self._cells = dict(cells)
        self._watchdog_queue = watchdog_queue
        self._clock = clock
        self._regions = Regions(len(self._cells), clock)
        self._queue = Regions(len(self._cells), clock)
        """The watchdog's queue, asked once for each region."""
        self._silent_until: dict[str, float] = {}

    def __contains__(self, region: str) -> bool:
        return region in self._cells

    def broadcast(self, state: MatchState) -> list[str]:
        """Have every cell tell the match up to ``state.newest_seq``; returns the cells that could not be reached.

        An Express execution may die without a trace
        (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-standard-vs-express.html), so
        the watchdog is told before any is started. If it cannot be, viewers are told all the same, and then what its
        queue at home said is raised: delivered again, the event gets its watchdog. A cell whose row of the match is
        damaged is left to the watchdog, too, which sets its message aside. Raises refusals.AWS_ERRORS.
        """
        put = partial(self._watchdog_queue.put, state.match, state.newest_seq, epoch=state.epoch)
        _, unwatched = self._queue.ask({region: partial(put, region) for region in self._cells})
        reached, broken = self._reach({region: partial(_begin, cell, state) for region, cell in self._cells.items()})
        unreached = [region for region in self._cells if region not in reached.keys() | broken.keys()]
        for error in unwatched.values():
            logger.error("the watchdog does not know", match=state.match, seq=state.newest_seq, exc_info=error)
            raise error
        for region in unreached:
            put(region, SOON_SECONDS)
        return unreached

    def look(
        self, match: str, seq: int, region: str, state: Callable[[], MatchState], epoch: str | None = None
    ) -> Seen:
        """The state of event ``seq`` in a cell. Starts a broadcast if the event is not told and none runs.

        ``state`` reads the match from the ledger; if that has another epoch than ``epoch``, the event was one of an
        earlier match of the id, and nothing is left to do. Raises what ``state`` raises, and BrokenMatchError for a
        damaged row of the cell.
        """
        cell = self._cells[region]
        cell_state = self._in(region, partial(cell.cell_states.read, match))
        if cell_state is not None and (cell_state.due_seq < seq or cell_state.epoch != epoch):
            # The cell has not been handed this event, or its row is about another match of the id.
            now = state()
            if epoch not in (None, now.epoch):
                return "settled"
            cell_state = self._in(
                region, partial(cell.cell_states.mark_due, match, max(seq, now.newest_seq), now.epoch)
            )
        if cell_state is None:
            return "unreached"
        if cell_state.ended_seq >= seq:
            return "settled"
        if cell_state.lease_until > time.time():
            return "running"
        logger.warning("starting again", match=match, seq=seq, tried=cell_state.ended_seq, cell=region)
        return "restarted" if self._in(region, partial(_begin, cell, state())) is not None else "unreached"

    def later(self, match: str, seq: int, region: str, tries: int, epoch: str | None = None) -> None:
        """Have the watchdog look again at a cell that nobody could reach, after 2, 4, 8 … 60 seconds.

        Raises botocore's ClientError and BotoCoreError.
        """
        self._watchdog_queue.put(match, seq, region, min(60, 2 ** min(tries, 6)), tries=tries, epoch=epoch)

    def _in(self, region: str, work: Callable[[], T]) -> T | None:
        """The answer of one cell, None if the cell does not answer. Raises BrokenMatchError."""
        reached, broken = self._reach({region: work})
        if region in broken:
            raise broken[region]
        return reached.get(region)

    def _reach(self, work: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, BrokenMatchError]]:
        """The answers of the cells that are not silent, and the cells whose row of the match is damaged."""
        now = self._clock()
        asked = {
            region: partial(self._call, region, each)
            for region, each in work.items()
            # A single cell is asked in any case: nobody else waits for it.
            if len(self._cells) == 1 or self._silent_until.get(region, 0.0) <= now
        }
        answers, failures = self._regions.ask(asked)
        broken: dict[str, BrokenMatchError] = {}
        for region, error in failures.items():
            if isinstance(error, BrokenMatchError):
                broken[region] = error
                if isinstance(error, UnreadableRowError):
                    unreadable(error)
                continue
            if judge(error) in ("refused", "invalid"):
                # The cell has answered, and its answer stays the same until a person changes the deployment. An error
                # raised here would keep the record on the stream, and the events of all cells would wait behind it.
                # So the event waits with the watchdog, as that of a silent cell does.
                logger.error("cell_refused", cell=region, exc_info=error)
            else:
                logger.warning("cell_unreached", cell=region, exc_info=error)
            if isinstance(error, TimeoutError):
                self._silence(region)
        return answers, broken

    def _call(self, region: str, work: Callable[[], T]) -> T:
        begun, patience = self._clock(), SLOW_SECONDS + (COLD_SECONDS if self._regions.is_cold(region) else 0.0)
        try:
            return work()
        except AWS_ERRORS as error:
            if not isinstance(error, ClientError) or self._clock() - begun > patience:
                self._silence(region)
            raise

    def _silence(self, region: str) -> None:
        self._silent_until[region] = self._clock() + SILENCE_SECONDS


def _begin(cell: Cell, state: MatchState) -> CellState:
    """Hand a match as it stands to a cell, and start a broadcast of it unless that has been done."""
    cell_state = cell.cell_states.mark_due(state.match, state.newest_seq, state.epoch)
    if cell_state.ended_seq < state.newest_seq:
        cell.starter.start(state, cell_state)
    return cell_state


@cache
def cells() -> Cells:
    """The cells of this process, from its environment."""
    own = settings(HomeSettings)
    budget = Budget(own.send_rate, own.sender_rate)
    return Cells(
        {
            region: Cell(
                region,
                CellStates(own.broadcasts_table, aws.dynamodb(region)),
                Starter(aws.stepfunctions(region), machine, budget),
            )
            for region, machine in own.cells.items()
        },
        WatchdogQueue(aws.sqs("hurried"), own.watchdog_queue, own.watchdog_seconds),
    )
