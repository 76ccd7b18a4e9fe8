"""The faults of an input, in words."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from matches import schedule
from matches.event_kinds import KINDS
from matches.events import EVENT, Event, describe
from matches.input_errors import FORMS, describe_problems
from matches.schedule import NewMatch

NOT_WORDS = ("Input", "Field required", "body", "Value error", "^", "[A-Z", "[a-z", "{1,", "discriminator", "pattern")
"""Words that only a programmer of this system understands."""


def said(body: Any, model: type[BaseModel] | None = None) -> str:
    """The words for a body that is refused, empty for one that is taken."""
    try:
        model.model_validate(body) if model else EVENT.validate_python(body)
    except ValidationError as error:
        return describe(error)
    return ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "cancellation"}, "cancels is missing: name the event to take back"),
        ({"kind": "amendment", "player": "A"}, "amends is missing: name the event to correct"),
        ({"kind": "goal", "minute": 3}, "team is missing: say home, away or the name of a team"),
        ({"kind": "goal", "team": "home", "minute": 161}, "minute must be at most 160"),
        ({"kind": "goal", "team": "home", "minute": -1}, "minute must be at least 0"),
        ({"kind": "goal", "team": "home", "minute": "3"}, "minute must be a whole number"),
        ({"kind": "goal", "team": "home", "stoppage": 2}, "stoppage time needs its minute"),
        ({"kind": "goal", "team": "", "minute": 3}, "team must not be empty"),
        (
            {"kind": "goal", "team": "home", "minute": 3, "player": "x" * 81},
            "player must have 80 characters at most, and has 81",
        ),
        ({"kind": "goal", "team": 5, "minute": 3}, "team must be text"),
        ({"kind": "yellow_card", "team": "home", "minute": 3, "assist": "A"}, "a yellow_card has no assist"),
        ({"kind": "own_goal", "team": "home", "minute": 3, "colour": "red"}, "an own_goal has no colour"),
        ({"kind": "goal", "team": "home", "minute": 3, "\x1b[2J": 1}, "there is a field that does not belong here"),
        ({"kind": "awarded", "score": [3]}, "score must be two whole numbers, the goals of the home and of the away "),
        ({"kind": "awarded", "score": [3, 0, 1]}, "score must be two whole numbers, "),
        ({"kind": "awarded", "score": "3-0"}, "score must be two whole numbers, "),
        ({"kind": "awarded"}, "score is missing: state the goals of both sides that count from now on"),
        ({"kind": "red_card", "team": "home", "bench": False}, "bench must be true, or be left out"),
        ({"kind": "half_time", "reason": "fog"}, "a half_time has no reason"),
        ({"kind": "shootout_kick", "team": "home", "scored": "x"}, "scored must be true or false"),
        ({"kind": "var_decision", "minute": 3, "decision": "no"}, "decision must be one of: "),
        (
            {"kind": "goal", "team": "home", "minute": 3, "event_id": "a b"},
            "event_id must be 1 to 64 letters without accents, digits or the characters _ . : -",
        ),
        ({}, "kind is missing: say what happened"),
        ({"kind": "golazo"}, "kind must be one of: goal, own_goal, "),
        ([], "it must be a JSON object"),
    ],
)
def test_a_wrong_event_is_named_in_words(body: Any, words: str) -> None:
    """The field by its name, and what it must be: no path, no regular expression, no word of pydantic's."""
    assert said(body).startswith(words)
    assert not [each for each in NOT_WORDS if each in said(body)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kickoff": "tomorrow"}, f"kickoff must be {FORMS['kickoff']}"),
        ({"kickoff": "2022-12-18T15:00:00"}, f"kickoff must be {FORMS['kickoff']}"),
        ({"match": "A B"}, "match must be the id of a match: at most 20 small letters and digits, "),
        ({"leg": 3}, "leg must be one of: 1, 2"),
        ({"first_leg": [1]}, "first_leg must be two whole numbers, "),
        ({"lineups": ["Messi"]}, "lineups must be lists of names: "),
        ({"lineups": {"home": ["Messi", ""]}}, "lineups, home, number 2 must not be empty"),
        ({"lineups": {"home": ["A"] * 41}}, "lineups, home may have at most 40 entries"),
        ({"lineups": {"home": "Messi"}}, "lineups, home must be a list"),
        ({"lineups": {"bench": []}}, "there is no field bench"),
        ({"audience": 0}, "audience must be at least 1"),
        ({"away": "argentina"}, "a team cannot play itself"),
        ({"stadium": "Lusail"}, "there is no field stadium"),
    ],
)
def test_a_wrong_match_is_named_in_words(wrong: dict[str, Any], words: str) -> None:
    """A match that cannot be scheduled says what is to be changed."""
    body = {"home": "Argentina", "away": "France", "kickoff": "2022-12-18T15:00:00Z", **wrong}
    assert said(body, NewMatch).startswith(words)


def test_the_reader_s_own_names_are_used() -> None:
    """A command names its options where the API names its fields."""
    with pytest.raises(ValidationError) as found:
        EVENT.validate_python({"kind": "cancellation", "minute": 3})
    text = describe(found.value, lambda field: f"--{field}")
    assert text == "--cancels is missing: name the event to take back; a cancellation has no --minute"


def test_every_field_with_a_pattern_has_its_form_in_words() -> None:
    """A regular expression is never the only description of what a field must look like."""
    events = get_args(get_args(Event)[0])
    models = [*events, *(each for each in vars(schedule).values() if isinstance(each, type))]
    patterned = {
        name
        for model in models
        if issubclass(model, BaseModel) and model is not BaseModel
        for name, field in model.model_json_schema().get("properties", {}).items()
        if "pattern" in str(field)
    }
    assert {"event_id", "cancels", "match"} <= patterned
    assert patterned <= FORMS.keys()


_FIELDS = sorted({name for model in get_args(get_args(Event)[0]) for name in model.model_fields} - {"kind"})
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=90), st.lists(st.integers(), max_size=3))


@given(st.sampled_from([*KINDS, "golazo"]), st.dictionaries(st.sampled_from([*_FIELDS, "x"]), _VALUES, max_size=5))
@example("goal", {"team": "", "minute": True})
def test_no_refusal_speaks_in_regular_expressions(kind: str, fields: dict[str, Any]) -> None:
    """Every refusal of an operator's input is in words."""
    assert not [each for each in NOT_WORDS if each in said({"kind": kind, **fields})]


def test_a_place_in_a_list_is_counted_from_one() -> None:
    """The third name of the home side is ``lineups, home, number 3``; the type of a union shows nowhere."""
    wrong = {"type": "string_too_short", "loc": ("body", "lineups", "home", 2), "msg": "", "ctx": {"min_length": 1}}
    assert describe_problems([wrong]) == "lineups, home, number 3 is empty"
    either = [
        {"type": "datetime_parsing", "loc": ("body", "kickoff", "function-after[x(), datetime]"), "msg": "Input"},
        {"type": "date_parsing", "loc": ("body", "kickoff", "date"), "msg": "Input"},
    ]
    assert describe_problems(either) == f"kickoff must be {FORMS['kickoff']}"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ({"type": "string_too_short", "loc": ("name",), "msg": ""}, "name is empty"),
        (
            {"type": "string_too_long", "loc": ("name",), "msg": "", "ctx": {"max_length": 9}},
            "name may have at most 9 characters",
        ),
        ({"type": "string_too_long", "loc": ("name",), "msg": ""}, "name is too long"),
        (
            {"type": "string_pattern_mismatch", "loc": ("name",), "msg": "a pattern"},
            "name has the wrong form",
        ),
        ({"type": "url_scheme", "loc": ("name",), "msg": "Input should be a URL"}, "name must be a URL"),
        ({"type": "finite_number", "loc": ("name",), "msg": "Input should end"}, "name must end"),
    ],
)
def test_a_problem_of_any_field_is_in_words(problem: dict[str, Any], words: str) -> None:
    """A field without a form of its own is described by the kind of its problem, as pydantic names it."""
    assert describe_problems([problem]) == words
