"""The rules of the game."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matches.amending import amended
from matches.events import EVENT
from matches.scoreboard import GOALS, Applied, Board, Clock, Earlier, Refused, apply


class Game:
    """A board with its history, as the ledger keeps them."""

    def __init__(self) -> None:
        self.board = Board()
        self.history: dict[str, dict[str, Any]] = {}
        self.cancelled: set[str] = set()
        self._count = 0

    def play(self, kind: str, **fields: Any) -> Applied | Refused:
        """Apply one event to the board."""
        self._count += 1
        event = EVENT.validate_python({"kind": kind, "event_id": f"e{self._count}", **fields})
        earlier = None
        name = fields.get("cancels") or fields.get("amends")
        if name in self.history:
            earlier = Earlier(self.history[name], name in self.cancelled)
        ruling = apply(self.board, event, self._count, earlier)
        if isinstance(ruling, Applied):
            self.board = ruling.board
            self.history[f"e{self._count}"] = {**event.content(), "at": self._count}
            if kind == "cancellation":
                self.cancelled.add(fields["cancels"])
            if event.kind == "amendment":
                self.history[event.amends] = amended(self.history[event.amends], event.changes())
        return ruling


def goal(side: str = "home", minute: int = 23) -> dict[str, Any]:
    """Fields of a goal."""
    return {"team": side, "minute": minute}


@pytest.fixture
def game() -> Game:
    """A game that has kicked off."""
    game = Game()
    game.play("kick_off")
    return game


def test_goals_of_every_kind_count_for_their_team(game: Game) -> None:
    """A goal, a penalty and an own goal each raise the score of the side named."""
    for kind, side in (("goal", "home"), ("penalty_goal", "home"), ("own_goal", "away")):
        game.play(kind, **goal(side))
    assert game.board.score == (2, 1)


def test_the_final_of_2022(game: Game) -> None:
    """A match with extra time and shoot-out ends with its score, and the shoot-out apart from it."""
    game.play("penalty_goal", **goal(minute=23))
    game.play("half_time")
    game.play("second_half")
    game.play("goal", **goal("away", 81))
    game.play("extra_time")
    assert game.board.status == "extra_time"
    for side, scored in (("away", True), ("home", True), ("away", False), ("home", True)):
        game.play("shootout_kick", team=side, scored=scored)
    game.play("full_time")
    assert (game.board.status, game.board.score, game.board.shootout) == ("full_time", (1, 1), (2, 1))


@pytest.mark.parametrize("kind", ["goal", "yellow_card"])
def test_nothing_happens_before_kick_off_or_after_full_time(kind: str) -> None:
    """An event outside of the match is refused, and the reason says which end."""
    game = Game()
    assert game.play(kind, **goal()) == Refused("the match has not kicked off")
    for phase in ("kick_off", "half_time", "second_half", "full_time"):
        game.play(phase)
    assert game.play(kind, **goal()) == Refused("the match is over")


@pytest.mark.parametrize("phase", ["kick_off", "second_half", "extra_time", "full_time"])
def test_phases_follow_each_other(game: Game, phase: str) -> None:
    """A phase that cannot follow the one before it is refused."""
    assert isinstance(game.play(phase), Refused)
    assert game.board.status == "first_half"


def test_a_late_goal_of_the_first_half_counts_at_half_time(game: Game) -> None:
    """Posts come late: a goal entered after the whistle still counts."""
    game.play("half_time")
    assert isinstance(game.play("goal", team="home", minute=45, stoppage=2), Applied)
    assert game.board.score == (1, 0)


def test_a_cancelled_goal_takes_the_score_back_once(game: Game) -> None:
    """A cancellation undoes a goal, and a second one is refused."""
    game.play("goal", **goal())
    game.play("cancellation", cancels="e2")
    assert game.board.score == (0, 0)
    assert game.play("cancellation", cancels="e2") == Refused("the event has already been cancelled")
    assert game.board.score == (0, 0)


def test_cancelling_nothing_or_a_cancellation_is_refused(game: Game) -> None:
    """Only an event that was applied can be taken back, and a cancellation stands."""
    assert game.play("cancellation", cancels="nope") == Refused("there is no such event to cancel")
    game.play("goal", **goal())
    game.play("cancellation", cancels="e3")
    assert isinstance(game.play("cancellation", cancels="e4"), Refused)


def test_a_goal_can_be_cancelled_after_full_time(game: Game) -> None:
    """A correction is taken when the match is over."""
    game.play("goal", **goal())
    for phase in ("half_time", "second_half", "full_time"):
        game.play(phase)
    game.play("cancellation", cancels="e2")
    assert (game.board.status, game.board.score) == ("full_time", (0, 0))


def test_only_the_latest_phase_can_be_cancelled(game: Game) -> None:
    """A whistle entered by mistake is taken back; an older one is not."""
    game.play("half_time")
    assert isinstance(game.play("cancellation", cancels="e1"), Refused)
    game.play("cancellation", cancels="e2")
    assert game.board.status == "first_half"


def test_a_shootout_ends_with_its_only_kick(game: Game) -> None:
    """A first kick posted by mistake leaves no shoot-out behind."""
    for phase in ("half_time", "second_half"):
        game.play(phase)
    game.play("shootout_kick", team="home", scored=True)
    game.play("cancellation", cancels="e4")
    assert (game.board.status, game.board.shootout) == ("second_half", None)


def test_score_followers_are_told_of_what_a_plain_scoreboard_shows(game: Game) -> None:
    """Goals and phases are for followers of the score; cards and substitutions are not."""
    ruling = game.play("goal", **goal())
    assert isinstance(ruling, Applied)
    assert ruling.scores
    ruling = game.play("yellow_card", **goal())
    assert isinstance(ruling, Applied)
    assert not ruling.scores


def test_an_amendment_corrects_and_counts_nothing(game: Game) -> None:
    """Scorer, assist and minute are put right in place; score, status and side stay; score followers are not told."""
    game.play("goal", **goal(), player="Wrong", assist="Nobody")
    before = game.board
    ruling = game.play("amendment", amends="e2", player="Lionel Messi", assist=None, minute=45, stoppage=1)
    assert isinstance(ruling, Applied)
    assert not ruling.scores
    assert (ruling.board.score, ruling.board.status) == (before.score, before.status)
    stands = game.history["e2"]
    assert (stands["player"], stands["minute"], stands["stoppage"]) == ("Lionel Messi", 45, 1)
    assert "assist" not in stands
    assert isinstance(game.play("amendment", amends="e2", minute=46), Applied)
    assert "stoppage" not in game.history["e2"]
    assert isinstance(game.play("cancellation", cancels="e2"), Applied)
    assert game.board.score == (0, 0)


AMENDMENTS: list[tuple[str, dict[str, Any], str]] = [
    ("nope", {"player": "A"}, "there is no such event to amend"),
    ("e1", {"minute": 1}, "a kick_off has nothing that can be amended"),
    ("e2", {"player": "Right"}, "the event says that already"),
    ("e2", {"minute": 23}, "the event says that already"),
    ("e2", {"player_on": "A"}, "a goal has no player_on"),
    ("e3", {"assist": "A"}, "a red_card has no assist"),
    ("e3", {"player": None}, "the event says that already"),
    ("e4", {"player_on": "Off"}, "a player cannot come on for himself"),
    ("e4", {"player": "A"}, "a substitution has no player"),
    ("e5", {"player": "A"}, "the event has been cancelled"),
    ("e6", {"player": "A"}, "a cancellation has nothing that can be amended"),
    ("e7", {"player": "A"}, "an amendment cannot be amended; amend the event again"),
]


@pytest.mark.parametrize(("name", "changes", "reason"), AMENDMENTS)
def test_an_amendment_of_what_it_does_not_fit_is_refused(
    game: Game, name: str, changes: dict[str, Any], reason: str
) -> None:
    """No event, a taken back one, a field that it lacks, nothing new: refused with a sentence, and nothing changes."""
    game.play("goal", **goal(), player="Wrong")
    game.play("red_card", **goal())
    game.play("substitution", **goal(), player_on="On", player_off="Off")
    game.play("yellow_card", **goal())
    game.play("cancellation", cancels="e5")
    game.play("amendment", amends="e2", player="Right")
    before = asdict(game.board)
    assert game.play("amendment", amends=name, **changes) == Refused(reason)
    assert asdict(game.board) == before


def test_an_amendment_stands(game: Game) -> None:
    """A correction is not cancelled: the sentence says to correct again."""
    game.play("goal", **goal())
    game.play("amendment", amends="e2", player="A")
    assert game.play("cancellation", cancels="e3") == Refused("an amendment cannot be cancelled; amend the event again")


def test_an_amendment_is_taken_after_full_time(game: Game) -> None:
    """The scorer is often known only after the match."""
    game.play("goal", **goal())
    for phase in ("half_time", "second_half", "full_time"):
        game.play(phase)
    assert isinstance(game.play("amendment", amends="e2", player="A"), Applied)


def test_a_wrong_minute_does_not_go_on_running(game: Game) -> None:
    """The clock that a wrong minute set is put right with it; a clock that something else set stays."""
    game.play("goal", **goal(minute=32))
    game.play("amendment", amends="e2", minute=23)
    assert game.board.clock == Clock(23, None, 2)
    game.play("goal", **goal(minute=30))
    game.play("amendment", amends="e2", minute=24)
    assert game.board.clock == Clock(30, None, 4)


KINDS = ("kick_off", "half_time", "second_half", "extra_time", "full_time", "goal", "own_goal", "penalty_goal",
         "yellow_card", "shootout_kick", "cancellation", "amendment")  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["home", "away"]), st.integers(1, 40)), max_size=40))
def test_the_score_is_the_goals_that_stand(moves: list[tuple[str, str, int]]) -> None:
    """Whatever is posted, the score counts the goals applied and not taken back; a refusal changes nothing."""
    game = Game()
    for kind, side, number in moves:
        before = asdict(game.board)
        fields: dict[str, Any] = {}
        if kind in GOALS or kind == "yellow_card":
            fields = goal(side)
        elif kind == "shootout_kick":
            fields = {"team": side, "scored": number % 2 == 0}
        elif kind == "cancellation":
            fields = {"cancels": f"e{number}"}
        elif kind == "amendment":
            fields = {"amends": f"e{number}", "player": f"P{number % 3}"} | ({"minute": number} if number % 2 else {})
        ruling = game.play(kind, **fields)
        if isinstance(ruling, Refused) or kind == "amendment":
            assert asdict(game.board) | {"clock": None} == before | {"clock": None}
    standing = [event for event_id, event in game.history.items() if event_id not in game.cancelled]
    for index, side in enumerate(("home", "away")):
        assert game.board.score[index] == sum(e["kind"] in GOALS and e["team"] == side for e in standing)
        kicks = sum(e["kind"] == "shootout_kick" and e["team"] == side and e["scored"] for e in standing)
        assert (game.board.shootout or (0, 0))[index] == kicks
