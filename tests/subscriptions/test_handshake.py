"""The headers of a handshake, as API Gateway hands them to functions."""

from __future__ import annotations

import pytest

from subscriptions.handshake import header, subprotocols


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ({"multiValueHeaders": {"Cookie": ["a=1", "b=2"], "COOKIE": ["c=3"]}}, "a=1,b=2,c=3"),
        ({"multiValueHeaders": {"Cookie": ["a=1"]}, "headers": {"cookie": "b=2"}}, "a=1"),
        ({"headers": {"COOKIE": "a=1"}}, "a=1"),
        ({"headers": None}, None),
        ({}, None),
        ({"multiValueHeaders": {"Host": ["h"]}}, None),
    ],
)
def test_a_header_is_found_however_it_is_written(event: dict[str, object], value: str | None) -> None:
    """All values of a header are joined, in any case of its name; ``headers`` is read only without the other field."""
    assert header(event, "cookie") == value


def test_subprotocols_are_read_in_order() -> None:
    """The offered subprotocols come in the viewer's order, without spaces; a handshake without the header has none."""
    offered = {"multiValueHeaders": {"Sec-WebSocket-Protocol": ["livescore.v1 , token", "other"]}}
    assert subprotocols(offered) == ["livescore.v1", "token", "other"]
    assert subprotocols({"multiValueHeaders": {}}) == []
