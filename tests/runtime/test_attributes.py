"""Reading rows: the right values, or a reason that a person understands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.cell_state import parse_cell_state
from broadcaster.control.rate_share import parse
from broadcaster.send.row_pages import page
from broadcaster.send.update_frames import build
from matches.match_rows import parse_event, parse_state, score_prev
from runtime.attributes import (
    DamagedMatchError,
    DamagedRowError,
    count,
    json_object,
    number,
    parse_rows,
    reading_row,
    text,
)
from subscriptions.viewer_counts import counts_by_match

if TYPE_CHECKING:
    from collections.abc import Callable

BOARD = {"status": "first_half", "score": [1, 0], "shootout": None, "kicks": 0, "phases": [["k", "scheduled"]],
         "clock": {"minute": 3, "stoppage": None, "at": 1}}  # fmt: skip
STATE: dict[str, Any] = {
    "match_id": {"S": "m"}, "item": {"S": "state"}, "v": {"N": "1"}, "epoch": {"S": "e"}, "home": {"S": "A"},
    "away": {"S": "B"}, "kickoff": {"S": "2022-12-18T15:00:00+00:00"}, "newest_seq": {"N": "2"},
    "newest_score_seq": {"N": "2"}, "board": {"S": orjson.dumps(BOARD).decode()},
}  # fmt: skip
BODY = {"seq": 2, "kind": "goal", "event_id": "g", "team": "home", "minute": 3, "at": 1, "score": [1, 0]}
EVENT: dict[str, Any] = {
    "match_id": {"S": "m"}, "item": {"S": "event#00000002"}, "v": {"N": "1"},
    "body": {"S": orjson.dumps(BODY).decode()}, "score_prev": {"N": "1"},
}  # fmt: skip
CELL_STATE: dict[str, Any] = {"due_seq": {"N": "2"}, "told_seq": {"N": "1"}, "ended_seq": {"N": "1"}, "v": {"N": "1"}}
RATE_SHARE: dict[str, Any] = {
    "pk": {"S": "rate-share"}, "sk": {"S": "m"}, "broadcast": {"S": "o"}, "batches": {"N": "2"}, "ttl": {"N": "9"},
    "ended": {"NS": ["0"]}, "v": {"N": "1"},
}  # fmt: skip

READERS: dict[str, tuple[dict[str, Any], Callable[[Any], Any], set[str]]] = {
    "state": (STATE, parse_state, {"match_id", "item"}),
    "event": (EVENT, parse_event, {"match_id", "item"}),
    "cell_state": (CELL_STATE, lambda item: parse_cell_state("m", item), set()),
}
"""A row, its reader, and its keys, which DynamoDB itself keeps whole."""

NOW = 1_000.0

VALUES = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(max_size=4)),
    st.builds(lambda number: {"N": str(number)}, st.floats(allow_nan=False) | st.integers()),
    st.just({"NULL": True}), st.just({"L": []}), st.just({"M": {}}), st.just({"BOOL": True}),
)  # fmt: skip


def problem(read: Callable[[Any], Any], row: dict[str, Any]) -> DamagedRowError | None:
    """The reader's error for a row, None if it reads the row; any other error fails the test."""
    try:
        read(row)
    except DamagedRowError as error:
        return error
    return None


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_damaged_row_is_read_or_refused_with_a_reason(name: str, data: st.DataObject) -> None:
    """The reader gives a value or a DamagedRowError for any damaged attribute, and nothing else."""
    row, read, keys = READERS[name]
    read(row)
    attribute = data.draw(st.sampled_from(sorted(row.keys() - keys)))
    damaged = {**row, attribute: data.draw(VALUES)}
    if data.draw(st.booleans()):
        del damaged[attribute]
    error = problem(read, damaged)
    if error is not None:
        assert error.match == "m"
        assert attribute in error.reason or attribute in ("kickoff", "board", "body")
        assert f"match {error.match} cannot be read" in str(error)


@given(
    st.sampled_from(sorted(BOARD)), st.none() | st.integers(-9, 9) | st.text(max_size=3) | st.just({}) | st.just([1])
)
def test_a_damaged_board_is_read_or_refused(field: str, value: Any) -> None:
    """A board whose fields are of other types is refused before the rules meet it."""
    error = problem(parse_state, STATE | {"board": {"S": orjson.dumps({**BOARD, field: value}).decode()}})
    assert error is None or error.row == "state"


def test_versions() -> None:
    """A row without a version is of version 1; one of an unknown version is refused, and the reason names both."""
    assert parse_state({name: value for name, value in STATE.items() if name != "v"}) == parse_state(STATE)
    with pytest.raises(DamagedRowError, match=r"its version v is .*99.*, and this release knows version 1"):
        parse_state(STATE | {"v": {"N": "99"}})


def test_damaged_rows_among_others_are_left_out() -> None:
    """One damaged row hides no other: of events, of rate shares, of viewers' counts."""
    events, wrong = parse_rows(parse_event, [EVENT | {"body": {"S": "{"}}, EVENT])
    assert [event["seq"] for event in events] == [2]
    assert [error.row for error in wrong] == ["event#00000002"]
    shares, wrong = parse([RATE_SHARE | {"sk": {"S": "bad"}, "ttl": {"S": "soon"}}, RATE_SHARE], NOW)
    assert [each.match for each in shares] == ["m"]
    assert [(error.match, error.row) for error in wrong] == [("bad", "rate-share")]
    rows = [{"match_id": {"S": f"audience#{match}"}, "item": {"S": "r"}, "net": net}
            for match, net in (("a", {"S": "many"}), ("b", {"N": "3"}))]  # fmt: skip
    assert counts_by_match(rows) == {"b": 3}


@pytest.mark.parametrize("ttl", [None, {"S": "soon"}, {"NULL": True}])
def test_a_subscription_without_a_readable_ttl_is_told(ttl: Any) -> None:
    """Promise 4: a strange row neither ends the lap nor costs its viewer a goal; expired rows stay left out."""
    strange = {"sk": {"S": "b"}} | ({"ttl": ttl} if ttl is not None else {})
    items = [{"sk": {"S": "a"}, "ttl": {"N": "2000000000"}}, strange, {"sk": {"S": "c"}, "ttl": {"N": "1000000000"}}]
    found = page({"Items": items}, 1_500_000_000.0)
    assert (found.connections, found.strange) == (["a", "b"], ("b",))


DEEP: Any = 0
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize("size", [2**53, -(2**53), 10**22, 10**30])
def test_numbers_beyond_what_json_carries_are_refused(size: int) -> None:
    """A number that cannot be sent to viewers makes its own row damaged, and no list of several matches fails."""
    damaged = {"N": str(size)}
    assert problem(parse_state, STATE | {"newest_seq": damaged})
    assert problem(parse_event, EVENT | {"cancelled_by": damaged})
    assert problem(score_prev, EVENT | {"score_prev": damaged})
    row = {"match_id": {"S": "audience#a"}, "item": {"S": "r"}, "rows": damaged}
    assert counts_by_match([row]) == {}


@pytest.mark.parametrize("field", ["minute", "stoppage", "at"])
@pytest.mark.parametrize("value", ["3", 2**53, DEEP, True, 1.5])
def test_a_damaged_clock_is_refused(field: str, value: Any) -> None:
    """A clock whose fields are not whole numbers is damaged, however deep they are nested."""
    clock = {"minute": 3, "stoppage": None, "at": 1, field: value}
    assert problem(parse_state, STATE | {"board": {"S": json.dumps({**BOARD, "clock": clock})}})


@pytest.mark.parametrize("damage", [{"extra": DEEP}, {"team": {}}, {"minute": "x"}, {"shootout": 3}, {"assist": 2}])
@pytest.mark.parametrize("attribute", ["body", "amended"])
def test_a_damaged_event_is_skipped_and_not_sent(attribute: str, damage: dict[str, Any]) -> None:
    """An event with any damaged fields is refused, or a frame can carry it."""
    content = {**BODY, **damage} if attribute == "body" else damage
    item = EVENT | {"amended_by": {"N": "3"}, "amended": {"S": "{}"}}
    found, wrong = parse_rows(parse_event, [item | {attribute: {"S": json.dumps(content)}}])
    assert build(parse_state(STATE), 1, [(event, 1) for event in found]) is not None
    if attribute == "body" or damage.keys() & {"minute", "assist"}:
        assert wrong


def test_an_amendment_changes_names_and_minutes_only() -> None:
    """Damaged corrections cannot change an event's seq or score."""
    changes = {"seq": "boom", "score": "boom", "player": "Right"}
    item = EVENT | {"amended_by": {"N": "3"}, "amended": {"S": orjson.dumps(changes).decode()}}
    assert parse_event(item) == {**BODY, "player": "Right", "amended_by": 3}


@pytest.mark.parametrize("damage", [
    {"batches": {"N": "41"}}, {"batches": {"N": "10000000"}},
    {"ttl": {"N": str(10**15)}}, {"left0": {"N": str(10**30)}},
])  # fmt: skip
def test_a_damaged_rate_share_row_has_no_share_of_the_rate(damage: dict[str, Any]) -> None:
    """Promise 7: no row claims more senders than there can be, or a part of the rate for ever."""
    rows, wrong = parse([RATE_SHARE | damage], NOW)
    assert (rows, len(wrong)) == ([], 1)


@pytest.mark.parametrize("ttl", ["1" + "0" * 30, "1", "-1"])
def test_a_subscription_whose_ttl_is_no_time_is_told(ttl: str) -> None:
    """Promise 4: a ``ttl`` that looks like a time long ago and is none is reported, and its viewer is told."""
    found = page({"Items": [{"sk": {"S": "a"}, "ttl": {"N": ttl}}]}, 1_500_000_000.0)
    assert (found.connections, found.strange) == (["a"], ("a",))


@pytest.mark.parametrize(("slow", "counts"), [("1" + "0" * 30, 2), ("3", 2), ("1", 1), ("-5", 0)])
def test_a_damaged_count_of_a_slow_viewer_is_bounded(slow: str, counts: int) -> None:
    """No stored count closes a viewer's connection before the viewer fails once more."""
    item = {"sk": {"S": "a"}, "ttl": {"N": "2000000000"}, "slow": {"N": slow}}
    assert page({"Items": [item]}, 1_500_000_000.0).slow.get("a", 0) == counts


def test_a_damaged_state_concerns_all_events_of_its_match() -> None:
    """Without its state no event of a match can be numbered; another damaged row concerns one event."""
    error = DamagedMatchError("m", "state", "its attribute seq is missing")
    assert error.concerns_all
    assert str(error) == "the row state of match m contradicts the others: its attribute seq is missing"
    assert not DamagedMatchError("m", "event#00000002", "x").concerns_all


@pytest.mark.parametrize(
    ("read", "item", "reason"),
    [
        (number, {"n": {"N": "1.5"}}, "its attribute n is 1.5, not a whole number"),
        (number, {"n": {"N": str(2**53)}}, "beyond 9007199254740991"),
        (count, {"n": {"N": "-1"}}, "its attribute n is -1, below 0"),
        (text, {"n": {"N": "1"}}, "not a text"),
        (text, {}, "its attribute n is missing"),
        (json_object, {"n": {"S": "{"}}, "its attribute n is damaged JSON"),
        (json_object, {"n": {"S": "[]"}}, "its attribute n is JSON, but not an object"),
    ],
)
def test_a_damaged_attribute_is_named(read: Callable[[Any, str], Any], item: dict[str, Any], reason: str) -> None:
    """The reason names the attribute and what is wrong with its value."""
    with pytest.raises(ValueError, match=reason):
        read(item, "n")


def test_a_row_within_a_row_keeps_its_own_reason() -> None:
    """An error of a row that is read within another names the inner row."""
    inner = DamagedRowError("m", "inner", "why")
    with pytest.raises(DamagedRowError) as error, reading_row("m", "outer", {}):
        raise inner
    assert error.value is inner
