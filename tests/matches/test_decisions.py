"""Decisions on several events of one match in memory: which go together, and what each makes of the match."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from matches.decisions import (
    EVENTS_PER_WRITE,
    MOST_WRITES,
    MatchReading,
    decide,
    decide_together,
    may_have_missed_a_goal,
    needs_more_rows,
)
from matches.events import EVENT, AcceptedEvent
from matches.ledger_writes import group_writes, outcome_row, pending_row
from matches.match_rows import id_key, parse_event
from matches.match_state import MatchState, Outcome
from matches.scoreboard import Board, Refused, apply
from runtime.attributes import DamagedRowError

STATE = MatchState(
    "m", "e1", 4, Board("second_half", (1, 0)), "Ajax", "Benfica", None, "2026-11-28T15:00:00+00:00", None, 2,
)  # fmt: skip


def accepted(event_id: str, kind: str = "goal", **fields: Any) -> AcceptedEvent:
    """An event as the stream carries it."""
    timed = {"team": "home", "minute": 61} if kind == "goal" else {}
    return AcceptedEvent("m", 7, EVENT.validate_python({"kind": kind, "event_id": event_id, **timed, **fields}), "ann")


def reading(**id_rows: dict[str, Any]) -> MatchReading:
    """``STATE`` with these rows of ids."""
    return MatchReading(STATE, id_rows)


def outcome_of(event: AcceptedEvent, outcome: Outcome) -> dict[str, Any]:
    """The row of an event's id with its outcome."""
    return outcome_row(event, outcome, id_key("m", event.event_id))


CARD = {"team": "away", "minute": 62}
CANCELLATION = accepted("c", "cancellation", cancels="g1")
AMENDMENT = accepted("a", "amendment", amends="g1", player="Messi")


def test_events_are_decided_one_after_the_other() -> None:
    """Promise 1: each event has the next seq, the score of the events before it, and its place in the score's chain."""
    events = [accepted("g1"), accepted("y", "yellow_card", **CARD), accepted("g2"), accepted("h", "half_time")]
    numbered = [each.numbered for each in decide_together(reading(), events)]
    assert [each.outcome for each in numbered] == [
        Outcome("applied", seq=5), Outcome("applied", seq=6), Outcome("applied", seq=7),
        Outcome("refused", reason="half_time cannot follow second_half"),
    ]  # fmt: skip
    assert [each.event and each.event["score"] for each in numbered] == [(2, 0), (2, 0), (3, 0), None]
    assert [each.score_prev for each in numbered] == [2, None, 5, None]
    assert [(each.state.newest_seq, each.state.newest_score_seq) for each in numbered] == [
        (5, 5),
        (6, 5),
        (7, 7),
        (7, 7),
    ]


def test_the_result_has_the_event_as_its_row_has_it() -> None:
    """The event of a result is the one that a reader of the row gets, in JSON."""
    kick = accepted("k", "shootout_kick", team="home", scored=True)
    for event in (accepted("g"), kick):
        [decision] = decide_together(reading(), [event])
        _, put, _ = cast("list[dict[str, Any]]", list(group_writes("t", STATE, [decision], 1)))
        told: dict[str, Any] = dict(decision.numbered.event or {})
        told |= {name: list(told[name]) for name in ("score", "shootout") if name in told}
        assert parse_event(put["Put"]["Item"]) == told


def test_a_transaction_has_at_most_a_hundred_writes() -> None:
    """DynamoDB takes a hundred writes: two for each applied event, one for each refused one, one for the state."""
    goals = [accepted(f"g{number}") for number in range(120)]
    refused = [accepted(f"h{number}", "half_time") for number in range(120)]
    assert len(decide_together(reading(), goals)) == EVENTS_PER_WRITE == 49
    assert len(list(group_writes("t", STATE, decide_together(reading(), goals), 1))) == 99
    assert len(decide_together(reading(), refused)) == MOST_WRITES - 1


@pytest.mark.parametrize("alone", [CANCELLATION, AMENDMENT, accepted("g2", seen=4)], ids=["cancels", "amends", "seen"])
def test_an_event_that_needs_earlier_events_ends_the_group(alone: AcceptedEvent) -> None:
    """A correction, or a goal whose operator had not seen the goal before it, needs rows that a group lacks."""
    events = [accepted("g1"), alone, accepted("g3")]
    assert [each.accepted.event_id for each in decide_together(reading(), events)] == ["g1"]
    assert needs_more_rows(replace(STATE, newest_score_seq=5), alone)


def test_only_a_goal_behind_the_score_may_have_missed_one() -> None:
    """A card, a goal that says nothing, and a goal whose operator saw the newest score need no further rows."""
    seen = {"g": accepted("g", seen=1), "new": accepted("g", seen=2), "any": accepted("g"),
            "card": accepted("y", "yellow_card", **CARD, seen=0)}  # fmt: skip
    assert {name: may_have_missed_a_goal(STATE, each) for name, each in seen.items()} == {
        "g": True, "new": False, "any": False, "card": False,
    }  # fmt: skip


def test_a_second_event_under_an_id_waits_for_the_first() -> None:
    """Promise 3: once the first is written, the same content was delivered before, and other content finds it taken."""
    first, other = accepted("g"), accepted("g", minute=62)
    decisions = decide_together(reading(), [first, first, other])
    assert [each.accepted for each in decisions] == [first]
    after = reading().after(decisions)
    [again] = decide_together(after, [first])
    assert again.is_stored
    assert again.numbered.outcome == Outcome("applied", seq=5)
    assert again.numbered.outcome.was_delivered_before
    assert (again.numbered.event, again.numbered.state, again.writes) == (None, decisions[0].numbered.state, 0)
    assert after.is_taken(other)
    assert decide_together(after, [other]) == []


def test_what_was_delivered_before_is_a_group_without_writes() -> None:
    """Promise 3: an event with an outcome keeps it, whatever becomes of the new events after it. Pending is new."""
    old, refused, waiting, new = (accepted(each) for each in ("old", "refused", "waiting", "new"))
    known = reading(
        old=outcome_of(old, Outcome("applied", seq=3)),
        refused=outcome_of(refused, Outcome("refused", reason="no")),
        waiting=pending_row(waiting, None, 1),
    )
    stored = decide_together(known, [old, refused, waiting, new])
    assert [(each.accepted, each.is_stored, each.writes) for each in stored] == [(old, True, 0), (refused, True, 0)]
    assert [each.numbered.outcome for each in stored] == [Outcome("applied", seq=3), Outcome("refused", reason="no")]
    assert known.after(stored) == known
    written = decide_together(known, [waiting, new, old])
    assert [each.numbered.outcome.seq for each in written] == [5, 6]
    assert known.after(written).id_rows.keys() == {"old", "waiting", "refused", "new"}


def test_an_outcome_beyond_the_state_ends_the_group() -> None:
    """An id that says applied as a seq that the state does not have is looked at alone: its rows may be damaged."""
    ahead = accepted("ahead")
    known = reading(ahead=outcome_of(ahead, Outcome("applied", seq=5)))
    assert [each.accepted.event_id for each in decide_together(known, [accepted("g"), ahead])] == ["g"]


def test_an_event_whose_decision_fails_ends_the_group() -> None:
    """Promise 6: a damaged row of one id takes no other event along, and its error comes when it is decided alone."""
    damaged = {**outcome_of(accepted("bad"), Outcome("applied", seq=3)), "outcome": {"S": "lost"}}
    known = reading(bad=damaged)
    assert [each.accepted.event_id for each in decide_together(known, [accepted("g"), accepted("bad")])] == ["g"]
    with pytest.raises(DamagedRowError):
        known.final_outcome(accepted("bad"))


def test_a_goal_is_refused_because_of_an_unseen_one() -> None:
    """The refusal names the goal; a goal that the rules refuse keeps the reason of the rules."""
    goal: Any = {"seq": 4, "kind": "goal", "event_id": "g0", "team": "home", "minute": 60}
    event = accepted("g", seen=1)
    ruling = apply(STATE.board, event.event, event.at)
    refused = decide(STATE, event, ruling, goal).numbered
    assert (refused.outcome.status, refused.outcome.unseen, refused.state) == ("refused", 4, STATE)
    assert decide(STATE, event, Refused("too late"), None).numbered.outcome == Outcome("refused", reason="too late")


def test_a_correction_states_the_seq_of_its_target() -> None:
    """A cancellation and an amendment name the event that they change, and mark it: one write more."""
    history: Any = [
        {"seq": 1, "kind": "kick_off", "event_id": "k", "at": 1},
        {"seq": 2, "kind": "goal", "event_id": "g1", "at": 2, "team": "home", "minute": 3},
    ]
    state = replace(STATE, board=Board("first_half", (1, 0)), newest_seq=2)
    found: dict[str, Any] = {}
    for event in (CANCELLATION, AMENDMENT):
        decision = decide(state, event, apply(state.board, event.event, event.at, history))
        assert (decision.target, decision.writes) == (history[1], 3)
        found |= dict(decision.numbered.event or {})
    assert (found["cancels_seq"], found["amends_seq"]) == (2, 2)
