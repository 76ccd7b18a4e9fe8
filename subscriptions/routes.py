"""The viewers' WebSocket routes: a Lambda function behind an API Gateway WebSocket API.

``$connect`` writes nothing. ``subscribe`` writes its row before it reads the match, both consistently: then either
the snapshot has an event, or the broadcast of that event finds the row. Answers are route responses, so they cost
none of the account's send budget.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from matches import aws
from matches.ledger import Ledger, UnknownMatchError
from matches.snapshot import EVENTS_PER_FRAME, snapshot
from subscriptions.protocol import MAX_MATCHES, SUBPROTOCOL, RequestError, dumps, parse_request
from subscriptions.shards import every_shard_of, shard_count, shard_of
from subscriptions.store import Row, Subscriptions, partition

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from matches.ledger import MatchState
    from subscriptions.protocol import Position, Request

_SHARDS_FRESH_SECONDS = 60

logger = Logger(service="routes")
_shards: dict[str, tuple[int, float]] = {}
"""Number of shards per match, and when it was read. A stale count is harmless: its shards are still read."""


@cache
def _ledger() -> Ledger:
    return Ledger(aws.setting("MATCHES_TABLE"), aws.dynamodb())


@cache
def _subscriptions() -> Subscriptions:
    return Subscriptions(aws.setting("SUBSCRIPTIONS_TABLE"), aws.dynamodb())


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serve one event of a WebSocket API: CONNECT, MESSAGE or DISCONNECT."""
    about = event["requestContext"]
    connection: str = about["connectionId"]
    kind: str = about["eventType"]
    if kind == "CONNECT":
        return _connect(event, connection)
    if kind == "DISCONNECT":
        rows = _subscriptions().of_connection(connection)
        _subscriptions().remove(rows)
        logger.info("left", connection=connection, rows=len(rows))
        return {"statusCode": 200}
    try:
        return {"statusCode": 200, "body": _serve(parse_request(event.get("body") or ""), connection)}
    except RequestError as error:
        logger.info("refused", connection=connection, code=error.code)
        return {"statusCode": 200, "body": error.frame()}
    except Exception:
        # An error must not reach the viewer as API Gateway's own frame, which clients cannot tell from ours.
        logger.exception("failed", connection=connection)
        failed = RequestError("unavailable", "Something went wrong on our side. Try again.")
        return {"statusCode": 200, "body": failed.frame()}


def _connect(event: dict[str, Any], connection: str) -> dict[str, Any]:
    version = (event.get("queryStringParameters") or {}).get("v", "1")
    if version != "1":
        logger.info("refused", connection=connection, code="version")
        return {"statusCode": 400}
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
    logger.info("connected", connection=connection)
    # A browser that offers subprotocols closes the socket unless one of them is echoed.
    return {"statusCode": 200} | (
        {"headers": {"Sec-WebSocket-Protocol": SUBPROTOCOL}} if SUBPROTOCOL in offered else {}
    )


def _serve(request: Request, connection: str) -> str:
    try:
        subscribes = request.action == "subscribe"
        state = _subscribe(request, connection) if subscribes else _ledger().state(request.match)
    except UnknownMatchError:
        raise RequestError("unknown_match", "There is no such match.", request.match) from None
    if request.action == "unsubscribe":
        shards = every_shard_of(connection, state.audience, _count(state))
        _subscriptions().remove(Row(partition(request.match, shard), connection) for shard in shards)
        frame = {"type": "unsubscribed", "match": request.match}
    else:
        frame = _snapshot(state, request.since)
    logger.info(request.action, connection=connection, match=request.match, seq=state.seq)
    return dumps(frame)


def _subscribe(request: Request, connection: str) -> MatchState:
    """Write the row, then read the match."""
    shards = _known_shards(request.match)
    rows = _subscriptions().of_connection(connection)
    others = {row.match for row in rows} - {request.match}
    if len(others) >= MAX_MATCHES:
        raise RequestError("too_many_matches", f"A connection follows at most {MAX_MATCHES} matches.", request.match)
    shard = shard_of(connection, shards)
    _subscriptions().add(request.match, shard, connection, score_only=request.score_only)
    # A row from when the match had fewer shards would be told as well. If that one follows the score only, its frames
    # would take the viewer past events that the other row's frame then no longer shows.
    _subscriptions().remove(row for row in rows if row.match == request.match and row.pk != partition(row.match, shard))
    state = _ledger().state(request.match)
    _shards[request.match] = (_count(state), time.monotonic())
    return state


def _known_shards(match: str) -> int:
    count, read_at = _shards.get(match, (0, 0.0))
    if count and time.monotonic() - read_at < _SHARDS_FRESH_SECONDS:
        return count
    return _count(_ledger().state(match))


def _count(state: MatchState) -> int:
    return shard_count(state.shards, state.audience)


def _snapshot(state: MatchState, since: Position | None) -> dict[str, Any]:
    after = since.seq if since is not None and since.epoch in (None, state.epoch) else None
    return snapshot(state, _ledger().events(state.match, after or 0, EVENTS_PER_FRAME), after)
