"""Lambda: some time after a broadcast was started, see whether it ended, and start it again if it died.

Messages come from an SQS queue with a delay. One that is not settled yet is reported as failed: it becomes visible
again after the queue's visibility time-out, and after enough of that goes to the set-aside queue.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger

from broadcaster.fanout import starter
from broadcaster.lease import is_live
from matches import aws
from matches.ledger import parse_state, state_get
from matches.metrics import Figures

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

    from broadcaster.starter import Starter

logger = Logger(service="watchdog")
figures = Figures("watchdog")


class Watchdog:
    """Looks after the broadcasts of all matches."""

    def __init__(self, table: str, client: DynamoDBClient, starter: Starter) -> None:
        self._table = table
        self._db = client
        self._starter = starter

    def settled(self, match: str, seq: int) -> bool:
        """Whether event ``seq`` of the match needs no more watching; starts a broadcast if nobody else does it."""
        item = self._db.get_item(**state_get(self._table, match)).get("Item")
        if item is None:
            return True
        state = parse_state(item)
        if state.tried >= seq:
            return True
        if not is_live(item, time.time()):
            logger.warning("starting again", match=match, seq=seq, tried=state.tried)
            figures.about(match, seq)
            figures.add("Restarted")
            self._starter.start(state, watched=True)
        return False


@cache
def _watchdog() -> Watchdog:
    return Watchdog(aws.setting("MATCHES_TABLE"), aws.dynamodb(), starter())


@figures.published
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one batch of SQS messages (ReportBatchItemFailures)."""
    unsettled = []
    for record in event["Records"]:
        watched = orjson.loads(record["body"])
        if not _watchdog().settled(watched["match"], watched["seq"]):
            unsettled.append({"itemIdentifier": record["messageId"]})
    logger.info("looked", messages=len(event["Records"]), unsettled=len(unsettled))
    return {"batchItemFailures": unsettled}
