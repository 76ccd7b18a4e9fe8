"""The reading of real feeds, with their irregular forms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.errors import FeedError
from devstack.replay.feed_match import DamagedFeedError, FeedMatch, UnplayedError, _check, parse
from devstack.replay.openfootball import MOST_BYTES, Feed, complaints, find, read, remarks
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
UNPLAYED = {"date": "2026-06-12", "team1": "C", "team2": "D"}


def goals(home: list[Any], away: list[Any], **more: Any) -> dict[str, Any]:
    """A match with goals in these minutes, and with the score that they make."""
    listed = {"goals1": [{"name": "H", "minute": each} for each in home],
              "goals2": [{"name": "A", "minute": each} for each in away]}  # fmt: skip
    score = {"ft": [len(home), len(away)]}
    return {"date": "2024-07-05", "team1": "X", "team2": "Y", "score": score, **listed, **more}


def written(path: Path, *matches: Any) -> Path:
    """A file of these matches."""
    path /= "feed.json"
    path.write_text(json.dumps({"name": "World Cup", "matches": matches}), encoding="utf-8")
    return path


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A file of three matches."""
    return written(tmp_path, FINAL, GOALLESS, STOPPAGE)


def play(events: tuple[dict[str, Any], ...]) -> Board:
    """Apply all events; none may be refused."""
    board = Board()
    for number, raw in enumerate(events):
        ruling = apply(board, EVENT.validate_python({**raw, "event_id": str(number)}), number)
        assert isinstance(ruling, Applied), raw
        board = ruling.board
    return board


def minutes(match: FeedMatch) -> list[str]:
    """The minutes of a match's goals, such as ``45+2``, and the names of its phases, in order."""
    return [
        f"{event['minute']}+{event['stoppage']}" if "stoppage" in event else str(event.get("minute", event["kind"]))
        for event in match.events
    ]


def test_goals_come_in_the_order_of_time(feed: Path) -> None:
    """Goals that a file lists by team are replayed in the order of time, with stoppage time."""
    final, _, stoppage = read(feed).matches
    assert minutes(stoppage) == ["kick_off", "45", "45+1", "half_time", "second_half", "90+13", "full_time"]
    assert minutes(final)[:-7] == [
        "kick_off", "23", "36", "half_time", "second_half", "80", "81", "extra_time", "extra_half_time",
        "extra_second_half", "108", "118",
    ]  # fmt: skip


def test_every_match_ends_with_its_score(feed: Path) -> None:
    """Extra time, shoot-outs, own goals and goalless matches end as the file says."""
    boards = [play(match.events) for match in read(feed).matches]
    assert [board.score for board in boards] == [(3, 3), (0, 0), (1, 2)]
    assert [board.shootout for board in boards] == [(4, 2), None, None]
    assert {board.status for board in boards} == {"full_time"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (goals([121], [], score={"ft": [0, 0], "et": [1, 0]}), ["120+1"]),
        (goals([92], []), ["90+2"]),
        (goals(["95"], [90]), ["90", "90+5"]),
        (goals([119], []), ["119"]),
        (goals([94], [], score={"ft": [0, 0], "et": [1, 0]}), ["94"]),
        (goals([92, 108], [], score={"ft": [1, 0], "et": [2, 0]}), ["90+2", "108"]),
        (goals([46], [3], score={"ht": [1, 1], "ft": [1, 1]}), ["3", "45+1"]),
        (goals([46], [3], score={"ht": [0, 1], "ft": [1, 1]}), ["3", "46"]),
        (goals([59], [], score={"ht": [1, 0], "ft": [1, 0]}), ["59"]),
        (goals(["45+2", "90+14"], ["9'"]), ["9", "45+2", "90+14"]),
        (goals(["44+2", "89+3", "80+1"], []), ["45+1", "81", "90+2"]),
        (goals(["106+1"], [], score={"ft": [0, 0], "et": [1, 0]}), ["107"]),
        (goals(["45+"], [0]), ["0", "45"]),
    ],
)
def test_a_minute_beyond_its_period_is_stoppage_time(raw: dict[str, Any], expected: list[str]) -> None:
    """121 is read as 120+1, 92 without extra time as 90+2, 46 before half-time as 45+1; no goal is dropped."""
    match = parse(raw, None)
    assert [each for each in minutes(match) if each[0].isdigit()] == expected
    assert sum(play(match.events).score) == len(expected)


def test_interpreted_values_are_reported(tmp_path: Path) -> None:
    """The output names each changed minute, each unknown time and each missing minute."""
    path = written(
        tmp_path,
        goals([92, None], [], time="half past eight"),
        goals([119], []),
        UNPLAYED,
        {**UNPLAYED, "status": "postponed"},
    )
    assert remarks(read(path)) == [
        "X - Y: time: 'half past eight' is not known, so the match has only its day",
        "X - Y: minute: 92 is read as 90+2",
        "X - Y: minute: missing in 1 of 2 goals",
        "X - Y: minute: 119 is after the second half, so extra time is played, though et is missing",
        "Not played: 1 × no score, 1 × postponed",
        "To replay: 2 of 4",
    ]


OLD_GOALS = [
    {"name": "Marcelo", "team": {"name": "Croatia", "code": "CRO"}, "minute": 11, "owngoal": True},
    {"name": "Neymar", "team": {"name": "Brazil", "code": "BRA"}, "minute": 29},
]


@pytest.mark.parametrize(
    ("raw", "score", "shootout"),
    [
        ({"score": [2, 0], "goals1": [{"name": "A", "minute": 3}, {"name": "B", "minute": "4"}]}, (2, 0), None),
        ({"score": {"p": [2, 4], "et": [1, 1]}, "goals1": [{"minute": 3}], "goals2": [{"minute": 4}]}, (1, 1), (2, 4)),
        ({"score": {"ft": [0, 0], "p": [5, 4]}}, (0, 0), (5, 4)),
        ({"score1": 1, "score2": 1, "goals": OLD_GOALS}, (1, 1), None),
        ({"score1": 1, "score2": 1, "score1et": None, "score2et": None, "goals": OLD_GOALS}, (1, 1), None),
        ({"score1": 0, "score2": 0, "score1et": 0, "score2et": 0, "score1p": 3, "score2p": 2}, (0, 0), (3, 2)),
        ({"score": {"ft": ["1", 0]}, "goals1": [{"name": "A", "minute": 3}], "goals2": None}, (1, 0), None),
    ],
)
def test_every_form_of_a_score_is_read(raw: dict[str, Any], score: Any, shootout: Any) -> None:
    """Scores as pairs, objects or fields of 2014, teams as objects, and goals by team or in one list are all read."""
    teams = {"team1": {"name": "Brazil", "code": "BRA"}, "team2": {"name": "Croatia", "code": "CRO", "key": "cro"}}
    match = parse({"date": "2014-06-12", **teams, **raw}, "World Cup")
    assert (match.title, match.score, match.shootout) == ("Brazil - Croatia", score, shootout)
    board = play(match.events)
    assert (board.score, board.shootout, board.status) == (score, shootout, "full_time")


@pytest.mark.parametrize(
    ("time", "kickoff"),
    [
        ({}, "2024-07-05"),
        ({"time": None}, "2024-07-05"),
        ({"time": ""}, "2024-07-05"),
        ({"time": "20:45"}, "2024-07-05T20:45:00+00:00"),
        ({"time": "9:05 UTC-3"}, "2024-07-05T09:05:00-03:00"),
        ({"time": "20:45 UTC+5:30"}, "2024-07-05T20:45:00+05:30"),
        ({"time": "19:45 UTC±0"}, "2024-07-05T19:45:00+00:00"),
        ({"time": "20:45 UTC−4"}, "2024-07-05T20:45:00-04:00"),  # a minus sign, as people write it
        ({"time": "20:45 CET"}, "2024-07-05T20:45:00+01:00"),
        ({"time": "20:45 CEST"}, "2024-07-05T20:45:00+02:00"),
        ({"time": "17:00", "timezone": "UTC-3"}, "2024-07-05T17:00:00-03:00"),
        ({"time": "17:00", "timezone": "?"}, "2024-07-05"),
        ({"time": "25:00"}, "2024-07-05"),
        ({"time": "20:45 UTC+99"}, "2024-07-05"),
        ({"time": "8 pm"}, "2024-07-05"),
        ({"time": 20}, "2024-07-05"),
    ],
)
def test_the_time_of_the_kick_off(time: dict[str, Any], kickoff: str) -> None:
    """A time with an offset or the name of a time zone is read; with an unreadable time only the day is used."""
    match = parse({**GOALLESS, "date": "2024-07-05", **time}, None)
    assert match.kickoff == kickoff
    assert bool(match.notes) == (kickoff == "2024-07-05" and bool(time.get("time")))


def test_matches_that_did_not_end_on_the_pitch() -> None:
    """An awarded match has the awarded score, even if it was not played; an abandoned match ends with its goals."""
    awarded = {**GOALLESS, "status": "awarded", "score": {"ft": [0, 3]}}
    boards = [play(parse(raw, None).events) for raw in (awarded, {**awarded, "goals1": [{"minute": 9}]})]
    assert [(board.status, board.score) for board in boards] == [("awarded", (0, 3))] * 2
    board = play(parse(goals([9], [50], status="ABANDONED"), None).events)
    assert (board.status, board.score) == ("abandoned", (1, 1))


@pytest.mark.parametrize("status", ["", "cancelled", "CANCELLED", "canceled", "postponed", "abandoned", "awarded"])
@pytest.mark.parametrize("score", [{}, {"score": {}}, {"score": None}, {"score1": None, "score2": None}])
def test_a_match_without_a_score_was_not_played(status: str, score: dict[str, Any]) -> None:
    """A match that has not been played is not an error of the file, for any status and also with unknown teams."""
    with pytest.raises(UnplayedError, match=status.lower() or "no score"):
        parse({"date": "2024-07-05", "team1": None, "status": status, **score}, None)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (7, "it is no object"),
        ({**GOALLESS, "team1": None}, "team1: missing"),
        ({**GOALLESS, "team1": {"code": "DEN"}}, "team1: missing"),
        ({**GOALLESS, "team2": 7}, "team2: 7 is no name"),
        ({**GOALLESS, "team2": "A\u202e"}, "team2: must not contain a bidirectional control (U+202E)"),
        ({**GOALLESS, "team2": "x" * 81}, "team2: must have 80 characters at most, and has 81"),
        ({**GOALLESS, "team2": "dENMARK"}, "team1 and team2: a team cannot play itself"),
        ({**GOALLESS, "team2": "Home"}, "team1 and team2: home and away are sides, not teams' names"),
        ({**GOALLESS, "date": "8-24-2018"}, "date: '8-24-2018' is no day as 2022-12-18"),
        ({**GOALLESS, "date": None}, "date: None is no day as 2022-12-18"),
        ({"team1": "A", "team2": "B", "score": [0, 0]}, "date: missing"),
        ({**GOALLESS, "score": "2-0"}, "score: '2-0' is no score"),
        ({**GOALLESS, "score": {"ft": [1]}}, "score.ft: [1] is no pair of goals"),
        ({**GOALLESS, "score": {"ft": ["?", 0]}}, "score.ft: ['?', 0] is no pair of goals"),
        ({**GOALLESS, "score": {"ft": [True, 0]}}, "score.ft: [True, 0] is no pair of goals"),
        ({**GOALLESS, "score": {"ft": [1000, 0]}}, "score.ft: [1000, 0] is no pair of goals"),
        ({**GOALLESS, "score": {"ht": [0, 0]}}, "score: has no ft, so the match had not ended"),
        ({**GOALLESS, "score": {}, "goals1": [{"minute": 1}]}, "score: missing, though goals are listed"),
        ({**GOALLESS, "score": [2, 1]}, "goals1 and goals2: the goals are not listed, and the score is not 0–0"),
        (goals([1, 2], [], score=[2, 1]), "goals1 and goals2: they make 2–0, and the score is 2–1"),
        ({**GOALLESS, "goals1": "none"}, "goals1: 'none' is no list of goals"),
        ({**GOALLESS, "goals2": [None]}, "goals2[0]: None is no goal"),
        (goals([3, "half"], []), "goals1[1].minute: 'half' is no minute"),
        (goals([3, -1], []), "goals1[1].minute: -1 is no minute"),
        (goals([3.5], []), "goals1[0].minute: 3.5 is no minute"),
        (goals([155], []), "minute: 155 is after every minute of the match"),
        (goals([], [{"minute": 1}]), "goals2[0].minute: {'minute': 1} is no minute"),
        ({**GOALLESS, "goals1": [{"minute": 1, "offset": "x"}]}, "goals1[0].offset: 'x' is no number of minutes"),
        ({**GOALLESS, "goals1": [{"minute": 1, "name": "a\nb"}]},
         "goals1[0].name: must not contain a line break (U+000A)"),
        ({**GOALLESS, "goals": [{"minute": 1, "team": "Peru"}]}, "goals[0].team: 'Peru' does not play"),
    ],
)  # fmt: skip
def test_a_match_that_cannot_be_read_names_the_field(raw: Any, why: str) -> None:
    """The reason names the field and its value."""
    with pytest.raises(DamagedFeedError) as refused:
        parse(raw, None)
    assert str(refused.value) == why


def test_names_are_cleaned_as_the_api_cleans_them(tmp_path: Path) -> None:
    """Odd spaces in a name do not make another team or another player."""
    raw = {**goals([3], []), "team1": " Côte\u00a0d'Ivoire ", "goals1": [{"name": "Yaya\u2009 Touré", "minute": 3}]}
    [match] = find(written(tmp_path, raw), "y v CÔTE d'Ivoire").matches
    assert (match.home, match.events[1]["player"]) == ("Côte d'Ivoire", "Yaya Touré")


def test_a_match_that_cannot_be_read_harms_only_itself(tmp_path: Path) -> None:
    """The other matches are replayed; each reason appears once, with its first match and the number of others."""
    totals = [{**GOALLESS, "score": [2, number]} for number in range(4)]
    unlisted = "goals1 and goals2: the goals are not listed, and the score is not 0–0"
    wrong = {**GOALLESS, "team1": "X", "date": "soon"}
    feed = read(written(tmp_path, FINAL, wrong, *totals, "?", goals([3], [])))
    assert [match.title for match in feed.matches] == ["Argentina - France", "X - Y"]
    assert complaints(feed) == [
        "Left out: Match 2 (X - Tunisia): date: 'soon' is no day as 2022-12-18",
        f"Left out: Match 3 (Denmark - Tunisia): {unlisted} (and 3 more matches for that reason)",
        "Left out: Match 7: it is no object",
    ]
    assert find(written(tmp_path, wrong, FINAL), "Argentina - France").left_out == []


def test_a_file_with_rounds_is_read(tmp_path: Path) -> None:
    """Older files have a list of matches in each round."""
    path = tmp_path / "feed.json"
    rounds = [{"name": "Matchday 1", "matches": [FINAL]}, {"name": "Matchday 2", "matches": [STOPPAGE, UNPLAYED]}]
    path.write_text(json.dumps({"name": "Cup", "rounds": rounds}))
    feed = read(path)
    assert [match.title for match in feed.matches] == ["Argentina - France", "England - Iran"]
    assert [(each.number, each.title) for each in feed.unplayed] == [(3, "C - D")]


@pytest.mark.parametrize("title", ["Argentina - France", "france – ARGENTINA", "Argentina v France"])
def test_a_match_is_found_by_its_teams(feed: Path, title: str) -> None:
    """A title finds its match with either side first, in any case, and with each usual separator."""
    [match] = find(feed, title).matches
    assert match.title == "Argentina - France"
    assert match.kickoff == "2022-12-18T18:00:00+03:00"


def test_of_several_matches_the_one_at_home_is_found(tmp_path: Path) -> None:
    """A title in a league finds the match with that side at home, and of several such matches the last one played."""
    home, away = goals([1], []), {**goals([], [2]), "team1": "Y", "team2": "X"}
    again = {**home, "date": "2024-08-01"}
    path = written(tmp_path, home, again, {**home, "score": {}, "goals1": []}, away)
    assert [match.kickoff for match in find(path, "X - Y").matches] == ["2024-08-01"]
    assert [match.title for match in find(path, "y - x").matches] == ["Y - X"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"nonsense", "is not JSON"),
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"[]", "has no list of matches"),
        (b"7", "has no list of matches"),
        (b'{"name":"Clubs","clubs":[]}', "has no list of matches, only clubs, name"),
        (b'{"rounds":[]}', "has no match that has been played: its lists of matches are empty"),
        (b"[" * 200_000, "brackets are nested too deeply"),
        (b'{"a":' * 200_000, "brackets are nested too deeply"),
        (b"9" * 10_000, "is not JSON"),
        (json.dumps({"name": "Z\u00fcrich"}, ensure_ascii=False).encode("latin-1"), "is not text in UTF-8"),
        (b"\x1f\x8b\x08\x00\x00\x00", "is not"),
        (json.dumps({"matches": [UNPLAYED] * 3}).encode(), "has no match that has been played: 3 × no score"),
        (b" " * (MOST_BYTES + 1), "has more than 32 MB"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    """The error names the fault of a file that cannot be read, or in which no match was played."""
    path = tmp_path / "damaged.json"
    path.write_bytes(data)
    with pytest.raises(FeedError, match=message) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_an_unreadable_file_is_a_sentence(tmp_path: Path) -> None:
    """A missing file, a directory, an endless device and 2 GB of zeros each give a sentence."""
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(2 * 1024**3)
    for path, message in (
        (tmp_path / "missing.json", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (Path("/dev/zero"), "has more than 32 MB"),
        (huge, "has more than 32 MB"),
    ):
        with pytest.raises(FeedError, match=message):
            read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_any_encoding_of_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    """A file in any encoding of Unicode is read, with or without a byte order mark."""
    path = tmp_path / "feed.json"
    path.write_bytes(json.dumps({"matches": [FINAL]}, ensure_ascii=False).encode(encoding))
    [match] = read(path).matches
    assert match.events[2]["player"] == "Di María"


def test_an_unknown_match_is_said(feed: Path, tmp_path: Path) -> None:
    """A title that is not in the file, or whose match has not been played, gives a sentence."""
    with pytest.raises(FeedError, match='no match "Brazil - Peru"'):
        find(feed, "Brazil - Peru")
    with pytest.raises(FeedError, match='no match "C - D" that has been played'):
        find(written(tmp_path, UNPLAYED, FINAL), "C - D")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 150) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "minute", "ft"]), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*FINAL, "goals", "status", "timezone", "score1"]), _JSON), st.booleans())
def test_whatever_stands_in_a_match_is_a_sentence(wrong: dict[str, Any], whole: bool) -> None:
    """Any match is read and ends with its score, or is refused in one line."""
    try:
        match = parse({**FINAL, **wrong} if whole else wrong, None)
    except (UnplayedError, DamagedFeedError) as error:
        refused = str(error)
    else:
        refused = ""
        assert play(match.events).score == match.score
    assert "\n" not in refused


def test_the_file_of_the_readme_replays() -> None:
    """The file that the README names exists, its matches end as it states, and no value in it is interpreted."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 'replay examples/worldcup.json --match "Argentina - France"' in readme
    path = ROOT / "examples" / "worldcup.json"
    feed = read(path)
    assert (feed.left_out, feed.unplayed, remarks(feed)) == ([], [], ["To replay: 3 of 3"])
    assert [(match.score, match.shootout) for match in feed.matches] == [
        ((4, 2), None),
        ((1, 7), None),
        ((3, 3), (4, 2)),
    ]
    assert find(path, "Argentina - France").matches == feed.matches[-1:]


def _as_stated(feed: Feed, raw: list[dict[str, Any]]) -> None:
    for match, stated in zip(feed.matches, raw, strict=True):
        board = play(match.events)
        score = stated["score"].get("et", stated["score"]["ft"])
        assert (list(board.score), board.shootout and list(board.shootout)) == (score, stated["score"].get("p"))


def test_the_64_matches_of_2022_end_as_they_did() -> None:
    """A real feed: every match ends with the score the file states, by the rules alone."""
    path = Path(os.environ.get("LIVESCORE_FEED", ROOT.parent / "shared/data/worldcup-2022.json"))
    needs("the feed of the 2022 World Cup (LIVESCORE_FEED)", path.exists())
    _as_stated(read(path), json.loads(path.read_text())["matches"])


@pytest.mark.parametrize("competition", ["Cup\x00", "C" * 300])
def test_a_match_that_the_api_would_refuse_is_not_replayed(competition: str) -> None:
    """A competition that the API would refuse is found before anything is posted."""
    with pytest.raises(DamagedFeedError, match="competition"):
        parse(GOALLESS, competition)


def test_a_result_that_the_rules_do_not_give_is_not_replayed() -> None:
    """A shoot-out without a scored kick is refused before anything is posted."""
    with pytest.raises(DamagedFeedError, match=r"by the rules of the game it ends \(0, 0\) None"):
        parse({**GOALLESS, "score": {"ft": [0, 0], "p": [0, 0]}}, None)


def test_events_that_the_rules_refuse_are_not_replayed() -> None:
    """The rules judge all events of a match before the first one is posted."""
    match = FeedMatch("A", "B", "2024-07-05", None, ({"kind": "full_time"},), (0, 0), None)
    with pytest.raises(DamagedFeedError, match="full_time cannot follow scheduled"):
        _check(match)
