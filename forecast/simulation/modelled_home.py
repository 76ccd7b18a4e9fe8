"""Home as a model: the fan-out's calls to the cells, the watchdog and its queue.

``Cells`` (broadcaster/home/cells.py) and the watchdog's ``check`` are our own code. A function at home is one process.
Its code runs at one moment of the virtual time. While its calls last, the clock of the process runs ahead, and the
effects of the calls come so much later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ConnectTimeoutError

from broadcaster.home import watchdog
from broadcaster.home.cells import Cell, Cells
from broadcaster.home.watchdog_queue import WatchdogQueue, Watched
from broadcaster.transports.description import CellDescription
from devstack.inline import Inline
from devstack.stack_cells import API_GATEWAY
from runtime.aws import options
from runtime.cell_calls import COLD_SECONDS, PATIENCE_SECONDS, CellCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from broadcaster.control.cell_state import CellState
    from broadcaster.control.payload import CarriedEvent
    from forecast.simulation.modelled_cell import ModelledCell
    from forecast.simulation.modelled_tables import Home
    from forecast.simulation.repairs import Repairs
    from matches.match_state import MatchState

T = TypeVar("T")


class ModelledHome:
    """The fan-out and the watchdog."""

    def __init__(
        self, home: Home, repairs: Repairs, cells: Sequence[ModelledCell], *, watchdog_s: int, invoke_s: float
    ) -> None:
        """``watchdog_s``: seconds from an event to its first check. ``invoke_s``: seconds until a function runs."""
        self.given_up = 0
        """Events of which the watchdog has set the message aside."""
        self._home = home
        self._repairs = repairs
        self._modelled = {each.name: each for each in cells}
        self._watchdog_s = watchdog_s
        self._invoke_s = invoke_s
        self._waiting: list[Watched] = []
        self._fanout, self._fanout_cells = self._process()
        self._watchdog, self._watchdog_cells = self._process()

    def _process(self) -> tuple[_Process, Cells]:
        process = _Process(self._repairs)
        cells = {
            name: Cell(
                CellDescription(name, name, API_GATEWAY),
                _States(cell),  # type: ignore[arg-type]
                _Transport(process, cell),
            )
            for name, cell in self._modelled.items()
        }
        queue = WatchdogQueue(_Queue(process, self._put), "", self._watchdog_s)  # type: ignore[arg-type]
        calls = _Calls(process, self._modelled)
        return process, Cells(cells, queue, Inline(), process.time, date=process.date, calls=calls)

    def broadcast(self, state: MatchState, events: Sequence[CarriedEvent]) -> float:
        """Start the broadcasts of a match in all cells; returns the seconds that the fan-out is busy with it."""
        self._fanout.spent = 0.0
        self._fanout_cells.broadcast(state, events)
        return self._fanout.spent

    def watches(self, match: str, cell: str) -> bool:
        """Whether the watchdog will check an event of the match in the cell."""
        return any(each.match == match and each.cell == cell for each in self._waiting)

    def _put(self, watched: Watched, after_s: float) -> None:
        self._waiting.append(watched)
        self._repairs.loop.call_later(after_s + self._invoke_s, self._check, watched)

    def _check(self, watched: Watched) -> None:
        self._waiting.remove(watched)
        self._watchdog.spent = 0.0
        states = self._home.states
        watchdog.check(watched, self._watchdog_cells, states.__getitem__, self._set_aside, self._restarted(watched))

    def _set_aside(self, watched: Watched, reason: str) -> None:
        del watched, reason
        self.given_up += 1

    def _restarted(self, watched: Watched) -> Callable[[str, int], None]:
        def note(_match: str, _seq: int) -> None:
            self._modelled[watched.cell].counted.restarts += 1

        return note


class _Process:
    """One process of a function."""

    def __init__(self, repairs: Repairs) -> None:
        self.loop = repairs.loop
        self.chance = repairs.chance
        self.spent = 0.0
        """Seconds that the calls of the present invocation have lasted."""

    def time(self) -> float:
        """Seconds since the beginning."""
        return self.loop.time() + self.spent

    def date(self) -> float:
        """Seconds since 1970."""
        return self.loop.date() + self.spent


class _Calls(CellCalls):
    """Calls to the cells side by side. A cell that is down answers no connection, so each try is a time-out."""

    def __init__(self, process: _Process, cells: Mapping[str, ModelledCell]) -> None:
        super().__init__(1, process.time)
        self._process = process
        self._cells = cells

    def ask(self, work: Mapping[str, Callable[[], T]]) -> tuple[dict[str, T], dict[str, Exception]]:
        """As ``CellCalls.ask``. A call that was given up does nothing more: its process is frozen."""
        process, begun = self._process, self._process.spent
        answers: dict[str, T] = {}
        failures: dict[str, Exception] = {}
        longest = 0.0
        for name, each in work.items():
            took, reached = self._reach(name, begun)
            patience = float("inf")
            if len(self._cells) > 1:
                patience = PATIENCE_SECONDS + (COLD_SECONDS if self.is_cold(name) else 0.0)
            longest = max(longest, min(took, patience))
            process.spent = begun + min(took, patience)
            if reached and took <= patience:
                answers[name] = each()
                self._answered[name] = process.time()
            else:
                self._answered.pop(name, None)
                failures[name] = ConnectTimeoutError(endpoint_url=name) if took <= patience else TimeoutError()
        process.spent = begun + longest
        return answers, failures

    def _reach(self, name: str, begun: float) -> tuple[float, bool]:
        """The seconds of the tries of botocore's client, and whether one reached the cell."""
        client, down_until = options("usual"), self._cells[name].unreached_until
        tries, took = client["retries"]["total_max_attempts"], 0.0
        for each in range(tries):
            if self._process.loop.time() + begun + took >= down_until:
                return took, True
            took += client["connect_timeout"]
            if each < tries - 1:
                took += self._process.chance.random() * min(2.0**each, 20.0)
        return took, False


class _States:
    """In place of ``CellStates``."""

    def __init__(self, cell: ModelledCell) -> None:
        self._cell = cell

    def read(self, match: str) -> CellState:
        """The row of a match."""
        self._cell.tables.reads += 1
        return self._cell.tables.state(match)

    def mark_due(self, match: str, seq: int, epoch: str) -> CellState:
        """Mark an event as due."""
        tables = self._cell.tables
        tables.writes += 1
        state = tables.state(match)
        tables.states[match] = state = replace(state, due_seq=max(state.due_seq, seq), epoch=epoch)
        return state


class _Transport:
    """In place of ``ApiGateway``."""

    def __init__(self, process: _Process, cell: ModelledCell) -> None:
        self._process = process
        self._cell = cell

    def begin(
        self,
        match_state: MatchState,
        events: Sequence[CarriedEvent] = (),
        *,
        watchdog_message: Future[None] | None = None,
        delivered_before: bool = False,
    ) -> CellState:
        """Make an event due and start a broadcast, when the calls before it have ended."""
        del watchdog_message, delivered_before
        if self._process.spent:
            self._process.loop.call_later(self._process.spent, self._cell.tell, match_state, tuple(events))
        else:
            self._cell.tell(match_state, tuple(events))
        return self._cell.tables.state(match_state.match)


class _Queue:
    """In place of the client of SQS."""

    def __init__(self, process: _Process, put: Callable[[Watched, float], None]) -> None:
        self._process = process
        self._put = put

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803
        """Deliver a message after some seconds."""
        del QueueUrl
        self._put(Watched.parse(MessageBody), self._process.spent + DelaySeconds)
