"""Signatures, against botocore's own signer."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.send.signing import SERVICE, Credentials, Endpoint, prepare

CONNECTIONS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{15}=", fullmatch=True),  # as API Gateway makes them
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda text: text not in (".", "..")  # segments that mean something in a path; no connection has such an id
    ),
)
URLS = st.sampled_from(
    [
        "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/live",
        "https://scores.example.org",
        "http://127.0.0.1:4566/_aws/execute-api/livescorews/live",
        "http://[::1]:8080/live/",
        "https://example.org:8443/a%20b/live",
    ]
)
TOKENS = st.none() | st.text(st.sampled_from("ABCxyz019+/="), min_size=1, max_size=1200)
SECONDS = st.integers(946_684_800, 4_102_444_800)  # the years 2000 to 2100


def read(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, version = first.split(" ")
    assert (method in ("POST", "DELETE"), version) == (True, "HTTP/1.1")
    headers = dict(line.split(": ", 1) for line in lines)
    return path, {name.lower(): value for name, value in headers.items()}, body


def botocores(
    url: str, body: bytes, region: str, credentials: Credentials, now: float, method: str = "POST"
) -> dict[str, str]:
    """The headers with which botocore signs the same request."""
    request = AWSRequest(method, url, data=body)
    keys = BotoCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    at = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
    with patch.object(botocore.auth, "get_current_datetime", lambda: at):
        botocore.auth.SigV4Auth(keys, SERVICE, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    CONNECTIONS, URLS, TOKENS, SECONDS, st.binary(max_size=300), st.sampled_from(["us-east-1", "eu-central-1"]),
    st.sampled_from(["POST", "DELETE"]),
)  # fmt: skip
def test_signed_as_botocore_signs(
    connection: str, url: str, token: str | None, now: int, frame: bytes, region: str, method: str
) -> None:
    """For every connection id, host, token and date the signature is botocore's, byte for byte."""
    endpoint = Endpoint.parse(url, region)
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    path, headers, body = read(prepare(endpoint, frame, credentials, now, method=method)(connection))
    scheme = "https" if endpoint.tls else "http"
    theirs = botocores(f"{scheme}://{endpoint.authority}{path}", frame, region, credentials, now, method)
    for name in ("authorization", "x-amz-date", "x-amz-security-token"):
        assert headers.get(name) == theirs.get(name)
    assert (body, headers["content-length"]) == (frame, str(len(frame)))


def test_midnight_is_in_the_date_and_in_the_scope() -> None:
    """A signature made one second after midnight has the new day in the date and in the scope."""
    endpoint = Endpoint.parse("https://example.org/live", "us-east-1")
    midnight = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    for now, day in ((midnight - 1, "20261231"), (midnight, "20270101")):
        _, headers, _ = read(prepare(endpoint, b"{}", Credentials("A", "S"), now)("L0SM9cOFvHcCIhw="))
        assert headers["x-amz-date"].startswith(day)
        assert f"/{day}/us-east-1/execute-api/aws4_request" in headers["authorization"]


@pytest.mark.parametrize("url", ["", "live", "wss://example.org/live", "https:///live", "ftp://example.org"])
def test_a_url_that_is_no_api_is_refused(url: str) -> None:
    """A wrong URL raises an error at the start, not at the first goal."""
    with pytest.raises(ValueError, match="not the URL"):
        Endpoint.parse(url, "us-east-1")


def test_no_secret_in_what_is_printed() -> None:
    """Secret key and session token show in no log."""
    assert "SECRET" not in repr(Credentials("AK", "SECRET", "SECRETTOKEN"))
