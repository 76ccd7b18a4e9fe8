"""Signatures, made by botocore and tampered with."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from loadtest.standin.signatures import Verifier

SECRET = "secret"
TOKEN = "t" * 1_000
TARGET = "/live/@connections/L0SM9cOFvHcCIhw%3D"
BODY = '{"player":"Ángel Di María"}'.encode()
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
    "AWS_REGION": "eu-west-1",
}  # fmt: skip
VERIFIER = Verifier(ENVIRONMENT)


def signed(
    *,
    key: str = "AKIA",
    secret: str = SECRET,
    token: str | None = TOKEN,
    service: str = "execute-api",
    region: str = "eu-west-1",
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a signed POST."""
    given = {"Content-Type": "x/y", **(headers or {})}
    request = AWSRequest("POST", f"http://gateway:1{TARGET}", headers=given, data=BODY)
    SigV4Auth(Credentials(key, secret, token), service, region).add_auth(request)
    return {"host": "gateway:1"} | {name.lower(): value for name, value in request.headers.items()}


def why(headers: dict[str, str], *, target: str = TARGET, body: bytes = BODY, now: float | None = None) -> str | None:
    """The kind of error with which a POST is refused."""
    refusal = VERIFIER.refusal("POST", target, headers, body, now)
    return refusal.error if refusal else None


def test_a_right_signature_passes() -> None:
    """A right signature passes, with the body's hash stated or not; unsigned headers do not matter."""
    assert why(signed()) is None
    assert why(signed() | {"accept": "*/*"}) is None
    said = signed(headers={"X-Amz-Content-SHA256": hashlib.sha256(BODY).hexdigest()})
    assert why(said) is None
    assert why(said, body=b"other") == "InvalidSignatureException"


@pytest.mark.parametrize(
    "tampered",
    [
        {"body": BODY + b" "},
        {"target": TARGET.replace("L0", "L1")},
        {"headers": {"host": "other"}},
        {"headers": {"content-type": "x/z"}},
        {"headers": {"x-amz-meta": "not signed"}},
        {"headers": {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}},
    ],
)
def test_what_has_been_changed_is_refused(tampered: dict[str, Any]) -> None:
    """A changed body, path or signed header, and an unsigned ``x-amz-`` header, are refused."""
    headers = signed() | tampered.pop("headers", {})
    assert why(headers, **tampered) == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"secret": "other"}, "InvalidSignatureException"),
        ({"service": "dynamodb"}, "InvalidSignatureException"),
        ({"region": "us-east-1"}, "InvalidSignatureException"),
        ({"key": "AKIB"}, "UnrecognizedClientException"),
        ({"token": "other"}, "UnrecognizedClientException"),
        ({"token": None}, "UnrecognizedClientException"),
    ],
)
def test_other_credentials_are_refused(wrong: dict[str, Any], error: str) -> None:
    """A signature with another secret, scope, key or token is refused."""
    assert why(signed(**wrong)) == error


@pytest.mark.parametrize(("skew", "error"), [(-290, None), (290, None), (-310, "InvalidSignatureException"), (310, "InvalidSignatureException")])  # noqa: E501  # fmt: skip
def test_clocks_may_be_five_minutes_apart(skew: int, error: str | None) -> None:
    """A clock may be five minutes fast or slow, and not more."""
    assert why(signed(), now=time.time() + skew) == error


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "MissingAuthenticationTokenException"),
        ({"authorization": "Bearer x"}, "IncompleteSignatureException"),
        (signed() | {"x-amz-date": "yesterday"}, "IncompleteSignatureException"),
        ({name: value for name, value in signed().items() if name != "x-amz-date"}, "IncompleteSignatureException"),
    ],
)
def test_what_is_no_signature_is_refused(headers: dict[str, str], error: str) -> None:
    """A missing or malformed signature is refused in AWS's words."""
    assert why(headers) == error
