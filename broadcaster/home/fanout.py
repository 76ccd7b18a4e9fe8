"""Lambda: takes records from Kinesis, has the ledger number their events, and starts the broadcasts of all cells.

Records of one match are handled in order, and their events are numbered together, in few calls of DynamoDB: a burst of
one match must not delay the goals of other matches. Poison (a record that can never be numbered) is set aside and
counts as done.
In a deployment with a cell that broadcasts, the matches of an invocation are broadcast side by side: a service that is
slow for one of them delays no other.
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

So ``Fanout.handle`` keeps three collections. ``doubtful``: records that could not be numbered, because an error belongs
to the record or its match; they are tried again. ``unstarted``: matches with numbered events whose broadcast could not
start, because an error belongs to the match; they are tried again. ``failed``: matches with an error that belongs to no
match, such as a throttle; their records stay on the stream.
"""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger

from broadcaster.control.payload import CarriedEvent
from broadcaster.control.set_aside import record_body
from broadcaster.home.cells import MATCHES_AT_ONCE, Cells, cells
from broadcaster.home.home_settings import HomeSettings
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
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

    from matches.decisions import Numbered
    from matches.match_state import MatchState

RETRY_SECONDS = 1.5
"""Seconds in which one invocation tries all doubtful records and unstarted matches again.

Two fan-outs that number one match at once can make its rows look damaged. That passes when their transactions have
ended; real damage stays."""

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.4, 0.4)
"""Seconds between these tries."""

DAMAGED_SECONDS = 5.0
"""Seconds after a record was set aside because of a damaged state row. Meanwhile each invocation tries one record of
that match once, and then sets the match's records aside without further tries."""

CONTENTION_SECONDS = 60.0
"""Seconds of contention after which an event is set aside. Contention ends by itself: one writer always succeeds."""

logger = Logger(service="fanout")
metrics = Metrics("fanout")
T = TypeVar("T")


class IncompleteError(TransientError):
    """Some records could not be handled yet, so Lambda has to deliver all records of the invocation again."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A match to broadcast: the record of its last event, its state after that event, and its new events.

    ``events``: as their rows have them. ``delivered_before``: a record of the match was delivered before.
    """

    record: dict[str, Any]
    state: MatchState
    events: list[CarriedEvent]
    delivered_before: bool


class Fanout:
    """Handles the records of invocations. ``set_aside_queue``: a URL.

    ``threads`` broadcast the matches of an invocation side by side; without them one follows the other.
    """

    def __init__(
        self, ledger: Ledger, cells: Cells, sqs: SQSClient, set_aside_queue: str, threads: Executor | None = None
    ) -> None:
        self.ledger = ledger
        self._threads = threads
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
        due: dict[str, _Due] = {}
        groups: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            # The partition key of our own records is the match. Another producer may have chosen any key.
            groups.setdefault(record["kinesis"]["partitionKey"], []).append(record)
        for key, group in groups.items():
            if left := self._number_group(key, group, due, failed):
                doubtful[key] = left
        unstarted = self._broadcast_all(due, failed)
        self._retry_doubtful(doubtful, unstarted, failed)
        if failed:
            raise IncompleteError(", ".join(f"{match}: {error}" for match, error in failed.items()))
        self._already_set_aside.clear()

    def _number_group(
        self, key: str, records: list[dict[str, Any]], due: dict[str, _Due], failed: dict[str, Exception]
    ) -> list[dict[str, Any]]:
        """Number the records of a partition key in order, up to the first error.

        Returns the records from that one on if the error belongs to the record; else the error goes into ``failed``.
        """
        done = 0
        try:
            for numbered in self._number_records(records):
                _note(due, records[done], numbered)
                done += 1
        except Exception as error:  # noqa: BLE001 - of any kind: the other matches come first
            _log("event_not_numbered", key, error)
            if _is_of_the_record(error):
                return records[done:]
            failed[key] = error
        return []

    def _broadcast_all(self, due: dict[str, _Due], failed: dict[str, Exception]) -> dict[str, _Due]:
        """Broadcast the matches that are due; returns the matches whose error belongs to the match."""
        unstarted: dict[str, _Due] = {}
        # A single match needs no thread.
        threads = self._threads if len(due) > 1 else None
        begun = {
            match: threads.submit(self._broadcast, each).result if threads else partial(self._broadcast, each)
            for match, each in due.items()
        }
        for match, each in due.items():
            try:
                begun[match]()
            except Exception as error:  # noqa: BLE001 - of any kind: the other matches come first
                _log("match_not_broadcast", match, error)
                if _is_of_the_match(error):
                    unstarted[match] = each
                else:
                    failed[match] = error
        return unstarted

    def _retry_doubtful(
        self, doubtful: dict[str, list[dict[str, Any]]], unstarted: dict[str, _Due], failed: dict[str, Exception]
    ) -> None:
        """Try again the records whose error belongs to the record; set aside the records that still fail."""
        deadline = time.monotonic() + RETRY_SECONDS
        for key, records in doubtful.items():
            left = records
            try:
                while left:
                    record, *left = left
                    number = partial(self._number_one, record)
                    _note(unstarted, record, self._try_until(deadline, record, number, _is_of_the_record))
                    if self._reason_of_damage(_match_of(record)) is None:
                        left = self._number_group(key, left, unstarted, failed)
            except Exception as error:  # noqa: BLE001 - of any kind: the record stays on the stream
                _log("event_not_numbered", key, error)
                failed[key] = error
        for match, each in unstarted.items():
            try:
                # A record that is set aside here starts the broadcast when ``livescore redrive`` sends it again.
                self._try_until(deadline, each.record, partial(self._broadcast, each), _is_of_the_match)
            except Exception as error:  # noqa: BLE001 - of any kind: the record stays on the stream
                _log("match_not_broadcast", match, error)
                failed[match] = error

    def _try_until(
        self, deadline: float, record: dict[str, Any], work: Callable[[], T], gives_up: Callable[[Exception], bool]
    ) -> T | None:
        """Try the work for a record until it succeeds, or set the record aside at the deadline and return None.

        ``deadline``: of the monotonic clock. ``gives_up`` returns True for an error after which the work is tried
        again, and the record is set aside at the deadline. Any other error is raised at once.
        """
        match, pauses = _match_of(record), iter(PAUSES)
        while True:
            if (known := self._reason_of_damage(match)) is not None:
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

    def _reason_of_damage(self, match: str) -> str | None:
        """The reason why a match with a damaged state row gets no further try at present, None for other matches."""
        reason, until = self._damaged.get(match, ("", 0.0))
        return reason if until > seconds() else None

    def _number_one(self, record: dict[str, Any]) -> Numbered | None:
        """Number one record, or set it aside (then None)."""
        return next(self._number_records([record]))

    def _number_records(self, records: list[dict[str, Any]]) -> Iterator[Numbered | None]:
        """Number records in order; yields None for a record that is set aside.

        Raises the error of the first record that can be neither numbered nor set aside at once.
        """
        parsed, at = [_parse(each) for each in records], 0
        while at < len(records):
            try:
                events = _together(parsed[at:])
                for accepted, numbered in zip(events, self.ledger.apply_events(events), strict=True):
                    self._report(accepted, numbered)
                    at += 1
                    yield numbered
            except Exception as error:  # noqa: BLE001 - of any kind: it is raised again
                self._set_aside_because(error, records[at], parsed[at])
                at += 1
                yield None

    def _set_aside_because(self, error: Exception, record: dict[str, Any], parsed: AcceptedEvent | Exception) -> None:
        """Set aside a record that failed with ``error``, if it can never be numbered. Else raises the error."""
        event = None if isinstance(parsed, Exception) else (parsed.match, parsed.event_id)
        reason = str(error)
        if isinstance(error, UnknownMatchError):
            reason = f"there is no match {error}"
        elif isinstance(error, ContentionError) and event is not None:
            now = time.monotonic()
            if now - self._contended.setdefault(event, now) < CONTENTION_SECONDS:
                raise error
            reason = f"other writers changed the match at every try for {CONTENTION_SECONDS:.0f} s: {error}"
        elif isinstance(error, AWS_ERRORS):
            # DynamoDB gives a record that it calls invalid the same answer on every try.
            if not _is_of_the_record(error):
                raise error
        elif not isinstance(error, PoisonRecordError):
            raise error
        self._set_aside(record, reason)
        if event is not None:
            self._contended.pop(event, None)

    def _report(self, accepted: AcceptedEvent, numbered: Numbered) -> None:
        """Log and count a numbered or refused event."""
        outcome = numbered.outcome
        self._contended.pop((accepted.match, accepted.event_id), None)
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

    def _broadcast(self, due: _Due) -> None:
        """Broadcast a match up to its newest event, also if an earlier delivery of the record has numbered it."""
        if due.state.newest_seq:
            metrics.add(
                "CellsUnreached",
                len(self._cells.broadcast(due.state, due.events, delivered_before=due.delivered_before)),
            )

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


def _parse(record: dict[str, Any]) -> AcceptedEvent | Exception:
    """The event of a record with the time at which the stream took it, or the error of a record that has none."""
    about = record["kinesis"]
    try:
        accepted = parse_record(base64.b64decode(about["data"]))
        # Seconds since 1970, as a fraction (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html).
        taken = about.get("approximateArrivalTimestamp")
        return accepted if taken is None else replace(accepted, streamed=round(taken * 1_000))
    except Exception as error:  # noqa: BLE001 - of any kind: it is raised when the record has its turn
        return error


def _match_of(record: dict[str, Any]) -> str:
    """The match of a record; of a record that cannot be read, the partition key."""
    parsed = _parse(record)
    return record["kinesis"]["partitionKey"] if isinstance(parsed, Exception) else parsed.match


def _together(parsed: list[AcceptedEvent | Exception]) -> list[AcceptedEvent]:
    """The events of one match at the beginning of ``parsed``. Raises the error of the first record."""
    first = parsed[0]
    if isinstance(first, Exception):
        raise first
    of_the_match = takewhile(lambda each: isinstance(each, AcceptedEvent) and each.match == first.match, parsed)
    return [each for each in of_the_match if isinstance(each, AcceptedEvent)]


def _note(due: dict[str, _Due], record: dict[str, Any], numbered: Numbered | None) -> None:
    """Note that the match of an applied event is to be broadcast; None is a record that was set aside."""
    if numbered is None or numbered.outcome.status != "applied":
        return
    match, event = numbered.state.match, numbered.event
    before = due[match].events if match in due else []
    delivered_before = bool(numbered.outcome.was_delivered_before) or (match in due and due[match].delivered_before)
    if event is not None:
        # A correction changes the row of an earlier event, so only later events are still as they were numbered.
        corrected = event.get("cancels_seq", event.get("amends_seq", 0))
        kept = [each for each in before if each.event["seq"] > corrected]
        before = [*kept, CarriedEvent(event, numbered.score_prev)]
    due[match] = _Due(record, numbered.state, before, delivered_before)


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
    # A publish may hang for one match alone. Calls to a cell of API Gateway are the same for all matches: side by side
    # they would compete with the senders that have begun.
    threads = ThreadPoolExecutor(MATCHES_AT_ONCE) if cells().publishes else None
    return Fanout(ledger, cells(), aws.sqs(), settings(HomeSettings).set_aside_queue, threads)


def _open_connections() -> None:
    _fanout().ledger.open_connection()


@lifecycle.prepare(HomeSettings, _fanout, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Handle the records of one invocation by the event source mapping."""
    _fanout().handle(event["Records"])
