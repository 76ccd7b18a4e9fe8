"""The times of an event at home, as its row has them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from matches.traced_event import TracedEvent, parse_traced
from runtime.attributes import DamagedRowError

GOAL = {"seq": 12, "kind": "goal", "team": "home", "event_id": "g", "at": 1_000, "score": [1, 0]}


def row(body: dict[str, Any] = GOAL, **attributes: dict[str, str]) -> dict[str, Any]:
    """The row of event 12."""
    key = {"match_id": {"S": "m"}, "item": {"S": "event#00000012"}}
    return {**key, "body": {"S": orjson.dumps(body).decode()}, **attributes}


def test_a_row_has_the_times_at_home() -> None:
    """The API's time is in the event; those of Kinesis and of the fan-out stand beside it."""
    traced = parse_traced(row(streamed={"N": "1005"}, numbered={"N": "1020"}))
    assert traced == TracedEvent(12, "goal", "home", accepted=1_000, streamed=1_005, numbered=1_020)


def test_a_row_of_an_older_release_has_only_the_api_s_time() -> None:
    """Times that nobody stored are not known; an event of no side has no team."""
    whistle = {"seq": 12, "kind": "half_time", "event_id": "h", "at": 1_000, "score": [0, 0]}
    assert parse_traced(row(whistle)) == TracedEvent(12, "half_time", None, accepted=1_000)


@pytest.mark.parametrize("damage", [{"numbered": {"S": "soon"}}, {"streamed": {"N": "-1"}}, {"body": {"S": "{"}}])
def test_a_damaged_row_is_said_to_be_one(damage: dict[str, dict[str, str]]) -> None:
    """A time that is no number, and an event that cannot be read, are errors of this row."""
    with pytest.raises(DamagedRowError, match="event#00000012"):
        parse_traced({**row(), **damage})
