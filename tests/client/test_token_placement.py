"""The place of a viewer's token: API Gateway accepts WebSocket URLs of at most 4,096 characters."""

from __future__ import annotations

import asyncio

import pytest

from client.token_placement import QUERY_TOKEN, TokenTooLongError, place_token
from client.viewer import Viewer

LONG = "x" * (QUERY_TOKEN + 1)


def test_a_token_goes_into_the_query_only_without_tls() -> None:
    """With ``wss:`` a token of any length is a subprotocol; with ``ws:`` it is in the query."""
    assert place_token("wss://example.org/live?v=1", LONG) == (
        "wss://example.org/live?v=1",
        {"Sec-WebSocket-Protocol": f"livescore.v1, {LONG}"},
    )
    assert place_token("ws://127.0.0.1/live?v=1", "a/b") == ("ws://127.0.0.1/live?v=1&token=a%2Fb", {})
    assert place_token("ws://127.0.0.1/live?v=1", None) == ("ws://127.0.0.1/live?v=1", {})


@pytest.mark.parametrize("token", [LONG, "/" * (QUERY_TOKEN // 3 + 1)])
def test_a_token_that_is_too_long_for_an_address_is_a_sentence(token: str) -> None:
    """A token that is too long is refused before a connection opens, and the sentence does not repeat it."""
    for give in (token, lambda: token):
        with pytest.raises(
            TokenTooLongError, match=r"^The viewer's token has [\d,]+ characters\. .* 3,072 at most\.$"
        ) as found:
            asyncio.run(Viewer("ws://127.0.0.1:1/live", ["m"], token=give).run())
        assert token not in str(found.value)
