"""The rules of the game."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from matches.clock import Clock, Periods
from matches.events import EVENT, AcceptedEvent
from matches.scoreboard import Applied, Board, Refused, apply, refers_to_earlier
from trials.fuzz.fuzz_runner import TARGETS, fuzz
from trials.model.reference import add


class Game:
    """A board with its history, as the ledger keeps them; ``now`` is the time of the next event."""

    def __init__(self, periods: Periods | None = None) -> None:
        self.board = Board()
        self.events: list[Any] = []
        self.periods = periods or Periods()
        self.now = 1
        self._count = 0

    def play(self, kind: str, **fields: Any) -> Applied | Refused:
        """Apply one event to the board."""
        self._count += 1
        event = EVENT.validate_python({"kind": kind, "event_id": f"e{self._count}", **fields})
        ruling = apply(self.board, event, self.now, self.events, self.periods)
        if isinstance(ruling, Applied):
            self.board = ruling.board
            add(self.events, AcceptedEvent("m", self.now, event), ruling)
        self.now += 1
        return ruling

    def plays(self, *kinds: str) -> None:
        """Apply phases, all of which must be taken."""
        for kind in kinds:
            assert isinstance(self.play(kind), Applied), kind

    def event(self, name: str) -> Any:
        """An applied event as it stands."""
        return next(each for each in self.events if each["event_id"] == name)


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


def test_a_goal_before_the_kick_off_is_refused() -> None:
    """A goal needs a match that has kicked off."""
    assert Game().play("goal", **goal()) == Refused("the match has not kicked off")


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


def test_a_phase_is_cancelled_unless_a_later_event_needs_it(game: Game) -> None:
    """A whistle entered by mistake is taken back, also an older one; the reason of a refusal names what needs it."""
    game.plays("half_time")
    assert game.play("cancellation", cancels="e1") == Refused(
        "without this kick_off, half_time (seq 2) would be impossible: "
        "half_time cannot follow scheduled; cancel that first"
    )
    game.play("cancellation", cancels="e2")
    assert game.board.status == "first_half"
    game.plays("half_time", "second_half", "extra_time", "full_time")
    assert isinstance(game.play("cancellation", cancels="e7"), Applied)
    assert game.board.status == "full_time"


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
    stands = game.event("e2")
    assert (stands["player"], stands["minute"], stands["stoppage"]) == ("Lionel Messi", 45, 1)
    assert "assist" not in stands
    assert isinstance(game.play("amendment", amends="e2", minute=46), Applied)
    assert "stoppage" not in game.event("e2")
    assert isinstance(game.play("cancellation", cancels="e2"), Applied)
    assert game.board.score == (0, 0)


AMENDMENTS: list[tuple[str, dict[str, Any], str]] = [
    ("nope", {"player": "A"}, "there is no such event to amend"),
    ("e1", {"minute": 1}, "a kick_off cannot be amended"),
    ("e2", {"player": "Right"}, "the event already has these values"),
    ("e2", {"minute": 23}, "the event already has these values"),
    ("e2", {"player_on": "A"}, "a goal has no player_on"),
    ("e3", {"assist": "A"}, "a red_card has no assist"),
    ("e3", {"player": None}, "the event already has these values"),
    ("e4", {"player_on": "Off"}, "a player cannot come on for himself"),
    ("e4", {"player": "A"}, "a substitution has no player"),
    ("e5", {"player": "A"}, "the event has been cancelled"),
    ("e6", {"player": "A"}, "a cancellation cannot be amended"),
    ("e7", {"player": "A"}, "an amendment cannot be amended; amend the event again"),
]


@pytest.mark.parametrize(("name", "changes", "reason"), AMENDMENTS)
def test_an_amendment_that_does_not_fit_its_event_is_refused(
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


def test_a_shoot_out_whose_only_kick_was_cancelled_can_end(game: Game) -> None:
    """The kick is cancelled and then full time: the second half goes on, as if neither had been posted."""
    game.plays("half_time", "second_half")
    game.play("shootout_kick", team="home", scored=True)
    game.plays("full_time")
    assert isinstance(game.play("cancellation", cancels="e4"), Applied)
    assert (game.board.status, game.board.shootout) == ("full_time", None)
    assert isinstance(game.play("cancellation", cancels="e5"), Applied)
    assert game.board.status == "second_half"


def test_a_goal_cancelled_after_a_shoot_out_is_put_back(game: Game) -> None:
    """After full time, and in the shoot-out too, a goal of the match before it can be entered; it needs its minute."""
    game.play("goal", **goal())
    game.plays("half_time", "second_half")
    game.play("shootout_kick", team="home", scored=True)
    assert isinstance(game.play("cancellation", cancels="e2"), Applied)
    assert isinstance(game.play("goal", team="home"), Refused)
    assert isinstance(game.play("goal", **goal()), Applied)
    assert (game.board.status, game.board.score, game.board.shootout) == ("shootout", (1, 0), (1, 0))
    game.plays("full_time")
    assert isinstance(game.play("cancellation", cancels="e8"), Applied)
    assert isinstance(game.play("goal", **goal()), Applied)
    assert (game.board.status, game.board.score) == ("full_time", (1, 0))


def test_a_cancelled_half_time_gives_the_clock_back(game: Game) -> None:
    """The clock runs on from what it said before the whistle."""
    game.play("goal", **goal(minute=12))
    before = game.board
    game.plays("half_time")
    game.play("cancellation", cancels="e3")
    assert game.board == before


def test_the_score_followers_are_told_when_a_correction_changes_the_score(game: Game) -> None:
    """Goals, kicks and phases that are taken back are for followers of the score; a card is not."""
    game.play("goal", **goal())
    game.play("yellow_card", **goal())
    rulings = [game.play("cancellation", cancels=name) for name in ("e3", "e2", "e1")]
    assert [isinstance(each, Applied) and each.scores for each in rulings] == [False, True, True]


STATES: list[tuple[str, list[str], str]] = [
    ("a match is postponed and kicks off later", ["postponed", "kick_off"], "first_half"),
    ("a postponed match is called off", ["postponed", "called_off"], "called_off"),
    ("a match is suspended and resumed", ["kick_off", "suspended", "resumed"], "first_half"),
    ("a suspension at half-time", ["kick_off", "half_time", "suspended", "resumed", "second_half"], "second_half"),
    ("nobody entered that play has resumed", ["kick_off", "suspended", "half_time"], "half_time"),
    ("a suspended match is abandoned", ["kick_off", "suspended", "abandoned"], "abandoned"),
    ("a match is abandoned at once", ["kick_off", "abandoned"], "abandoned"),
    (
        "extra time with its half-time",
        ["kick_off", "half_time", "second_half", "extra_time", "extra_half_time", "extra_second_half", "full_time"],
        "full_time",
    ),
]


@pytest.mark.parametrize(("kinds", "status"), [each[1:] for each in STATES], ids=[each[0] for each in STATES])
def test_the_states_of_a_match(kinds: list[str], status: str) -> None:
    """Each phase of the trade leads where it should; taken back one by one, it leads back to the scheduled match."""
    game = Game()
    game.plays(*kinds)
    assert game.board.status == status
    for number in range(len(kinds), 0, -1):
        assert isinstance(game.play("cancellation", cancels=f"e{number}"), Applied)
    assert game.board == Board()


@pytest.mark.parametrize(
    ("before", "kind", "reason"),
    [
        ([], "suspended", "suspended cannot follow scheduled"),
        ([], "resumed", "resumed cannot follow scheduled"),
        ([], "abandoned", "abandoned cannot follow scheduled"),
        (["kick_off"], "postponed", "postponed cannot follow first_half"),
        (["kick_off"], "called_off", "called_off cannot follow first_half"),
        (["kick_off", "suspended"], "suspended", "suspended cannot follow suspended"),
        (["kick_off", "suspended"], "second_half", "second_half cannot follow suspended"),
        (["kick_off", "abandoned"], "resumed", "resumed cannot follow abandoned"),
        (["called_off"], "kick_off", "kick_off cannot follow called_off"),
    ],
)
def test_a_state_that_cannot_follow_is_refused(before: list[str], kind: str, reason: str) -> None:
    """The reason names both states."""
    game = Game()
    game.plays(*before)
    assert game.play(kind) == Refused(reason)


def test_an_awarded_match_has_the_score_of_the_award(game: Game) -> None:
    """The score of the award counts instead of the goals, which stand in the history; a goal changes it no more."""
    game.play("goal", **goal("away"))
    game.plays("abandoned")
    ruling = game.play("awarded", score=[3, 0], reason="The away team left the pitch")
    assert isinstance(ruling, Applied)
    assert (ruling.board.status, ruling.board.score, ruling.scores) == ("awarded", (3, 0), True)
    assert game.play("goal", **goal()) == Refused("the match is awarded, and its score stands")
    assert isinstance(game.play("cancellation", cancels="e2"), Applied)
    assert game.board.score == (3, 0)
    assert isinstance(game.play("cancellation", cancels="e4"), Applied)
    assert (game.board.status, game.board.score) == ("abandoned", (0, 0))


@pytest.mark.parametrize("kinds", [[], ["postponed"], ["kick_off", "half_time"], ["kick_off", "abandoned"]])
def test_a_card_is_shown_also_while_nobody_plays(kinds: list[str]) -> None:
    """Before the kick-off, at half-time, after the end; to the bench too, with no minute."""
    game = Game()
    game.plays(*kinds)
    assert isinstance(game.play("red_card", team="home", player="The coach", bench=True), Applied)


@pytest.mark.parametrize(
    "fields",
    [{"player_off": "A", "no_replacement": True}, {"player_on": "A"}, {"player_off": "A"}, {}],
)
def test_a_substitution_may_lack_unknown_players(game: Game, fields: dict[str, Any]) -> None:
    """Without a replacement, or with a player whom nobody has named yet, who is amended later."""
    assert isinstance(game.play("substitution", team="home", **fields), Applied)
    if "no_replacement" in fields:
        assert game.play("amendment", amends="e2", player_on="B") == Refused(
            "the substitution states that nobody comes on"
        )
    else:
        assert isinstance(game.play("amendment", amends="e2", player_on="B", player_off="C"), Applied)


MINUTE = 60_000


def test_an_event_that_is_entered_late_leaves_the_clock_alone(game: Game) -> None:
    """Its minute counts in the timeline only; the next event states the time again."""
    game.play("yellow_card", **goal(minute=40))
    clock = game.board.clock
    assert isinstance(game.play("goal", **goal(minute=20), late=True), Applied)
    assert (game.board.clock, game.board.score) == (clock, (1, 0))
    game.play("yellow_card", **goal(minute=41))
    assert game.board.clock == Clock(41, None, 4)


def test_a_goal_of_an_earlier_period_leaves_the_clock_alone(game: Game) -> None:
    """Entered late, a goal of minute 12 counts, and the second half goes on."""
    game.plays("half_time", "second_half")
    game.play("goal", **goal(minute=85))
    clock = game.board.clock
    game.play("goal", **goal(minute=12))
    game.play("goal", team="home", minute=45, stoppage=2)
    assert game.board.clock == clock
    assert game.board.score == (3, 0)


def test_the_last_minute_stated_of_this_period_wins(game: Game) -> None:
    """A card of minute 1 puts right a kick-off entered ten minutes too soon; an unknown minute changes nothing."""
    game.now += 10 * MINUTE
    game.play("yellow_card", **goal(minute=1))
    assert game.board.clock == Clock(1, None, 10 * MINUTE + 2)
    game.play("goal", team="home")
    assert game.board.clock == Clock(1, None, 10 * MINUTE + 2)


def test_the_clock_stands_at_the_minute_in_which_play_stopped(game: Game) -> None:
    """At half-time, while the match is suspended, and after it; play that is resumed goes on from there."""
    game.now = 1 + 46 * MINUTE
    game.plays("half_time")
    assert game.board.clock == Clock(45, 2, 1 + 46 * MINUTE)
    game.plays("second_half")
    begun = game.now
    game.now += 20 * MINUTE
    game.plays("suspended")
    game.now += 30 * MINUTE
    game.plays("resumed")
    assert game.board.clock == Clock(66, None, begun + 50 * MINUTE + 1)
    game.now += 24 * MINUTE
    game.plays("full_time")
    assert game.board.clock is not None
    assert (game.board.clock.minute, game.board.clock.stoppage) == (90, None)


def test_a_match_of_other_lengths_has_its_own_stoppage_time() -> None:
    """Two halves of 35: 35+2 is a minute, 45+2 is none, and 91 is beyond extra time of ten minutes a half."""
    game = Game(Periods(35, 10))
    game.plays("kick_off")
    assert isinstance(game.play("goal", team="home", minute=35, stoppage=2), Applied)
    assert game.play("goal", team="home", minute=45, stoppage=2) == Refused(
        "stoppage time is possible only after minute 35, 70, 80, 90"
    )
    assert game.play("goal", team="home", minute=91) == Refused(
        "this match has 90 minutes at most; write later ones as 90+1"
    )
    game.now = 1 + 36 * MINUTE
    game.plays("half_time", "second_half")
    assert game.board.clock is not None
    assert game.board.clock.minute == 35


def test_a_board_is_that_of_the_standing_events() -> None:
    """In any order of posts and cancellations, the board is that of a match without the cancelled events.

    `livescore fuzz corrections` tries as many histories as one likes.
    """
    fuzzed = fuzz(TARGETS["corrections"], 1_000, seed=13)
    assert fuzzed.failure is None
    assert fuzzed.taken > 300


def test_a_kick_after_the_end_is_refused() -> None:
    """A shoot-out cannot begin before a match has been played."""
    kick = EVENT.validate_python({"kind": "shootout_kick", "event_id": "k", "team": "home", "scored": True})
    assert apply(Board(), kick, 1) == Refused("a shoot-out cannot follow scheduled")


def test_an_amendment_of_an_impossible_history_is_refused(game: Game) -> None:
    """A history that the rules refuse, because somebody repaired its rows by hand, is not corrected."""
    game.play("goal", **goal())
    amendment = EVENT.validate_python({"kind": "amendment", "event_id": "a", "amends": "e2", "player": "Messi"})
    assert refers_to_earlier(amendment)
    ruling = apply(game.board, amendment, 9, game.events[1:])
    assert isinstance(ruling, Refused)
    assert "would be impossible" in ruling.reason
