"""Lambda: some time after an event became due, checks whether its broadcast has ended; starts it again if it died.

Messages come from an SQS queue with a delay. If the event's broadcast has not ended, the function reports the message
as failed: SQS delivers it again after the queue's visibility timeout, and moves it to the set-aside queue after the
queue's limit of deliveries. A cell that does not answer is no broadcast that fails: the function puts a new message,
with a longer delay each time, until the cell answers and gets what it missed, however long that takes. A damaged row is
checked a few times more; then the message is set aside with the reason. A failure of one message changes nothing for
the others.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger

from broadcaster.control.set_aside import watch_body
from broadcaster.home.cells import cells
from broadcaster.home.home_settings import HomeSettings
from matches.ledger import Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.attributes import DamagedMatchError
from runtime.environment import settings
from runtime.metrics import Metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

DAMAGED_TRIES = 4
"""Failed checks of an event, 2, 4 and 8 seconds apart, after which a damaged row has its message set aside.

Checks that failed because the cell did not answer count too. So a row that is found damaged after a long silence of its
cell is set aside at once."""

logger = Logger(service="watchdog")
metrics = Metrics("watchdog")


@cache
def _ledger() -> Ledger:
    return Ledger(settings(HomeSettings).matches_table, aws.dynamodb())


def _make() -> None:
    _ledger()
    cells()


def _open_connections() -> None:
    _ledger().open_connection()


@lifecycle.prepare(HomeSettings, _make, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check the event of each SQS message; the answer names the messages to deliver again (ReportBatchItemFailures).

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    undelivered = []
    for record in event["Records"]:
        try:
            is_done = _check(orjson.loads(record["body"]))
        except Exception:  # trouble with one match must not keep the other messages from their checks
            logger.exception("check_failed", body=record["body"][:200])
            is_done = False
        if not is_done:
            undelivered.append({"itemIdentifier": record["messageId"]})
    logger.info("checked", messages=len(event["Records"]), undelivered=len(undelivered))
    return {"batchItemFailures": undelivered}


def _check(message: dict[str, Any]) -> bool:
    """Check one event in one cell; returns whether the message is done with."""
    match, seq, cell, epoch = message["match"], message["seq"], message["cell"], message["epoch"]
    tries = message["tries"]
    if cell not in cells():
        logger.warning("cell_unknown", match=match, seq=seq, cell=cell)
        return True
    if cells().check_after_silence(match, seq, cell, epoch, tries):
        return True
    try:
        result = cells().check(match, seq, cell, epoch, partial(_ledger().state, match))
    except UnknownMatchError:
        return True
    except DamagedMatchError as error:
        logger.warning("match_damaged", match=match, seq=seq, cell=cell, reason=str(error), tries=tries)
        if tries + 1 < DAMAGED_TRIES:
            cells().check_later(match, seq, cell, epoch, tries + 1)
        else:
            body = watch_body({**message, "tries": 0}, str(error))
            aws.sqs().send_message(QueueUrl=settings(HomeSettings).set_aside_queue, MessageBody=body)
            metrics.add("RecordsSetAside")
        return True
    if result == "unreached":
        cells().check_later(match, seq, cell, epoch, tries + 1)
        return True
    if result == "restarted":
        metrics.note_event(match, seq)
        metrics.add("Restarted")
    return result == "ended"
