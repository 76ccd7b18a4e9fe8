"""Home's calls to the cells. Each cell is in a region of its own, with its own viewers, senders and send rate.

Home numbers the events. Then each numbered event becomes due in every cell, and a broadcast starts there; the calls to
the cells run side by side. A cell that does not answer delays no other cell: a message in the watchdog's queue at home
brings the event to that cell when the cell answers again.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates
from broadcaster.control.control_settings import HomeSettings
from broadcaster.control.lease import start_seconds
from broadcaster.control.plan import Budget
from broadcaster.control.starter import Starter
from broadcaster.control.watchdog_queue import WatchdogQueue
from runtime import aws
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.environment import settings
from runtime.metrics import report_damaged_row
from runtime.refusals import AWS_ERRORS, judge
from runtime.regions import COLD_SECONDS, Regions
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

    from broadcaster.control.payload import CarriedEvent
    from matches.match_state import MatchState

SILENCE_SECONDS = 15.0
"""Seconds for which a cell that did not answer is not called. Meanwhile its events go to the watchdog alone."""

SLOW_SECONDS = 0.5
"""A cell whose error came later than this counts as silent. A cell to which this process has no open connection has
``regions.COLD_SECONDS`` more."""

QUEUE_SECONDS = 4.0
"""Seconds after which a message that the watchdog's queue has not taken counts as not sent."""

UNREACHED_SECONDS = 1
"""Seconds until the watchdog checks a cell in which an event could not be marked as due."""

CheckResult = Literal["ended", "running", "restarted", "unreached"]
"""The result of a check of one event in one cell.

``ended``: a broadcast of the event has ended, or nobody needs one any more. ``running``: a broadcast has the lease.
``restarted``: no broadcast had the lease, so the check has started one. ``unreached``: the cell does not answer."""

logger = Logger(service="cells")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """Home's clients for one cell."""

    region: str
    cell_states: CellStates
    starter: Starter


class Cells:
    """All cells of a deployment, by region. ``clock`` counts seconds, also while the function's process is frozen."""

    def __init__(
        self,
        cells: Mapping[str, Cell],
        watchdog_queue: WatchdogQueue,
        threads: Executor,
        clock: Callable[[], float] = seconds,
    ) -> None:
        """``threads`` run the calls to the watchdog's queue, beside the calls to the cells."""
        self._cells = dict(cells)
        self._watchdog_queue = watchdog_queue
        self._threads = threads
        self._clock = clock
        self._regions = Regions(len(self._cells), clock)
        self._silent_until: dict[str, float] = {}

    def __contains__(self, region: str) -> bool:
        return region in self._cells

    def broadcast(
        self, match_state: MatchState, events: Sequence[CarriedEvent] = (), *, again: bool = False
    ) -> list[str]:
        """Start a broadcast up to ``match_state.newest_seq`` in every cell; returns the unreached cells.

        ``events``: the newest events, for the frames. ``again``: a record of the match was delivered before
        (lease.lease_start).

        The watchdog's messages are sent beside the calls to the cells. An execution starts in a cell after the cell's
        message was sent, because an Express execution may die without a trace
        (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-standard-vs-express.html). If a message cannot be
        sent, the broadcasts start all the same, and then its error is raised: Lambda delivers the record again, and the
        next call sends the messages. In a cell with a damaged row of the match no broadcast starts: the watchdog finds
        the row and sets its message aside. Raises refusals.AWS_ERRORS.
        """
        put = partial(self._watchdog_queue.put, match_state.match, match_state.newest_seq, epoch=match_state.epoch)
        messages = {region: self._threads.submit(put, region) for region in self._cells}
        reached, damaged = self._ask(
            {
                region: partial(cell.starter.begin, match_state, events, message=messages[region], again=again)
                for region, cell in self._cells.items()
            }
        )
        unreached = [region for region in self._cells if region not in reached.keys() | damaged.keys()]
        unsent = {region: error for region, sent in messages.items() if (error := _error_of(sent)) is not None}
        if unsent:
            # There is one queue, so the first error speaks for all of them.
            error = next(iter(unsent.values()))
            logger.error(
                "watchdog_message_not_sent",
                match=match_state.match, seq=match_state.newest_seq, cells=sorted(unsent), exc_info=error,
            )  # fmt: skip
            raise error
        for region in unreached:
            put(region, seconds=UNREACHED_SECONDS)
        return unreached

    def check(self, match: str, seq: int, region: str, epoch: str, read_state: Callable[[], MatchState]) -> CheckResult:
        """Check event ``seq`` of an epoch in a cell; starts a broadcast if none has ended and none has the lease.

        ``read_state`` reads the match from the ledger. If the match has another epoch than ``epoch``, the event belongs
        to an earlier match of the id: the result is ``ended``. Raises the errors of ``read_state``, and
        DamagedMatchError for a damaged row of the cell.
        """
        cell = self._cells[region]
        cell_state = self._ask_one(region, partial(cell.cell_states.read, match))
        if cell_state is not None and (cell_state.due_seq < seq or cell_state.epoch != epoch):
            # The event is not due in the cell yet, or the row belongs to another epoch.
            match_state = read_state()
            if epoch != match_state.epoch:
                return "ended"
            newest = max(seq, match_state.newest_seq)
            cell_state = self._ask_one(region, partial(cell.cell_states.mark_due, match, newest, match_state.epoch))
        if cell_state is None:
            return "unreached"
        if cell_state.ended_seq >= seq:
            return "ended"
        if cell_state.is_running(time.time()):
            return "running"
        if self._ask_one(region, partial(cell.starter.begin, read_state())) is None:
            return "unreached"
        logger.warning("broadcast_restarted", match=match, seq=seq, ended_seq=cell_state.ended_seq, cell=region)
        return "restarted"

    def check_later(self, match: str, seq: int, region: str, epoch: str, tries: int) -> None:
        """Ask the watchdog to check the event again, after 2, 4, 8 … 60 seconds. ``tries``: failed checks so far.

        Raises botocore's ClientError and BotoCoreError.
        """
        self._watchdog_queue.put(match, seq, region, epoch, seconds=min(60, 2 ** min(tries, 6)), tries=tries)

    def _ask_one(self, region: str, work: Callable[[], T]) -> T | None:
        """The answer of one cell, None if the cell does not answer. Raises DamagedMatchError."""
        reached, damaged = self._ask({region: work})
        if region in damaged:
            raise damaged[region]
        return reached.get(region)

    def _ask(self, work: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, DamagedMatchError]]:
        """The answers of the cells that are not silent, and the errors of those whose row of the match is damaged."""
        now = self._clock()
        asked = {
            region: partial(self._call, region, each)
            for region, each in work.items()
            # A single cell is called in any case: no other cell waits for it.
            if len(self._cells) == 1 or self._silent_until.get(region, 0.0) <= now
        }
        answers, failures = self._regions.ask(asked)
        damaged: dict[str, DamagedMatchError] = {}
        for region, error in failures.items():
            if isinstance(error, DamagedMatchError):
                damaged[region] = error
                if isinstance(error, DamagedRowError):
                    report_damaged_row(error)
                continue
            if judge(error) in ("refused", "invalid"):
                # The cell has answered, and its answer stays the same until a person changes the deployment. If the
                # fan-out raised the error, the record would stay on the stream, and the events of all cells would wait
                # behind it. So the event waits in the watchdog's queue, like the event of a silent cell.
                logger.error("cell_refused", cell=region, exc_info=error)
            else:
                logger.warning("cell_unreached", cell=region, exc_info=error)
            if isinstance(error, TimeoutError):
                # The call goes on in its thread and has raised nothing there yet, so the cell is silenced here.
                self._silence(region)
        return answers, damaged

    def _call(self, region: str, work: Callable[[], T]) -> T:
        begun, patience = self._clock(), SLOW_SECONDS + (COLD_SECONDS if self._regions.is_cold(region) else 0.0)
        try:
            return work()
        except AWS_ERRORS as error:
            # Only this thread knows how long the call took, so a cell with a late error is silenced here.
            if not isinstance(error, ClientError) or self._clock() - begun > patience:
                self._silence(region)
            raise

    def _silence(self, region: str) -> None:
        self._silent_until[region] = self._clock() + SILENCE_SECONDS


def _error_of(sent: Future[None]) -> BaseException | None:
    """The error of a message, None if it was sent."""
    try:
        return sent.exception(timeout=QUEUE_SECONDS)
    except TimeoutError as error:
        return error


def make_cell(
    own: HomeSettings, region: str, dynamodb: DynamoDBClient, stepfunctions: SFNClient, threads: Executor
) -> Cell:
    """Home's clients for the cell in a region, by the settings of home. ``threads`` write the rate shares."""
    cell_states = CellStates(own.broadcasts_table, dynamodb)
    budget = Budget(own.send_rate, own.sender_rate)
    lease_seconds = start_seconds(own.watchdog_seconds)
    starter = Starter(cell_states, stepfunctions, own.cells[region]["state_machine"], budget, lease_seconds, threads)
    return Cell(region, cell_states, starter)


@cache
def cells() -> Cells:
    """The cells of this process, from its settings."""
    own = settings(HomeSettings)
    # A call that was given up holds its thread. So each cell has threads of its own, and so have the messages.
    found = {
        region: make_cell(own, region, aws.dynamodb(region), aws.stepfunctions(region), ThreadPoolExecutor(4))
        for region in own.cells
    }
    messages = ThreadPoolExecutor(4 * len(own.cells))
    return Cells(found, WatchdogQueue(aws.sqs("hurried"), own.watchdog_queue, own.watchdog_seconds), messages)
