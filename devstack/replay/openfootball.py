"""Reads files of matches in the formats, old and new, of openfootball (github.com/openfootball/worldcup.json).

A file has a list ``matches``, or ``rounds`` with such a list each. feed_match.py describes the forms of a match. A
match that cannot be read is left out, with its field and the reason; the others are read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from devstack.errors import FeedError
from devstack.replay.feed_match import DamagedFeedError, FeedMatch, UnplayedError, parse, title_of
from matches.names import clean, key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_BYTES = 32 * 1024 * 1024
"""The largest file that is read. A season of a league has about 100 KB."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A match of the file that cannot be replayed."""

    number: int
    """The match's place in the file, from 1."""
    title: str
    """The match's teams; empty if they cannot be read."""
    why: str

    def __str__(self) -> str:
        return f"Match {self.number}{f' ({self.title})' if self.title else ''}: {self.why}"


@dataclass(frozen=True, slots=True)
class Feed:
    """The matches of a file that can be replayed, and the reasons why the others cannot."""

    matches: list[FeedMatch] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unplayed: list[LeftOut] = field(default_factory=list)
    """Matches without a score, which have not been played."""


def read(path: Path) -> Feed:
    """All matches of a file. Raises FeedError if the file cannot be read or none of its matches has been played."""
    competition, raws = _load(path)
    feed = Feed()
    for number, raw in raws:
        _sort(feed, number, raw, competition)
    if not feed.matches and not feed.left_out:
        raise FeedError(f"{path} has no match that has been played: {_all_of(feed.unplayed)}.")
    return feed


def find(path: Path, title: str) -> Feed:
    """The match with that title. Either side may be named first. If the teams met several times, the last match.

    Raises FeedError if there is no such match, or if it has not been played.
    """
    competition, raws = _load(path)
    wanted = _title_key(title)
    found = [(number, raw) for number, raw in raws if wanted in _title_keys(raw)]
    # In a league each side plays at home once, so a match with the sides in the given order is preferred.
    exact = [(number, raw) for number, raw in found if wanted == _title_key(title_of(raw))]
    feed = Feed()
    for number, raw in reversed(exact or found):
        _sort(feed, number, raw, competition)
        if feed.matches or feed.left_out:
            return feed
    raise FeedError(f'{path} has no match "{title}"{" that has been played" if found else ""}.')


def complaints(feed: Feed) -> list[str]:
    """Lines for a person about the matches that are left out: one for each reason, which names the first match."""
    return said_once((_QUOTED.sub("", each.why), f"Left out: {each}") for each in feed.left_out)


def said_once(lines: Iterable[tuple[str, str]]) -> list[str]:
    """The first line for each reason, with the number of further lines for that reason. ``lines``: reason and line."""
    alike: dict[str, list[str]] = {}
    for why, line in lines:
        alike.setdefault(why, []).append(line)
    return [f"{first}{_others(len(others))}" for first, *others in alike.values()]


def remarks(feed: Feed) -> list[str]:
    """Lines about values that were interpreted, about matches not played, and the number of matches to replay."""
    lines = [f"{match.title}: {note}" for match in feed.matches for note in match.notes]
    if feed.unplayed:
        lines.append(f"Not played: {_all_of(feed.unplayed)}")
    total = len(feed.matches) + len(feed.left_out) + len(feed.unplayed)
    return [*lines, f"To replay: {len(feed.matches)} of {total}"]


_QUOTED = re.compile(r"'[^']*'")


def _others(count: int) -> str:
    return "" if count == 0 else f" (and {count} more {'match' if count == 1 else 'matches'} for that reason)"


def _sort(feed: Feed, number: int, raw: Any, competition: str | None) -> None:
    try:
        feed.matches.append(parse(raw, competition))
    except UnplayedError as error:
        feed.unplayed.append(LeftOut(number, title_of(raw), str(error)))
    except DamagedFeedError as error:
        feed.left_out.append(LeftOut(number, title_of(raw), str(error)))


def _all_of(unplayed: list[LeftOut]) -> str:
    whys = sorted({each.why for each in unplayed})
    counts = [f"{sum(each.why == why for each in unplayed)} × {why}" for why in whys]
    return ", ".join(counts) or "its lists of matches are empty"


def _title_key(title: str) -> str:
    return re.sub(r"\s+(?:[-–—]|vs?\.?)\s+", " - ", key(re.sub(r"\s+", " ", title.strip())))


def _title_keys(raw: Any) -> set[str]:
    if not title_of(raw):
        return set()
    swapped = {"team1": raw["team2"], "team2": raw["team1"]}
    return {_title_key(title_of(raw)), _title_key(title_of(swapped))}


# --- Files ----------------------------------------------------------------------------------------------------------


def _load(path: Path) -> tuple[str | None, list[tuple[int, Any]]]:
    """The competition, and each match with its number in the file."""
    feed = _json(path, _bytes(path))
    if isinstance(feed, list) and any(isinstance(each, dict) and "team1" in each for each in feed):
        feed = {"matches": feed}
    if not isinstance(feed, dict):
        raise FeedError(f"{path} has no list of matches.")
    lists, rounds = [feed.get("matches")], feed.get("rounds")
    if isinstance(rounds, list):
        lists += [each.get("matches") for each in rounds if isinstance(each, dict)]
    found = [each for each in lists if isinstance(each, list)]
    if not found and rounds != []:
        has = ", ".join(sorted(map(str, feed))[:5])
        raise FeedError(f"{path} has no list of matches{f', only {has}' if has else ''}.")
    return _competition(feed.get("name")), list(enumerate((raw for each in found for raw in each), 1))


def _competition(name: Any) -> str | None:
    try:
        return clean(name) if isinstance(name, str) else None
    except ValueError:
        return None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MOST_BYTES:
        raise FeedError(f"{path} has more than {MOST_BYTES // 1024**2} MB; a season of a league has less than one.")
    if not data.strip():
        raise FeedError(f"{path} is empty.")
    return data


def _json(path: Path, data: bytes) -> Any:
    try:
        return json.loads(data)
    except UnicodeDecodeError as error:
        raise FeedError(f"{path} is not text in UTF-8: byte {error.start + 1} is 0x{data[error.start]:02x}.") from None
    except RecursionError:
        raise FeedError(f"{path} is not a list of matches: its brackets are nested too deeply.") from None
    except ValueError as error:
        raise FeedError(f"{path} is not JSON: {error}.") from None
