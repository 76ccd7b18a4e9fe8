"""The viewers' requests."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.protocol import ListenRequest, Position, Request, RequestError, parse_request


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ('{"action":"subscribe","match":"wc22-final"}', Request("subscribe", "wc22-final")),
        (
            '{"action":"subscribe","match":"m","since":{"epoch":"k3","seq":7},"only":"score"}',
            Request("subscribe", "m", Position("k3", 7), score_only=True),
        ),
        ('{"action":"sync","match":"m","seq":10}', Request("sync", "m", Position(None, 10))),
        ('{"action":"unsubscribe","match":"m"}', Request("unsubscribe", "m")),
    ],
)
def test_requests_are_read(text: str, request_: Request) -> None:
    """Each form of the protocol is understood."""
    assert parse_request(text) == request_


def test_a_request_to_listen_names_nothing() -> None:
    """``listen`` is about the connection's own subject, so other fields do not matter."""
    assert parse_request('{"action":"listen"}') == ListenRequest()
    assert parse_request('{"action":"listen","match":7,"subject":"another"}') == ListenRequest()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_request"),
        ("{", "bad_request"),
        ("[]", "bad_request"),
        ("{}", "unknown_action"),
        ('{"action":"shout","match":"m"}', "unknown_action"),
        ('{"action":["subscribe"],"match":"m"}', "unknown_action"),
        ('{"action":"subscribe"}', "bad_request"),
        ('{"action":"subscribe","match":"a#0"}', "bad_request"),
        ('{"action":"subscribe","match":"m","only":"cards"}', "bad_request"),
        ('{"action":"subscribe","match":"m","since":7}', "bad_request"),
        ('{"action":"subscribe","match":"m","since":{"epoch":"k","seq":-1}}', "bad_request"),
        ('{"action":"subscribe","match":"m","since":{"epoch":"k","seq":true}}', "bad_request"),
        ('{"action":"sync","match":"m"}', "bad_request"),
    ],
)
def test_a_wrong_request_gets_an_error_frame(text: str, code: str) -> None:
    """A request that makes no sense becomes an error frame with a code and a sentence."""
    with pytest.raises(RequestError) as caught:
        parse_request(text)
    frame = json.loads(caught.value.frame())
    assert (frame["type"], frame["code"]) == ("error", code)
    assert frame["message"]


@given(st.text())
def test_no_frame_breaks_the_reader(text: str) -> None:
    """Every text from a client is a request or an error frame."""
    try:
        parse_request(text)
    except RequestError as error:
        json.loads(error.frame())
