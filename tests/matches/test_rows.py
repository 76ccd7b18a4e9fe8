"""Reading rows: the right values, or a reason that a person understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.live import parse
from broadcaster.pages import page
from matches.ledger import parse_event, parse_state
from matches.rows import UnreadableRowError, readable
from matches.telling import parse_telling
from matches.viewers import counted

if TYPE_CHECKING:
    from collections.abc import Callable

BOARD = {"status": "first_half", "score": [1, 0], "shootout": None, "kicks": 0, "phases": [["k", "scheduled"]],
         "clock": {"minute": 3, "stoppage": None, "at": 1}}  # fmt: skip
STATE: dict[str, Any] = {
    "match_id": {"S": "m"}, "item": {"S": "state"}, "v": {"N": "1"}, "epoch": {"S": "e"}, "home": {"S": "A"},
    "away": {"S": "B"}, "kickoff": {"S": "2022-12-18T15:00:00+00:00"}, "seq": {"N": "2"}, "scored": {"N": "2"},
    "board": {"S": orjson.dumps(BOARD).decode()},
}  # fmt: skip
BODY = {"seq": 2, "kind": "goal", "event_id": "g", "team": "home", "minute": 3, "at": 1, "score": [1, 0]}
EVENT: dict[str, Any] = {
    "match_id": {"S": "m"}, "item": {"S": "event#00000002"}, "v": {"N": "1"},
    "body": {"S": orjson.dumps(BODY).decode()}, "score_prev": {"N": "1"},
}  # fmt: skip
TELLING: dict[str, Any] = {"seq": {"N": "2"}, "told": {"N": "1"}, "tried": {"N": "1"}, "v": {"N": "1"}}
LIVE: dict[str, Any] = {
    "pk": {"S": "live"}, "sk": {"S": "m"}, "owner": {"S": "o"}, "batches": {"N": "2"}, "ttl": {"N": "9"},
    "ended": {"NS": ["0"]}, "v": {"N": "1"},
}  # fmt: skip

READERS: dict[str, tuple[dict[str, Any], Callable[[Any], Any], set[str]]] = {
    "state": (STATE, parse_state, {"match_id", "item"}),
    "event": (EVENT, parse_event, {"match_id", "item"}),
    "telling": (TELLING, lambda item: parse_telling("m", item), set()),
}
"""A row, its reader, and its keys, which DynamoDB itself keeps whole."""

VALUES = st.one_of(
    st.builds(lambda text: {"S": text}, st.text(max_size=4)),
    st.builds(lambda number: {"N": str(number)}, st.floats(allow_nan=False) | st.integers()),
    st.just({"NULL": True}), st.just({"L": []}), st.just({"M": {}}), st.just({"BOOL": True}),
)  # fmt: skip


def problem(read: Callable[[Any], Any], row: dict[str, Any]) -> UnreadableRowError | None:
    """What a reader has against a row; whatever else it raises fails the test."""
    try:
        read(row)
    except UnreadableRowError as error:
        return error
    return None


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_damaged_row_is_read_or_refused_with_a_reason(name: str, data: st.DataObject) -> None:
    """Whatever an attribute has become, the reader gives a value or an UnreadableRowError, and nothing else."""
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
    with pytest.raises(UnreadableRowError, match=r"its version v is .*99.*, and this release knows version 1"):
        parse_state(STATE | {"v": {"N": "99"}})


def test_unreadable_rows_among_others_are_left_out() -> None:
    """One damaged row hides no other: of events, of live broadcasts, of viewers' counts."""
    events, wrong = readable(parse_event, [EVENT | {"body": {"S": "{"}}, EVENT])
    assert [event["seq"] for event in events] == [2]
    assert [error.row for error in wrong] == ["event#00000002"]
    broadcasts, wrong = parse([LIVE | {"sk": {"S": "bad"}, "ttl": {"S": "soon"}}, LIVE])
    assert [each.match for each in broadcasts] == ["m"]
    assert [(error.match, error.row) for error in wrong] == [("bad", "live")]
    rows = [{"match_id": {"S": f"audience#{match}"}, "item": {"S": "r"}, "net": net}
            for match, net in (("a", {"S": "many"}), ("b", {"N": "3"}))]  # fmt: skip
    assert counted(rows) == {"b": 3}


@pytest.mark.parametrize("ttl", [None, {"S": "soon"}, {"NULL": True}])
def test_a_subscription_without_a_readable_ttl_is_told(ttl: Any) -> None:
    """Promise 4: a strange row neither ends the lap nor costs its viewer a goal; expired rows stay left out."""
    strange = {"sk": {"S": "b"}} | ({"ttl": ttl} if ttl is not None else {})
    items = [{"sk": {"S": "a"}, "ttl": {"N": "2000000000"}}, strange, {"sk": {"S": "c"}, "ttl": {"N": "1000000000"}}]
    found = page({"Items": items}, 1_500_000_000.0)
    assert (found.connections, found.strange) == (["a", "b"], ("b",))
