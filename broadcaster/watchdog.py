"""Lambda: some time after a broadcast was started, see whether it ended, and start it again if it died.

Messages come from an SQS queue with a delay. One that is not settled yet is reported as failed: it becomes visible
again after the queue's visibility time-out, and after enough of that goes to the set-aside queue. A cell that could not
be reached is no broadcast that fails: its message is put anew, later each time, until the cell is back and gets what it
missed, however long that takes.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger

from broadcaster.cells import cells
from matches import aws
from matches.ledger import Ledger, UnknownMatchError
from matches.metrics import Figures

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="watchdog")
figures = Figures("watchdog")


@cache
def _ledger() -> Ledger:
    return Ledger(aws.setting("MATCHES_TABLE"), aws.dynamodb())


@figures.published
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one batch of SQS messages (ReportBatchItemFailures)."""
    unsettled = []
    for record in event["Records"]:
        watched = orjson.loads(record["body"])
        # Messages from before there were cells name none.
        match, seq, cell = watched["match"], watched["seq"], watched.get("cell") or aws.region()
        if cell not in cells():
            logger.warning("there is no such cell any more", match=match, seq=seq, cell=cell)
            continue
        try:
            seen = cells().look(match, seq, cell, partial(_ledger().state, match))
        except UnknownMatchError:
            continue
        if seen == "unreached":
            cells().later(match, seq, cell, watched.get("tries", 0) + 1)
            continue
        if seen == "restarted":
            figures.about(match, seq)
            figures.add("Restarted")
        if seen != "settled":
            unsettled.append({"itemIdentifier": record["messageId"]})
    logger.info("looked", messages=len(event["Records"]), unsettled=len(unsettled))
    return {"batchItemFailures": unsettled}
