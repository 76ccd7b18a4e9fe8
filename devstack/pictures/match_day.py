"""A day of football for the screenshots: invented matches that together show every feature of the pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.operator.api_client import Operator

Event = dict[str, Any]

SHOWN = "arsenal-bayern"
"""The match that the screenshots of one match show."""

KICKED_OFF: tuple[Event, ...] = ({"kind": "kick_off"},)
SECOND_HALF: tuple[Event, ...] = (*KICKED_OFF, {"kind": "half_time"}, {"kind": "second_half"})


@dataclass(frozen=True, slots=True)
class Fixture:
    """One match of the day: its kick-off as ``hh:mm`` and its events."""

    match: str
    competition: str
    home: str
    away: str
    time: str
    events: tuple[Event, ...] = field(default=())
    lineups: dict[str, list[str]] = field(default_factory=dict)


def goal(team: str, player: str, minute: int, **more: Any) -> Event:
    """A goal."""
    return {"kind": "goal", "team": team, "player": player, "minute": minute, **more}


def _kicks(*scored: bool) -> Iterator[Event]:
    for number, each in enumerate(scored):
        yield {"kind": "shootout_kick", "team": ("home", "away")[number % 2], "scored": each}


LAST_GOAL = goal("home", "Bukayo Saka", 68, assist="Martin Ødegaard")
"""The goal that is posted while the page of the match is open."""

LAST_GOAL_ELSEWHERE = "hilal-nassr", goal("home", "Aleksandar Mitrović", 74)
"""The match and the goal that are posted while the scoreboard is open."""

DAY = (
    Fixture("arsenal-bayern", "Champions Cup", "Arsenal", "Bayern München", "15:00", (
        {"kind": "kick_off"},
        goal("away", "Harry Kane", 11, kind="penalty_goal"),
        {"kind": "yellow_card", "team": "home", "player": "Declan Rice", "minute": 24},
        goal("home", "Gabriel Martinelli", 38, assist="Bukayo Saka"),
        {"kind": "half_time"},
        {"kind": "second_half"},
        {"kind": "substitution", "team": "away", "player_on": "Leroy Sané", "player_off": "Serge Gnabry", "minute": 52},
        goal("away", "Jamal Musiala", 57, event_id="offside"),
        {"kind": "var_decision", "decision": "goal_disallowed", "about": "offside", "team": "away", "minute": 59},
        {"kind": "cancellation", "cancels": "offside", "reason": "offside in the build-up"},
        {"kind": "second_yellow_card", "team": "away", "player": "Dayot Upamecano", "minute": 64},
    ), {
        "home": [
            "David Raya", "Ben White", "William Saliba", "Gabriel Magalhães", "Jurriën Timber", "Declan Rice",
            "Martin Ødegaard", "Mikel Merino", "Bukayo Saka", "Gabriel Martinelli", "Kai Havertz",
        ],
        "away": [
            "Manuel Neuer", "Konrad Laimer", "Dayot Upamecano", "Kim Min-jae", "Alphonso Davies", "Joshua Kimmich",
            "Leon Goretzka", "Michael Olise", "Jamal Musiala", "Serge Gnabry", "Harry Kane",
        ],
    }),
    Fixture("inter-benfica", "Champions Cup", "Inter", "Benfica", "15:30", (
        *KICKED_OFF, goal("home", "Lautaro Martínez", 33), {"kind": "penalty_missed", "team": "away", "minute": 41},
    )),
    Fixture("real-city", "Champions Cup", "Real Madrid", "Manchester City", "15:15", (
        *KICKED_OFF, goal("away", "Erling Haaland", 9), goal("home", "Vinícius Júnior", 45, stoppage=2),
        {"kind": "half_time"},
    )),
    Fixture("gladbach-wolves", "Champions Cup", "Borussia Mönchengladbach", "Wolverhampton Wanderers", "19:45"),
    Fixture("spain-sweden", "Women's Nations League", "Spain", "Sweden", "12:00", (
        *SECOND_HALF, goal("home", "Aitana Bonmatí", 49), goal("away", "Stina Blackstenius", 83),
        {"kind": "extra_time"}, *_kicks(True, True, True, False, True, True, False, True, True, False),
        {"kind": "full_time"},
    )),
    Fixture("germany-dutch", "Women's Nations League", "Germany", "Netherlands", "19:30"),
    Fixture("hilal-nassr", "Pro League", "الهلال", "النصر", "16:00", (
        *SECOND_HALF, goal("home", "سالم الدوسري", 51), goal("away", "Cristiano Ronaldo", 70, kind="penalty_goal"),
    )),
)  # fmt: skip


def play(operator: Operator) -> None:
    """Create the matches on today's date in UTC, and post all events but the last goals. Raises ApiError."""
    date = datetime.now(UTC).date().isoformat()
    for each in DAY:
        about: dict[str, Any] = {
            "match": each.match,
            "home": each.home,
            "away": each.away,
            "competition": each.competition,
        }
        if each.lineups:
            about["lineups"] = each.lineups
        operator.create_match(**about, kickoff=f"{date}T{each.time}:00Z")
        for event in each.events:
            posted = operator.post_event(each.match, event)
        if each.events:
            operator.settled(each.match, posted["event_id"], request=posted["request"])
