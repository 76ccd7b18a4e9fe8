"""Pure: fuzzes the reader of viewers' frames (subscriptions/protocol.py) against the standard library's JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from subscriptions.protocol import ListenRequest, RequestError, parse_request
from trials.fuzz.fuzz_target import hold
from trials.fuzz.mutate import as_json, damaged_message

if TYPE_CHECKING:
    from random import Random

    from subscriptions.protocol import Request

VALID: tuple[dict[str, Any], ...] = (
    {"action": "subscribe", "match": "wc22-final"},
    {"action": "subscribe", "match": "wc22-final", "since": {"epoch": "k3", "seq": 7}, "only": "score"},
    {"action": "subscribe", "match": "m", "since": {"epoch": None, "seq": 0}},
    {"action": "sync", "match": "wc22-final", "seq": 10},
    {"action": "sync", "match": "wc22-final", "seq": 10, "epoch": "k3"},
    {"action": "unsubscribe", "match": "wc22-final"},
    {"action": "listen"},
)
_TEXTS = [as_json(each) for each in VALID]
_WORDS = [
    b'"action"',
    b'"match"',
    b'"since"',
    b'"epoch"',
    b'"seq"',
    b'"only"',
    b'"score"',
    b"true",
    b"1e3",
    b"NaN",
    b"#",
]
_ERROR_BYTES = 400


class RequestTarget:
    """An input is a text frame of a viewer; a byte that is not UTF-8 becomes a lone surrogate."""

    name = "requests"

    def make(self, chance: Random) -> bytes:
        """A request with one to three wrong values, or with wrong bytes."""
        return damaged_message(chance, VALID, _TEXTS, _WORDS)

    def check(self, data: bytes) -> bool:
        """A request equals the standard library's reading; anything else becomes an error frame."""
        text = data.decode(errors="surrogateescape")
        try:
            request = parse_request(text)
        except RequestError as error:
            frame = error.frame()
            read = json.loads(frame)
            hold(
                "an error frame has a type, a code and a message",
                true=read["type"] == "error" and bool(read["message"]),
            )
            hold("an error frame is short", true=len(frame) <= _ERROR_BYTES)
            hold("an error frame is printable", true=frame.isprintable())
            return False
        _agree(request, json.loads(text))
        return True


def _agree(request: Request | ListenRequest, body: Any) -> None:
    hold("a request is an object", true=isinstance(body, dict))
    if isinstance(request, ListenRequest):
        hold("the action is listen", true=body["action"] == "listen")
        return
    hold("the action is one of three", true=body["action"] in ("subscribe", "unsubscribe", "sync"))
    hold("the action is that of the frame", true=request.action == body["action"])
    hold("the match is that of the frame", true=request.match == body["match"])
    hold("the match is an id", true=re.fullmatch("[a-z0-9-]{1,20}", request.match) is not None)
    hold("only is score or nothing", true=body.get("only") in (None, "score"))
    hold("only is that of the frame", true=request.score_only == (body.get("only") == "score"))
    since = body if request.action == "sync" else body.get("since")
    hold("there is a position if the frame has one", true=(request.since is None) == (since is None))
    if request.since is not None:
        hold(
            "the position is that of the frame",
            true=(request.since.epoch, request.since.seq) == (since.get("epoch"), since["seq"]),
        )
        hold("a seq is 0 or more", true=type(since["seq"]) is int and since["seq"] >= 0)
