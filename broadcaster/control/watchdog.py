"""Lambda: some time after a broadcast was started, see whether it ended, and start it again if it died.

Messages come from an SQS queue with a delay. One that is not settled yet is reported as failed: it becomes visible
again after the queue's visibility time-out, and after enough of that goes to the set-aside queue. A cell that could not
be reached is no broadcast that fails: its message is put anew, later each time, until the cell is back and gets what it
missed, however long that takes. A damaged row of a match is looked at a few times more, and then the message is set
aside with the reason. A failure of one message changes nothing for the others.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger

from broadcaster.control.cells import cells
from broadcaster.control.control_settings import HomeSettings
from broadcaster.control.set_aside import watch_body
from matches.ledger import Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.attributes import BrokenMatchError
from runtime.environment import settings
from runtime.metrics import Metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

BROKEN_TRIES = 4
"""After so many looks at a damaged row, 2 + 4 + 8 seconds apart, the message is set aside."""

logger = Logger(service="watchdog")
metrics = Metrics("watchdog")


@cache
def _ledger() -> Ledger:
    return Ledger(settings(HomeSettings).matches_table, aws.dynamodb())


def _make() -> None:
    _ledger()
    cells()


def _reach() -> None:
    _ledger().open_connection()


@lifecycle.prepare(HomeSettings, _make, _reach)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle one batch of SQS messages (ReportBatchItemFailures)."""
    unsettled = []
    for record in event["Records"]:
        try:
            settled = _look(orjson.loads(record["body"]))
        except Exception:  # one match's trouble must not keep the other messages from being looked at
            logger.exception("look_failed", body=record["body"][:200])
            settled = False
        if not settled:
            unsettled.append({"itemIdentifier": record["messageId"]})
    logger.info("looked", messages=len(event["Records"]), unsettled=len(unsettled))
    return {"batchItemFailures": unsettled}


def _look(watched: dict[str, Any]) -> bool:
    """Look after one event in one cell; returns whether the message has been dealt with."""
    # Messages from before there were cells name none, and those from before rows had epochs no epoch.
    match, seq, cell = watched["match"], watched["seq"], watched.get("cell") or aws.region()
    epoch, tries = watched.get("epoch"), watched.get("tries", 0)
    if cell not in cells():
        logger.warning("there is no such cell any more", match=match, seq=seq, cell=cell)
        return True
    try:
        seen = cells().look(match, seq, cell, partial(_ledger().state, match), epoch)
    except UnknownMatchError:
        return True
    except BrokenMatchError as error:
        logger.warning("match_broken", match=match, seq=seq, cell=cell, reason=str(error), tries=tries)
        if tries + 1 < BROKEN_TRIES:
            cells().later(match, seq, cell, tries + 1, epoch)
        else:
            body = watch_body({**watched, "tries": 0}, str(error))
            aws.sqs().send_message(QueueUrl=settings(HomeSettings).set_aside_queue, MessageBody=body)
            metrics.add("RecordsSetAside")
        return True
    if seen == "unreached":
        cells().later(match, seq, cell, tries + 1, epoch)
        return True
    if seen == "restarted":
        metrics.note_event(match, seq)
        metrics.add("Restarted")
    return seen == "settled"
