"""The routes count who comes and goes, and nobody waits or fails because of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from websockets.asyncio.client import connect

from runtime import aws
from subscriptions import routes
from subscriptions.viewer_changes import FLUSH_SECONDS, ViewerChanges
from subscriptions.viewer_counts import ViewerCounts, counts_by_match
from tests.subscriptions.test_routes import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.system import System

Call = tuple[str, Any]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of this process's routes; its only value is the time."""
    now = [1_000.0]
    monkeypatch.setattr("subscriptions.routes.seconds", lambda: now[0])
    return now


@pytest.fixture
def serve(
    system: System, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> Callable[..., dict[str, Any]]:
    """The routes in this process, which have counted nobody yet."""
    for name, value in (system.environment("routes") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    monkeypatch.setattr(routes, "_changes", ViewerChanges())
    viewers = ViewerCounts(system.name("matches"), dynamodb)
    monkeypatch.setattr(routes, "_viewer_counts", lambda: viewers)

    def serve(connection: str, kind: str = "MESSAGE", **request: Any) -> dict[str, Any]:
        event = {"requestContext": {"connectionId": connection, "eventType": kind}, "body": json.dumps(request)}
        answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
        frame: dict[str, Any] = json.loads(answer["body"]) if "body" in answer else answer
        return frame

    return serve


def count(system: System, dynamodb: Any, match: str) -> int:
    """The written number of a match's viewers."""
    return counts_by_match(ViewerCounts(system.name("matches"), dynamodb)._query(match)).get(match, 0)  # noqa: SLF001


def test_each_subscription_counts_once(
    system: System, dynamodb: Any, match: str, serve: Any, clock: list[float]
) -> None:
    """Subscribing again, with or without ``only``, is no other viewer; leaving takes off one, once."""
    assert serve("a=", action="subscribe", match=match)["viewers"] == 1
    assert serve("a=", action="subscribe", match=match, only="score")["viewers"] == 1
    assert serve("b=", action="subscribe", match=match)["viewers"] == 2
    clock[0] += FLUSH_SECONDS
    assert serve("b=", action="sync", match=match, seq=0)["viewers"] == 2
    assert count(system, dynamodb, match) == 2
    serve("a=", action="unsubscribe", match=match)
    serve("a=", action="unsubscribe", match=match)
    serve("nobody=", action="unsubscribe", match=match)
    clock[0] += FLUSH_SECONDS
    assert serve("b=", action="sync", match=match, seq=0)["viewers"] == 1
    assert count(system, dynamodb, match) == 1
    clock[0] += FLUSH_SECONDS
    serve("b=", "DISCONNECT")
    clock[0] += FLUSH_SECONDS
    serve("c=", "CONNECT")
    assert count(system, dynamodb, match) == 0
    assert serve("c=", action="sync", match=match, seq=0)["viewers"] == 0


def test_a_rush_of_viewers_shares_its_writes(
    system: System, dynamodb: Any, match: str, serve: Any, clock: list[float]
) -> None:
    """Forty viewers of one process within seconds are two writes, not forty."""
    writes: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        if "audience#" in str(params["body"]):
            writes.append(params)

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", note, unique_id="note")
    try:
        for number in range(40):
            clock[0] += FLUSH_SECONDS / 50
            serve(f"rush{number}=", action="subscribe", match=match)
        clock[0] += FLUSH_SECONDS
        assert serve("late=", action="subscribe", match=match)["viewers"] == 41
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", unique_id="note")
    assert len(writes) == 2
    assert count(system, dynamodb, match) == 41


def test_a_count_that_fails_is_nobodys_failure(
    system: System, dynamodb: Any, match: str, serve: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Viewers are served as ever, and are counted when that works again."""

    def fail(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    class Down:
        query = staticmethod(fail)
        update_item = staticmethod(fail)

    down: Any = ViewerCounts(system.name("matches"), Down())  # type: ignore[arg-type]
    up = routes._viewer_counts()  # noqa: SLF001
    monkeypatch.setattr(routes, "_viewer_counts", lambda: down)
    first = serve("a=", action="subscribe", match=match)
    assert (first["type"], first["viewers"]) == ("snapshot", 1)
    clock[0] += FLUSH_SECONDS
    assert serve("leaves=", action="subscribe", match=match)["type"] == "snapshot"
    assert serve("leaves=", "DISCONNECT") == {"statusCode": 200}
    monkeypatch.setattr(routes, "_viewer_counts", lambda: up)
    clock[0] += FLUSH_SECONDS
    serve("c=", "CONNECT")
    assert count(system, dynamodb, match) == 1


def test_a_scoreboard_counts_in_each_of_its_matches(
    system: System, dynamodb: Any, match_id: str, operator: Any, serve: Any, clock: list[float]
) -> None:
    """A viewer of six matches counts in all six, and by and by in none after its socket goes."""
    matches = [f"{match_id}-{number}" for number in range(6)]
    for each in matches:
        operator.create_match(match=each, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
        serve("board=", action="subscribe", match=each)
    assert [count(system, dynamodb, each) for each in matches] == [1] * 6
    clock[0] += FLUSH_SECONDS
    serve("board=", "DISCONNECT")
    serve("other=", "CONNECT")
    assert [count(system, dynamodb, each) for each in matches] == [0] * 6


async def test_who_watches_is_counted_behind_the_real_gateway(system: System, match: str) -> None:
    """The first viewer's own snapshot says one, and asking again changes nothing."""
    async with connect(system.websocket_url) as socket:
        assert (await ask(socket, action="subscribe", match=match))["viewers"] == 1
        assert (await ask(socket, action="sync", match=match, seq=0))["viewers"] == 1
