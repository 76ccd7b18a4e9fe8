"""The events that functions are given, against what real ones hold."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from devstack.system import ROOT
from loadtest.standin.lambda_events import (
    Api,
    Connection,
    authorizer_event,
    connect_event,
    disconnect_event,
    error_frame,
    is_connection_id,
    message_event,
    new_id,
)

# The fields of real events: tests/events/apiGatewayWebSocketApi*.json of Powertools for AWS Lambda.
CONTEXT = {
    "routeKey", "eventType", "extendedRequestId", "requestTime", "messageDirection", "stage", "connectedAt",
    "requestTimeEpoch", "identity", "requestId", "domainName", "connectionId", "apiId",
}  # fmt: skip
API = Api("live", frozenset({"$connect", "$disconnect", "$default", "sync"}), frozenset({"sync"}))
WHO = Connection("L0SM9cOFvHcCIhw=", 1_766_080_000_123, "127.0.0.1", "agent", "gateway:1")


def test_a_connect_event() -> None:
    """A CONNECT event has headers and query, each as single values and as lists, without the gateway's own headers."""
    headers = [("Host", "gateway:1"), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("X-A", "1"), ("X-A", "2")]
    event = connect_event(API, WHO, headers, "v=1&v=2&empty=", "r")
    assert set(event) == {
        "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "requestContext",
        "isBase64Encoded",
    }  # fmt: skip
    assert set(event["requestContext"]) == CONTEXT
    assert event["headers"] == {
        "Host": "gateway:1", "X-A": "2", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }  # fmt: skip
    assert event["multiValueHeaders"]["X-A"] == ["1", "2"]
    assert event["queryStringParameters"] == {"v": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"v": ["1", "2"], "empty": [""]}
    about = event["requestContext"]
    assert (about["routeKey"], about["eventType"], about["stage"]) == ("$connect", "CONNECT", "live")
    assert (about["connectionId"], about["connectedAt"]) == (WHO.id, WHO.connected_at)
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", about["requestTime"])
    assert about["domainName"] == "gateway:1"


def test_without_a_query_there_are_no_query_fields() -> None:
    """Without a query the event has no query fields, like the real event."""
    event = connect_event(API, WHO, [], "", "r")
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}


@pytest.mark.parametrize(("body", "text", "encoded"), [("é", "é", False), (b"\x00", "AA==", True)])
def test_a_message_event(body: str | bytes, text: str, encoded: bool) -> None:
    """A MESSAGE event has the body, binary ones in base64, and a message id, and no headers."""
    event = message_event(API, WHO, "sync", body, "r")
    assert set(event) == {"requestContext", "body", "isBase64Encoded"}
    assert set(event["requestContext"]) == CONTEXT | {"messageId"}
    assert (event["body"], event["isBase64Encoded"]) == (text, encoded)
    assert (event["requestContext"]["routeKey"], event["requestContext"]["eventType"]) == ("sync", "MESSAGE")


def test_a_disconnect_event() -> None:
    """The event has the close code and the reason."""
    event = disconnect_event(API, WHO, 1005, "", "r")
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}
    assert set(event["headers"]) == {"Host", "x-api-key", "X-Forwarded-For", "x-restapi"}
    assert set(event["requestContext"]) == CONTEXT | {"disconnectStatusCode", "disconnectReason"}
    assert event["requestContext"]["disconnectStatusCode"] == 1005
    assert event["requestContext"]["disconnectReason"] == "Client-side close frame status not set"


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ('{"action":"sync"}', "sync"),
        ('{"action":"other"}', "$default"),
        ('{"action":"$connect"}', "$default"),
        ('{"action":1}', "$default"),
        ('["sync"]', "$default"),
        ("", "$default"),
    ],
)
def test_the_route_is_selected_by_the_body(text: str, route: str) -> None:
    """A message cannot call ``$connect``; a message without a route goes to ``$default``."""
    assert API.route(text) == route


def test_without_default_there_may_be_no_route() -> None:
    """Without ``$default`` a message without a route has none, and API Gateway itself answers."""
    assert Api("live", frozenset({"sync"}), frozenset()).route("{}") is None
    assert json.loads(error_frame("Forbidden", WHO, "r")) == {
        "message": "Forbidden", "connectionId": WHO.id, "requestId": "r"
    }  # fmt: skip


def test_ids_have_awss_shape() -> None:
    """A connection id has sixteen characters of eleven bytes, and no two ids are equal."""
    ids = {new_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(is_connection_id(each) and len(base64.urlsafe_b64decode(each)) == 11 for each in ids)
    assert is_connection_id("L0SM9cOFvHcCIhw=")
    assert not any(map(is_connection_id, ("", "nobody", "L0SM9cOFvHcCIhw", "L0SM9cOFvHcCIhw==", "L0SM9cOFvHc/Ihw=")))


@pytest.mark.parametrize(
    "description",
    [{}, {"stage": "live"}, {"stage": "live", "routes": [], "two_way": [], "route_selection_expression": "$request.x"}],
)
def test_a_description_that_cannot_be_served_is_refused(description: dict[str, Any]) -> None:
    """An API that cannot be served is refused with a sentence."""
    with pytest.raises(ValueError, match=r"\.$"):
        Api.described(description)


def test_an_authorizer_event() -> None:
    """An authorizer's event is as AWS documents it: the handshake, the ARN, and the context of CONNECT."""
    event = authorizer_event(API, WHO, [("Host", "gateway:1")], "token=t", "r")
    assert set(event) == {
        "type", "methodArn", "stageVariables", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "requestContext",
    }  # fmt: skip
    assert (event["type"], event["methodArn"].rpartition(":")[2]) == ("REQUEST", "standin/live/$connect")
    assert set(event["requestContext"]) == CONTEXT
    assert event["queryStringParameters"] == {"token": "t"}


def test_the_described_api_can_be_served() -> None:
    """The stand-in serves the API of terraform/system.json, with its throttles."""
    api = Api.described(json.loads((ROOT / "terraform/system.json").read_text(encoding="utf-8"))["websocket_api"])
    assert {"$connect", "$disconnect", "$default"} <= api.routes
    assert api.throttles["$connect"][0] > 0


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ({"route_selection_expression": "$request.header.x"}, "can select a route"),
        ({}, "is not whole"),
    ],
)
def test_an_api_that_cannot_be_served_is_a_sentence(description: dict[str, Any], reason: str) -> None:
    """A route selection that the stand-in does not know, or a missing field, is named."""
    with pytest.raises(ValueError, match=reason):
        Api.described(description)
