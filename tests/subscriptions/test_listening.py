"""Connections that listen for messages to their subject: who may listen, and the rows that this leaves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from devstack.operator.local_tokens import tokens_of
from matches.channels import subject_segment
from runtime import aws
from subscriptions import routes
from subscriptions.listeners import MAX_LISTENERS, Listeners
from subscriptions.protocol import ANONYMOUS, MAX_MATCHES
from subscriptions.shards import MAX_SHARDS
from subscriptions.store import ROW_SECONDS, Row, partition, row_key
from subscriptions.viewer_changes import ViewerChanges
from subscriptions.viewer_counts import ViewerCounts
from tests.subscriptions.test_leaving import written
from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.system import System
    from subscriptions.store import Subscriptions

    Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def listeners(system: System, dynamodb: Any) -> Listeners:
    """The listeners of the running system's one cell."""
    return Listeners(system.name("subscriptions"), dynamodb)


@pytest.fixture
def serve(system: System, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, match_id: str) -> Serve:
    """The routes in this process; connections are those of one test, and have ``subject`` from the authorizer."""
    for name, value in (system.environment("routes") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    monkeypatch.setattr(routes, "_changes", ViewerChanges())

    def serve(
        kind: str = "MESSAGE", connection: str = "", subject: str | None = f"{match_id}-ann", **request: Any
    ) -> dict[str, Any]:
        about: dict[str, Any] = {"connectionId": f"{match_id}{connection}=", "eventType": kind}
        if subject is not None:
            about["authorizer"] = {"subject": subject, "competitions": "*"}
        event = {"requestContext": about, "body": json.dumps(request)}
        answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
        frame: dict[str, Any] = json.loads(answer["body"]) if "body" in answer else answer
        return frame

    return serve


async def _listen(socket: ClientConnection) -> dict[str, Any]:
    await socket.send('{"action":"listen"}')
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
    return answer


async def test_a_viewer_with_a_token_listens_until_it_leaves(system: System, listeners: Listeners) -> None:
    """On a real socket ``listen`` is answered ``listening`` and writes a row, which goes when the viewer leaves."""
    tokens = tokens_of(system, "viewer")
    subject = _subject_of(tokens.token())
    before = set(listeners.of_subject(subject))
    async with connect(f"{system.websocket_url}?token={tokens.token()}") as socket:
        assert await _listen(socket) == {"type": "listening"}
        assert await _listen(socket) == {"type": "listening"}
        assert len(set(listeners.of_subject(subject)) - before) == 1
    await eventually(lambda: not set(listeners.of_subject(subject)) - before, seconds=20)


async def test_a_viewer_without_a_token_is_refused_and_stays(system: System, match: str) -> None:
    """An anonymous viewer gets the error ``no_subject``, and its socket still serves."""
    async with connect(system.websocket_url) as socket:
        refused = await _listen(socket)
        assert (refused["type"], refused["code"]) == ("error", "no_subject")
        await socket.send(json.dumps({"action": "subscribe", "match": match}))
        assert json.loads(await asyncio.wait_for(socket.recv(), 20))["type"] == "snapshot"


@pytest.mark.parametrize("subject", [None, "", ANONYMOUS])
def test_a_connection_without_a_subject_leaves_no_row(
    serve: Serve, dynamodb: Any, subscriptions: Subscriptions, subject: str | None
) -> None:
    """Without an authorizer, without a subject, and as the anonymous viewer: refused, and nothing is written."""
    assert serve(subject=subject, action="listen")["code"] == "no_subject"
    assert _rows(dynamodb, subscriptions, subject_segment(subject or ANONYMOUS)) == []


def test_a_listener_is_nobodys_viewer(
    system: System, match: str, match_id: str, serve: Serve, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """Promise 4: its row is in no match's partition, counts as no match that is followed, and as no viewer."""
    assert serve(action="listen")["type"] == "listening"
    assert subscriptions.of_connection(f"{match_id}=") == []
    [item] = _rows(dynamodb, subscriptions, subject_segment(f"{match_id}-ann"))
    assert Row(item["pk"]["S"], item["sk"]["S"]).match == ""
    assert item["pk"]["S"] not in {partition(match, shard) for shard in range(MAX_SHARDS)}
    for number in range(MAX_MATCHES - 1):
        subscriptions.add(f"{match_id}-{number}", 0, f"{match_id}=", score_only=False)
    assert serve(action="subscribe", match=match)["type"] == "snapshot"
    assert written(system, dynamodb, match) == 1
    serve("DISCONNECT")
    assert written(system, dynamodb, match) == 0
    assert (routes._changes.unwritten(""), ViewerCounts(system.name("matches"), dynamodb)._query("")) == (0, [])  # noqa: SLF001
    assert _rows(dynamodb, subscriptions, subject_segment(f"{match_id}-ann")) == []


def test_unsubscribe_leaves_the_listener(match: str, match_id: str, serve: Serve, listeners: Listeners) -> None:
    """A viewer that follows no match any more still listens."""
    serve(action="subscribe", match=match)
    serve(action="listen")
    serve(action="unsubscribe", match=match)
    assert listeners.of_subject(f"{match_id}-ann") == [f"{match_id}="]
    serve("DISCONNECT")


@pytest.mark.parametrize("operation", ["Query", "PutItem", "GetItem"])
def test_a_connection_that_closes_while_it_asks_leaves_no_row(
    match_id: str, serve: Serve, dynamodb: Any, listeners: Listeners, operation: str
) -> None:
    """Promise 4: wherever within a listen ``$disconnect`` is served, no row stays."""
    waiting = [lambda: serve("DISCONNECT")]

    def call(model: Any, **_: Any) -> None:
        if model.name == operation and waiting:
            waiting.pop()()

    dynamodb.meta.events.register("before-call.dynamodb.*", call, unique_id="before")
    try:
        serve(action="listen")
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="before")
    assert waiting == []
    assert listeners.of_subject(f"{match_id}-ann") == []


def test_twenty_connections_of_a_subject_listen(match_id: str, serve: Serve, listeners: Listeners) -> None:
    """The next one is refused until one leaves; one that listens already is not; other subjects are free."""
    for number in range(MAX_LISTENERS):
        assert serve(connection=f"-{number}", action="listen")["type"] == "listening"
    assert serve(connection="-more", action="listen")["code"] == "too_many_listeners"
    assert serve(connection="-0", action="listen")["type"] == "listening"
    assert serve(connection="-other", subject=f"{match_id}-bob", action="listen")["type"] == "listening"
    serve("DISCONNECT", "-7")
    assert serve(connection="-more", action="listen")["type"] == "listening"
    assert len(listeners.of_subject(f"{match_id}-ann")) == MAX_LISTENERS


def test_a_row_after_its_time_counts_for_nothing(
    match_id: str, serve: Serve, dynamodb: Any, listeners: Listeners
) -> None:
    """DynamoDB deletes a row days after its ``ttl``: meanwhile nobody is told by it, and it takes nobody's place."""
    key = row_key(subject_segment(f"{match_id}-ann"), "old=")
    dynamodb.put_item(TableName=listeners.table, Item={**key, "ttl": {"N": "1"}})
    serve(action="listen")
    assert listeners.of_subject(f"{match_id}-ann") == [f"{match_id}="]
    item = dynamodb.get_item(
        TableName=listeners.table, Key=row_key(subject_segment(f"{match_id}-ann"), f"{match_id}=")
    )["Item"]  # fmt: skip
    assert item.keys() == {"pk", "sk", "ttl"}
    assert ROW_SECONDS > 2 * 3600
    serve("DISCONNECT")


def _rows(dynamodb: Any, subscriptions: Subscriptions, pk: str) -> list[dict[str, Any]]:
    """The rows of a partition."""
    found: list[dict[str, Any]] = dynamodb.query(
        TableName=subscriptions.table, ConsistentRead=True,
        KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}},
    )["Items"]  # fmt: skip
    return found


def _subject_of(token: str) -> str:
    """The subject of a token of our own issuer."""
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])
