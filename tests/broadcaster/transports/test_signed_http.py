"""Signed POSTs over real sockets: signatures, connections, and the meaning of answers."""

from __future__ import annotations

import io
import json
import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from broadcaster.transports import signed_http
from broadcaster.transports.signed_http import SignedHttp
from loadtest.standin.signatures import Verifier
from runtime import refusals
from runtime.thaw import IDLE_SECONDS, Usage
from tests.broadcaster.transports.http_service import http_service
from tests.forgetting_service import forgetting_service
from tests.silent_service import silent_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broadcaster.transports.http_service import HttpService

REGION, KEY, SECRET, TOKEN = "eu-west-1", "AKIA", "secret", "session token"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN, "AWS_REGION": REGION,
}  # fmt: skip
BODY = '{"player":"Ángel Di María"}'.encode()


def credentials() -> ReadOnlyCredentials:
    """The credentials of a function."""
    return ReadOnlyCredentials(KEY, SECRET, TOKEN)


@pytest.fixture
def service() -> Iterator[HttpService]:
    """A service on loopback."""
    with http_service() as service:
        yield service


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> SignedHttp:
    """A client that pauses between tries only for a moment."""
    monkeypatch.setattr(signed_http, "PAUSE_SECONDS", 0.001)
    return SignedHttp("appsync", REGION, credentials)


@pytest.mark.parametrize("host", [None, "abc.appsync-api.eu-west-1.localhost:4566"])
def test_the_signature_is_right_for_the_service_and_the_host(
    http: SignedHttp, service: HttpService, host: str | None
) -> None:
    """The request is signed again as it arrived, with the same result, whatever host it names."""
    named = {"Host": host} if host else {}
    assert http.post(f"{service.url}/event", BODY, {"Content-Type": "application/json", **named}) == b"{}"
    (request,) = service.requests
    assert (request.method, request.target, request.body) == ("POST", "/event", BODY)
    assert request.headers["host"] == (host or service.url.removeprefix("http://"))
    assert Verifier(ENVIRONMENT, "appsync").refusal("POST", "/event", request.headers, BODY) is None
    assert Verifier(ENVIRONMENT, "appsync").refusal("POST", "/event", request.headers, b"other") is not None


def test_a_body_does_not_wait_for_the_acknowledgement_of_the_headers(
    http: SignedHttp, service: HttpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection has TCP_NODELAY: without it a publish on an open connection would take 40 ms longer."""
    opened: list[socket.socket] = []
    create = urllib3.util.connection.create_connection

    def noting(*args: Any, **options: Any) -> socket.socket:
        opened.append(create(*args, **options))
        return opened[-1]

    monkeypatch.setattr(urllib3.util.connection, "create_connection", noting)
    http.post(f"{service.url}/event", BODY, {})
    assert [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0 for each in opened] == [True]


def test_a_service_without_signatures_gets_none(service: HttpService) -> None:
    """Without credentials the request has the caller's headers and no signature."""
    SignedHttp("momento", REGION).post(f"{service.url}/topics", BODY, {"Authorization": "key"})
    assert service.requests[0].headers["authorization"] == "key"
    assert not [name for name in service.requests[0].headers if name.startswith("x-amz")]


def test_a_process_without_credentials_is_refused_before_the_network(service: HttpService) -> None:
    """The error is one that a person must end, and the service is not asked."""
    with pytest.raises(NoCredentialsError) as error:
        SignedHttp("appsync", REGION, lambda: None).post(service.url, BODY, {})
    assert refusals.judge(error.value) == "refused"
    assert not service.requests


@pytest.mark.parametrize(
    ("status", "body", "code", "verdict", "tries"),
    [
        (429, b'{"errors":[{"errorType":"TooManyRequestsException"}]}', "TooManyRequestsException", "transient", 3),
        (503, b"<html>", "503", "transient", 3),
        (500, b'{"__type":"com.amazonaws#InternalFailure"}', "InternalFailure", "transient", 3),
        (403, b'{"errors":[{"errorType":"AccessDeniedException"}]}', "AccessDeniedException", "refused", 1),
        (401, b'{"errors":[{"errorType":"UnauthorizedException"}]}', "UnauthorizedException", "refused", 1),
        (404, b'{"errors":[{"errorType":"ResourceNotFoundException"}]}', "ResourceNotFoundException", "refused", 1),
        (400, b'{"errors":[{"errorType":"BadRequestException"}]}', "ValidationException", "invalid", 1),
        (413, b"", "ValidationException", "invalid", 1),
        (400, b'{"code":7}', "ValidationException", "invalid", 1),
        (400, b'{"__type":"ThrottlingException"}', "ThrottlingException", "transient", 3),
        (302, b"", "302", "refused", 1),
        (304, b"", "304", "refused", 1),
    ],
)  # fmt: skip
def test_an_error_is_judged_as_one_of_botocores(
    http: SignedHttp, service: HttpService, status: int, body: bytes, code: str, verdict: str, tries: int
) -> None:
    """The code comes from the answer; a throttle and a 5xx are tried again, a refusal and a wrong call are not.

    A redirection is no success: nobody has taken the frame.
    """
    service.say((status, body))
    with pytest.raises(ClientError) as error:
        http.post(service.url, BODY, {})
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert refusals.judge(error.value) == verdict
    assert len(service.requests) == tries


def test_the_header_with_the_kind_of_error_counts_before_the_body(http: SignedHttp, service: HttpService) -> None:
    """AWS states the code in ``x-amzn-errortype``, with a URL after a colon."""
    service.say((403, b"{}", {"x-amzn-ErrorType": "ForbiddenException:http://internal.amazon.com/x"}))
    with pytest.raises(ClientError, match="ForbiddenException"):
        http.post(service.url, BODY, {})


def test_a_later_try_may_succeed(http: SignedHttp, service: HttpService) -> None:
    """A throttle and a broken answer cost a pause each, and the third answer counts."""
    service.say((429, b"{}"), (502, b""), (200, b'{"ok":1}'))
    assert http.post(service.url, BODY, {}) == b'{"ok":1}'


def test_a_refusal_is_reported_once_a_minute(
    http: SignedHttp, service: HttpService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the same ``aws_refused`` as for a client of botocore, with the service and the call."""
    monkeypatch.setattr(refusals, "_reported", {})
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(refusals.logger.registered_formatter)
    logging.getLogger(refusals.logger.name).addHandler(handler)
    service.say((403, b'{"__type":"AccessDeniedException"}'))
    try:
        for _ in range(2):
            with pytest.raises(ClientError):
                http.post(service.url, BODY, {})
    finally:
        logging.getLogger(refusals.logger.name).removeHandler(handler)
    (line,) = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (line["message"], line["aws_service"], line["code"]) == ("aws_refused", "appsync", "AccessDeniedException")


def test_a_silent_service_is_given_up(http: SignedHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try waits as long as a hurried client of botocore, and the error is a transient one."""
    monkeypatch.setattr(http, "_tries", 1)
    with silent_service() as silent:
        with pytest.raises(ReadTimeoutError) as error:
            http.post(silent.url, BODY, {})
        assert silent.calls == 1
    assert refusals.judge(error.value) == "transient"


def test_a_service_that_is_not_there_is_transient(http: SignedHttp, service: HttpService) -> None:
    """Nothing listens: botocore's own error."""
    url = service.url
    service.server_close()
    with pytest.raises((EndpointConnectionError, ConnectTimeoutError)) as error:
        http.post(url, BODY, {})
    assert isinstance(error.value, BotoCoreError)
    assert refusals.judge(error.value) == "transient"


def test_a_connection_is_kept_and_opened_again_after_a_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls share a connection while it is used; after a long pause the next call opens a new one."""
    now = [0.0]
    monkeypatch.setattr(signed_http, "Usage", lambda: Usage(lambda: now[0]))
    http = SignedHttp("appsync", REGION, credentials)
    with forgetting_service() as service:
        for _ in range(3):
            http.post(service.url, BODY, {})
            now[0] += IDLE_SECONDS
        assert service.opened == 1
        service.forget()
        now[0] += IDLE_SECONDS
        http.post(service.url, BODY, {})
        assert (service.opened, service.swallowed) == (2, 0)
