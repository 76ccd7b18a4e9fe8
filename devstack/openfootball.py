"""Pure: reads matches in the openfootball format and turns them into events.

The format is that of github.com/openfootball (``worldcup.json``). Its quirks: goals are listed per team and not in
time order; a goalless match has no goal lists; ``offset`` is stoppage time; an own goal stands in the list of the
team that it counts for; of a shoot-out only the result is known, so the kicks that were scored are replayed in turn.
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

    @property
    def title(self) -> str:
        """As people write it: ``Argentina - France``."""
        return f"{self.home} - {self.away}"


def read(path: Path) -> list[FeedMatch]:
    """All matches of a file.

    Raises FeedError for a file that cannot be read.
    """
    try:
        feed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise FeedError(f"{path} is not JSON: {error}.") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("matches"), list):
        raise FeedError(f"{path} has no list of matches.")
    matches = []
    for number, raw in enumerate(feed["matches"], 1):
        try:
            matches.append(_match(raw, str(feed.get("name", path.stem))))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FeedError(f"Match {number} of {path} cannot be read: {error!r}.") from None
    return matches


def find(matches: list[FeedMatch], title: str) -> FeedMatch:
    """The match of that title, whichever side is named first; the last one if they met twice.

    Raises FeedError if there is none.
    """
    wanted = {part.strip().casefold() for part in re.split(r"\s+[-–]\s+|\s+vs?\.?\s+", title)}
    found = [match for match in matches if {match.home.casefold(), match.away.casefold()} == wanted]
    if not found:
        raise FeedError(f'The file has no match "{title}".')
    return found[-1]


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
    return FeedMatch(raw["team1"], raw["team2"], _kickoff(raw), competition, tuple(events))


def _goal(raw: dict[str, Any], side: str) -> Event:
    kind = "own_goal" if raw.get("owngoal") else "penalty_goal" if raw.get("penalty") else "goal"
    event = {"kind": kind, "team": side, "player": raw["name"], "minute": int(raw["minute"])}
    return event | ({"stoppage": int(raw["offset"])} if raw.get("offset") else {})


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
