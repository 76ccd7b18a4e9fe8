"""Scheduling a match."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import TypeAdapter, ValidationError

from matches.match_state import MatchState
from matches.schedule import Day, Lineups, MatchChange, NewMatch
from matches.scoreboard import Board

DAY: TypeAdapter[date] = TypeAdapter(Day)

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
def test_a_match_states_its_known_fields(about: dict[str, object]) -> None:
    """A day without a time, teams that are not known, a second leg, halves of other lengths, line-ups."""
    new = NewMatch.model_validate({**MATCH, **about})
    assert new.match_id == ("221218-tob-tob" if "home" in about else "221218-arg-tur")


def test_a_team_that_is_not_known_needs_no_name() -> None:
    """A match can be scheduled before its teams have qualified."""
    new = NewMatch.model_validate({"kickoff": "2026-07-19", "competition": "World Cup 2026"})
    assert (new.home, new.away) == ("To be decided", "To be decided")


@pytest.mark.parametrize(
    ("kickoff", "reason"),
    [
        ("noon", "must be a time such as"),
        (5, "must be a time such as"),
        ("0001-01-01T00:00:00+10:00", "must be within the years 1 to 9999 in UTC"),
    ],
)
def test_an_impossible_kick_off_is_refused_in_a_sentence(kickoff: object, reason: str) -> None:
    """The refusal shows the form of a time, or says which years are possible."""
    with pytest.raises(ValidationError, match=reason):
        NewMatch.model_validate({**MATCH, "kickoff": kickoff})


@pytest.mark.parametrize("day", ["20221218", "2022-12-18T00:00:00", 1671321600])
def test_a_day_has_one_form(day: object) -> None:
    """A day is written 2022-12-18; other forms that pydantic takes are refused."""
    assert DAY.validate_python("2022-12-18") == date(2022, 12, 18)
    with pytest.raises(ValidationError, match="must be a day like 2022-12-18"):
        DAY.validate_python(day)


def state() -> MatchState:
    """A scheduled match."""
    return MatchState("m", "e", 0, Board(), "Ajax", "Benfica", None, "2026-11-28", None, 0, leg=2, first_leg=(0, 1))


def test_a_change_leaves_the_other_fields_alone() -> None:
    """Only the fields that a change names are changed; a null takes the leg away."""
    after = MatchChange.model_validate({"away": "Celtic", "half_minutes": 35}).apply_to(state())
    assert (after.home, after.away, after.periods.half, after.periods.extra_half) == ("Ajax", "Celtic", 35, 15)
    assert after.leg == 2
    single = MatchChange.model_validate({"leg": None, "first_leg": None}).apply_to(state())
    assert (single.leg, single.first_leg) == (None, None)


def test_a_change_that_makes_no_match_is_refused() -> None:
    """A change is judged with the fields that stay."""
    with pytest.raises(ValueError, match="a team cannot play itself"):
        MatchChange.model_validate({"away": "Ajax"}).apply_to(state())


@pytest.mark.parametrize(
    ("change", "reason"),
    [({}, "name at least one field to change"), ({"home": None, "leg": None}, "home must not be null")],
)
def test_a_change_says_something(change: dict[str, object], reason: str) -> None:
    """An empty change and a null for a field that every match has are refused."""
    with pytest.raises(ValidationError, match=reason):
        MatchChange.model_validate(change)


def test_a_change_of_line_ups_alone_is_recognised() -> None:
    """A change of nothing but the line-ups is told from other changes."""
    lineups = {"home": ["A"], "away": []}
    assert MatchChange.model_validate({"lineups": lineups}).only_lineups
    assert not MatchChange.model_validate({"lineups": lineups, "leg": 1}).only_lineups


def test_line_ups_are_two_lists() -> None:
    """A side whose players are not known has an empty list."""
    assert Lineups.model_validate({"home": ["A"]}).names() == {"home": ["A"], "away": []}
