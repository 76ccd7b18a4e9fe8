"""Mutations of AppSync GraphQL, and the meaning of their answers, over real sockets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from broadcaster.transports import signed_http
from broadcaster.transports.appsync_graphql import MUTATION, PAYLOAD_BYTES, AppSyncGraphql
from loadtest.standin.graphql_documents import Documents
from loadtest.standin.graphql_server import SCHEMA
from runtime import refusals
from tests.broadcaster.transports.http_service import http_service
from tests.channel_names import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broadcaster.transports.http_service import HttpService

CHANNEL = "livescore/c-world-cup-2022/wc22-final/all"
FRAME = '{"type":"update","player":"Ángel \\"Fideo\\""}'.encode()
TAKEN = b'{"data":{"publish":{"channel":"c","feed":"f","frame":"x"}}}'


@pytest.fixture
def service() -> Iterator[HttpService]:
    """A service on loopback."""
    with http_service() as service:
        yield service


@pytest.fixture
def graphql(service: HttpService, monkeypatch: pytest.MonkeyPatch) -> AppSyncGraphql:
    """AppSync's side of it."""
    monkeypatch.setattr(signed_http, "PAUSE_SECONDS", 0.001)
    return AppSyncGraphql(f"{service.url}/graphql", "eu-west-1", lambda: ReadOnlyCredentials("A", "S", None))


def test_a_frame_is_the_argument_of_a_signed_mutation(graphql: AppSyncGraphql, service: HttpService) -> None:
    """The channel is split at its last slash, the frame is its text unchanged, and the request is signed."""
    service.say((200, TAKEN))
    graphql.publish(CHANNEL, FRAME)
    graphql.publish(CHANNELS.subject("ann"), b"{}")
    first, second = (json.loads(each.body) for each in service.requests)
    match = {"channel": "livescore/c-world-cup-2022/wc22-final", "feed": "all", "frame": FRAME.decode()}
    assert first == {"query": MUTATION, "variables": match}
    assert second["variables"]["channel"] == "livescore/subjects"
    assert second["variables"]["feed"].startswith("s-")
    assert "/eu-west-1/appsync/aws4_request" in service.requests[0].headers["authorization"]


def test_the_mutation_fits_the_schema() -> None:
    """The mutation is one of the schema's and selects every field of a frame: subscriptions get no other."""
    variables = {"channel": "c", "feed": "f", "frame": "x"}
    operation = Documents(SCHEMA.read_text()).operation(MUTATION, variables)
    assert (operation.kind, operation.arguments) == ("mutation", variables)
    assert set(operation.selected) == set(variables)


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("Unauthorized", "refused"),
        ("UnauthorizedException", "refused"),
        ("InternalFailure", "transient"),
        (None, "transient"),
    ],
)
def test_an_error_inside_status_200_is_an_error(
    graphql: AppSyncGraphql, service: HttpService, kind: str | None, meaning: str
) -> None:
    """GraphQL's errors come with status 200: a missing right is a refusal, anything else may pass."""
    error = {"errors": [{"errorType": kind, "message": "no"}], "data": {"publish": None}}
    service.say((200, json.dumps(error).encode()))
    with pytest.raises(ClientError) as raised:
        graphql.publish(CHANNEL, FRAME)
    assert refusals.judge(raised.value) == meaning


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b"null", b'{"data":null}', b'{"data":{"publish":null}}', b"<"])
def test_an_answer_that_does_not_say_taken_is_a_passing_error(
    graphql: AppSyncGraphql, service: HttpService, answer: bytes
) -> None:
    """A frame that AppSync has perhaps not taken is told again."""
    service.say((200, answer))
    with pytest.raises(ClientError) as raised:
        graphql.publish(CHANNEL, FRAME)
    assert refusals.judge(raised.value) == "transient"


def test_the_longest_frame_fits_the_payload() -> None:
    """A frame of the stated length fits 240 KB, whatever its letters: AppSync drops longer ones without a word."""
    frame = '"' * AppSyncGraphql.frame_bytes
    payload = json.dumps({"channel": CHANNEL, "feed": "score", "frame": frame})
    assert len(payload.encode()) <= PAYLOAD_BYTES
