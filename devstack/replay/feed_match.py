"""Pure: turns one match of an openfootball file into the events that an operator would have posted.

It reads every form that the files of github.com/openfootball have had since 2014. A team is a name, or an object with a
name. The score is ``{"ht", "ft", "et", "p"}``, or a pair, or ``score1`` and ``score2`` with the endings ``i``
(half-time), ``et`` and ``p``. Goals are in ``goals1`` and ``goals2``, one list for each team and not ordered by time,
or in one list ``goals`` that has the team of each goal. A minute is a number, with stoppage time in ``offset``, or text
such as ``"45+2"``. An own goal is listed with the team for which it counts. A file has only the result of a shoot-out,
so the scored kicks are replayed in turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import ValidationError

from matches import names
from matches.clock import MOST_STOPPAGE, USUAL
from matches.events import EVENT, describe
from matches.schedule import NewMatch, check_teams
from matches.scoreboard import Refused, replay
from runtime.errors import ProgramError

if TYPE_CHECKING:
    from matches.event_types import StoredEvent

Event = dict[str, Any]
Pair = tuple[int, int]
Side = Literal["home", "away"]

HALF, FULL, EXTRA, END = USUAL.ends

_MOST_GOALS = 99
_LONG_STOPPAGE = 12
"""Minutes. A goal that is later than this after the last minute of a period belongs to the next period."""

_ZONES = {
    "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
}  # fmt: skip
"""Names of time zones in European files -> hours east of Greenwich."""


class DamagedFeedError(ProgramError):
    """A match cannot be replayed; the text names the field and the reason."""


class UnplayedError(ProgramError):
    """A match has no score in the file: it has not been played, or was not added yet. The text is its status."""


@dataclass(frozen=True, slots=True)
class FeedMatch:
    """One match of a file: the values that create it, and its events in order."""

    home: str
    away: str
    kickoff: str
    """RFC 3339, or a day if the file has no time. A time without an offset is read as UTC."""
    competition: str | None
    events: tuple[Event, ...]
    score: Pair
    """The score that the file states, after extra time if it was played."""
    shootout: Pair | None
    notes: tuple[str, ...] = field(default=())
    """Clauses, each about a value that was interpreted, not taken as the file states it."""

    @property
    def title(self) -> str:
        """The title as people write it: ``Argentina - France``."""
        return f"{self.home} - {self.away}"


@dataclass(frozen=True, slots=True)
class _Scores:
    half: Pair | None
    full: Pair | None
    extra: Pair | None
    shootout: Pair | None

    @property
    def last(self) -> Pair | None:
        return self.extra or self.full


@dataclass(frozen=True, slots=True)
class _Goal:
    event: Event
    minute: int | None
    """The minute that the file states, without stoppage time; None if it is not known."""
    stoppage: int


def title_of(raw: Any) -> str:
    """The teams of a match, such as ``Argentina - France``; empty if they cannot be read."""
    try:
        return f"{_team(raw, 'team1')} - {_team(raw, 'team2')}"
    except (DamagedFeedError, UnplayedError):
        return ""


def parse(raw: Any, competition: str | None) -> FeedMatch:
    """The match of a file's object. By the rules of the game, its events end with the score that the file states.

    Raises UnplayedError, or DamagedFeedError, also if the rules refuse an event or come to another score.
    """
    if not isinstance(raw, dict):
        raise DamagedFeedError("it is no object")
    scores, status = _scores(raw), str(raw.get("status") or "").lower()
    goals = _goals(raw)
    if scores.last is None:
        _why_no_score(scores, status, goals)
    home, away = _team(raw, "team1"), _team(raw, "team2")
    try:
        check_teams(home, away)
    except ValueError as error:
        raise DamagedFeedError(f"team1 and team2: {error}") from None
    notes: list[str] = []
    kickoff = _kickoff(raw, notes)
    stated = scores.last or (0, 0)
    awarded = status == "awarded"
    if not awarded:
        _check_sum(goals, stated)
    last: list[Event] = [{"kind": "abandoned" if status == "abandoned" else "full_time"}]
    if awarded:
        last = [*(last if goals else ()), {"kind": "awarded", "score": list(stated)}]
    events = last if awarded and not goals else [*_play(goals, scores, notes), *_shootout(scores.shootout), *last]
    match = FeedMatch(
        home, away, kickoff, competition, tuple(events), stated, scores.shootout if len(events) > 1 else None,
        tuple(notes),
    )  # fmt: skip
    _check(match)
    return match


def _why_no_score(scores: _Scores, status: str, goals: list[_Goal]) -> None:
    """Raise UnplayedError or DamagedFeedError for a match without a score."""
    if scores.half is not None or scores.shootout is not None:
        raise DamagedFeedError("score: has no ft, so the match had not ended")
    if goals:
        raise DamagedFeedError("score: missing, though goals are listed")
    raise UnplayedError(status if re.fullmatch(r"[a-z][a-z _-]{0,30}", status) else "no score")


# --- Fields ---------------------------------------------------------------------------------------------------------


def _team(raw: Any, name: str) -> str:
    value = raw.get(name) if isinstance(raw, dict) else None
    if isinstance(value, dict):
        value = value.get("name")
    if value is None or value == "":
        raise DamagedFeedError(f"{name}: missing")
    return _text(value, name)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise DamagedFeedError(f"{name}: {_shown(value)} is no name")
    try:
        return names.clean(value)
    except ValueError as error:
        raise DamagedFeedError(f"{name}: {error}") from None


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _scores(raw: dict[str, Any]) -> _Scores:
    score = raw.get("score")
    if isinstance(score, list):
        score = {"ft": score}
    if isinstance(score, dict):
        return _Scores(*(_pair(score.get(key), f"score.{key}") for key in ("ht", "ft", "et", "p")))
    if score is not None:
        raise DamagedFeedError(f"score: {_shown(score)} is no score")
    return _Scores(*(_older_pair(raw, ending) for ending in ("i", "", "et", "p")))


def _older_pair(raw: dict[str, Any], ending: str) -> Pair | None:
    fields = [f"score{side}{ending}" for side in (1, 2)]
    return _pair([raw.get(each) for each in fields], " and ".join(fields))


def _pair(value: Any, name: str) -> Pair | None:
    if value is None or value in ([], [None, None]):
        return None
    if not isinstance(value, list) or len(value) != 2:  # home and away
        raise DamagedFeedError(f"{name}: {_shown(value)} is no pair of goals")
    home, away = (_whole(each) for each in value)
    if home is None or away is None or max(home, away) > _MOST_GOALS:
        raise DamagedFeedError(f"{name}: {_shown(value)} is no pair of goals")
    return home, away


def _whole(value: Any) -> int | None:
    """A whole number from 0, which may be given as text; None for any other value."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,4}\s*", value):
        return int(value)
    return value if type(value) is int and value >= 0 else None


def _goals(raw: dict[str, Any]) -> list[_Goal]:
    found = [
        _goal(goal, side, f"{name}[{place}]")
        for name, side in _GOALS_OF.items()
        for place, goal in enumerate(_listed(raw, name))
    ]
    if found:
        return found
    return [_goal(goal, _side(raw, goal, place), f"goals[{place}]") for place, goal in enumerate(_listed(raw, "goals"))]


_GOALS_OF: dict[str, Side] = {"goals1": "home", "goals2": "away"}


def _listed(raw: dict[str, Any], name: str) -> list[Any]:
    value = raw.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise DamagedFeedError(f"{name}: {_shown(value)} is no list of goals")
    return value


def _side(raw: dict[str, Any], goal: Any, place: int) -> Side:
    team = _team(goal, "team") if isinstance(goal, dict) and goal.get("team") else None
    sides: dict[str | None, Side] = {_team(raw, "team1"): "home", _team(raw, "team2"): "away"}
    if team not in sides:
        raise DamagedFeedError(f"goals[{place}].team: {_shown(team)} does not play")
    return sides[team]


def _goal(raw: Any, side: Side, name: str) -> _Goal:
    if not isinstance(raw, dict):
        raise DamagedFeedError(f"{name}: {_shown(raw)} is no goal")
    kind = "own_goal" if raw.get("owngoal") else "penalty_goal" if raw.get("penalty") else "goal"
    event: Event = {"kind": kind, "team": side}
    for theirs, ours in (("name", "player"), ("assist", "assist")):
        if raw.get(theirs):
            event[ours] = _text(raw[theirs], f"{name}.{theirs}")
    minute, stoppage = _minute(raw, name)
    return _Goal(event, minute, stoppage)


def _minute(raw: dict[str, Any], name: str) -> tuple[int | None, int]:
    value = raw.get("minute")
    if value is None or value in ("", "?"):
        return None, 0
    found = re.fullmatch(r"\s*([0-9]{1,3})\s*(?:\+\s*([0-9]{0,2})\s*)?['’′]?\s*", str(value), re.ASCII)
    if found is None:
        raise DamagedFeedError(f"{name}.minute: {_shown(value)} is no minute")
    offset = _whole(raw.get("offset") or 0)
    if offset is None:
        raise DamagedFeedError(f"{name}.offset: {_shown(raw['offset'])} is no number of minutes")
    return int(found[1]), int(found[2] or 0) or offset


def _kickoff(raw: dict[str, Any], notes: list[str]) -> str:
    try:
        day = date.fromisoformat(raw["date"]).isoformat()
    except KeyError:
        raise DamagedFeedError("date: missing") from None
    except (TypeError, ValueError):
        raise DamagedFeedError(f"date: {_shown(raw['date'])} is no day as 2022-12-18") from None
    text = raw.get("time")
    if text is None or text == "":
        return day
    if isinstance(text, str) and isinstance(raw.get("timezone"), str):
        text = f"{text} {raw['timezone']}"
    found = (
        re.fullmatch(r"\s*(\d{1,2})[:.h](\d{2})(?::00)?\s*(.*?)\s*", text, re.ASCII) if isinstance(text, str) else None
    )
    zone = found and _zone(found[3])
    if not found or not zone or int(found[1]) > 23 or int(found[2]) > 59:  # a clock
        notes.append(f"time: {_shown(text)} is not known, so the match has only its day")
        return day
    return f"{day}T{time_of_day(int(found[1]), int(found[2]), tzinfo=zone).isoformat()}"


def _zone(text: str) -> timezone | None:
    found = re.fullmatch(r"([A-Z]+)?\s*(?:([+−±-])\s*(\d{1,2})(?::?(\d{2}))?)?", text.strip().upper(), re.ASCII)
    if found is None or (found[1] or "UTC") not in _ZONES:
        return None
    offset = timedelta(hours=_ZONES[found[1] or "UTC"])
    if found[2]:
        stated = timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
        offset += -stated if found[2] in "-−" else stated
    return timezone(offset) if abs(offset) < timedelta(hours=24) else None


# --- Play -----------------------------------------------------------------------------------------------------------


def _check_sum(goals: list[_Goal], stated: Pair) -> None:
    made = _count(goals)
    if made == stated:
        return
    if not goals:
        raise DamagedFeedError("goals1 and goals2: the goals are not listed, and the score is not 0–0")
    sums = f"they make {made[0]}–{made[1]}, and the score is {stated[0]}–{stated[1]}"
    raise DamagedFeedError(f"goals1 and goals2: {sums}")


def _count(goals: list[_Goal]) -> Pair:
    sides = [goal.event["team"] for goal in goals]
    return sides.count("home"), sides.count("away")


def _play(goals: list[_Goal], scores: _Scores, notes: list[str]) -> list[Event]:
    """The events from the kick-off to the whistle before a shoot-out or the end."""
    known = sorted((goal for goal in goals if goal.minute is not None), key=_when)
    extra = scores.extra is not None or any(_when(goal) > (FULL + _LONG_STOPPAGE, 0) for goal in known)
    if extra and scores.extra is None:
        notes.append(
            f"minute: {known[-1].minute} is after the second half, so extra time is played, though et is missing"
        )
    first = _until(known, HALF, scores.half)
    second = max(first, _until(known, FULL, scores.full) if extra else len(known))
    third = max(second, _until(known, EXTRA, None))
    events: list[Event] = [{"kind": "kick_off"}, *_timed(known[:first], HALF, notes)]
    events += [{"kind": "half_time"}, {"kind": "second_half"}, *_timed(known[first:second], FULL, notes)]
    if extra:
        events += [{"kind": "extra_time"}, *_timed(known[second:third], EXTRA, notes)]
    if known[third:] or (extra and scores.shootout):
        events += [{"kind": "extra_half_time"}, {"kind": "extra_second_half"}, *_timed(known[third:], END, notes)]
    unknown = [goal.event for goal in goals if goal.minute is None]
    if unknown:
        notes.append(f"minute: missing in {len(unknown)} of {len(goals)} goals")
    return events + unknown


def _when(goal: _Goal) -> tuple[int, int]:
    return goal.minute or 0, goal.stoppage


def _until(goals: list[_Goal], end: int, stated: Pair | None) -> int:
    """The number of goals before the whistle after minute ``end``. ``goals`` are in order.

    Some files write 45+1 as 46. So if too few goals up to ``end`` are listed for the score ``stated`` at the whistle,
    and the next goals make up exactly that score, they were scored before the whistle.
    """
    cut = sum(_when(goal) < (end + 1, 0) for goal in goals)
    if stated is None or _count(goals[:cut]) == stated:
        return cut
    late = sum(_when(goal) <= (end + _LONG_STOPPAGE, 0) for goal in goals)
    return next((more for more in range(cut, late + 1) if _count(goals[:more]) == stated), cut)


def _timed(goals: list[_Goal], end: int, notes: list[str]) -> list[Event]:
    """The goals of a period as events. Minutes after the period's last minute ``end`` become stoppage time."""
    events = []
    for goal in goals:
        played = (goal.minute or 0) + goal.stoppage
        when = {"minute": played} if played <= end else {"minute": end, "stoppage": played - end}
        stated = f"{goal.minute}+{goal.stoppage}" if goal.stoppage else f"{goal.minute}"
        ours = "+".join(map(str, when.values()))
        if when.get("stoppage", 0) > MOST_STOPPAGE:
            raise DamagedFeedError(f"minute: {stated} is after every minute of the match")
        if ours != stated:
            notes.append(f"minute: {stated} is read as {ours}")
        events.append({**goal.event, **when})
    return events


def _shootout(result: Pair | None) -> list[Event]:
    home, away = result or (0, 0)
    return [
        {"kind": "shootout_kick", "team": side, "scored": True}
        for turn in range(max(home, away))
        for side, count in (("home", home), ("away", away))
        if turn < count
    ]


def _check(match: FeedMatch) -> None:
    """Raise DamagedFeedError unless the API accepts the match and the rules come to the score that the file states."""
    try:
        NewMatch(home=match.home, away=match.away, kickoff=match.kickoff, competition=match.competition)
        events = [EVENT.validate_python({**event, "event_id": f"e{at}"}) for at, event in enumerate(match.events)]
    except ValidationError as error:
        raise DamagedFeedError(describe(error)) from None
    board = replay(cast("StoredEvent", {**event.content(), "seq": at, "at": at}) for at, event in enumerate(events, 1))
    if isinstance(board, Refused):
        raise DamagedFeedError(board.reason)
    if (board.score, board.shootout) != (match.score, match.shootout):
        raise DamagedFeedError(f"by the rules of the game it ends {board.score} {board.shootout}")
