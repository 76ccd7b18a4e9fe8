"""Reading real feeds with their quirks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from devstack.openfootball import FeedError, find, read
from devstack.system import ROOT
from matches.events import EVENT
from matches.scoreboard import Applied, Board, apply
from tests.support import needs

FINAL = {
    "date": "2022-12-18", "time": "18:00 UTC+3", "team1": "Argentina", "team2": "France",
    "score": {"ft": [2, 2], "et": [3, 3], "p": [4, 2]},
    "goals1": [{"name": "Messi", "minute": 23, "penalty": True}, {"name": "Messi", "minute": 108},
               {"name": "Di María", "minute": 36}],
    "goals2": [{"name": "Mbappé", "minute": 80, "penalty": True}, {"name": "Mbappé", "minute": 81},
               {"name": "Mbappé", "minute": 118, "penalty": True}],
}  # fmt: skip
GOALLESS = {"date": "2022-11-22", "team1": "Denmark", "team2": "Tunisia", "score": {"ft": [0, 0]}}
STOPPAGE = {
    "date": "2022-11-21", "team1": "England", "team2": "Iran", "score": {"ft": [1, 2]},
    "goals1": [{"name": "Sterling", "minute": 45, "offset": 1}],
    "goals2": [{"name": "Taremi", "minute": 90, "offset": 13, "penalty": True},
               {"name": "Maguire", "minute": 45, "owngoal": True}],
}  # fmt: skip


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A file of three matches."""
    path = tmp_path / "feed.json"
    path.write_text(json.dumps({"name": "World Cup", "matches": [FINAL, GOALLESS, STOPPAGE]}))
    return path


def play(events: tuple[dict[str, Any], ...]) -> Board:
    """Apply all events; none may be refused."""
    board = Board()
    for number, raw in enumerate(events):
        ruling = apply(board, EVENT.validate_python({**raw, "event_id": str(number)}), number)
        assert isinstance(ruling, Applied), raw
        board = ruling.board
    return board


def test_goals_come_in_the_order_of_time(feed: Path) -> None:
    """Goals that stand per team and out of order are replayed in order, stoppage time included."""
    final, _, stoppage = read(feed)
    goals = [(event["minute"], event.get("stoppage")) for event in stoppage.events if "minute" in event]
    assert goals == [(45, None), (45, 1), (90, 13)]
    assert [event["minute"] for event in final.events if "minute" in event] == [23, 36, 80, 81, 108, 118]


def test_every_match_ends_with_its_score(feed: Path) -> None:
    """Extra time, shoot-outs, own goals and goalless matches end as the file says."""
    boards = [play(match.events) for match in read(feed)]
    assert [board.score for board in boards] == [(3, 3), (0, 0), (1, 2)]
    assert [board.shootout for board in boards] == [(4, 2), None, None]
    assert {board.status for board in boards} == {"full_time"}


def test_newer_files_and_unplayed_matches(tmp_path: Path) -> None:
    """Stoppage time may stand in the minute, a match without a score is left out, a broken one harms only itself."""
    played = {
        "date": "2026-06-11", "team1": "Mexico", "team2": "Peru", "score": {"ft": [1, 1]},
        "goals1": [{"name": "A", "minute": "45+5"}], "goals2": [{"name": "B", "minute": "9"}],
    }  # fmt: skip
    broken = {"date": "2026-06-12", "team1": "X", "team2": "Y", "score": {"ft": ["?", 0]}}
    path = tmp_path / "feed.json"
    path.write_text(json.dumps({"matches": [played, {"date": "2026-06-12", "team1": "C", "team2": "D"}]}))
    [match] = read(path)
    assert [(event["minute"], event.get("stoppage")) for event in match.events if "minute" in event] == [
        (9, None),
        (45, 5),
    ]
    path.write_text(json.dumps({"matches": [played, broken]}))
    assert find(path, "Mexico - Peru").score == (1, 1)
    with pytest.raises(FeedError, match="Match 2 of"):
        read(path)


@pytest.mark.parametrize("title", ["Argentina - France", "france – ARGENTINA", "Argentina v France"])
def test_a_match_is_found_by_its_teams(feed: Path, title: str) -> None:
    """Whichever side is named first, however it is written."""
    match = find(feed, title)
    assert match.title == "Argentina - France"
    assert match.kickoff.isoformat() == "2022-12-18T18:00:00+03:00"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is not JSON"),
        ("[]", "has no list of matches"),
        ('{"matches":[{"team1":"A","score":{"ft":[0,0]}}]}', "Match 1 of"),
        ('{"matches":[{"team1":"A","team2":"B","score":{"ft":[1]},"date":"yesterday"}]}', "Match 1 of"),
    ],
)
def test_a_broken_file_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    """A file that cannot be read says what is wrong with it and where."""
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(FeedError, match=message):
        read(path)
    with pytest.raises(FeedError, match="cannot be read"):
        read(tmp_path / "missing.json")


def test_an_unknown_match_is_said(feed: Path) -> None:
    """A title that is not in the file."""
    with pytest.raises(FeedError, match='no match "Brazil - Peru"'):
        find(feed, "Brazil - Peru")


def test_the_64_matches_of_2022_end_as_they_did() -> None:
    """A real feed: every match ends with the score the file states, by the rules alone."""
    path = Path(os.environ.get("LIVESCORE_FEED", ROOT.parent / "shared/data/worldcup-2022.json"))
    needs("the feed of the 2022 World Cup (LIVESCORE_FEED)", path.exists())
    raw = json.loads(path.read_text())["matches"]
    for match, stated in zip(read(path), raw, strict=True):
        board = play(match.events)
        score = stated["score"].get("et", stated["score"]["ft"])
        assert (list(board.score), board.shootout and list(board.shootout)) == (score, stated["score"].get("p"))
