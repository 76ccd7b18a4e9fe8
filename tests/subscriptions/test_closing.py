"""The cost of closing a connection, with a real HTTP server in place of the gateway."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session

from runtime import aws
from subscriptions import routes
from subscriptions.connection_meter import MESSAGE_BYTES, SHUT_SECONDS, ConnectionMeter
from tests.support import given, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gateway:
    """Answers @connections as the test says, and notes the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = {"POST": 200, "DELETE": 204}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """It, as the one that the routes' function has."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gateway.calls.append(self.command)
            self.send_response(gateway.status[self.command])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            pass

    session = Session()
    session.set_credentials("key", "secret")
    session.set_config_variable("region", "us-east-1")
    monkeypatch.setattr(aws, "_session", lambda: session)
    monkeypatch.setattr(routes, "_meter", ConnectionMeter())
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, serving(server):
        given(monkeypatch, "routes", CONNECTIONS_URL=f"http://127.0.0.1:{server.server_port}/live")
        yield gateway


def too_large(connection: str = "L0SM9cOFvHcCIhw=") -> dict[str, Any]:
    """The function's answer to a message that closes its connection."""
    about = {"connectionId": connection, "eventType": "MESSAGE"}
    answer: Any = routes.handler({"requestContext": about, "body": "x" * (MESSAGE_BYTES + 1)}, None)  # type: ignore[arg-type]
    return dict(answer)


@pytest.mark.parametrize("status", [200, 410, 429, 500])
def test_a_connection_is_closed_whatever_became_of_the_frame(gateway: Gateway, status: int) -> None:
    """The frame is sent once and never again, for it is taken from what goals are sent with; the close follows."""
    gateway.status["POST"] = status
    assert too_large() == {"statusCode": 200}
    assert gateway.calls == ["POST", "DELETE"]


@pytest.mark.parametrize(("post", "told"), [(200, False), (429, True)])
def test_a_connection_that_cannot_be_closed(gateway: Gateway, post: int, told: bool) -> None:
    """Its viewer is told by the answer, unless the frame has told it; the close is tried once."""
    gateway.status |= {"POST": post, "DELETE": 429}
    body = too_large().get("body")
    assert gateway.calls == ["POST", "DELETE"]
    assert (None if body is None else json.loads(body)["code"]) == ("too_large" if told else None)


def test_messages_of_a_connection_that_was_shut_cost_no_call(gateway: Gateway) -> None:
    """A flood that was on its way when its connection was closed takes nothing; another connection is closed too."""
    assert [too_large() for _ in range(5)] == [{"statusCode": 200}] * 5
    assert gateway.calls == ["POST", "DELETE"]
    too_large("another")
    assert gateway.calls == ["POST", "DELETE"] * 2


def test_a_close_that_had_no_effect_is_tried_again_later() -> None:
    """A connection counts as shut for some seconds from the first time, however much comes of it meanwhile."""
    meter = ConnectionMeter(remembered=2)
    assert [meter.shut("a", now) for now in (0, 1, SHUT_SECONDS - 1, SHUT_SECONDS, SHUT_SECONDS + 1)] == [
        False, True, True, False, True,
    ]  # fmt: skip
    meter.forget("a")
    assert not meter.shut("a", SHUT_SECONDS + 2)
    assert not meter.shut("b", SHUT_SECONDS + 2)
    assert not meter.shut("c", SHUT_SECONDS + 2)  # pushes out "a"
    assert not meter.shut("a", SHUT_SECONDS + 3)
