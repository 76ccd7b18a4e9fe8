"""The rules of the game."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matches.events import EVENT
from matches.scoreboard import GOALS, Applied, Board, Earlier, Refused, apply


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
        if kind == "cancellation" and fields["cancels"] in self.history:
            earlier = Earlier(self.history[fields["cancels"]], fields["cancels"] in self.cancelled)
        ruling = apply(self.board, event, self._count, earlier)
        if isinstance(ruling, Applied):
            self.board = ruling.board
            self.history[f"e{self._count}"] = event.model_dump()
            if kind == "cancellation":
                self.cancelled.add(fields["cancels"])
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


KINDS = ("kick_off", "half_time", "second_half", "extra_time", "full_time", "goal", "own_goal", "penalty_goal",
         "yellow_card", "shootout_kick", "cancellation")  # fmt: skip


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
        ruling = game.play(kind, **fields)
        if isinstance(ruling, Refused):
            assert asdict(game.board) == before
    standing = [event for event_id, event in game.history.items() if event_id not in game.cancelled]
    for index, side in enumerate(("home", "away")):
        assert game.board.score[index] == sum(e["kind"] in GOALS and e["team"] == side for e in standing)
        kicks = sum(e["kind"] == "shootout_kick" and e["team"] == side and e["scored"] for e in standing)
        assert (game.board.shootout or (0, 0))[index] == kicks
