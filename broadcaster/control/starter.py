"""Start the broadcast of a match in one cell: plan it, and start its execution."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from broadcaster.control.plan import VERSION, Budget, plan
from subscriptions.shards import shard_count

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from broadcaster.control.cell_state import CellState
    from matches.state import MatchState


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts executions of a cell's state machine. Raises botocore's ClientError; starting twice is harmless."""

    stepfunctions: SFNClient
    state_machine: str
    budget: Budget

    def start(self, state: MatchState, cell_state: CellState) -> None:
        """Broadcast the match up to ``state.newest_seq``."""
        shards = shard_count(cell_state.shards, state.audience)
        # Until a broadcast has counted the rows, the operator's guess is the best there is.
        rows = cell_state.rows if cell_state.told_seq else state.audience
        task = {
            "v": VERSION,
            "match": state.match,
            "seq": state.newest_seq,
            "batches": [batch.to_task() for batch in plan(shards, rows, self.budget)],
        }
        self.stepfunctions.start_execution(
            stateMachineArn=self.state_machine,
            name=f"{state.match}-{state.newest_seq}-{secrets.token_hex(4)}",
            input=orjson.dumps(task).decode(),
        )
