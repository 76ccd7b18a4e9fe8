"""Events: what is well-formed, and what is poison on the stream."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from matches import amendments
from matches.events import EVENT, AcceptedEvent, Event, PoisonRecordError, parse_record

GOAL = {"kind": "goal", "team": "home", "minute": 23, "event_id": "g1"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "golazo"},
        {"kind": "goal", "team": "home", "stoppage": 2},
        {"kind": "goal", "team": "home", "minute": -1},
        {"kind": "goal", "team": "home", "minute": 161},
        {"kind": "goal", "team": "home", "minute": "23"},
        {"kind": "goal", "team": "home", "minute": 45, "stoppage": 31},
        {"kind": "goal", "team": "", "minute": 3},
        {"kind": "goal", "team": "home", "minute": 3, "player": "x" * 81},
        {"kind": "goal", "team": "home", "minute": 3, "player": "a\nb"},
        {"kind": "goal", "team": "home", "minute": 3, "event_id": "a b"},
        {"kind": "goal", "team": "home", "minute": 3, "colour": "red"},
        {"kind": "substitution", "team": "home", "player_on": "A", "player_off": "B", "no_replacement": True},
        {"kind": "substitution", "team": "home", "player_off": "B", "no_replacement": False},
        {"kind": "goal", "team": "home", "bench": True},
        {"kind": "awarded"},
        {"kind": "awarded", "score": [3]},
        {"kind": "awarded", "score": [3, -1]},
        {"kind": "awarded", "score": [3, "0"]},
        {"kind": "resumed", "reason": "The rain has stopped"},
        {"kind": "suspended", "minute": 30},
        {"kind": "substitution", "team": "home", "minute": 3, "player_on": "A", "player_off": "A"},
        {"kind": "shootout_kick", "team": "home", "scored": "yes"},
        {"kind": "cancellation"},
        {"kind": "var_decision", "minute": 3, "decision": "maybe"},
        {"kind": "goal", "team": "home", "minute": 3, "seen": -1},
        {"kind": "goal", "team": "home", "minute": 3, "seen": "4"},
        {"kind": "amendment", "amends": "g1"},
        {"kind": "amendment", "player": "A"},
        {"kind": "amendment", "amends": "g1", "minute": None},
        {"kind": "amendment", "amends": "g1", "stoppage": 2},
        {"kind": "amendment", "amends": "g1", "team": "away"},
    ],
)
def test_malformed_events_are_refused(wrong: dict[str, Any]) -> None:
    """A body with a missing, unknown or out-of-range field never becomes an event."""
    with pytest.raises(ValidationError):
        EVENT.validate_python(wrong)


def test_an_event_survives_the_stream() -> None:
    """The fan-out reads the same event that the API puts on the stream."""
    accepted = AcceptedEvent("wc22-final", 1_671_375_600_000, EVENT.validate_python(GOAL))
    assert parse_record(accepted.to_record()) == accepted
    by_somebody = replace(accepted, by="ann")
    assert parse_record(by_somebody.to_record()) == by_somebody
    assert by_somebody.digest == accepted.digest


def test_seen_is_no_part_of_the_content() -> None:
    """``seen`` travels to the ledger, viewers never get it, and a retry that saw more is still the same event."""
    accepted = AcceptedEvent("m", 1, EVENT.validate_python({**GOAL, "seen": 4}))
    assert parse_record(accepted.to_record()).event.seen == 4
    assert "seen" not in accepted.event.content()
    assert accepted.digest == AcceptedEvent("m", 1, EVENT.validate_python(GOAL)).digest


def test_an_amendment_that_takes_a_name_away_survives_the_stream() -> None:
    """A null says that nobody is to be named; it is not the same as a field that is left alone."""
    body = {"kind": "amendment", "amends": "g1", "event_id": "a1", "assist": None, "minute": 46}
    accepted = AcceptedEvent("m", 1, EVENT.validate_python(body))
    read = parse_record(accepted.to_record())
    assert read == accepted
    assert read.event.content() == body
    assert read.event.kind == "amendment"
    assert read.event.changes() == {"assist": None, "minute": 46, "stoppage": None}
    without = AcceptedEvent("m", 1, EVENT.validate_python({**body, "assist": "A"}))
    assert without.digest != accepted.digest


def test_amendable_fields_are_fields_of_the_events() -> None:
    """The table of fields that an amendment may correct names exactly those that each kind of event has."""
    models = {
        kind: set(model.model_fields)
        for model in get_args(get_args(Event)[0])
        for kind in get_args(model.model_fields["kind"].annotation)
    }
    table = {kind: amendments.FIELDS.get(kind, frozenset()) for kind in models if kind != "amendment"}
    assert table == {kind: models[kind] & set(amendments.AMENDABLE) for kind in table}
    assert not amendments.FIELDS.keys() - models.keys()


def test_records_from_before_there_were_tokens_are_read() -> None:
    """A record without ``by`` lies on the stream when a new version is deployed."""
    assert parse_record(orjson.dumps({"v": 1, "match": "m", "at": 1, "event": GOAL})).by is None


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'"goal"',
        orjson.dumps({"v": 2, "match": "m", "at": 1, "event": GOAL}),
        orjson.dumps({"v": 1, "match": "m", "event": GOAL}),
        orjson.dumps({"v": 1, "match": "m", "at": 1, "by": {"S": "ann"}, "event": GOAL}),
        orjson.dumps({"v": 1, "match": "M!", "at": 1, "event": GOAL}),
        orjson.dumps({"v": 1, "match": "m" * 3000, "at": 1, "event": GOAL}),
        orjson.dumps({"v": 1, "match": "m", "at": 1, "event": {**GOAL, "team": "Argentina"}}),
        orjson.dumps({"v": 1, "match": "m", "at": 1, "event": {"kind": "kick_off"}}),
    ],
)
def test_foreign_records_are_poison(record: bytes) -> None:
    """A record that this system did not write is told apart, with a reason."""
    with pytest.raises(PoisonRecordError, match=r"\w"):
        parse_record(record)


FIELDS = st.sampled_from(["v", "match", "at", "event", "kind", "event_id", "team", "minute"]) | st.text(max_size=4)
VALUES = st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["goal", "home", "kick_off", "m", 1])
RECORDS = st.recursive(VALUES, lambda inner: st.dictionaries(FIELDS, inner) | st.lists(inner), max_leaves=12)


@given(st.binary() | RECORDS.map(lambda value: json.dumps(value).encode()))
def test_no_record_breaks_the_reader(record: bytes) -> None:
    """The reader either reads a record of the stream or calls it poison."""
    with contextlib.suppress(PoisonRecordError):
        parse_record(record)


def test_the_reason_for_poison_is_short() -> None:
    """A record of a megabyte with thousands of faults has a reason that fits a queue's message."""
    event = {**GOAL, **{f"field{number}": 1 for number in range(20_000)}}
    with pytest.raises(PoisonRecordError) as caught:
        parse_record(orjson.dumps({"v": 1, "match": "m", "at": 1, "event": event}))
    assert len(str(caught.value)) < 600
