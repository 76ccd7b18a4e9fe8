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
    ],
)
def test_malformed_matches_are_refused(wrong: dict[str, object]) -> None:
    """An id that would break keys, a team against itself, a time without an offset: none is scheduled."""
    with pytest.raises(ValidationError):
        NewMatch.model_validate({**MATCH, **wrong})
