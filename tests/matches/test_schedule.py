"""Scheduling a match."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from matches.schedule import NewMatch

MATCH = {"home": "Argentina", "away": "Türkiye", "kickoff": "2022-12-18T15:00:00+03:00"}


def test_a_match_without_an_id_is_named_by_date_and_teams() -> None:
    """Nobody has to invent an id."""
    assert NewMatch.model_validate(MATCH).match_id == "221218-arg-tur"


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": "WC22"},
        {"match": "a" * 21},
        {"match": "a--b"},
        {"match": "a#1"},
        {"away": "argentina"},
        {"home": "Away"},
        {"kickoff": "2022-12-18T15:00:00"},
        {"kickoff": "tomorrow"},
        {"kickoff": 1},
        {"audience": 0},
        {"stadium": "Lusail"},
        {"kickoff": "2022-02-30"},
        {"leg": 3},
        {"leg": 1, "first_leg": [1, 0]},
        {"first_leg": [1, 0]},
        {"half_minutes": 0},
        {"half_minutes": 61},
        {"extra_half_minutes": 21},
        {"lineups": {"home": ["A"] * 41}},
        {"neutral": "yes"},
    ],
)
def test_malformed_matches_are_refused(wrong: dict[str, object]) -> None:
    """An id that would break keys, a team against itself, a time without an offset: none is scheduled."""
    with pytest.raises(ValidationError):
        NewMatch.model_validate({**MATCH, **wrong})


@pytest.mark.parametrize(
    "about",
    [
        {"kickoff": "2022-12-18"},
        {"kickoff": "2022-12-18", "home": "To be decided", "away": "To be decided"},
        {"leg": 2, "first_leg": [1, 0], "neutral": True},
        {"half_minutes": 35, "extra_half_minutes": 10},
        {"lineups": {"home": ["Emiliano Martínez"], "away": []}},
    ],
)
def test_a_match_says_what_is_known_of_it(about: dict[str, object]) -> None:
    """A day without a time, teams that are not known, a second leg, halves of other lengths, line-ups."""
    new = NewMatch.model_validate({**MATCH, **about})
    assert new.match_id == ("221218-tob-tob" if "home" in about else "221218-arg-tur")


def test_a_team_that_is_not_known_needs_no_name() -> None:
    """A match can be scheduled before its teams have qualified."""
    new = NewMatch.model_validate({"kickoff": "2026-07-19", "competition": "World Cup 2026"})
    assert (new.home, new.away) == ("To be decided", "To be decided")
