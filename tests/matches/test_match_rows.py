"""The keys, queries and rows of the table ``matches``."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from matches.match_rows import (
    LAST_SEQ,
    events_query,
    parse_event,
    parse_lineups,
    parse_outcome,
    parse_state,
    state_get,
)
from runtime.attributes import DamagedRowError
from tests.runtime.test_attributes import BODY, EVENT, STATE


def bounds(after: int) -> tuple[str, str]:
    """The sort keys between which a query for events above ``after`` reads."""
    values = events_query("t", "m", after, 10, newest=False)["ExpressionAttributeValues"]
    return values[":from"]["S"], values[":to"]["S"]


def test_a_query_for_events_begins_above_the_position() -> None:
    """A reader at seq 11 reads from event 12 on; the range never ends before it begins."""
    assert bounds(11) == ("event#00000012", f"event#{LAST_SEQ}")
    assert bounds(LAST_SEQ) == (f"event#{LAST_SEQ}", f"event#{LAST_SEQ}")


def test_events_are_read_in_either_order() -> None:
    """Reads are consistent, limited, and begin with the newest event if asked."""
    query = events_query("t", "m", 0, 7, newest=True)
    assert (query["ConsistentRead"], query["Limit"], query["ScanIndexForward"]) == (True, 7, False)
    assert events_query("t", "m", 0, 7, newest=False)["ScanIndexForward"]
    assert state_get("t", "m")["ConsistentRead"]


def event(**damage: Any) -> dict[str, Any]:
    """An event's row whose body has these values."""
    return {**EVENT, "body": {"S": orjson.dumps({**BODY, **damage}).decode()}}


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"seq": 3}, "its field seq is 3"),
        ({"seq": "2"}, "not a whole number"),
        ({"kind": None}, "its field kind is missing or not a text"),
        ({"event_id": 7}, "its field event_id is missing or not a text"),
        ({"score": [1]}, "its field score is"),
        ({"minute": "3"}, "its field minute is"),
        ({"player": 5}, "its field player is 5, not a text"),
        ({"colour": []}, "its field colour is neither a text nor a whole number"),
    ],
)
def test_a_damaged_event_names_its_field(damage: dict[str, Any], reason: str) -> None:
    """An event that viewers cannot be sent is damaged, and the reason names the field."""
    with pytest.raises(DamagedRowError, match=reason):
        parse_event(event(**damage))


@pytest.mark.parametrize("damage", [{"player": None}, {"bench": True}, {"cancels_seq": 1}])
def test_an_event_may_have_fields_of_every_kind(damage: dict[str, Any]) -> None:
    """Texts, whole numbers, true and null are values of an event."""
    assert parse_event(event(**damage)) == {**BODY, **damage}


def test_a_cancelled_event_says_so() -> None:
    """The seq of the cancellation stands beside the body in the row, and in the event as viewers see it."""
    assert parse_event({**EVENT, "cancelled_by": {"N": "5"}})["cancelled_by"] == 5


@pytest.mark.parametrize("body", [{"home": ["A"]}, {"home": ["A"], "away": [1]}, {"home": "A", "away": []}])
def test_damaged_line_ups_are_refused(body: Any) -> None:
    """Line-ups are two lists of names or nothing."""
    with pytest.raises(DamagedRowError, match="is no list of names"):
        parse_lineups("m", {"body": {"S": orjson.dumps(body).decode()}})


def test_an_unknown_outcome_is_refused() -> None:
    """An outcome that no release writes is damaged."""
    row = {"match_id": {"S": "m"}, "item": {"S": "id#g"}, "outcome": {"S": "lost"}}
    with pytest.raises(DamagedRowError, match="its attribute outcome is 'lost'"):
        parse_outcome(row)


def board(**damage: Any) -> dict[str, Any]:
    """A state row whose board has these values."""
    return {**STATE, "board": {"S": orjson.dumps({**orjson.loads(STATE["board"]["S"]), **damage}).decode()}}


def test_a_board_may_lack_a_clock_and_have_a_shoot_out() -> None:
    """A match before its kick-off has no clock; a shoot-out has a score of its own."""
    read = parse_state(board(clock=None, shootout=[3, 2])).board
    assert (read.clock, read.shootout) == (None, (3, 2))


@pytest.mark.parametrize("damage", [{"status": 5}, {"interrupted": 1}])
def test_a_damaged_status_is_refused(damage: dict[str, Any]) -> None:
    """The status of a match and the one before a suspension are texts."""
    with pytest.raises(DamagedRowError, match="its status is"):
        parse_state(board(**damage))


def test_a_clock_in_stoppage_time_is_read() -> None:
    """The minutes of stoppage time are whole numbers as the others are."""
    read = parse_state(board(clock={"minute": 45, "stoppage": 2, "at": 9})).board.clock
    assert read is not None
    assert read.stoppage == 2
    with pytest.raises(DamagedRowError, match="stoppage"):
        parse_state(board(clock={"minute": 45, "stoppage": "2", "at": 9}))


def test_a_match_may_lack_its_terms() -> None:
    """A state row without terms is one of 2 x 45 minutes with a home side."""
    read = parse_state(STATE)
    assert (read.neutral, read.leg, read.periods.half) == (False, None, 45)
    assert parse_state({**STATE, "terms": {"S": "{}"}}) == read
