"""The URLs of systems on this machine, and the errors for URLs where nothing answers."""

from __future__ import annotations

import pytest

from devstack.operator.local_system import is_http, nothing_answers, system_at
from devstack.system import System

INVALID = "http://[::1"
"""An invalid URL, for which Python raises ValueError (https://docs.python.org/3/library/urllib.parse.html)."""


@pytest.mark.parametrize("port", [4566, 80])
def test_the_url_that_up_prints_leads_to_its_system(port: int) -> None:
    """The URL of an HTTP API on this machine names the port of its system."""
    found = system_at(System(port).api_url)
    assert found is not None
    assert found.port == port


@pytest.mark.parametrize(
    "url", ["https://api.example.org/live", "http://127.0.0.1:4580/", "http://localhost:x/", INVALID]
)
def test_another_url_leads_to_no_system_of_this_machine(url: str) -> None:
    """A URL of another machine, a URL with another path and an invalid URL belong to no system of this machine."""
    assert system_at(url) is None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://localhost:4566/live", "Nothing answers at http://localhost:4566/live. Is `livescore up` running?"),
        ("https://ann:secret@example.org/?token=t", "Nothing answers at https://example.org/. Is the address right?"),
    ],
)
def test_a_url_where_nothing_answers_is_a_sentence(url: str, sentence: str) -> None:
    """The sentence suggests `livescore up` or a wrong address, and shows no secret of the URL."""
    assert nothing_answers(url) == sentence


def test_an_invalid_url_is_a_sentence_too() -> None:
    """For an invalid URL, the sentence asks whether the address is right."""
    assert nothing_answers(INVALID).endswith("Is the address right?")


@pytest.mark.parametrize(
    ("url", "whether"),
    [
        ("http://127.0.0.1:4566", True), ("https://example.org", True), ("ftp://example.org", False),
        ("http://", False), ("http://example.org:0", False), ("http://example.org:x", False), (INVALID, False),
    ],
)  # fmt: skip
def test_the_api_is_at_a_url_of_http_with_a_host(url: str, whether: bool) -> None:
    """A URL with another scheme, without a host or with an impossible port is refused."""
    assert is_http(url) is whether
