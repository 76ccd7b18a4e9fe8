"""The site serves only its own paths and those of the described API, in whatever form a request writes a path."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from devstack.stack.ministack import free_port
from devstack.stack.site import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System

UP = ["..", "%2e%2e", ".%2E", "..%2f..", "..%5c..", "%252e%252e", ".", "%2e", "..%2f..%2f..%2f2015-03-31%2ffunctions"]
ELSEWHERE = [
    "/matches/{up}/{up}/{up}/2015-03-31/functions/",
    "/matches/a/{up}/../..//_ministack/health",
    "/operators/{up}/{up}/{up}/2015-03-31/functions",
    "/operators/matches/{up}",
    "/{up}/pyproject.toml",
]
NO_ROUTE = [
    "/matchesx", "/matches/", "/matches//events", "/matches/a/events/b/c", "/matches/a/audits", "/matches/a%2fevents",
    "/matches/a%5cb", "/matches/a%00b", "/matches/a%0d%0ab", "/matches/%25252e", "/matches/%ff",
    "/operators/", "/operators", "/operators/2015-03-31/functions", "/operators/_ministack/health",
    "/operators/matches/a/@connections/b", "/operators/operators/matches", "//matches/a", "/matches/a;b/../c",
]  # fmt: skip
NO_PAGE = [
    "/a%00b.js", "/" + "a" * 3000, "/" + "a" * 300 + ".js", "/a/" * 1000, "/style.css%00", "/style.css/", "/%ff.js",
    "/viewer%2f..%2fstyle.css", "/deployment.json%00", "/..%00/", "/%F0%9F%98%80.js", "/C:%5cx.js",
]  # fmt: skip


@pytest.fixture(scope="module")
def port(system: System) -> Iterator[int]:
    """The port of the site of the running system."""
    port = free_port()
    with serving(system, port):
        yield port


def ask(port: int, target: str, method: str = "GET", *headers: str, body: str = "") -> tuple[int, str]:
    """The status and the whole answer to a raw request line, which an HTTP client would not send."""
    lines = [f"{method} {target} HTTP/1.1", *(headers or (f"Host: 127.0.0.1:{port}",)), "Connection: close"]
    lines += [f"Content-Length: {len(body)}", "", body]
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1]), answer.decode("latin-1")


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No request causes a traceback."""
    with caplog.at_level(logging.INFO):
        yield
    assert not [each for each in caplog.records if each.exc_info or each.levelno >= logging.ERROR]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("up", UP)
def test_no_path_leads_out(port: int, path: str, up: str, method: str) -> None:
    """Dot segments are refused, plain, encoded and encoded twice: MiniStack's own API is not reached."""
    status, answer = ask(port, path.format(up=up), method, body='{"FunctionName": "f"}')
    assert status in (403, 404, 405), answer
    assert "Functions" not in answer
    assert "aws" not in answer.lower()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("path", [*NO_ROUTE, *NO_PAGE])
def test_a_path_that_is_none_is_a_sentence(port: int, path: str) -> None:
    """Null bytes, backslashes, encoded slashes, endless names and unknown routes get a 404 in the API's form."""
    status, answer = ask(port, path)
    assert (status, '"code": "not_found"' in answer) == (404, True), answer


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    "target", ["http://evil.example/matches", "http://127.0.0.1/matches", "*", "evil.example:80", "x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "CONNECT"])
def test_the_site_is_no_proxy(port: int, target: str, method: str) -> None:
    """A target in absolute, authority or asterisk form is refused."""
    assert ask(port, target, method)[0] in (400, 403, 404, 405)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("path", ["/", "/matches", "/operators/matches", "/deployment.json", "/tokens/operator"])
@pytest.mark.parametrize(
    "headers",
    [["Host: evil.example"], ["Host: 192.168.1.7:4580"], ["Host: 127.0.0.1", "Host: evil.example"], ["Host:"]],
)
def test_another_name_of_this_machine_reaches_nothing(port: int, path: str, headers: list[str]) -> None:
    """A request for another host name reads nothing, so DNS rebinding fails."""
    status, answer = ask(port, path, "GET", *headers)
    assert status in (400, 403), answer
    assert "eyJ" not in answer


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/style.css", "/deployment.json", "/tokens/operator"])
def test_pages_are_only_read(port: int, path: str, method: str) -> None:
    """Any other method on a page is refused in the API's form, also for a page of another origin."""
    status, answer = ask(port, path, method, body="x")
    assert (status, '"error"' in answer) == (405, True), answer


def test_the_api_refuses_what_is_too_long(port: int) -> None:
    """The API answers a match id of 3,000 characters with a sentence, also in the middle of a path."""
    for path in ("/matches/" + "a" * 3000, f"/operators/matches/{'a' * 3000}/events"):
        assert ask(port, path)[0] in (400, 404, 422)


@pytest.mark.parametrize("query", ["day=%ff", "day=%00", "a" * 3000, "day=..%2f"])
def test_a_query_is_only_a_query(port: int, query: str) -> None:
    """The API answers or refuses every query, without a traceback."""
    assert ask(port, f"/matches?{query}")[0] in (200, 400, 422)


def test_every_described_route_is_served(port: int, match: str) -> None:
    """The site serves the API's routes below both paths, by GET and HEAD, also with a percent-encoded id."""
    root = f"http://127.0.0.1:{port}"
    encoded = "".join(f"%{ord(letter):02x}" for letter in match)
    for path in (f"/matches/{match}", f"/matches/{encoded}", f"/operators/matches/{match}", "/operators/openapi.json"):
        assert (path, httpx.get(root + path).status_code) == (path, 200)
    assert httpx.head(f"{root}/matches/{match}").status_code == 200
    assert httpx.get(f"{root}/matches/{match}/events?limit=5").status_code == 200
    assert httpx.get(f"{root}/matches/{match}/audit").status_code == 401
    assert httpx.post(f"{root}/operators/matches/{match}/stop").status_code == 401
