"""Lambda: a Kinesis batch -> the ledger -> every cell: a plan -> StartExecution.

Records of one match are handled in order. Poison is set aside and counts as done. A transient failure stops its
match, not the others: what was numbered is broadcast, and the batch is raised, so that Kinesis delivers it again;
whatever had been done by then changes nothing the second time.
"""

from __future__ import annotations

import base64
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from broadcaster import cells
from broadcaster.setaside import record_body
from matches import aws, reach
from matches.events import Accepted, PoisonRecordError, parse_record
from matches.ledger import ContentionError, Ledger, UnknownMatchError
from matches.metrics import Figures

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

TRANSIENT = (*reach.TRANSIENT, ContentionError)

NEVER = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})
"""Answers of DynamoDB that the same record would get for ever."""

logger = Logger(service="fanout")
figures = Figures("fanout")


class IncompleteError(Exception):
    """Some records could not be handled yet: deliver the batch again."""


class Fanout:
    """Handles batches of records."""

    def __init__(self, ledger: Ledger, reach: cells.Cells, sqs: SQSClient, set_aside_queue: str) -> None:
        self.ledger = ledger
        self._cells = reach
        self._sqs = sqs
        self._set_aside_queue = set_aside_queue

    def handle(self, records: list[dict[str, Any]]) -> None:
        """Number and broadcast a batch.

        Raises IncompleteError when something transient is in the way.
        """
        failed: dict[str, Exception] = {}
        touched: dict[str, None] = {}
        for record in records:
            # Whatever key the producer chose: for a record of ours it is the match.
            match = record["kinesis"]["partitionKey"]
            if match in failed:
                continue
            try:
                accepted = self._accept(record)
                if accepted is not None:
                    touched[accepted.match] = None
            except TRANSIENT as error:
                logger.warning("not numbered yet", match=match, exc_info=error)
                failed[match] = error
        for match in touched:
            try:
                self._broadcast(match)
            except TRANSIENT as error:
                logger.warning("not broadcast yet", match=match, exc_info=error)
                failed[match] = error
        if failed:
            raise IncompleteError(", ".join(f"{match}: {error}" for match, error in failed.items()))

    def _accept(self, record: dict[str, Any]) -> Accepted | None:
        """Number one record, or set it aside (then None)."""
        try:
            accepted = parse_record(base64.b64decode(record["kinesis"]["data"]))
            self._number(accepted)
        except PoisonRecordError as error:
            self._set_aside(record, str(error))
        except UnknownMatchError as error:
            self._set_aside(record, f"there is no match {error}")
        except ClientError as error:
            if error.response["Error"]["Code"] not in NEVER:
                raise
            self._set_aside(record, str(error))
        else:
            return accepted
        return None

    def _number(self, accepted: Accepted) -> None:
        outcome = self.ledger.record(accepted)
        logger.info(
            outcome.status,
            match=accepted.match,
            event_id=accepted.event_id,
            kind=accepted.event.kind,
            seq=outcome.seq,
            reason=outcome.reason,
        )
        if outcome.again:
            return
        figures.about(accepted.match, outcome.seq, accepted.event_id)
        figures.add("EventsApplied" if outcome.status == "applied" else "EventsRefused")
        if outcome.status == "applied":
            figures.add("NumberedAfter", max(0, time.time_ns() // 1_000_000 - accepted.at))

    def _broadcast(self, match: str) -> None:
        """Broadcast what has not been, which after a redelivery may be what an earlier delivery numbered."""
        state = self.ledger.state(match)
        if state.seq:
            figures.add("CellsUnreached", len(self._cells.broadcast(state)))

    def _set_aside(self, record: dict[str, Any], reason: str) -> None:
        figures.add("RecordsSetAside")
        about = record["kinesis"]
        logger.error("set aside", match=about["partitionKey"], reason=reason, sequence_number=about["sequenceNumber"])
        self._sqs.send_message(QueueUrl=self._set_aside_queue, MessageBody=record_body(record, reason))


@cache
def _fanout() -> Fanout:
    ledger = Ledger(aws.setting("MATCHES_TABLE"), aws.dynamodb())
    return Fanout(ledger, cells.cells(), aws.sqs(), aws.setting("SET_ASIDE_QUEUE"))


@figures.published
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Handle one batch of the event source mapping."""
    _fanout().handle(event["Records"])
