"""A connection that closes while its subscribe is being served leaves no row, and is counted as it should be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runtime import aws
from subscriptions import routes
from subscriptions.store import CLOSED_SECONDS, ROW_SECONDS, partition
from subscriptions.viewer_changes import ViewerChanges
from subscriptions.viewer_counts import ViewerCounts, counts_by_match
from tests.subscriptions.test_store import ROW_BYTES, item_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.system import System
    from subscriptions.store import Subscriptions

    Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def serve(system: System, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, match_id: str) -> Serve:
    """The routes in this process, which have counted nobody yet; connections are those of one test."""
    for name, value in (system.environment("routes") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    monkeypatch.setattr(routes, "_changes", ViewerChanges())
    viewers = ViewerCounts(system.name("matches"), dynamodb)
    monkeypatch.setattr(routes, "_viewer_counts", lambda: viewers)

    def serve(kind: str = "MESSAGE", connection: str = "", **request: Any) -> dict[str, Any]:
        about = {"connectionId": f"{match_id}{connection}=", "eventType": kind}
        event = {"requestContext": about, "body": json.dumps(request)}
        answer: Any = routes.handler(event, None)  # type: ignore[arg-type]
        frame: dict[str, Any] = json.loads(answer["body"]) if "body" in answer else answer
        return frame

    return serve


@pytest.fixture
def before(dynamodb: Any) -> Iterator[Callable[[str, Callable[[], Any]], None]]:
    """Has something done once, right before the next call of an operation."""
    waiting: dict[str, Callable[[], Any]] = {}

    def call(model: Any, **_: Any) -> None:
        if (work := waiting.pop(model.name, None)) is not None:
            work()

    dynamodb.meta.events.register("before-call.dynamodb.*", call, unique_id="before")
    yield waiting.__setitem__
    dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="before")


def rows(subscriptions: Subscriptions, dynamodb: Any, match: str) -> int:
    """The number of rows of a match."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table, ConsistentRead=True)
    return sum(item["pk"]["S"].rpartition("#")[0] == match for page in pages for item in page["Items"])


def written(system: System, dynamodb: Any, match: str) -> int:
    """The counted viewers of a match, with those that this process has not written."""
    kept = counts_by_match(ViewerCounts(system.name("matches"), dynamodb)._query(match)).get(match, 0)  # noqa: SLF001
    return kept + routes._changes.unwritten(match)  # noqa: SLF001


@pytest.mark.parametrize("operation", ["Query", "PutItem", "GetItem", "DeleteItem"])
def test_a_row_that_is_written_after_its_connection_has_closed_is_removed(
    system: System, match: str, dynamodb: Any, subscriptions: Subscriptions, serve: Serve, before: Any, operation: str
) -> None:
    """Promise 4: wherever within a subscribe ``$disconnect`` is served, no row stays and nobody is counted twice."""
    serve(connection="other", action="subscribe", match=match)  # so that the match is known, and has a viewer
    before(operation, lambda: serve("DISCONNECT"))
    serve(action="subscribe", match=match)
    if operation == "DeleteItem":  # nothing was removed: the connection is still there
        assert rows(subscriptions, dynamodb, match) == 2
        serve("DISCONNECT")
    assert rows(subscriptions, dynamodb, match) == 1
    assert written(system, dynamodb, match) == 1
    serve("DISCONNECT", "other")
    assert written(system, dynamodb, match) == 0


def test_a_row_that_the_index_still_shows_is_not_counted_out_twice(
    system: System, match: str, dynamodb: Any, serve: Serve, before: Any
) -> None:
    """The index follows late: of two who take off the same row, one counts it."""
    serve(connection="other", action="subscribe", match=match)
    serve(action="subscribe", match=match)
    before("DeleteItem", lambda: serve(action="unsubscribe", match=match))
    serve("DISCONNECT")
    assert written(system, dynamodb, match) == 1
    serve("DISCONNECT", "other")


def test_a_row_is_removed_though_the_match_cannot_be_read(
    match: str, dynamodb: Any, subscriptions: Subscriptions, serve: Serve, before: Any
) -> None:
    """A home that does not answer after the row was written leaves no row of a connection that has closed."""
    serve(connection="other", action="subscribe", match=match)

    def fail() -> None:
        serve("DISCONNECT")
        raise ConnectionError

    before("GetItem", fail)
    assert serve(action="subscribe", match=match)["code"] == "unavailable"
    assert rows(subscriptions, dynamodb, match) == 1
    serve("DISCONNECT", "other")


def test_what_is_noted_of_a_closed_connection(
    match: str, dynamodb: Any, subscriptions: Subscriptions, serve: Serve
) -> None:
    """It is small, is forgotten after some minutes, is no subscription, and is in no match's partition."""
    closed = f"{match}closed="
    serve("DISCONNECT", "closed")
    assert subscriptions.of_connection(closed) == []
    assert subscriptions.is_closed(closed)
    assert not subscriptions.is_closed(f"{match}=")
    pages = dynamodb.get_paginator("scan").paginate(TableName=subscriptions.table)
    [noted] = [item for page in pages for item in page["Items"] if item["sk"]["S"] == closed]
    assert item_bytes(noted) <= ROW_BYTES
    assert CLOSED_SECONDS < ROW_SECONDS
    assert noted["pk"]["S"] not in {partition(match, shard) for shard in range(4096)}


def test_a_new_connection_of_the_same_viewer_stays(
    match: str, dynamodb: Any, subscriptions: Subscriptions, serve: Serve
) -> None:
    """A viewer that comes back has another connection, which nothing is noted of."""
    serve(action="subscribe", match=match)
    serve("DISCONNECT")
    assert serve(connection="again", action="subscribe", match=match)["type"] == "snapshot"
    assert rows(subscriptions, dynamodb, match) == 1
    serve("DISCONNECT", "again")
