"""The one rule for every text that people type in, by the table that the desk is tested with too (names.test.mjs)."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from matches.events import EVENT, describe
from matches.match_state import MatchState
from matches.names import clean, key
from matches.schedule import MatchChange, NewMatch
from matches.scoreboard import Board

TABLE: dict[str, list[Any]] = json.loads((Path(__file__).parents[1] / "names.json").read_text(encoding="utf-8"))

_TRICKY = st.text(st.sampled_from("aé\u0301\u0d4d \u00a0\u2028\t\n\u0085\u200b\u200c\u200d\u200f\u202e\ufeff\ud800😀"))

PERSIAN = "علی\u200cرضا"
MATCH = {"home": "Córdoba", "away": "Peru", "kickoff": "2022-12-18T15:00:00Z"}


@pytest.mark.parametrize("case", TABLE["clean"], ids=lambda case: str(case["what"]))
def test_a_text_is_cleaned_as_the_table_says(case: dict[str, str]) -> None:
    """Spaces become plain ones, joiners stay inside words, and what does nothing is left out."""
    assert clean(case["text"]) == case["is"]


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: str(case["what"]))
def test_a_text_is_refused_as_the_table_says(case: dict[str, str]) -> None:
    """The reason names what was found."""
    with pytest.raises(ValueError, match="must") as refused:
        clean(case["text"])
    assert str(refused.value) == case["why"]


@pytest.mark.parametrize("case", TABLE["same"])
def test_two_writings_are_one_name_as_the_table_says(case: list[Any]) -> None:
    """However letters are composed, and in whatever case."""
    one, other, *not_the_same = case
    assert (key(one) == key(other)) == (not not_the_same)


@given(st.text(max_size=90) | _TRICKY)
def test_a_cleaned_text_is_clean(text: str) -> None:
    """Cleaning again changes nothing, and what is kept is visible, or one plain space, or a joiner."""
    try:
        cleaned = clean(text)
    except ValueError:
        return
    assert clean(cleaned) == cleaned
    assert 1 <= len(cleaned) <= 80
    assert "  " not in cleaned
    unseen = {each for each in cleaned if unicodedata.category(each)[0] in "ZC"} - {" ", "\u200c", "\u200d"}
    assert all(unicodedata.category(each) == "Cn" for each in unseen)


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ({"kind": "goal", "team": "home", "minute": 1}, ("player", "assist", "team")),
        ({"kind": "substitution", "team": "home", "minute": 1}, ("player_on", "player_off")),
        ({"kind": "amendment", "amends": "g"}, ("player", "assist", "player_on", "player_off")),
        ({"kind": "cancellation", "cancels": "g"}, ("reason",)),
        ({"kind": "suspended"}, ("reason",)),
        ({"kind": "awarded", "score": [3, 0]}, ("reason",)),
    ],
)
def test_every_text_of_an_event_goes_through_the_rule(event: dict[str, Any], fields: tuple[str, ...]) -> None:
    """A pasted no-break space stops no event, a Persian name stays whole, an override is named in the refusal."""
    texts = {field: f" {PERSIAN}\u00a0{number}\u00a0 " for number, field in enumerate(fields)}
    read = EVENT.validate_python({**event, **texts})
    assert [getattr(read, field) for field in fields] == [f"{PERSIAN} {number}" for number in range(len(fields))]
    for field in fields:
        with pytest.raises(ValidationError) as refused:
            EVENT.validate_python({**event, **texts, field: "A\u202e"})
        assert describe(refused.value).endswith(f"{field} must not contain a bidirectional control (U+202E)")


def test_every_text_of_a_match_goes_through_the_rule() -> None:
    """Teams, competition and line-ups are cleaned as names of players are."""
    fields = ("home", "away", "competition")
    match = NewMatch.model_validate({**MATCH, **{name: f"\u2007{name}\u00a0\u00a0FC" for name in fields}})
    assert [getattr(match, name) for name in fields] == [f"{name} FC" for name in fields]
    lineups = MatchChange.model_validate({"lineups": {"home": [f"{PERSIAN}\u00a0 1"]}}).lineups
    assert lineups is not None
    assert lineups.home == [f"{PERSIAN} 1"]
    for name in fields:
        with pytest.raises(ValidationError, match=r"must not contain a line break \(U\+000A\)"):
            NewMatch.model_validate({**MATCH, name: "A\nB"})


def test_a_team_is_known_however_its_letters_are_composed() -> None:
    """``ó`` as one code point or as two is the same team: it cannot play itself, and an event finds its side."""
    decomposed = unicodedata.normalize("NFD", "CÓRDOBA")
    with pytest.raises(ValidationError, match="a team cannot play itself"):
        NewMatch.model_validate({**MATCH, "away": decomposed})
    state = MatchState("m", "e", 0, Board(), "Córdoba", "Straße", None, MATCH["kickoff"], None, 0)
    assert [state.side(name) for name in (decomposed, "STRASSE", "home", "Away", "Cordoba")] == [
        "home", "away", "home", "away", None,
    ]  # fmt: skip
