"""The requests of web pages that a local server refuses."""

from __future__ import annotations

import pytest

from loadtest.page_requests import allowed_origins, refusal

HERE = "127.0.0.1:4566"
FOREIGN_HOSTS = [
    "evil.example", "evil.example:4566", "127.0.0.1.evil.example", "localhost.evil.example:1", "0.0.0.0:4566",
    "192.168.1.7", "[fe80::1]:1", "2130706433", "evil.example@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/x", "",
    "127.0.0.1:1:2",
]  # fmt: skip
FOREIGN_PAGES = [
    "https://evil.example", "null", "", "http://evil.example:4580", "http://127.0.0.1.evil.example", "file://",
    "http://0.0.0.0:80", "chrome-extension://abc", "http://localhost@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("host", [HERE, "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:4566", "127.8.8.8:9"])
def test_a_program_is_served_under_every_name_of_this_machine(host: str) -> None:
    """A client without Origin and Sec-Fetch-Site is no page, and loopback has several names."""
    assert refusal([("Host", host), ("User-Agent", "curl/8")]) is None
    assert refusal([("host", host)], local_pages=True) is None


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("local_pages", [False, True])
def test_another_name_of_this_machine_is_refused(host: str, local_pages: bool) -> None:
    """DNS rebinding fails: a request with another name for this machine is refused."""
    assert "names of this machine" in str(refusal([("Host", host)], local_pages=local_pages))


def test_two_hosts_are_refused() -> None:
    """A second Host header cannot hide a foreign one."""
    assert refusal([("Host", HERE), ("host", "evil.example")]) is not None


@pytest.mark.parametrize("origin", [*FOREIGN_PAGES, "http://127.0.0.1:4580", "http://localhost:3000"])
def test_no_page_makes_a_request(origin: str) -> None:
    """A plain request of a page is refused, from any origin."""
    assert "no requests from web pages" in str(refusal([("Host", HERE), ("ORIGIN", origin)]))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
def test_no_browser_makes_a_request_without_an_origin(site: str) -> None:
    """Requests of images, forms, links and typed addresses have Sec-Fetch-Site and no Origin, and are refused."""
    assert refusal([("Host", HERE), ("Sec-Fetch-Site", site)]) is not None
    ours = site in ("same-site", "same-origin")
    assert (refusal([("Host", HERE), ("Sec-Fetch-Site", site)], local_pages=True) is None) == ours


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:4580", "http://localhost:3000", "https://[::1]", "http://localhost"]
)
def test_a_page_of_this_machine_opens_a_websocket(origin: str) -> None:
    """The site's pages and a developer's own page may watch, also in browsers that call them another site."""
    headers = [("Host", HERE), ("Origin", origin), ("Sec-Fetch-Site", "cross-site")]
    assert refusal(headers, local_pages=True) is None


@pytest.mark.parametrize("origin", FOREIGN_PAGES)
def test_a_page_from_elsewhere_opens_no_websocket(origin: str) -> None:
    """A page of another origin opens no WebSocket if the setting `origins` does not name it."""
    headers = [("Host", HERE), ("Origin", origin)]
    assert refusal(headers, local_pages=True, origins={"https://scores.example"}) is not None


def test_a_page_that_the_setting_names_opens_a_websocket() -> None:
    """A page of an origin in `origins` opens a WebSocket; `*` names no other origin."""
    headers = [("Host", HERE), ("Origin", "https://scores.example")]
    assert (
        refusal(headers, local_pages=True, origins=allowed_origins("https://a.example, https://scores.example")) is None
    )
    assert refusal(headers, origins=allowed_origins("https://scores.example")) is not None
    assert allowed_origins("*") == frozenset()
