"""Pure: reads matches in the openfootball format and turns them into events.

The format is that of github.com/openfootball (``worldcup.json``). Its quirks: goals are listed per team and not in
time order; a goalless match has no goal lists; ``offset`` is stoppage time, which newer files write as ``"45+2"``; an
own goal stands in the list of the team that it counts for; of a shoot-out only the result is known, so the kicks that
were scored are replayed in turn; a match without a score has not been played.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Event = dict[str, Any]


class FeedError(Exception):
    """The file is not what it should be; the text says where."""


@dataclass(frozen=True, slots=True)
class FeedMatch:
    """One match of a file: what it takes to schedule it, and its events in order."""

    home: str
    away: str
    kickoff: datetime
    competition: str
    events: tuple[Event, ...]
    score: tuple[int, int]
    """The score that the file states, after extra time where there was one."""
    shootout: tuple[int, int] | None

    @property
    def title(self) -> str:
        """As people write it: ``Argentina - France``."""
        return f"{self.home} - {self.away}"


def read(path: Path) -> list[FeedMatch]:
    """All matches of a file that have been played.

    Raises FeedError for a file that cannot be read.
    """
    competition, matches = _load(path)
    return [_parse(raw, number, competition, path) for number, raw in matches]


def find(path: Path, title: str) -> FeedMatch:
    """The match of that title, whichever side is named first; the last one if they met twice.

    Raises FeedError if there is none, or if it cannot be read; other matches of the file do not matter.
    """
    wanted = {part.strip().casefold() for part in re.split(r"\s+[-–]\s+|\s+vs?\.?\s+", title)}
    competition, matches = _load(path)
    found = [
        (number, raw)
        for number, raw in matches
        if {str(raw.get("team1")).casefold(), str(raw.get("team2")).casefold()} == wanted
    ]
    if not found:
        raise FeedError(f'{path} has no match "{title}" that has been played.')
    return _parse(found[-1][1], found[-1][0], competition, path)


def _load(path: Path) -> tuple[str, list[tuple[int, dict[str, Any]]]]:
    """The competition, and each match that has been played with its number in the file."""
    try:
        feed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise FeedError(f"{path} is not JSON: {error}.") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("matches"), list):
        raise FeedError(f"{path} has no list of matches.")
    matches = [(number, raw) for number, raw in enumerate(feed["matches"], 1) if isinstance(raw, dict)]
    return str(feed.get("name", path.stem)), [(number, raw) for number, raw in matches if raw.get("score")]


def _parse(raw: dict[str, Any], number: int, competition: str, path: Path) -> FeedMatch:
    try:
        return _match(raw, competition)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise FeedError(f"Match {number} of {path} cannot be read: {what}.") from None


def _match(raw: dict[str, Any], competition: str) -> FeedMatch:
    score = raw["score"]
    goals = sorted(
        (_goal(goal, side) for side, name in (("home", "goals1"), ("away", "goals2")) for goal in raw.get(name) or ()),
        key=_when,
    )
    extra = "et" in score
    events: list[Event] = [{"kind": "kick_off"}]
    events += [goal for goal in goals if goal["minute"] <= 45]
    events += [{"kind": "half_time"}, {"kind": "second_half"}]
    events += [goal for goal in goals if 45 < goal["minute"] <= 90]
    if extra:
        events += [{"kind": "extra_time"}, *(goal for goal in goals if goal["minute"] > 90)]
    if "p" in score:
        events += _shootout(*score["p"])
    events.append({"kind": "full_time"})
    return FeedMatch(
        home=raw["team1"],
        away=raw["team2"],
        kickoff=_kickoff(raw),
        competition=competition,
        events=tuple(events),
        score=_pair(score["et"] if extra else score["ft"]),
        shootout=_pair(score["p"]) if "p" in score else None,
    )


def _pair(raw: Any) -> tuple[int, int]:
    home, away = raw
    return int(home), int(away)


def _goal(raw: dict[str, Any], side: str) -> Event:
    kind = "own_goal" if raw.get("owngoal") else "penalty_goal" if raw.get("penalty") else "goal"
    minute, _, added = str(raw["minute"]).partition("+")
    stoppage = added or raw.get("offset")
    event = {"kind": kind, "team": side, "player": raw["name"], "minute": int(minute)}
    return event | ({"stoppage": int(stoppage)} if stoppage else {})


def _when(event: Event) -> tuple[int, int]:
    return event["minute"], event.get("stoppage", 0)


def _shootout(home: int, away: int) -> list[Event]:
    kicks = [
        side for turn in range(max(home, away)) for side, count in (("home", home), ("away", away)) if turn < count
    ]
    return [{"kind": "shootout_kick", "team": side, "scored": True} for side in kicks]


def _kickoff(raw: dict[str, Any]) -> datetime:
    """The kick-off; a time without an offset is taken as UTC (``19:00 UTC+3`` occurs too)."""
    found = re.fullmatch(r"(\d{1,2}:\d{2})(?:\s*UTC([+-]\d{1,2}))?", raw.get("time") or "00:00")
    if found is None:
        raise ValueError(f"time {raw['time']!r}")
    zone = timezone(timedelta(hours=int(found[2]))) if found[2] else UTC
    return datetime.strptime(f"{raw['date']} {found[1]}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
