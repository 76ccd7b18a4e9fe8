"""Lambda: takes records from Kinesis, has the ledger number their events, and starts the broadcasts of all cells.

Records of one match are handled in order. Poison (a record that can never be numbered) is set aside and counts as done.
After a transient failure the records of that match wait, and the other matches go on: what was numbered is broadcast.
Then the handler raises, so Lambda's event source mapping delivers the records again
(https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html). Work that was done the first time changes nothing the
second time.

A call that AWS refuses stops its match in the same way, because no record is at fault. The record stays on the stream,
and the function fails. The log has ``aws_refused``, and the metric AwsRefused counts the refusal: each at most once a
minute for a process and a refusal.

A failure that belongs to one match is neither poison nor transient: its rows are damaged, or an error comes that nobody
foresaw. The match waits until the other matches have been broadcast; then its records are tried again for a moment. A
record that still fails is set aside with its reason, and counts as done. If DynamoDB calls the write of an event
invalid, the record is set aside at once, because DynamoDB gives the same answer on every try.
"""

from __future__ import annotations

import base64
import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger

from broadcaster.control.cells import Cells, cells
from broadcaster.control.control_settings import HomeSettings
from broadcaster.control.set_aside import record_body
from matches.events import AcceptedEvent, PoisonRecordError, parse_record
from matches.ledger import ContentionError, Ledger, UnknownMatchError
from runtime import aws, lifecycle
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.environment import settings
from runtime.errors import ConfigurationError, TransientError
from runtime.metrics import Metrics, report_damaged_row
from runtime.refusals import AWS_ERRORS, judge
from runtime.thaw import seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

PATIENCE_SECONDS = 1.5
"""Seconds in which one invocation tries all doubtful matches again. Two fan-outs at one match may look like damage."""

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.4, 0.4)
"""Seconds between these tries."""

DAMAGED_SECONDS = 5.0
"""Seconds in which a match with a damaged state row gets one try in each invocation. Then its records are set aside."""

CONTENTION_SECONDS = 60.0
"""Seconds of contention after which an event is set aside. Contention ends by itself: one writer always succeeds."""

logger = Logger(service="fanout")
metrics = Metrics("fanout")
T = TypeVar("T")


class IncompleteError(TransientError):
    """Some records could not be handled yet, so Lambda has to deliver all records of the invocation again."""


class Fanout:
    """Handles the records of invocations. ``set_aside_queue``: a URL."""

    def __init__(self, ledger: Ledger, cells: Cells, sqs: SQSClient, set_aside_queue: str) -> None:
        self.ledger = ledger
        self._cells = cells
        self._sqs = sqs
        self._set_aside_queue = set_aside_queue
        self._damaged: dict[str, tuple[str, float]] = {}
        """Matches with a damaged state row: the reason, and until when (seconds) their records get no further try."""
        self._contended: dict[tuple[str, str], float] = {}
        """By match and event id: when (seconds) the event met contention first."""
        self._already_set_aside: set[tuple[str, int]] = set()
        """Records set aside since the last invocation that succeeded: delivered again, they are not set aside again."""

    def handle(self, records: list[dict[str, Any]]) -> None:
        """Number the events of the records, and broadcast their matches.

        Raises IncompleteError after a transient failure.
        """
        failed: dict[str, Exception] = {}
        doubtful: dict[str, list[dict[str, Any]]] = {}
        numbered: dict[str, dict[str, Any]] = {}
        for record in records:
            # The partition key of our own records is the match. Another producer may have chosen any key.
            match = record["kinesis"]["partitionKey"]
            if match in failed:
                continue
            if match in doubtful:
                doubtful[match].append(record)
                continue
            try:
                accepted = self._accept(record)
            except Exception as error:  # noqa: BLE001 - of any kind: the other matches come first
                _log("event_not_numbered", match, error)
                if _is_of_the_record(error):
                    doubtful[match] = [record]
                else:
                    failed[match] = error
            else:
                if accepted is not None:
                    numbered[accepted.match] = record
        unstarted = self._broadcast_all(numbered, failed)
        self._retry_doubtful(doubtful, unstarted, failed)
        if failed:
            raise IncompleteError(", ".join(f"{match}: {error}" for match, error in failed.items()))
        self._already_set_aside.clear()

    def _broadcast_all(
        self, numbered: dict[str, dict[str, Any]], failed: dict[str, Exception]
    ) -> dict[str, dict[str, Any]]:
        """Broadcast the matches with numbered events; returns the matches whose error belongs to the match."""
        unstarted: dict[str, dict[str, Any]] = {}
        for match, record in numbered.items():
            try:
                self._broadcast(match)
            except Exception as error:  # noqa: BLE001 - of any kind: the other matches come first
                _log("match_not_broadcast", match, error)
                if _is_of_the_match(error):
                    unstarted[match] = record
                else:
                    failed[match] = error
        return unstarted

    def _retry_doubtful(
        self,
        doubtful: dict[str, list[dict[str, Any]]],
        unstarted: dict[str, dict[str, Any]],
        failed: dict[str, Exception],
    ) -> None:
        """Try again the records whose error belongs to the record; set aside the records that still fail."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for match, records in doubtful.items():
            try:
                for record in records:
                    number = partial(self._accept, record)
                    accepted = self._try_until(deadline, record, number, _is_of_the_record)
                    if accepted is not None:
                        unstarted[match] = record
            except Exception as error:  # noqa: BLE001 - of any kind: the record stays on the stream
                _log("event_not_numbered", match, error)
                failed[match] = error
        for match, record in unstarted.items():
            try:
                # A record that is set aside here starts the broadcast when ``livescore redrive`` sends it again.
                self._try_until(deadline, record, partial(self._broadcast, match), _is_of_the_match)
            except Exception as error:  # noqa: BLE001 - of any kind: the record stays on the stream
                _log("match_not_broadcast", match, error)
                failed[match] = error

    def _try_until(
        self, deadline: float, record: dict[str, Any], work: Callable[[], T], gives_up: Callable[[Exception], bool]
    ) -> T | None:
        """Try the work for a record until it succeeds, or set the record aside at the deadline and return None.

        ``deadline``: of the monotonic clock. ``gives_up``: whether a record whose error stays is set aside; any other
        error is raised at once.
        """
        match, pauses = record["kinesis"]["partitionKey"], iter(PAUSES)
        while True:
            known, until = self._damaged.get(match, ("", 0.0))
            if until > seconds():
                self._set_aside(record, known)
                return None
            try:
                return work()
            except Exception as error:
                if not gives_up(error):
                    raise
                pause = next(pauses, None)
                if pause is not None and time.monotonic() + pause < deadline:
                    time.sleep(pause)
                    continue
                reason = str(error) if isinstance(error, DamagedMatchError) else f"{type(error).__name__}: {error}"
                if isinstance(error, DamagedRowError):
                    report_damaged_row(error)
                elif not isinstance(error, DamagedMatchError):
                    logger.exception("record_failed", match=match)
                if isinstance(error, DamagedMatchError) and error.concerns_all:
                    self._damaged[match] = (reason, seconds() + DAMAGED_SECONDS)
                self._set_aside(record, reason)
                return None

    def _accept(self, record: dict[str, Any]) -> AcceptedEvent | None:
        """Number one record, or set it aside (then None)."""
        try:
            accepted = parse_record(base64.b64decode(record["kinesis"]["data"]))
        except PoisonRecordError as error:
            self._set_aside(record, str(error))
            return None
        event = (accepted.match, accepted.event_id)
        try:
            self._number(accepted)
        except UnknownMatchError as error:
            self._set_aside(record, f"there is no match {error}")
            return None
        except ContentionError as error:
            now = time.monotonic()
            if now - self._contended.setdefault(event, now) < CONTENTION_SECONDS:
                raise
            self._set_aside(
                record, f"other writers changed the match at every try for {CONTENTION_SECONDS:.0f} s: {error}"
            )
        except AWS_ERRORS as error:
            if not _is_of_the_record(error):
                raise
            # DynamoDB gives the same record this answer on every try.
            self._set_aside(record, str(error))
            return None
        else:
            self._contended.pop(event, None)
            return accepted
        self._contended.pop(event, None)
        return None

    def _number(self, accepted: AcceptedEvent) -> None:
        outcome = self.ledger.apply_event(accepted)
        logger.info(
            "event_applied" if outcome.status == "applied" else "event_refused",
            match=accepted.match,
            event_id=accepted.event_id,
            kind=accepted.event.kind,
            seq=outcome.seq,
            reason=outcome.reason,
        )
        if outcome.was_delivered_before:
            return
        metrics.note_event(accepted.match, outcome.seq, accepted.event_id)
        metrics.add("EventsApplied" if outcome.status == "applied" else "EventsRefused")
        if outcome.status == "applied":
            metrics.add("NumberedAfter", max(0, time.time_ns() // 1_000_000 - accepted.at))

    def _broadcast(self, match: str) -> None:
        """Broadcast the match up to its newest event, also if an earlier delivery of the record has numbered it."""
        state = self.ledger.state(match)
        if state.newest_seq:
            metrics.add("CellsUnreached", len(self._cells.broadcast(state)))

    def _set_aside(self, record: dict[str, Any], reason: str) -> None:
        """Set a record aside with the reason."""
        about = record["kinesis"]
        identity = (about["sequenceNumber"], hash(about["data"]))
        if identity in self._already_set_aside:
            return
        metrics.add("RecordsSetAside")
        logger.error(
            "record_set_aside", match=about["partitionKey"], reason=reason, sequence_number=about["sequenceNumber"]
        )
        self._sqs.send_message(QueueUrl=self._set_aside_queue, MessageBody=record_body(record, reason))
        self._already_set_aside.add(identity)


def _is_of_the_match(error: Exception) -> bool:
    """Whether an error of a broadcast belongs to the match. AWS's errors do not: a numbered event must go out."""
    return not isinstance(error, (*AWS_ERRORS, OSError)) and _is_of_the_record(error)


def _is_of_the_record(error: Exception) -> bool:
    """Whether an error belongs to one record or its match. After any other error the record stays on the stream.

    A transient error does not belong to the record. An error of the deployment does not either, such as a call that AWS
    refuses: a person has to change the deployment, and then the record is numbered.
    """
    if isinstance(error, (*AWS_ERRORS, OSError)):
        return judge(error) == "invalid"
    return not isinstance(error, (TransientError, ConfigurationError))


def _log(event_name: str, match: str, error: Exception) -> None:
    """Log an error of a match: as a warning if it passes by itself, else as an error."""
    passes = isinstance(error, TransientError) or (
        isinstance(error, (*AWS_ERRORS, OSError)) and judge(error) == "transient"
    )
    (logger.warning if passes else logger.error)(event_name, match=match, exc_info=error)


@cache
def _fanout() -> Fanout:
    ledger = Ledger(settings(HomeSettings).matches_table, aws.dynamodb())
    return Fanout(ledger, cells(), aws.sqs(), settings(HomeSettings).set_aside_queue)


def _open_connections() -> None:
    _fanout().ledger.open_connection()


@lifecycle.prepare(HomeSettings, _fanout, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Handle the records of one invocation by the event source mapping."""
    _fanout().handle(event["Records"])
