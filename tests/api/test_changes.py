"""Changing and removing a match that has not kicked off, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devstack.operator.api_client import ApiError

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System


def test_a_match_is_changed_until_it_kicks_off(operator: Operator, match: str) -> None:
    """Teams, kick-off, ground, leg and lengths may change until the kick-off, also while the match is postponed."""
    changed = operator.change_match(
        match, home="Brazil", away="Croatia", kickoff="2022-12-19", neutral=True, leg=2, first_leg=[1, 3],
        half_minutes=40, extra_half_minutes=10,
    )  # fmt: skip
    about = {
        "home": "Brazil", "away": "Croatia", "kickoff": "2022-12-19", "neutral": True, "leg": 2, "first_leg": [1, 3],
        "half_minutes": 40, "extra_half_minutes": 10,
    }  # fmt: skip
    assert {name: changed[name] for name in about} == about
    operator.play(match, {"kind": "postponed", "reason": "Snow"})
    again = operator.change_match(match, kickoff="2023-01-02T20:00:00+01:00", leg=None, first_leg=None)
    assert {name: again[name] for name in ("kickoff", "leg", "first_leg", "home", "status")} == {
        "kickoff": "2023-01-02T20:00:00+01:00", "leg": None, "first_leg": None, "home": "Brazil", "status": "postponed",
    }  # fmt: skip
    assert operator.snapshot(match)["kickoff"] == "2023-01-02T20:00:00+01:00"
    operator.play(match, {"kind": "kick_off"})
    with pytest.raises(ApiError) as refused:
        operator.change_match(match, home="Chile")
    assert refused.value.code == "kicked_off"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "at least one field"),
        ({"home": "france"}, "cannot play itself"),
        ({"first_leg": [1, 0]}, "first leg belongs to a match of leg 2"),
        ({"home": None, "kickoff": "soon"}, "kickoff"),
        ({"half_minutes": 0}, "half_minutes"),
        ({"home": None}, "home must not be null"),
        ({"kickoff": None, "neutral": True}, "kickoff must not be null"),
        ({"lineups": None}, "lineups must not be null"),
    ],
)
def test_a_change_that_cannot_be_is_refused(operator: Operator, match: str, change: dict[str, Any], says: str) -> None:
    """422 with a sentence; the match stays as it was."""
    before = operator.snapshot(match)
    with pytest.raises(ApiError, match=says) as refused:
        operator.change_match(match, **change)
    assert refused.value.code == "invalid"
    assert operator.snapshot(match) == before


def test_line_ups_are_read_back_and_change_at_any_time(system: System, operator: Operator, match_id: str) -> None:
    """They may come with the match, or later, also while it is played; a match without any has none."""
    operator.create_match(
        match=match_id, home="A", away="B", kickoff="2022-12-18", lineups={"home": ["Ana", "علی"], "away": []}
    )
    assert httpx.get(f"{system.api_url}/matches/{match_id}/lineups", timeout=20).json() == {
        "match": match_id, "home": ["Ana", "علی"], "away": [],
    }  # fmt: skip
    operator.play(match_id, {"kind": "kick_off"})
    operator.change_match(match_id, lineups={"home": ["Ana"], "away": ["Bo"]})
    assert httpx.get(f"{system.api_url}/matches/{match_id}/lineups", timeout=20).json()["away"] == ["Bo"]
    assert httpx.get(f"{system.api_url}/matches/{match_id}-x/lineups", timeout=20).status_code == 404


def test_a_match_without_events_is_removed(operator: Operator, match: str, match_id: str) -> None:
    """It is gone from its route and can be made again; one with events stays."""
    operator.change_match(match, lineups={"home": ["Ana"], "away": []})
    assert operator.remove_match(match) == {"match": match, "removed": True}
    with pytest.raises(ApiError, match="no match"):
        operator.snapshot(match)
    with pytest.raises(ApiError, match="no match"):
        operator.remove_match(match)
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18")
    operator.play(match_id, {"kind": "postponed"})
    with pytest.raises(ApiError) as refused:
        operator.remove_match(match_id)
    assert refused.value.code == "kicked_off"


def test_a_minute_that_the_match_does_not_have_is_refused_at_once(operator: Operator, match_id: str) -> None:
    """422 by the match's own lengths: 45+2 is none of a match of two halves of 35."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="2022-12-18", half_minutes=35)
    operator.play(match_id, {"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 35, "stoppage": 2})
    for wrong in ({"minute": 45, "stoppage": 2}, {"minute": 101}, {"stoppage": 1}):
        with pytest.raises(ApiError) as refused:
            operator.post_event(match_id, {"kind": "goal", "team": "home", **wrong})
        assert refused.value.code == "invalid"
