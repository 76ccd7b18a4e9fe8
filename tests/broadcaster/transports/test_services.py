"""Requests to AppSync Events and IoT Core, and the meaning of their answers, over real sockets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from broadcaster.transports.appsync_events import AppSyncEvents
from broadcaster.transports.iot_core import IotCore
from runtime import refusals
from tests.broadcaster.transports.http_service import http_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broadcaster.transports.http_service import HttpService

CHANNEL = "livescore/c-world-cup-2022/wc22-final/all"
FRAME = '{"type":"update","player":"Ángel \\"Fideo\\""}'.encode()
TAKEN = b'{"failed":[],"successful":[{"identifier":"a","index":0}]}'


@pytest.fixture
def service() -> Iterator[HttpService]:
    """A service on loopback."""
    with http_service() as service:
        yield service


@pytest.fixture
def events(service: HttpService) -> AppSyncEvents:
    """AppSync's side of it."""
    return AppSyncEvents(f"{service.url}/event", "eu-west-1", lambda: ReadOnlyCredentials("A", "S", None))


def test_appsync_gets_the_frame_as_one_event(events: AppSyncEvents, service: HttpService) -> None:
    """The event is the text of the frame, unchanged, on the channel with a slash in front, signed for ``appsync``."""
    service.say((200, TAKEN))
    events.publish(CHANNEL, FRAME)
    (request,) = service.requests
    assert json.loads(request.body) == {"channel": f"/{CHANNEL}", "events": [FRAME.decode()]}
    assert "/eu-west-1/appsync/aws4_request" in request.headers["authorization"]


@pytest.mark.parametrize(
    "answer",
    [b'{"failed":[{"identifier":"a","index":0,"code":500,"message":"no"}],"successful":[]}',
     b'{"failed":[{"identifier":"a","index":0,"code":429}],"successful":[]}', b'{"failed":[],"successful":[]}',
     b"{}", b"[]", b"null", b"<html>", b""],
)  # fmt: skip
def test_an_event_that_appsync_did_not_take_is_an_error(
    events: AppSyncEvents, service: HttpService, answer: bytes
) -> None:
    """An answer 200 that does not say that the event was taken counts as a passing failure, so it is told again."""
    service.say((200, answer))
    with pytest.raises(ClientError) as error:
        events.publish(CHANNEL, FRAME)
    assert refusals.judge(error.value) == "transient"


@pytest.mark.parametrize("more", [b',"code":400,"message":"no"', b""])
def test_an_event_that_appsync_blames_is_invalid(events: AppSyncEvents, service: HttpService, more: bytes) -> None:
    """An event in ``failed`` fails again, unless AppSync states a status of its own trouble."""
    service.say((200, b'{"failed":[{"identifier":"a","index":0%s}],"successful":[]}' % more))
    with pytest.raises(ClientError) as error:
        events.publish(CHANNEL, FRAME)
    assert refusals.judge(error.value) == "invalid"


def test_iot_core_gets_the_frame_at_least_once(service: HttpService) -> None:
    """The payload is the frame, on the channel as topic, with quality of service 1, signed for ``iotdata``."""
    client: Any = boto3.client(
        "iot-data", endpoint_url=service.url, region_name="eu-west-1", aws_access_key_id="A", aws_secret_access_key="S"
    )
    IotCore(client).publish(CHANNEL, FRAME)
    (request,) = service.requests
    assert request.target == f"/topics/{CHANNEL.replace('/', '%2F')}?qos=1"
    assert request.body == FRAME
    assert "/eu-west-1/iotdata/aws4_request" in request.headers["authorization"]


def test_a_refusal_of_iot_core_is_raised(service: HttpService) -> None:
    """IoT Core's refusal comes out as botocore's error."""
    service.say((403, b'{"message":"no"}', {"x-amzn-ErrorType": "ForbiddenException"}))
    client: Any = boto3.client(
        "iot-data", endpoint_url=service.url, region_name="eu-west-1", aws_access_key_id="A", aws_secret_access_key="S"
    )
    with pytest.raises(ClientError) as error:
        IotCore(client).publish(CHANNEL, FRAME)
    assert refusals.judge(error.value) == "refused"
