"""Messages to one viewer: from the HTTP API to the viewer's connections."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from api import app, resources
from api import handler as api
from broadcaster.transports.connection_messenger import ConnectionMessenger
from broadcaster.transports.messenger import ChannelMessenger, MessageResult
from devstack.operator.local_tokens import tokens_of
from loadtest.bearer import Bearer
from matches.channels import Channels, subject_segment
from runtime.cell_calls import CellCalls
from subscriptions.listeners import Listeners
from subscriptions.viewer_messages import BODY_BYTES, SUBJECT_LENGTH
from tests.api.test_api import refusal
from tests.refusing_service import refusing_service
from tests.support import eventually, given

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from devstack.system import System

MARK = "hush-7131"
"""A text in a body. No log may have it."""


@pytest.fixture(scope="module")
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to the API, with the token of a program that sends messages."""
    with httpx.Client(base_url=system.api_url, timeout=20, auth=Bearer(tokens_of(system, "messenger"))) as http:
        yield http


@pytest.fixture
def listeners(system: System, dynamodb: Any) -> Listeners:
    """The listeners of the running system's one cell."""
    return Listeners(system.name("subscriptions"), dynamodb)


def send(http: httpx.Client, subject: str, **message: Any) -> httpx.Response:
    """Send a message to a subject."""
    return http.post(f"/viewers/{quote(subject, safe='')}/messages", json=message)


def subject_of(system: System, name: str) -> str:
    """The subject of an app client's tokens."""
    return str(jwt.decode(tokens_of(system, name).token(), options={"verify_signature": False})["sub"])


@pytest.fixture
async def open_socket(system: System, listeners: Listeners) -> AsyncIterator[Any]:
    """Opens the socket of an app client that listens. At the end nobody listens any more."""
    subjects = [await asyncio.to_thread(subject_of, system, name) for name in ("viewer", "guest")]
    async with AsyncExitStack() as stack:

        async def opened(name: str) -> ClientConnection:
            token = await asyncio.to_thread(tokens_of(system, name).token)
            socket = await stack.enter_async_context(connect(f"{system.websocket_url}?token={token}"))
            await socket.send('{"action":"listen"}')
            assert await hear(socket) == {"type": "listening"}
            return socket

        yield opened
    await eventually(lambda: not any(listeners.of_subject(each) for each in subjects))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 20))
    return frame


async def test_every_connection_of_a_subject_hears_and_no_other(
    system: System, http: httpx.Client, open_socket: Any
) -> None:
    """Both connections of a viewer take the message, with its body. Another viewer's next frame is its own message."""
    two, other = [await open_socket("viewer") for _ in range(2)], await open_socket("guest")
    sent = await asyncio.to_thread(send, http, subject_of(system, "viewer"), key="bet-settled", body={"won": [1, 2]})
    assert sent.status_code == 200
    assert sent.json() == {
        "subject": subject_of(system, "viewer"), "key": "bet-settled", "taken": 2, "pruned": 0, "failed": 0,
        "cells": {"us-east-1": {"taken": 2, "pruned": 0, "failed": 0}},
    }  # fmt: skip
    for socket in two:
        frame = await hear(socket)
        assert frame.pop("at") > 1_700_000_000_000
        assert frame == {"type": "message", "key": "bet-settled", "body": {"won": [1, 2]}}
    to_other = await asyncio.to_thread(send, http, subject_of(system, "guest"), key="yours")
    assert to_other.json()["taken"] == 1
    frame = await hear(other)
    assert (frame["key"], "body" in frame) == ("yours", False)


def test_nobody_there_is_no_error(http: httpx.Client) -> None:
    """A subject that does not listen, or that does not exist, is answered with 0 connections."""
    answer = send(http, "nobody", key="k").json()
    assert (answer["taken"], answer["pruned"], answer["failed"]) == (0, 0, 0)


@pytest.mark.parametrize("subject", ["auth0|ann", "ann smith", "ünal", "a:b@c.example", "x" * SUBJECT_LENGTH])
def test_a_gone_connection_is_pruned_and_counted(http: httpx.Client, listeners: Listeners, subject: str) -> None:
    """The row of a connection that does not exist is deleted, whatever the subject; the next message counts none."""
    listeners.add(subject, "goneGoneGone=")
    first, second = send(http, subject, key="k").json(), send(http, subject, key="k").json()
    assert (first["subject"], first["taken"], first["pruned"]) == (subject, 0, 1)
    assert (second["taken"], second["pruned"]) == (0, 0)
    assert listeners.of_subject(subject) == []


async def test_who_has_left_is_not_told(
    system: System, http: httpx.Client, open_socket: Any, listeners: Listeners
) -> None:
    """After a viewer has closed one of two connections, a message goes to the other one."""
    leaving, staying, guest = await open_socket("guest"), await open_socket("guest"), subject_of(system, "guest")
    await leaving.close()
    await eventually(lambda: len(listeners.of_subject(guest)) == 1)
    sent = await asyncio.to_thread(send, http, guest, key="k")
    assert (sent.json()["taken"], sent.json()["pruned"]) == (1, 0)
    assert (await hear(staying))["key"] == "k"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"key": ""}, {"key": 7}, {"key": "two words"}, {"key": "k" * 65}, {"key": "-k"}, {"key": "k\n"},
        {"key": "k", "match": "m"}, {"body": {}}, [], "k",
    ],
)  # fmt: skip
def test_a_wrong_message_is_refused(http: httpx.Client, body: Any) -> None:
    """A message needs a key of few characters, and has no other field than ``body``."""
    assert refusal(http.post("/viewers/ann/messages", json=body)) == (422, "invalid")


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("{", (400, "malformed_json")),
        (json.dumps({"key": "k", "body": "x" * (BODY_BYTES - 1)}), (413, "too_large")),
        (json.dumps({"key": "k", "body": "ü" * (BODY_BYTES // 2)}), (413, "too_large")),
        (json.dumps({"key": "k", "body": "x" * 40_000}), (413, "too_large")),
    ],
)
def test_a_message_that_is_too_large_is_refused(http: httpx.Client, content: str, refused: tuple[int, str]) -> None:
    """The body of a message has at most 2 KB as JSON, counted in bytes of UTF-8; a request has at most 32 KB."""
    assert refusal(http.post("/viewers/ann/messages", content=content)) == refused


def test_the_largest_body_is_sent(http: httpx.Client) -> None:
    """A body of exactly 2 KB is taken."""
    assert send(http, "nobody", key="k", body="x" * (BODY_BYTES - 2)).status_code == 200


def test_a_subject_that_no_path_can_name_is_refused(http: httpx.Client) -> None:
    """A subject with a percent sign is ambiguous in a path, and one of 201 characters exists on no token."""
    for subject in ("a%b", "a\\b", "x" * (SUBJECT_LENGTH + 1)):
        assert send(http, subject, key="k").status_code in (404, 422)


def test_each_scope_is_for_its_own_routes(system: System, http: httpx.Client, match: str) -> None:
    """Operators may send no messages, and a program that sends messages may not score: 403. Others get a 401."""
    with httpx.Client(base_url=system.api_url, timeout=20, auth=Bearer(tokens_of(system))) as operator:
        assert send(operator, "ann", key="k").status_code == 403
    assert http.post(f"/matches/{match}/events", json={"kind": "kick_off"}).status_code == 403
    assert http.post(f"/matches/{match}/stop").status_code == 403
    for headers in ({}, {"Authorization": f"Bearer {tokens_of(system, 'viewer').token()}"}):
        sent = httpx.post(f"{system.api_url}/viewers/ann/messages", json={"key": "k"}, headers=headers, timeout=20)
        assert sent.status_code == 401


def test_a_connection_that_takes_nothing_keeps_its_row(listeners: Listeners) -> None:
    """A throttled POST is counted as failed. The connection still listens, and the others are told."""
    listeners.add("throttled", "a=")
    listeners.add("throttled", "b=")
    with refusing_service("LimitExceededException", 429) as server, ThreadPoolExecutor(2) as threads:
        messenger = ConnectionMessenger(listeners, server.client("apigatewaymanagementapi"), threads)
        assert messenger.message("throttled", b"{}") == MessageResult(0, failed=2)
    assert sorted(listeners.of_subject("throttled")) == ["a=", "b="]


class Cell:
    """A cell that answers in one way, and keeps what it was asked."""

    def __init__(self, answer: MessageResult | Exception) -> None:
        self._answer = answer
        self.frames: list[tuple[str, bytes]] = []

    def message(self, subject: str, frame: bytes) -> MessageResult:
        """Keep the frame, and answer."""
        self.frames.append((subject, frame))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def send_in_process(
    monkeypatch: pytest.MonkeyPatch, cells: dict[str, Any], scope: str = "livescore/viewer:write"
) -> tuple[int, dict[str, Any], str]:
    """Status and body of the API's answer in this process, with these cells, and its log."""
    given(monkeypatch, "api", POWERTOOLS_LOG_LEVEL="DEBUG")
    monkeypatch.setattr(resources, "messengers", lambda: cells)
    monkeypatch.setattr(resources, "message_calls", lambda: CellCalls(len(cells)))
    path = "/viewers/auth0|ann/messages"
    about = {
        "http": {"method": "POST", "path": path}, "requestId": "r", "stage": "$default",
        "authorizer": {"jwt": {"claims": {"sub": "shop", "scope": scope}}},
    }  # fmt: skip
    event = {
        "version": "2.0", "rawPath": path, "headers": {"authorization": f"Bearer {MARK}"}, "requestContext": about,
        "body": json.dumps({"key": "bet-settled", "body": {"text": MARK}}),
    }  # fmt: skip
    context: Any = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
    )
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("api")
    handler.setFormatter(app.logger.registered_formatter)
    logger.addHandler(handler)
    try:
        answer = api.handler(event, context)
    finally:
        logger.removeHandler(handler)
    return answer["statusCode"], json.loads(answer["body"]), log.getvalue()


def test_a_silent_cell_is_named_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer sums the cells that count. A cell whose service does not say has null."""
    cells = {
        "main": Cell(MessageResult(2, pruned=1)), "far": Cell(TimeoutError()),
        "events": Cell(MessageResult(None)), "west": Cell(MessageResult(1, failed=3)),
    }  # fmt: skip
    status, body, _ = send_in_process(monkeypatch, cells)
    assert (status, body) == (200, {
        "subject": "auth0|ann", "key": "bet-settled", "taken": 3, "pruned": 1, "failed": 3,
        "cells": {
            "main": {"taken": 2, "pruned": 1, "failed": 0}, "far": {"unreached": True},
            "events": {"taken": None, "pruned": 0, "failed": 0}, "west": {"taken": 1, "pruned": 0, "failed": 3},
        },
    })  # fmt: skip
    assert all(len(each.frames) == 1 for each in cells.values())


def test_services_that_do_not_count_are_null(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no cell counts, ``taken`` is null, and not 0: perhaps somebody has heard."""
    status, body, _ = send_in_process(monkeypatch, {"events": Cell(MessageResult(None))})
    assert (status, body["taken"]) == (200, None)


def test_no_cell_that_answers_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender learns that nobody may have been told, and may send the message again."""
    status, body, _ = send_in_process(monkeypatch, {"main": Cell(TimeoutError())})
    assert (status, body["error"]["code"]) == (503, "unavailable")


def test_a_route_without_its_authorizer_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function checks the scope again: a token that may score sends nothing."""
    cell = Cell(MessageResult(1))
    status, body, _ = send_in_process(monkeypatch, {"main": cell}, scope="livescore/score:write livescore/watch")
    assert (status, body["error"]["code"], cell.frames) == (403, "forbidden", [])


@pytest.mark.parametrize("answer", [MessageResult(1), TimeoutError()], ids=["taken", "silent"])
def test_the_log_names_the_key_and_repeats_no_body(
    monkeypatch: pytest.MonkeyPatch, answer: MessageResult | Exception
) -> None:
    """The log has the key, who sent it and the hash of the subject; never the body, the subject or the token."""
    _, _, log = send_in_process(monkeypatch, {"main": Cell(answer), "other": Cell(MessageResult(0))})
    assert subject_segment("auth0|ann") in log
    assert '"bet-settled"' in log
    assert '"shop"' in log
    assert MARK not in log
    assert "auth0|ann" not in log


def test_a_broadcasting_cell_publishes_to_the_subjects_channel() -> None:
    """The frame goes once to the channel of the subject, and the number of listeners stays unknown."""
    published: list[tuple[str, bytes]] = []
    service = SimpleNamespace(frame_bytes=4096, publish=lambda *call: published.append(call))
    assert ChannelMessenger(service, Channels("derby")).message("auth0|ann", b"{}") == MessageResult(None)
    assert published == [(f"derby/subjects/{subject_segment('auth0|ann')}", b"{}")]
