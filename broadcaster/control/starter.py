"""Begin the broadcast of a match in one cell: make its newest event due, acquire the lease, start the execution."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aws_lambda_powertools import Logger

from broadcaster.control.cell_state import parse_cell_state
from broadcaster.control.lease import lease_start, start_owner, start_release
from broadcaster.control.payload import ExecutionInput, carried
from broadcaster.control.plan import Budget, plan
from broadcaster.control.rate_share import deletion, first_rate_share_put
from runtime.refusals import AWS_ERRORS
from subscriptions.shards import shard_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future

    from mypy_boto3_stepfunctions import SFNClient

    from broadcaster.control.cell_state import CellState, CellStates
    from broadcaster.control.payload import CarriedEvent
    from matches.match_state import MatchState

TRIES = 3
"""Tries to acquire a lease that was released while the starter made the event due."""

RATE_SHARE_SECONDS = 90
"""Seconds until the rate share of a broadcast runs out, if no sender of the broadcast renews it."""

MESSAGE_SECONDS = 1.0
"""Seconds that the start of an execution waits for the watchdog's message; less than the other cells wait for one cell
(runtime/cell_calls.py)."""

SHARE_SECONDS = 0.3
"""Seconds that the starter waits for the write of the rate share, which other matches can do without."""

MOST_STARTED = 1_000
"""The most matches of which a process remembers the last start."""

logger = Logger(service="starter")


@dataclass(frozen=True, slots=True)
class Starter:
    """Begins broadcasts in one cell.

    Raises botocore's ClientError and BotoCoreError, and DamagedRowError for a damaged row of the cell. To begin a
    broadcast twice is harmless: one execution has the lease, and the other one sends nothing.
    """

    cell_states: CellStates
    stepfunctions: SFNClient
    state_machine: str
    """The ARN."""
    budget: Budget
    lease_seconds: int
    """The length of the lease until a sender takes it over (lease.start_seconds)."""
    threads: Executor
    """Runs the write of the rate share beside the start of the execution."""
    _started: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By match: epoch and seq of the last execution that this process has started."""

    def begin(
        self,
        match_state: MatchState,
        events: Sequence[CarriedEvent] = (),
        *,
        watchdog_message: Future[None] | None = None,
        delivered_before: bool = False,
    ) -> CellState:
        """Make ``match_state.newest_seq`` due, and start a broadcast of it unless one is running or has ended.

        ``events``: the newest events, for the frame. ``watchdog_message`` is being sent; the execution starts when it
        was sent or has failed, or after ``MESSAGE_SECONDS``. ``delivered_before``: the record of the event was
        delivered before, so its start may have died (lease.lease_start). If this process has started the event's
        execution, the start has not died: then ``delivered_before`` changes nothing, however often the record comes.

        Returns the cell's row of the match as it is afterwards.
        """
        newest = (match_state.epoch, match_state.newest_seq)
        replaces_start = delivered_before and self._started.get(match_state.match) != newest
        for _ in range(TRIES):
            broadcast = f"{match_state.match}-{match_state.newest_seq}-{secrets.token_hex(4)}"
            acquired = self._acquire_lease(match_state, broadcast, replaces_start=replaces_start)
            if acquired is not None:
                if watchdog_message is not None:
                    wait([watchdog_message], MESSAGE_SECONDS)
                self._start(match_state, acquired, broadcast, events)
                return acquired
            # A running broadcast sees the newer event, if that is due.
            present = self.cell_states.mark_due(match_state.match, match_state.newest_seq, match_state.epoch)
            if present.ended_seq >= match_state.newest_seq or present.is_running(time.time()):
                break
        return present

    def _acquire_lease(self, match_state: MatchState, broadcast: str, *, replaces_start: bool) -> CellState | None:
        """The cell's row with the lease of the broadcast, None if the lease is not free or nothing is to be told."""
        try:
            updated = self.cell_states.db.update_item(
                **lease_start(
                    self.cell_states.table,
                    match_state.match,
                    match_state.newest_seq,
                    match_state.epoch,
                    broadcast=broadcast,
                    now_ms=_now_ms(),
                    seconds=self.lease_seconds,
                    replaces_start=replaces_start,
                )
            )
        except self.cell_states.db.exceptions.ConditionalCheckFailedException:
            return None
        return parse_cell_state(match_state.match, updated["Attributes"])

    def _start(
        self, match_state: MatchState, cell_state: CellState, broadcast: str, events: Sequence[CarriedEvent]
    ) -> None:
        """Start the execution; if that fails, release the lease, so that the next try need not wait."""
        # Before the first broadcast, the operator's estimate is the best there is.
        rows = cell_state.rows if cell_state.told_seq else match_state.audience
        batches = plan(shard_count(cell_state.shards, match_state.audience), rows, self.budget)
        given = ExecutionInput(
            match=match_state.match,
            due_seq=match_state.newest_seq,
            due_at=cell_state.due_at,
            previous_owner=start_owner(broadcast),
            broadcast=broadcast,
            round=1,
            batches=batches,
            events=carried(events),
        )
        written = self.threads.submit(self._put_rate_share, match_state.match, broadcast, len(batches))
        try:
            self.stepfunctions.start_execution(
                stateMachineArn=self.state_machine,
                name=broadcast,
                input=orjson.dumps(given.dump()).decode(),
            )
        except Exception:
            self._release_lease(match_state.match, broadcast)
            wait([written], SHARE_SECONDS)
            self._delete_rate_share(match_state.match, broadcast)
            raise
        self._started.pop(match_state.match, None)
        self._started[match_state.match] = (match_state.epoch, match_state.newest_seq)
        if len(self._started) > MOST_STARTED:
            del self._started[next(iter(self._started))]
        wait([written], SHARE_SECONDS)

    def _put_rate_share(self, match: str, broadcast: str, batches: int) -> None:
        """Give the broadcast its part of the send rate.

        If the row cannot be written, the viewers are told all the same. Then the other broadcasts slow down only
        because of 429s.
        """
        until = int(time.time()) + RATE_SHARE_SECONDS
        try:
            with suppress(self.cell_states.db.exceptions.ConditionalCheckFailedException):
                self.cell_states.db.put_item(
                    **first_rate_share_put(self.cell_states.table, match, broadcast, batches, until)
                )
        except AWS_ERRORS as error:
            logger.warning("rate_share_unwritten", match=match, broadcast=broadcast, exc_info=error)

    def _delete_rate_share(self, match: str, broadcast: str) -> None:
        try:
            with suppress(self.cell_states.db.exceptions.ConditionalCheckFailedException):
                self.cell_states.db.delete_item(**deletion(self.cell_states.table, match, broadcast))
        except AWS_ERRORS as error:
            logger.warning("rate_share_left", match=match, broadcast=broadcast, exc_info=error)

    def _release_lease(self, match: str, broadcast: str) -> None:
        try:
            self.cell_states.db.update_item(**start_release(self.cell_states.table, match, broadcast))
        except self.cell_states.db.exceptions.ConditionalCheckFailedException:
            # The answer of StartExecution was lost, and a sender has taken the lease over.
            logger.info("start_confirmed", match=match, broadcast=broadcast)
        except AWS_ERRORS as error:
            # The lease runs out soon (lease.START_SECONDS), and the next delivery of the record need not wait for that.
            logger.warning("lease_not_released", match=match, broadcast=broadcast, exc_info=error)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
