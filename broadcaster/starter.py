"""Start the broadcast of a match: plan it, and have the watchdog look after it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from broadcaster.plan import VERSION, Budget, plan
from subscriptions.shards import shard_count

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

    from matches.ledger import MatchState


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts executions of the state machine. Raises botocore's ClientError; starting twice is harmless."""

    stepfunctions: SFNClient
    sqs: SQSClient
    state_machine: str
    watchdog_queue: str
    watchdog_seconds: int
    budget: Budget

    def start(self, state: MatchState, *, watched: bool = False) -> None:
        """Broadcast the match up to ``state.seq``.

        An Express execution may die without a trace (step-functions/latest/dg/concepts-standard-vs-express.html), so
        the watchdog is told first, unless it is the one that asks (``watched``).
        """
        if not watched:
            self.sqs.send_message(
                QueueUrl=self.watchdog_queue,
                MessageBody=orjson.dumps({"match": state.match, "seq": state.seq}).decode(),
                DelaySeconds=self.watchdog_seconds,
            )
        shards = shard_count(state.shards, state.audience)
        # Until a broadcast has counted the rows, the operator's guess is the best there is.
        rows = state.rows if state.told else state.audience
        task = {
            "v": VERSION,
            "match": state.match,
            "seq": state.seq,
            "batches": [batch.to_task() for batch in plan(shards, rows, self.budget)],
        }
        self.stepfunctions.start_execution(
            stateMachineArn=self.state_machine,
            name=f"{state.match}-{state.seq}-{secrets.token_hex(4)}",
            input=orjson.dumps(task).decode(),
        )
