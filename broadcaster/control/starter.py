"""Plan the broadcast of a match in one cell, and start its first execution."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from broadcaster.control.payload import ExecutionInput
from broadcaster.control.plan import Budget, plan
from subscriptions.shards import shard_count

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from broadcaster.control.cell_state import CellState
    from matches.match_state import MatchState


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts executions of a cell's state machine. Raises botocore's ClientError; starting twice is harmless."""

    stepfunctions: SFNClient
    state_machine: str
    budget: Budget

    def start(self, state: MatchState, cell_state: CellState) -> None:
        """Start a broadcast of the match up to ``state.newest_seq``."""
        shards = shard_count(cell_state.shards, state.audience)
        # Before the first broadcast, the operator's estimate is the best there is.
        rows = cell_state.rows if cell_state.told_seq else state.audience
        name = f"{state.match}-{state.newest_seq}-{secrets.token_hex(4)}"
        given = ExecutionInput(
            match=state.match,
            due_seq=state.newest_seq,
            previous_owner=None,
            broadcast=name,
            round=1,
            batches=plan(shards, rows, self.budget),
        )
        self.stepfunctions.start_execution(
            stateMachineArn=self.state_machine,
            name=name,
            input=orjson.dumps(given.dump()).decode(),
        )
