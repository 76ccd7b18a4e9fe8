"""Text that others have written comes to a terminal as text, and does nothing there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from client.viewer import Viewer
from commands.cli import app
from devstack.operator import terminal_scoreboard
from devstack.operator.event_words import describe, marks, status
from loadtest.terminal_text import JOINERS, printable
from matches.event_kinds import KINDS

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System

HOSTILE = "[red]\x1b]0;owned\x07\x1b[2J\u202e\r[/]"


def _harmless(text: str) -> bool:
    return all(each.isprintable() or each in JOINERS for each in text)


@given(st.text())
def test_plain_text_does_nothing(text: str) -> None:
    """Every character that is left of a text is printable or joins letters; a harmless text stays as it was."""
    assert _harmless(printable(text))
    if _harmless(text):
        assert printable(text) == text


def test_a_persian_name_is_shown_as_it_is_written() -> None:
    """U+200C and U+200D belong to how a word is written."""
    assert printable("علی\u200cرضا\u202e") == "علی\u200cرضا\\u202e"


def test_a_watched_event_is_corrected_where_it_stands() -> None:
    """An amendment changes the line of its event, in whatever order amendments come; an unknown one does nothing."""
    goal = {"seq": 2, "kind": "goal", "player": "Wrong", "assist": "A", "minute": 45, "stoppage": 2}
    events: list[dict[str, object]] = [{"seq": 1, "kind": "kick_off"}, goal]
    first = {"seq": 3, "kind": "amendment", "amends": "g", "amends_seq": 2, "player": "B", "minute": 44}
    newer = {"seq": 4, "kind": "amendment", "amends": "g", "amends_seq": 2, "player": "C", "assist": None}
    for amendment in (first, newer, first):
        terminal_scoreboard._correct(events, amendment)  # noqa: SLF001
    assert events[1] == {"seq": 2, "kind": "goal", "player": "C", "minute": 44, "amended_by": 4}
    assert terminal_scoreboard._correct(events, {"seq": 5, "kind": "amendment"}) is None  # noqa: SLF001
    assert describe(first | {"stoppage": 1}) == "Correction of event g: player B, minute 44+1'"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_has_words(kind: str) -> None:
    """No kind is shown as programs write it, also where a cancellation names it."""
    event = {"seq": 1, "kind": kind, "score": [1, 0]}
    back = {"seq": 2, "kind": "cancellation", "cancels": "e", "cancels_seq": 1}
    for words in (describe(event), describe(back, [event, back])):
        assert (words[0].isupper(), "_" in words) == (True, False), words


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "penalty_goal", "player": "Messi", "minute": 23}, "Penalty goal, Messi"),
        ({"kind": "extra_half_time"}, "Half-time of extra time"),
        ({"kind": "suspended", "reason": "floodlights"}, "Suspended: floodlights"),
        ({"kind": "resumed"}, "Resumed"),
        ({"kind": "called_off", "reason": "fog"}, "Called off: fog"),
        ({"kind": "awarded", "score": [3, 0], "reason": "ineligible player"}, "Awarded 3–0: ineligible player"),
        ({"kind": "red_card", "player": "Ten Hag", "bench": True}, "Red card on the bench, Ten Hag"),
        ({"kind": "substitution", "player_on": "A", "player_off": "B"}, "Substitution, A for B"),
        ({"kind": "substitution", "player_on": "A"}, "Substitution, A comes on"),
        ({"kind": "substitution", "player_off": "B"}, "Substitution, B goes off"),
        (
            {"kind": "substitution", "player_off": "B", "no_replacement": True},
            "Substitution, B goes off, no replacement",
        ),
        ({"kind": "substitution"}, "Substitution, players not known"),
        ({"kind": "var_decision", "decision": "checking"}, "VAR: checking"),
        ({"kind": "shootout_kick", "scored": False, "player": "Coman"}, "Shoot-out kick missed, Coman"),
    ],
)
def test_an_event_in_words(event: dict[str, object], words: str) -> None:
    """Each kind of event, and what it may leave open, is told in football's words."""
    assert describe(event) == words


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "goal", "team": "home", "player": "Messi", "minute": 23}, "Goal 23' Messi"),
        ({"kind": "own_goal", "team": "away", "minute": 45, "stoppage": 2}, "Own goal 45+2' France"),
        ({"kind": "yellow_card", "team": "home", "player": "Rice"}, "Yellow card Rice"),
        ({"kind": "half_time"}, "Half-time"),
        ({"kind": "suspended"}, "Suspended"),
        ({"kind": "shootout_kick", "team": "away", "scored": True}, "Shoot-out kick scored France"),
        ({"kind": "var_decision", "decision": "red_card", "minute": 5, "team": "home"}, "VAR: red card 5' Argentina"),
        ({"kind": "amendment", "amends": "x", "amends_seq": 1, "player": "B"}, "Correction of goal, seq 1"),
    ],
)
@pytest.mark.parametrize(("reason", "why"), [({"reason": "offside"}, ": offside"), ({}, "")])
def test_a_cancellation_says_what_it_takes_back_and_why(
    event: dict[str, object], words: str, reason: dict[str, str], why: str
) -> None:
    """Goals, cards, phases, kicks, reviews, corrections: kind, minute, player or team, and the reason if any."""
    first = {"seq": 1, "kind": "goal", "team": "home", "player": "A", "minute": 1}
    cancellation = {"seq": 9, "kind": "cancellation", "cancels": "e", "cancels_seq": 4, **reason}
    history = [first, {**event, "seq": 4, "cancelled_by": 9}, cancellation]
    assert describe(cancellation, history, {"home": "Argentina", "away": "France"}) == f"{words} taken back{why}"
    assert marks(history[1]) == "taken back by 9"
    assert describe(cancellation) == f"Event e taken back{why}"
    assert marks(first) == ""


def test_a_watched_event_that_is_taken_back_is_struck() -> None:
    """The board keeps the event, says that it does not count and why, and the reason stands in the line of its own."""
    viewer = Viewer("ws://127.0.0.1:1", ["m"])
    follower = viewer.followers["m"]
    follower.home, follower.away, follower.status = "Argentina", "France", "extra_half_time"
    goal = {"seq": 2, "kind": "goal", "team": "home", "player": "Messi", "minute": 23, "score": [1, 0]}
    back = {"seq": 3, "kind": "cancellation", "cancels": "g", "cancels_seq": 2, "reason": "offside", "score": [0, 0]}
    events: list[dict[str, object]] = [goal]
    terminal_scoreboard._correct(events, back)  # noqa: SLF001
    shown = io.StringIO()
    Console(file=shown, width=120).print(terminal_scoreboard._board(viewer, "m", [*events, back]))  # noqa: SLF001
    assert "Goal, Messi (taken back by 3)" in shown.getvalue()
    assert "Goal 23' Messi taken back: offside" in shown.getvalue()
    assert terminal_scoreboard._state(viewer, "extra_half_time").plain.startswith("connection lost")  # noqa: SLF001
    assert status("extra_half_time") == "half-time of extra time"


@given(st.text(), st.text())
def test_events_in_words_do_nothing(kind: str, player: str) -> None:
    """An event of a gateway that is not ours is told in printable words."""
    assert _harmless(describe({"kind": kind, "player": player, "scored": True}))


def test_the_board_shows_names_as_they_are() -> None:
    """A name with markup and control sequences is shown, not obeyed: teams, players, status and errors."""
    viewer = Viewer("ws://127.0.0.1:1", ["m"])
    viewer.followers["m"].home = viewer.followers["m"].status = HOSTILE
    event = {"seq": 1, "kind": HOSTILE, "player": HOSTILE, "team": "home", "score": [HOSTILE, 0], "minute": HOSTILE}
    shown = io.StringIO()
    console = Console(file=shown, width=300, force_terminal=True, color_system=None)
    console.print(terminal_scoreboard._board(viewer, "m", [event]))  # noqa: SLF001
    viewer._receive(b'{"type":"error","message":"\\u001b[2J[red]"}')  # noqa: SLF001
    console.print(terminal_scoreboard._state(viewer, "first_half"))  # noqa: SLF001
    assert shown.getvalue().replace("\n", "").isprintable()
    assert shown.getvalue().count("[red]\\x1b]0;owned") >= 4


def test_a_team_may_be_called_red(system: System, operator: Operator, match_id: str) -> None:
    """Square brackets in names are shown by ``match show``, where rich would take them for markup."""
    operator.create_match(match=match_id, home="[red]Reds", away="[/b] Blues", kickoff="2022-12-18T15:00:00Z")
    operator.post_event(match_id, {"kind": "kick_off"})
    operator.settled(
        match_id,
        operator.post_event(match_id, {"kind": "goal", "team": "home", "minute": 1, "player": "[/]"})["event_id"],
    )
    ran = CliRunner().invoke(app, ["match", "show", match_id, "--api", system.api_url])
    assert ran.exit_code == 0, ran.output
    assert "[red]Reds 1–0 [/b] Blues" in ran.output
    assert "Goal, [/]" in ran.output
