"""Lambda: some time after an event became due, checks whether its broadcast has ended; starts it again if it died.

Messages come from an SQS queue with a delay. If a broadcast of the event is running, the function puts a new message,
however long the broadcast lasts: ten million viewers of one cell are told in 22 minutes. If the function has started
the broadcast again, it puts a new message too, a bounded number of times. A cell that does not answer is no broadcast
that fails: the function puts a new message, with a longer delay each time, until the cell answers and gets what it
missed. A damaged row is checked a few times more, and so is a match whose frame a service calls invalid. Then, as after
the last restart, the message is set aside with the reason. A check that ends with an error is reported as failed: SQS
delivers the message again after the queue's visibility timeout, and moves it to the set-aside queue after the queue's
limit of deliveries. A failure of one message changes nothing for the others.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from broadcaster.control.set_aside import watch_body
from broadcaster.home.cells import InvalidCallError, cells
from broadcaster.home.home_settings import HomeSettings
from broadcaster.home.watchdog_queue import Watched
from matches.ledger import Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.attributes import DamagedMatchError
from runtime.environment import settings
from runtime.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from broadcaster.home.cells import Cells
    from matches.match_state import MatchState

DAMAGED_TRIES = 4
"""Failed checks of an event, 2, 4 and 8 seconds apart, after which a damaged row has its message set aside.

Checks that failed because the cell did not answer count too. So a row that is found damaged after a long silence of its
cell is set aside at once."""

INVALID_TRIES = 10
"""Failed checks of an event, 2, 4 … 60 seconds apart, after which a frame that the service calls invalid has its
message set aside: some five minutes. Newer events have messages of their own, and their frames may be taken."""

MOST_RESTARTS = 10
"""The watchdog starts the broadcast of an event this many times; then it sets the message aside."""

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
            _check(Watched.parse(record["body"]))
        except Exception:  # trouble with one match must not keep the other messages from their checks
            logger.exception("check_failed", body=record["body"][:200])
            undelivered.append({"itemIdentifier": record["messageId"]})
    logger.info("checked", messages=len(event["Records"]), undelivered=len(undelivered))
    return {"batchItemFailures": undelivered}


def _check(watched: Watched) -> None:
    check(watched, cells(), lambda match: _ledger().state(match), _set_aside, _note_restart)


def check(
    watched: Watched,
    cells: Cells,
    read_state: Callable[[str], MatchState],
    set_aside: Callable[[Watched, str], None],
    note_restart: Callable[[str, int], None],
) -> None:
    """Check one event in one cell. An error means that the message is not done with.

    ``read_state`` reads a match from the ledger. ``set_aside`` sets a message aside with a reason. ``note_restart``
    hears of each broadcast that was started again: match and seq.
    """
    match, seq, cell, tries, restarts = watched.match, watched.seq, watched.cell, watched.tries, watched.restarts
    if cell not in cells:
        logger.warning("cell_unknown", match=match, seq=seq, cell=cell)
        return
    if cells.check_after_silence(watched):
        return
    try:
        result = cells.check(match, seq, cell, watched.epoch, partial(read_state, match))
    except UnknownMatchError:
        return
    except (DamagedMatchError, InvalidCallError) as error:
        is_damaged = isinstance(error, DamagedMatchError)
        event = "match_damaged" if is_damaged else "call_invalid"
        logger.warning(event, match=match, seq=seq, cell=cell, reason=str(error), tries=tries)
        if tries + 1 < (DAMAGED_TRIES if is_damaged else INVALID_TRIES):
            cells.check_later(replace(watched, tries=tries + 1))
        else:
            set_aside(watched, str(error))
        return
    if result == "unreached":
        cells.check_later(replace(watched, tries=tries + 1))
    elif result == "running":
        cells.check_again(replace(watched, tries=0))
    elif result == "restarted":
        note_restart(match, seq)
        if restarts + 1 < MOST_RESTARTS:
            cells.check_again(replace(watched, tries=0, restarts=restarts + 1))
        else:
            set_aside(watched, f"the watchdog has started the broadcast of seq {seq} {MOST_RESTARTS} times")


def _note_restart(match: str, seq: int) -> None:
    metrics.note_event(match, seq)
    metrics.add("Restarted")


def _set_aside(watched: Watched, reason: str) -> None:
    body = watch_body(replace(watched, tries=0, restarts=0).dump(), reason)
    aws.sqs().send_message(QueueUrl=settings(HomeSettings).set_aside_queue, MessageBody=body)
    metrics.add("RecordsSetAside")
