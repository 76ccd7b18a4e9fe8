"""The claims of a viewer's token that a client reads itself."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from client.token_claims import end_of, feed_of_subject, renew_at
from matches.channels import SUBJECTS
from tests.channel_names import CHANNELS


def token(claims: Any) -> str:
    """A token with these claims, whose signature nobody here verifies."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


@pytest.mark.parametrize(
    "given",
    [None, "", "anonymous", "a.b", "a.%.c", "a.AA.c", token([1]), token({}), token({"exp": "7"}), token({"exp": True})],
)
def test_a_token_that_does_not_say_its_end_has_none(given: str | None) -> None:
    """No token, a text that is no token, and a token without a number in ``exp`` never end, and have no subject."""
    assert end_of(given) == math.inf
    assert feed_of_subject(given) is None


def test_the_end_and_the_subject_of_a_token() -> None:
    """``exp`` is the end of a token; its subject's feed is the one that the server publishes to."""
    given = token({"exp": 1_800_000_000, "sub": "viewer ü"})
    assert end_of(given) == 1_800_000_000
    assert CHANNELS.subject("viewer ü").endswith(f"/{SUBJECTS}/{feed_of_subject(given)}")
    assert feed_of_subject(token({"sub": ""})) is None


def test_a_connection_is_renewed_before_its_token_ends() -> None:
    """A token that can be renewed is renewed at a random moment in the last fifth of its time; others are used up."""
    assert renew_at(100, 200, 0, renewable=True) == 180
    assert renew_at(100, 200, 1, renewable=True) == 195
    assert renew_at(100, 200, 0, renewable=False) == 200
    assert renew_at(100, math.inf, 0, renewable=True) == math.inf
