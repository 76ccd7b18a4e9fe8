"""Home's calls to the cells. Each cell has a name, a region, a transport, and viewers of its own.

Home numbers the events. Then each numbered event becomes due in every cell, and a broadcast starts there; the calls to
the cells run side by side. A cell that does not answer delays no other cell: a message in the watchdog's queue at home
brings the event to that cell when the cell answers again.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from broadcaster.control.cell_state import CellStates
from broadcaster.home.home_settings import HomeSettings
from broadcaster.home.watchdog_queue import WatchdogQueue, Watched
from broadcaster.transports import registry
from broadcaster.transports.description import parse_cells
from broadcaster.transports.transport import Clients
from matches.channels import Channels
from matches.ledger import Ledger
from runtime import aws
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.cell_calls import COLD_SECONDS, CellCalls
from runtime.environment import settings
from runtime.errors import PoisonError
from runtime.metrics import report_damaged_row
from runtime.refusals import AWS_ERRORS, judge
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from broadcaster.control.payload import CarriedEvent
    from broadcaster.transports.description import CellDescription
    from broadcaster.transports.transport import Transport
    from matches.match_state import MatchState

SILENCE_SECONDS = 15.0
"""Seconds for which a cell that did not answer is not called. Meanwhile its events go to the watchdog alone.

In a cell that broadcasts, a publish belongs to one match. So the first late error makes the cell silent for that match
alone, and a late error of a second match meanwhile makes it silent for all: trouble of one match delays no other. If
the only cell of a deployment has API Gateway, it is never silent: its calls are the same for all matches, and no other
cell waits for it."""

SLOW_SECONDS = 0.5
"""A cell whose error came later than this counts as silent. A cell to which this process has no open connection has
``cell_calls.COLD_SECONDS`` more."""

QUEUE_SECONDS = 4.0
"""Seconds after which a message that the watchdog's queue has not taken counts as not sent."""

UNREACHED_SECONDS = 1
"""Seconds until the watchdog checks a cell in which an event could not be marked as due."""

MATCHES_AT_ONCE = 8
"""The most matches for which a process calls ``Cells.broadcast`` at once."""

AGAIN_SECONDS = 30
"""Seconds between two checks of a broadcast that is running, or that the watchdog has started again."""

CheckResult = Literal["ended", "running", "restarted", "unreached"]
"""The result of a check of one event in one cell.

``ended``: a broadcast of the event has ended, or nobody needs one any more. ``running``: a broadcast has the lease.
``restarted``: no broadcast had the lease, so the check has started one. ``unreached``: the cell does not answer."""

logger = Logger(service="cells")
T = TypeVar("T")


class InvalidCallError(PoisonError):
    """A cell or its service blames the content of a call, so the same call fails again. The text has the reason."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Home's clients for one cell."""

    description: CellDescription
    cell_states: CellStates
    transport: Transport


class Cells:
    """All cells of a deployment, by name. ``clock`` counts seconds, also while the function's process is frozen."""

    def __init__(
        self,
        cells: Mapping[str, Cell],
        watchdog_queue: WatchdogQueue,
        threads: Executor,
        clock: Callable[[], float] = seconds,
        *,
        date: Callable[[], float] = time.time,
        calls: CellCalls | None = None,
    ) -> None:
        """``threads`` run the calls to the watchdog's queue, beside the calls to the cells.

        ``date`` tells seconds since 1970. A simulation passes its own ``date`` and ``calls``.
        """
        self._cells = dict(cells)
        self._watchdog_queue = watchdog_queue
        self._threads = threads
        self._clock = clock
        self._date = date
        self.publishes = not all(each.description.keeps_rows for each in cells.values())
        """Whether there is a cell that broadcasts: a publish belongs to one match, and may hang for it alone."""
        self._is_never_silent = len(self._cells) == 1 and not self.publishes
        self._calls = calls or CellCalls(len(self._cells), clock, gives_up=not self._is_never_silent)
        self._silent_until: dict[str, float] = {}
        self._silent_matches: dict[str, dict[str, float]] = {}
        """Cell -> the matches for which it is silent, and until when."""
        self._lock = Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._cells

    def broadcast(
        self, match_state: MatchState, events: Sequence[CarriedEvent] = (), *, delivered_before: bool = False
    ) -> list[str]:
        """Start a broadcast up to ``match_state.newest_seq`` in every cell; returns the unreached cells.

        ``events``: the newest events, for the frames. ``delivered_before``: a record of the match was delivered before
        (lease.lease_start).

        The watchdog's messages are sent beside the calls to the cells. An execution starts in a cell after the cell's
        message was sent, because an Express execution may die without a trace
        (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-standard-vs-express.html). If a message cannot be
        sent, the broadcasts start all the same, and then its error is raised: Lambda delivers the record again, and the
        next call sends the messages. In a cell with a damaged row of the match, or one that calls the content of the
        call invalid, no broadcast starts: the watchdog finds that and sets its message aside. Raises
        refusals.AWS_ERRORS.
        """
        watched = {
            name: Watched(match_state.match, match_state.newest_seq, name, match_state.epoch) for name in self._cells
        }
        put = self._watchdog_queue.put
        messages = {name: self._threads.submit(put, each) for name, each in watched.items()}
        reached, hopeless = self._ask(
            {
                name: partial(
                    cell.transport.begin,
                    match_state,
                    events,
                    watchdog_message=messages[name],
                    delivered_before=delivered_before,
                )
                for name, cell in self._cells.items()
            },
            match_state.match,
        )
        unreached = [name for name in self._cells if name not in reached.keys() | hopeless.keys()]
        unsent = {name: error for name, sent in messages.items() if (error := _error_of(sent)) is not None}
        if unsent:
            # There is one queue, so the first error speaks for all of them.
            error = next(iter(unsent.values()))
            logger.error(
                "watchdog_message_not_sent",
                match=match_state.match, seq=match_state.newest_seq, cells=sorted(unsent), exc_info=error,
            )  # fmt: skip
            raise error
        for name in unreached:
            put(watched[name], UNREACHED_SECONDS)
        return unreached

    def check(self, match: str, seq: int, name: str, epoch: str, read_state: Callable[[], MatchState]) -> CheckResult:
        """Check event ``seq`` of an epoch in a cell; starts a broadcast if none has ended and none has the lease.

        ``read_state`` reads the match from the ledger. If the match has another epoch than ``epoch``, the event belongs
        to an earlier match of the id: the result is ``ended``. Raises the errors of ``read_state``, DamagedMatchError
        for a damaged row of the cell, and InvalidCallError if the cell or its service calls the content invalid.
        """
        cell = self._cells[name]
        cell_state = self._ask_one(name, match, partial(cell.cell_states.read, match))
        if cell_state is not None and (cell_state.due_seq < seq or cell_state.epoch != epoch):
            # The event is not due in the cell yet, or the row belongs to another epoch.
            match_state = read_state()
            if epoch != match_state.epoch:
                return "ended"
            newest = max(seq, match_state.newest_seq)
            mark_due = partial(cell.cell_states.mark_due, match, newest, match_state.epoch)
            cell_state = self._ask_one(name, match, mark_due)
        if cell_state is None:
            return "unreached"
        if cell_state.ended_seq >= seq:
            return "ended"
        if cell_state.is_running(self._date()):
            return "running"
        if self._ask_one(name, match, partial(cell.transport.begin, read_state())) is None:
            return "unreached"
        logger.warning("broadcast_restarted", match=match, seq=seq, ended_seq=cell_state.ended_seq, cell=name)
        return "restarted"

    def check_again(self, watched: Watched) -> None:
        """Ask the watchdog to check the event again, after ``AGAIN_SECONDS`` or the first delay if that is shorter.

        Raises botocore's ClientError and BotoCoreError.
        """
        queue = self._watchdog_queue
        queue.put(watched, min(AGAIN_SECONDS, queue.first_seconds))

    def check_later(self, watched: Watched) -> None:
        """Ask the watchdog to check the event again, after 2, 4, 8 … 60 seconds: the longer, the more tries failed.

        Raises botocore's ClientError and BotoCoreError.
        """
        self._watchdog_queue.put(watched, min(60, 2 ** min(watched.tries, 6)))

    def check_after_silence(self, watched: Watched) -> bool:
        """Ask the watchdog to check the event again when the cell's silence is over; returns whether it is silent.

        The event was not tried, so its tries stay: it does not wait longer each time for the trouble of other events.
        Raises botocore's ClientError and BotoCoreError.
        """
        silence = self._silence_end(watched.cell, watched.match) - self._clock()
        if silence <= 0:
            return False
        self._watchdog_queue.put(watched, math.ceil(silence))
        return True

    def _ask_one(self, name: str, match: str, work: Callable[[], T]) -> T | None:
        """The answer of one cell, None if the cell does not answer. Raises DamagedMatchError and InvalidCallError."""
        reached, hopeless = self._ask({name: work}, match)
        if name in hopeless:
            raise hopeless[name]
        return reached.get(name)

    def _ask(
        self, work: Mapping[str, Callable[[], T]], match: str
    ) -> tuple[dict[str, T], dict[str, DamagedMatchError | InvalidCallError]]:
        """The answers of the cells that are not silent, and the errors of those that no other try helps."""
        now = self._clock()
        asked = {
            name: partial(self._call, name, match, each)
            for name, each in work.items()
            if self._silence_end(name, match) <= now
        }
        answers, failures = self._calls.ask(asked)
        hopeless: dict[str, DamagedMatchError | InvalidCallError] = {}
        for name, error in failures.items():
            if isinstance(error, DamagedMatchError):
                hopeless[name] = error
                if isinstance(error, DamagedRowError):
                    report_damaged_row(error)
                continue
            judged = judge(error)
            if judged == "invalid":
                hopeless[name] = InvalidCallError(str(error))
            if judged in ("refused", "invalid"):
                # The cell has answered, and its answer stays the same until a person changes the deployment. If the
                # fan-out raised the error, the record would stay on the stream, and the events of all cells would wait
                # behind it. So the event waits in the watchdog's queue, like the event of a silent cell.
                logger.error("cell_refused", cell=name, exc_info=error)
            else:
                logger.warning("cell_unreached", cell=name, exc_info=error)
            if isinstance(error, TimeoutError):
                # The call goes on in its thread and has raised nothing there yet, so the cell is silenced here.
                self._silence(name, match)
        return answers, hopeless

    def _call(self, name: str, match: str, work: Callable[[], T]) -> T:
        begun, patience = self._clock(), SLOW_SECONDS + (COLD_SECONDS if self._calls.is_cold(name) else 0.0)
        try:
            return work()
        except AWS_ERRORS as error:
            # Only this thread knows how long the call took, so a cell with a late error is silenced here.
            if not isinstance(error, ClientError) or self._clock() - begun > patience:
                self._silence(name, match)
            raise

    def _silence_end(self, name: str, match: str) -> float:
        """When a cell's silence for a match ends, by the clock."""
        if self._is_never_silent:
            return 0.0
        with self._lock:
            return max(self._silent_until.get(name, 0.0), self._silent_matches.get(name, {}).get(match, 0.0))

    def _silence(self, name: str, match: str) -> None:
        now = self._clock()
        with self._lock:
            silent = {each: until for each, until in self._silent_matches.get(name, {}).items() if until > now}
            self._silent_matches[name] = {**silent, match: now + SILENCE_SECONDS}
            if self._cells[name].description.keeps_rows or silent.keys() - {match}:
                self._silent_until[name] = now + SILENCE_SECONDS


def _error_of(sent: Future[None]) -> BaseException | None:
    """The error of a message, None if it was sent."""
    try:
        return sent.exception(timeout=QUEUE_SECONDS)
    except TimeoutError as error:
        return error


def make_cell(own: HomeSettings, description: CellDescription, clients: Clients) -> Cell:
    """Home's clients for a cell, by the settings of home. Raises botocore's errors of making a client."""
    table = own.broadcasts_table + description.suffix
    cell_states = CellStates(table, clients.make("dynamodb", description.region))
    return Cell(description, cell_states, registry.make(description, cell_states, own, clients))


@cache
def cells() -> Cells:
    """The cells of this process, from its settings. Raises SettingsError."""
    own = settings(HomeSettings)
    ledger = Ledger(own.matches_table, aws.dynamodb())
    described = parse_cells(own.cells)
    # A call that was given up holds its thread. So each cell has threads of its own, and so have the messages.
    count, channels = 4 * MATCHES_AT_ONCE, Channels(own.namespace)
    found = {
        name: make_cell(own, each, Clients(aws.make, aws.credentials, ledger, ThreadPoolExecutor(count), channels))
        for name, each in described.items()
    }
    messages = ThreadPoolExecutor(count * len(found))
    return Cells(found, WatchdogQueue(aws.sqs("hurried"), own.watchdog_queue, own.watchdog_seconds), messages)
