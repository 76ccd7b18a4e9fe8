"""The viewers' WebSocket routes: a Lambda function behind an API Gateway WebSocket API.

``$connect`` writes nothing. ``subscribe`` writes its row before it reads the match at home, both consistently: so
either the snapshot has an event, or the broadcast of that event finds the row. Answers are route responses, so they
cost nothing of the account's send budget. A viewer that sends too much gets an error frame and is closed. That takes a
POST and a DELETE.

``$disconnect`` may be served while a subscribe of the same connection still runs. It writes a note that the connection
has closed before it looks for rows. A subscribe looks for that note after it has written its row. So one of the two
removes the row.

``listen`` writes a row of its own kind (listeners.py), for messages to the viewer's subject, and looks for the note in
the same way.

The routes also count viewers that come and go (viewer_counts.py). A failure of the count fails no request.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from matches.claims import covers, read_competitions
from matches.ledger import Ledger, UnknownMatchError
from matches.recent_events import RecentEvents
from matches.snapshot import snapshot
from runtime import aws, lifecycle
from runtime.attributes import DamagedMatchError, DamagedRowError
from runtime.environment import settings
from runtime.metrics import Metrics, report_damaged_row
from runtime.thaw import seconds
from subscriptions.connection_meter import MESSAGE_BYTES, ConnectionMeter
from subscriptions.handshake import subprotocols
from subscriptions.listeners import MAX_LISTENERS, Listeners
from subscriptions.protocol import (
    ANONYMOUS,
    MAX_MATCHES,
    SUBPROTOCOL,
    ExcessError,
    ListenRequest,
    RequestError,
    dumps,
    parse_request,
)
from subscriptions.shard_counts import ShardCounts
from subscriptions.shards import every_shard_of, shard_of
from subscriptions.store import Row, Subscriptions, partition
from subscriptions.viewer_changes import ViewerChanges
from subscriptions.viewer_counts import ViewerCounts
from subscriptions.viewer_settings import RoutesSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from matches.event_types import Snapshot, UnsubscribedFrame
    from matches.match_state import MatchState
    from subscriptions.protocol import Position, Request

_FRESH_SECONDS = 60

logger = Logger(service="routes")
metrics = Metrics("routes")
_meter = ConnectionMeter()
_changes = ViewerChanges()
_match_facts: dict[str, tuple[MatchFacts, float]] = {}
"""Match -> its facts, and the time of the read."""


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """The facts about a match that a subscribe needs before it writes its row.

    A number of shards that is out of date is harmless: a broadcast also reads the shards of the smaller number. Within
    an epoch the competition never changes. A match that was reset has another epoch.
    """

    epoch: str
    shards: int
    competition: str | None


@cache
def _ledger() -> Ledger:
    return Ledger(settings(RoutesSettings).matches_table, aws.dynamodb(settings(RoutesSettings).home_region))


@cache
def _recent_events() -> RecentEvents:
    return RecentEvents(_ledger())


@cache
def _shard_counts() -> ShardCounts:
    return ShardCounts(settings(RoutesSettings).broadcasts_table, aws.dynamodb(aws.region()))


@cache
def _subscriptions() -> Subscriptions:
    return Subscriptions(settings(RoutesSettings).subscriptions_table, aws.dynamodb(aws.region()))


@cache
def _listeners() -> Listeners:
    return Listeners(settings(RoutesSettings).subscriptions_table, aws.dynamodb(aws.region()))


@cache
def _viewer_counts() -> ViewerCounts:
    own = settings(RoutesSettings)
    return ViewerCounts(own.matches_table, aws.dynamodb(own.home_region, "once"))


def _make() -> None:
    for each in (_recent_events, _shard_counts, _subscriptions, _listeners, _viewer_counts):
        each()


def _open_connections() -> None:
    _ledger().open_connection()
    _shard_counts().stored_number(lifecycle.NO_MATCH)


@lifecycle.prepare(RoutesSettings, _make, _open_connections)
@metrics.publish_after
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serve one event of a WebSocket API: CONNECT, MESSAGE or DISCONNECT."""
    answer = _answer(event)
    _write_changes()
    return answer


def _write_changes() -> None:
    """Write the changes of viewers that are due. A change that cannot be written waits for another invocation."""
    due = _changes.pop_due(seconds())
    try:
        while due:
            match, change = due.popitem()
            try:
                _viewer_counts().add(match, settings(RoutesSettings).cell, change)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ValidationException":
                    # The damaged row stays damaged, and other changes would wait behind it.
                    logger.exception("viewer_count_row_damaged", match=match)
                    continue
                _changes.add(match, change)
                raise
            except Exception:
                _changes.add(match, change)
                raise
    except Exception:
        logger.exception("viewer_count_failed")
    for match, change in due.items():
        _changes.add(match, change)


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    about = event["requestContext"]
    connection: str = about["connectionId"]
    kind: str = about["eventType"]
    if kind == "CONNECT":
        return _connect(event, connection)
    if kind == "DISCONNECT":
        return _disconnect(connection)
    text: str = event.get("body") or ""
    try:
        _check_size(text, connection)
        request = parse_request(text)
        if isinstance(request, ListenRequest):
            return {"statusCode": 200, "body": _listen(connection, _subject(about))}
        return {"statusCode": 200, "body": _serve(request, connection, _competitions(about))}
    except ExcessError as error:
        if _meter.shut(connection, seconds()):
            return {"statusCode": 200}
        logger.warning("connection_closed_for_excess", connection=connection, code=error.code)
        metrics.add("Refused")
        return _send_error_and_close(connection, error)
    except RequestError as error:
        _meter.pay_for_error(connection, seconds())
        logger.info("request_refused", connection=connection, match=error.match, code=error.code)
        metrics.add("Refused")
        return {"statusCode": 200, "body": error.frame()}
    except Exception:
        # Without this answer the viewer would get API Gateway's own error frame, which clients cannot tell from ours.
        logger.exception("request_failed", connection=connection)
        failed = RequestError("unavailable", "The server could not do this. Try again.")
        return {"statusCode": 200, "body": failed.frame()}


def _check_size(text: str, connection: str) -> None:
    """Raises ExcessError if the message is too large, or if the connection has sent too many."""
    size = len(text.encode(errors="replace"))
    if size > MESSAGE_BYTES:
        raise ExcessError("too_large", f"A message may have at most {MESSAGE_BYTES} bytes.")
    if not _meter.pay_for_message(connection, size, seconds()):
        raise ExcessError("too_many_requests", "This connection has sent too many messages, or too many wrong ones.")


def _send_error_and_close(connection: str, error: ExcessError) -> dict[str, Any]:
    """Send the error frame, then close the connection.

    The frame is a POST, because a route response would come after the close and be lost. The close matters more than
    the frame, so it is sent even if the frame fails. Neither is tried again, because both use the send budget of goals.
    """
    gateway = aws.connections(settings(RoutesSettings).connections_url)
    frame_sent = False
    try:
        gateway.post_to_connection(ConnectionId=connection, Data=error.frame().encode())
        frame_sent = True
    except gateway.exceptions.GoneException:
        pass  # The viewer has left, or another of its messages has closed the connection.
    except (BotoCoreError, ClientError) as failure:
        logger.warning("error_frame_unsent", connection=connection, reason=type(failure).__name__)
    try:
        gateway.delete_connection(ConnectionId=connection)
    except gateway.exceptions.GoneException:
        pass
    except (BotoCoreError, ClientError):
        logger.exception("connection_not_closed", connection=connection)
        return {"statusCode": 200} if frame_sent else {"statusCode": 200, "body": error.frame()}
    return {"statusCode": 200}


def _connect(event: dict[str, Any], connection: str) -> dict[str, Any]:
    version = (event.get("queryStringParameters") or {}).get("v", "1")
    if version != "1":
        logger.info("connect_refused", connection=connection, code="version")
        metrics.add("Refused")
        return {"statusCode": 400}
    logger.info("connected", connection=connection)
    # A browser that offers subprotocols closes the socket unless one of them is echoed.
    return {"statusCode": 200} | (
        {"headers": {"Sec-WebSocket-Protocol": SUBPROTOCOL}} if SUBPROTOCOL in subprotocols(event) else {}
    )


def _disconnect(connection: str) -> dict[str, Any]:
    """Remove the rows of a connection. A row that the index lacks stays until the next broadcast or its ttl."""
    try:
        _subscriptions().note_closed(connection)
    except (BotoCoreError, ClientError):
        # The connection's rows are removed all the same.
        logger.exception("close_note_failed", connection=connection)
    rows = _subscriptions().every_row_of(connection)
    # Rows are deleted one by one: only a row that still existed is counted, because a subscribe may remove its own row.
    for match in {row.match for row in rows if _subscriptions().delete_one(row)} - {""}:
        _changes.add(match, -1)
    _meter.forget(connection)
    logger.info("disconnected", connection=connection, rows=len(rows))
    return {"statusCode": 200}


def _competitions(about: dict[str, Any]) -> frozenset[str]:
    """The competitions that the authorizer has granted to this connection; none without an authorizer."""
    return read_competitions((about.get("authorizer") or {}).get("competitions"))


def _subject(about: dict[str, Any]) -> str:
    """The subject of the connection's token; ``ANONYMOUS`` without a token."""
    return str((about.get("authorizer") or {}).get("subject") or ANONYMOUS)


def _listen(connection: str, subject: str) -> str:
    """Write the row of a listener, then check whether the connection has closed meanwhile. Raises RequestError."""
    if subject == ANONYMOUS:
        raise RequestError("no_subject", "Only a viewer with a token can listen: messages go to the token's subject.")
    try:
        if not _listeners().add(subject, connection):
            raise RequestError(
                "too_many_listeners", f"At most {MAX_LISTENERS} connections of one viewer may listen. Close another."
            )
    finally:
        if _subscriptions().is_closed(connection):
            removed = _listeners().delete(subject, connection)
            logger.info("connection_closed_during_listen", connection=connection, removed=removed)
    logger.info("listen", connection=connection)
    return dumps({"type": "listening"})


def _require_entitlement(request: Request, competition: str | None, granted: frozenset[str]) -> None:
    """Raises RequestError if the connection may not follow the match."""
    if not covers(granted, competition):
        raise RequestError("not_entitled", "Your token does not cover this match's competition.", request.match)


def _serve(request: Request, connection: str, competitions: frozenset[str]) -> str:
    try:
        if request.action == "subscribe":
            state = _subscribe(request, connection, competitions)
        else:
            state = _ledger().state(request.match)
    except UnknownMatchError:
        raise RequestError("unknown_match", "There is no such match.", request.match) from None
    except DamagedMatchError as error:
        if isinstance(error, DamagedRowError):
            report_damaged_row(error)
        raise RequestError("unavailable", "This match cannot be read at the moment.", request.match) from None
    if request.action == "unsubscribe":
        shards = every_shard_of(connection, state.audience, _shard_counts().number(state))
        rows = [Row(partition(request.match, shard), connection) for shard in shards]
        # Two processes that knew different numbers of shards may each have left a row.
        if sum(_subscriptions().delete_one(row) for row in rows):
            _changes.add(request.match, -1)
        frame: Snapshot | UnsubscribedFrame = {"type": "unsubscribed", "match": request.match}
    else:
        _require_entitlement(request, state.competition, competitions)
        frame = _snapshot(state, request.since)
    logger.info(request.action, connection=connection, match=request.match, seq=state.newest_seq)
    if request.action == "subscribe":
        metrics.note_event(request.match, state.newest_seq)
        metrics.add("Subscribed")
    return dumps(frame)


def _subscribe(request: Request, connection: str, competitions: frozenset[str]) -> MatchState:
    """Write the row, then read the match, then check whether the connection has closed meanwhile.

    The check of the token comes first: a broadcast could send to a row before it is removed again.
    """
    facts = _facts_of(request.match)
    _require_entitlement(request, facts.competition, competitions)
    rows = _subscriptions().of_connection(connection)
    others = {row.match for row in rows} - {request.match}
    if len(others) >= MAX_MATCHES:
        raise RequestError("too_many_matches", f"A connection may follow at most {MAX_MATCHES} matches.", request.match)
    shard = shard_of(connection, facts.shards)
    # A broadcast would also send to an old row in another shard. If the old row follows the score only, its frames
    # would move the viewer past events, and the new row's frames would not show them any more. So the old row is
    # removed first. Two processes that know different numbers of shards then each keep their own row, and neither
    # removes the last one.
    elsewhere = [row for row in rows if row.match == request.match and row.pk != partition(row.match, shard)]
    _subscriptions().delete_many(elsewhere)
    try:
        new = _subscriptions().add(request.match, shard, connection, score_only=request.score_only)
        if new and not elsewhere:
            _changes.add(request.match, 1)
        state = _ledger().state(request.match)
        if state.epoch == facts.epoch:
            return state
        # The match was reset since the last read: its shards and its competition may have changed.
        if _subscriptions().delete_one(Row(partition(request.match, shard), connection)):
            _changes.add(request.match, -1)
        _match_facts.pop(request.match, None)
        return _subscribe(request, connection, competitions)
    finally:
        # This check is last, so that it sees a close at any moment before, also if a step before has failed.
        if _subscriptions().is_closed(connection):
            _delete_closed(Row(partition(request.match, shard), connection))


def _delete_closed(row: Row) -> None:
    """Remove the row of a connection that has closed."""
    removed = _subscriptions().delete_one(row)
    if removed:
        _changes.add(row.match, -1)
    logger.info("connection_closed_during_subscribe", connection=row.connection, match=row.match, removed=removed)


def _facts_of(match: str) -> MatchFacts:
    known, read_at = _match_facts.get(match, (None, 0.0))
    if known is not None and seconds() - read_at < _FRESH_SECONDS:
        return known
    state = _ledger().state(match)
    known = MatchFacts(state.epoch, _shard_counts().number(state), state.competition)
    _match_facts[match] = (known, seconds())
    return known


def _snapshot(state: MatchState, since: Position | None) -> Snapshot:
    after = since.seq if since is not None and since.epoch in (None, state.epoch) else None
    return snapshot(state, _recent_events().up_to(state), after, viewers=_watching(state.match))


def _watching(match: str) -> int | None:
    """The number of viewers of a match, with the changes that this process has not written yet."""
    known, waiting = _viewer_counts().of_match(match), _changes.unwritten(match)
    return max(0, (known or 0) + waiting) if waiting else known
