"""The changes that an amendment states."""

from __future__ import annotations

from matches.amendments import changes_of, with_changes

GOAL = {"kind": "goal", "seq": 3, "team": "home", "player": "Messi", "minute": 45, "stoppage": 2}


def test_an_amended_minute_brings_its_stoppage_time() -> None:
    """An amendment that states a minute without stoppage time takes the old stoppage time away."""
    changes = changes_of({"kind": "amendment", "amends": "g1", "minute": 44})
    assert changes == {"minute": 44, "stoppage": None}
    assert with_changes(GOAL, changes) == {"kind": "goal", "seq": 3, "team": "home", "player": "Messi", "minute": 44}


def test_an_amended_name_leaves_the_time_alone() -> None:
    """An amendment that states no minute changes neither the minute nor the stoppage time."""
    changes = changes_of({"kind": "amendment", "amends": "g1", "player": "Di María", "assist": None})
    assert changes == {"player": "Di María", "assist": None}
    assert with_changes(GOAL, changes) == GOAL | {"player": "Di María"}
