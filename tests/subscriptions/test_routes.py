"""Viewers on real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake

from broadcaster.control.cell_state import cell_state_key
from matches.match_rows import state_key
from runtime import aws
from runtime.thaw import seconds
from subscriptions import routes
from subscriptions.protocol import MAX_MATCHES, Request
from subscriptions.shard_counts import ShardCounts
from subscriptions.shards import shard_count, shard_of
from subscriptions.store import Row, partition, row_key
from subscriptions.store import Subscriptions as Subs
from subscriptions.viewer_changes import ViewerChanges
from tests.support import eventually

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from devstack.operator.api_client import Operator
    from devstack.system import System
    from matches.ledger import Ledger
    from subscriptions.store import Subscriptions


async def ask(socket: ClientConnection, **request: Any) -> dict[str, Any]:
    """Send a request, return its answer; a broadcast may be faster."""
    await socket.send(json.dumps(request))
    while (frame := await hear(socket))["type"] == "update":
        pass
    return frame


async def hear(socket: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
    return frame


async def rows_of(subscriptions: Subscriptions, dynamodb: Any, match: str) -> int:
    """The number of rows of a match."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table)
    return sum(item["pk"]["S"].rpartition("#")[0] == match for page in pages for item in page["Items"])


async def test_the_life_of_a_subscription(
    system: System, operator: Operator, match: str, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """Subscribe answers with a snapshot, updates follow, unsubscribe and leaving remove the row."""
    async with connect(system.websocket_url) as socket:
        snapshot = await ask(socket, action="subscribe", match=match)
        assert (snapshot["type"], snapshot["seq"], snapshot["home"]) == ("snapshot", 0, "Argentina")
        await asyncio.to_thread(operator.post_event, match, {"kind": "kick_off"})
        update = await hear(socket)
        assert (update["type"], update["prev"], update["seq"], update["status"]) == ("update", 0, 1, "first_half")
        assert await rows_of(subscriptions, dynamodb, match) == 1
        assert (await ask(socket, action="unsubscribe", match=match))["type"] == "unsubscribed"
        assert await rows_of(subscriptions, dynamodb, match) == 0
        await ask(socket, action="subscribe", match=match)
        assert await rows_of(subscriptions, dynamodb, match) == 1

    async def gone() -> bool:
        return not await rows_of(subscriptions, dynamodb, match)

    await eventually(gone, seconds=20)


async def test_sync_brings_what_is_missing(system: System, operator: Operator, match: str) -> None:
    """A viewer that comes back with its position gets exactly what it missed; with another epoch, everything."""
    for event in ({"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3, "event_id": "g1"}):
        await asyncio.to_thread(operator.post_event, match, event)
    await asyncio.to_thread(operator.settled, match, "g1")
    async with connect(system.websocket_url) as socket:
        snapshot = await ask(socket, action="sync", match=match, seq=1)
        assert [event["seq"] for event in snapshot["events"]] == [2]
        assert snapshot["recovered"] is True
        since = {"epoch": snapshot["epoch"], "seq": 2}
        assert (await ask(socket, action="subscribe", match=match, since=since))["events"] == []
        other = await ask(socket, action="subscribe", match=match, since={"epoch": "old", "seq": 2})
        assert [event["seq"] for event in other["events"]] == [1, 2]
        assert other["recovered"] is False


async def test_a_follower_of_the_score_is_not_told_of_cards(system: System, operator: Operator, match: str) -> None:
    """``only: score`` skips what does not change the scoreboard, and that is no gap."""
    async with connect(system.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match, only="score")
        await asyncio.to_thread(operator.post_event, match, {"kind": "kick_off"})
        assert (await hear(socket))["seq"] == 1
        await asyncio.to_thread(
            operator.post_event, match, {"kind": "yellow_card", "team": "away", "minute": 4, "event_id": "y"}
        )
        await asyncio.to_thread(operator.settled, match, "y")
        await asyncio.to_thread(operator.post_event, match, {"kind": "goal", "team": "away", "minute": 5})
        goal = await hear(socket)
        assert (goal["prev"], goal["seq"]) == (1, 3)
        assert [event["kind"] for event in goal["events"]] == ["goal"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{broken", "bad_request"),
        ("42", "bad_request"),
        ('{"action":"shout","match":"m"}', "unknown_action"),
        ('{"action":"subscribe","match":"nobody"}', "unknown_match"),
        ('{"action":"sync","match":"nobody","seq":1}', "unknown_match"),
        ('{"action":"subscribe","match":"nobody","only":"cards"}', "bad_request"),
    ],
)
async def test_a_wrong_request_gets_an_error_and_the_socket_stays(
    system: System, match: str, text: str, code: str
) -> None:
    """After an error frame the same socket still serves."""
    async with connect(system.websocket_url) as socket:
        await socket.send(text)
        error = await hear(socket)
        assert (error["type"], error["code"]) == ("error", code)
        assert (await ask(socket, action="subscribe", match=match))["type"] == "snapshot"


async def test_a_connection_follows_at_most_fifty_matches(
    system: System, match: str, subscriptions: Subscriptions, dynamodb: Any
) -> None:
    """The fifty-first match is refused, a match that is followed already is not, and the socket stays."""
    async with connect(system.websocket_url) as socket:
        await ask(socket, action="subscribe", match=match)
        pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table)
        connection = next(
            item["sk"]["S"] for page in pages for item in page["Items"] if item["pk"]["S"].startswith(f"{match}#")
        )
        for number in range(MAX_MATCHES - 1):
            subscriptions.add(f"{match}-{number}", 0, connection, score_only=False)
        assert (await ask(socket, action="subscribe", match=match))["type"] == "snapshot"
        subscriptions.add(f"{match}-more", 0, connection, score_only=False)
        await ask(socket, action="unsubscribe", match=match)
        refused = await ask(socket, action="subscribe", match=match)
        assert (refused["type"], refused["code"]) == ("error", "too_many_matches")


async def test_another_version_of_the_protocol_is_refused(system: System) -> None:
    """A client that speaks a version we do not is turned away at the handshake."""
    with pytest.raises(InvalidHandshake):
        async with connect(f"{system.websocket_url}?v=2"):
            pass


@pytest.mark.parametrize(
    ("headers", "echoed"),
    [
        (
            {
                "multiValueHeaders": {"Sec-WebSocket-Protocol": ["livescore.v1", "a.b.c"]},
                "headers": {"Sec-WebSocket-Protocol": "a.b.c"},
            },
            True,
        ),
        ({"multiValueHeaders": {"sec-websocket-protocol": ["other, livescore.v1"]}}, True),
        ({"multiValueHeaders": None, "headers": {"sec-websocket-protocol": "livescore.v1, a.b.c"}}, True),
        ({"multiValueHeaders": {}, "headers": {}}, False),
        ({"headers": {"sec-websocket-protocol": "livescore.v2"}}, False),
    ],
)
def test_our_subprotocol_is_echoed_however_it_is_offered(headers: dict[str, Any], echoed: bool) -> None:
    """In one header or in several, as the authorizer reads them: else a browser that was let in would hang up."""
    event = {"requestContext": {"connectionId": "L0SM9cOFvHcCIhw=", "eventType": "CONNECT"}, **headers}
    answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
    assert answer.get("headers") == ({"Sec-WebSocket-Protocol": "livescore.v1"} if echoed else None)


def test_the_row_is_written_before_the_match_is_read(
    system: System, match: str, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: either the snapshot has an event, or the broadcast of that event finds the row; never neither."""
    for name, value in (system.environment("routes") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    calls: list[tuple[str, Any]] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        calls.append((model.name, json.loads(params["body"])))

    dynamodb.meta.events.register("before-call.dynamodb.*", note, unique_id="note")
    try:
        for _ in range(2):  # with and without the number of shards in memory
            calls.clear()
            event = {
                "requestContext": {"connectionId": "L0SM9cOFvHcCIhw=", "eventType": "MESSAGE"},
                "body": json.dumps({"action": "subscribe", "match": match}),
            }
            answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
            assert json.loads(answer["body"])["type"] == "snapshot"
            names = [name for name, _ in calls]
            assert "GetItem" in names[names.index("PutItem") :]
            reads = [params for name, params in calls[names.index("PutItem") :] if name in ("GetItem", "Query")]
            assert all(params["ConsistentRead"] for params in reads)
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="note")


def test_subscribing_again_after_the_shards_doubled_leaves_one_row(
    system: System, match: str, dynamodb: Any, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: a follower of the score that turns to everything is told of everything, and not of the score."""
    for name, value in (system.environment("routes") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    connection = next(each for each in (f"L0SM9cOFvHcCIh{letter}=" for letter in "abcdefgh") if shard_of(each, 4))
    subscriptions.add(match, 0, connection, score_only=True)
    dynamodb.update_item(
        TableName=system.name("broadcasts"),
        Key=cell_state_key(match),
        UpdateExpression="SET shards = :shards",
        ExpressionAttributeValues={":shards": {"N": "4"}},
    )
    event = {
        "requestContext": {"connectionId": connection, "eventType": "MESSAGE"},
        "body": json.dumps({"action": "subscribe", "match": match}),
    }
    writes: list[str] = []
    dynamodb.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: writes.append(model.name), unique_id="note"
    )
    try:
        answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="note")
    assert json.loads(answer["body"])["type"] == "snapshot"
    # Two at once, of which one knows fewer shards: whichever is last, its own row is there.
    assert writes.index("BatchWriteItem") < writes.index("PutItem")
    assert subscriptions.of_connection(connection) == [Row(partition(match, shard_of(connection, 4)), connection)]


async def test_a_damaged_match_is_an_error_frame_for_who_asks_for_it(
    system: System, operator: Operator, match: str, dynamodb: Any, subscriptions: Subscriptions
) -> None:
    """A match that cannot be read is said in a frame; the same connection follows another match, and no row is left."""
    other = f"{match}-b"
    await asyncio.to_thread(
        lambda: operator.create_match(match=other, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    )
    damaged = {**state_key(match), "board": {"S": "{"}}
    await asyncio.to_thread(lambda: dynamodb.put_item(TableName=system.name("matches"), Item=damaged))
    async with connect(system.websocket_url) as socket:
        for action, more in (("subscribe", {}), ("sync", {"seq": 0}), ("unsubscribe", {})):
            frame = await ask(socket, action=action, match=match, **more)
            assert (frame["type"], frame["code"], frame["match"]) == ("error", "unavailable", match)
        assert (await ask(socket, action="subscribe", match=other))["type"] == "snapshot"
    assert await rows_of(subscriptions, dynamodb, match) == 0


def test_a_match_that_was_reset_is_followed_in_its_new_shards(
    system: System, dynamodb: Any, ledger: Ledger, cell_states: CellStates, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: a process that knew the shards of the old match does not write a row that no broadcast would read."""
    known = {
        "_ledger": ledger, "_shard_counts": ShardCounts(cell_states.table, dynamodb),
        "_subscriptions": Subs(system.name("subscriptions"), dynamodb),
    }  # fmt: skip
    for name, value in known.items():
        monkeypatch.setattr(routes, name, lambda value=value: value)
    monkeypatch.setattr(routes, "_match_facts", {match: (routes.MatchFacts("old", 4096, None), seconds())})
    monkeypatch.setattr(routes, "_changes", ViewerChanges())
    request = Request("subscribe", match)
    state = routes._subscribe(request, "reset-viewer=", frozenset())  # noqa: SLF001
    shards = shard_count(None, state.audience)
    key = row_key(partition(match, shard_of("reset-viewer=", shards)), "reset-viewer=")
    found = dynamodb.query(
        TableName=system.name("subscriptions"), IndexName="by_connection", KeyConditionExpression="sk = :c",
        ExpressionAttributeValues={":c": {"S": "reset-viewer="}},
    )["Items"]  # fmt: skip
    assert found == [key]
    assert routes._changes.unwritten(match) == 1  # noqa: SLF001
