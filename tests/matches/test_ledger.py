"""The ledger on a real DynamoDB API: once, in order, with reasons."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devstack.stack.provision import client
from matches.events import EVENT, AcceptedEvent
from matches.ledger import Ledger, MatchExistsError, UnknownMatchError
from matches.match_rows import events_query
from matches.match_state import Outcome
from matches.schedule import NewMatch

if TYPE_CHECKING:
    from devstack.system import System
    from matches.match_state import MatchState


@pytest.fixture
def scheduled(ledger: Ledger, match_id: str) -> MatchState:
    """A match in the ledger that no pipeline touches."""
    return ledger.create(
        NewMatch.model_validate(
            {"match": match_id, "home": "Argentina", "away": "France", "kickoff": "2022-12-18T15:00:00Z"}
        )
    )


def accepted(match: str, event_id: str, kind: str = "goal", **fields: Any) -> AcceptedEvent:
    """An event as the fan-out reads it."""
    timed = {"team": "home", "minute": 23} if kind == "goal" else {}
    return AcceptedEvent(match, 1, EVENT.validate_python({"kind": kind, "event_id": event_id, **timed, **fields}))


def test_events_get_consecutive_numbers(ledger: Ledger, scheduled: MatchState) -> None:
    """Promise 1: events of one match get consecutive seq in the order they are applied."""
    ids = ["k", "g1", "g2"]
    kinds = ["kick_off", "goal", "goal"]
    outcomes = [ledger.apply_event(accepted(scheduled.match, *each)) for each in zip(ids, kinds, strict=True)]
    assert outcomes == [Outcome("applied", seq=seq) for seq in (1, 2, 3)]
    assert [event["event_id"] for event in ledger.history(scheduled.match, 0, 10)] == ids
    assert ledger.state(scheduled.match).board.score == (2, 0)


def test_the_operator_of_an_event_stands_beside_its_body(ledger: Ledger, scheduled: MatchState) -> None:
    """It is in the audit, and in nothing that is made for viewers; an event of unknown origin is there without it."""
    ledger.apply_event(accepted(scheduled.match, "k", "kick_off"))
    ledger.apply_event(replace(accepted(scheduled.match, "g1"), by="ann"))
    assert [event.get("by") for event in ledger.audit(scheduled.match, 0, 10)] == [None, "ann"]
    for seen in (ledger.history(scheduled.match, 0, 10), ledger.events(scheduled.match, 0, 10)):
        assert "ann" not in str(seen)
    assert ledger.audit(scheduled.match, 1, 10)[0]["seq"] == 2


def test_an_event_counts_once(ledger: Ledger, scheduled: MatchState) -> None:
    """Promise 3: an event that is delivered again has the outcome it had, and changes nothing."""
    ledger.apply_event(accepted(scheduled.match, "k", "kick_off"))
    first = ledger.apply_event(accepted(scheduled.match, "g1"))
    assert ledger.apply_event(accepted(scheduled.match, "g1")) == first
    state = ledger.state(scheduled.match)
    assert (state.newest_seq, state.board.score) == (2, (1, 0))


def test_events_count_once_under_contention(ledger: Ledger, scheduled: MatchState) -> None:
    """Promises 1 and 3 with two readers of the same records at once: every event once, no seq twice."""
    ledger.apply_event(accepted(scheduled.match, "k", "kick_off"))
    events = [accepted(scheduled.match, f"g{number}") for number in range(4)]

    def read(records: list[AcceptedEvent]) -> list[Outcome]:
        return [ledger.apply_event(record) for record in records]

    with ThreadPoolExecutor(2) as readers:
        outcomes = list(readers.map(read, [events, events]))
    assert outcomes[0] == outcomes[1]
    assert sorted(outcome.seq or 0 for outcome in outcomes[0]) == [2, 3, 4, 5]
    assert ledger.state(scheduled.match).board.score == (4, 0)


def test_a_late_refusal_does_not_replace_an_applied_event(
    ledger: Ledger, scheduled: MatchState, system: System
) -> None:
    """Promise 3: a reader that decided on an old state cannot refuse what another has applied meanwhile."""
    other = Ledger(ledger.table, client(system, "dynamodb"))
    overtaken: list[Outcome] = []

    def overtake(**_: Any) -> None:
        if not overtaken:
            overtaken.append(other.apply_event(accepted(scheduled.match, "k", "kick_off")))
            overtaken.append(other.apply_event(accepted(scheduled.match, "g1")))

    events = ledger._db.meta.events  # noqa: SLF001
    events.register("before-parameter-build.dynamodb.TransactWriteItems", overtake, unique_id="overtake")
    try:
        outcome = ledger.apply_event(accepted(scheduled.match, "g1"))
    finally:
        events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="overtake")
    assert outcome == overtaken[1] == Outcome("applied", seq=2)
    assert ledger.outcome(scheduled.match, "g1") == outcome


def test_a_refusal_is_stored_with_its_reason(ledger: Ledger, scheduled: MatchState) -> None:
    """Promise 3: what the rules forbid is refused for a reason that can be read back, for good."""
    refused = ledger.apply_event(accepted(scheduled.match, "g1"))
    assert refused == Outcome("refused", reason="the match has not kicked off")
    ledger.apply_event(accepted(scheduled.match, "k", "kick_off"))
    assert ledger.apply_event(accepted(scheduled.match, "g1")) == refused
    assert ledger.outcome(scheduled.match, "g1") == refused
    assert ledger.state(scheduled.match).newest_seq == 1


def test_the_final_outcome_replaces_pending(ledger: Ledger, scheduled: MatchState) -> None:
    """An accepted event is pending until it is decided, and never pending again."""
    assert ledger.mark_pending(accepted(scheduled.match, "k", "kick_off")) == Outcome("pending")
    applied = ledger.apply_event(accepted(scheduled.match, "k", "kick_off"))
    assert applied == Outcome("applied", seq=1)
    assert ledger.mark_pending(accepted(scheduled.match, "k", "kick_off")) == applied


def test_a_cancellation_marks_its_goal(ledger: Ledger, scheduled: MatchState) -> None:
    """A cancelled goal takes the score back and says in the history by which event."""
    for each in (("k", "kick_off"), ("g1",)):
        ledger.apply_event(accepted(scheduled.match, *each))
    ledger.apply_event(accepted(scheduled.match, "c1", "cancellation", cancels="g1"))
    assert ledger.state(scheduled.match).board.score == (0, 0)
    goal, cancellation = ledger.history(scheduled.match, 1, 10)
    assert goal["cancelled_by"] == 3
    assert cancellation["cancels_seq"] == 2
    again = ledger.apply_event(accepted(scheduled.match, "c2", "cancellation", cancels="g1"))
    assert again.status == "refused"


def test_an_amended_event_is_shown_as_it_should_be(ledger: Ledger, scheduled: MatchState) -> None:
    """Its own row has what is right and by which event, in every list but the audit, which says who posted what."""
    for each in (("k", "kick_off"), ("g1",)):
        ledger.apply_event(replace(accepted(scheduled.match, *each), by="ann"))
    first = accepted(scheduled.match, "a1", "amendment", amends="g1", player="Messi", minute=45, stoppage=2)
    assert ledger.apply_event(replace(first, by="bob")) == Outcome("applied", seq=3)
    again = accepted(scheduled.match, "a2", "amendment", amends="g1", assist="Molina", minute=36)
    assert ledger.apply_event(again) == Outcome("applied", seq=4)
    for listed in (ledger.history(scheduled.match, 1, 10), ledger.events(scheduled.match, 1, 10)):
        goal, amendment, _ = listed
        assert (goal["player"], goal["assist"], goal["minute"], goal["amended_by"]) == ("Messi", "Molina", 36, 4)
        assert "stoppage" not in goal
        assert (amendment["amends"], amendment["amends_seq"], amendment["player"]) == ("g1", 2, "Messi")
        assert amendment["score"] == goal["score"] == [1, 0]
    posted, by_bob, _ = ledger.audit(scheduled.match, 1, 10)
    assert (posted.get("player"), posted["minute"], posted["by"], posted["amended_by"]) == (None, 23, "ann", 4)
    assert (by_bob["player"], by_bob["by"]) == ("Messi", "bob")
    assert ledger.state(scheduled.match).newest_score_seq == 2
    ledger.apply_event(accepted(scheduled.match, "c1", "cancellation", cancels="g1"))
    assert ledger.state(scheduled.match).board.score == (0, 0)
    late = ledger.apply_event(accepted(scheduled.match, "a3", "amendment", amends="g1", player="Late"))
    assert late == Outcome("refused", reason="the event has been cancelled")
    pending = accepted(scheduled.match, "g2", seen=0)
    ledger.mark_pending(pending)
    early = ledger.apply_event(accepted(scheduled.match, "a4", "amendment", amends="g2", player="Early"))
    assert early == Outcome("refused", reason="there is no such event to amend")


def by(subject: str, match: str, event_id: str, kind: str = "goal", **fields: Any) -> AcceptedEvent:
    """An event of one of two operators."""
    return replace(accepted(match, event_id, kind, **fields), by=subject)


def test_two_operators_who_post_the_same_goal_count_one(ledger: Ledger, scheduled: MatchState) -> None:
    """A goal whose operator had not seen another operator's is refused and names that one; once seen, it counts."""
    match = scheduled.match
    ledger.apply_event(by("ann", match, "k", "kick_off"))
    first = by("ann", match, "g1", player="Messi", seen=1)
    assert ledger.apply_event(first) == Outcome("applied", seq=2)
    assert ledger.apply_event(first) == Outcome("applied", seq=2)
    second = ledger.apply_event(by("bob", match, "g2", seen=1, minute=24))
    why = "another operator posted a goal meanwhile: seq 2, home, 23', Messi"
    assert second == Outcome("refused", reason=why, unseen=2)
    assert ledger.outcome(match, "g2") == second
    assert ledger.state(match).board.score == (1, 0)
    assert ledger.apply_event(by("bob", match, "g3", seen=2, minute=24)) == Outcome("applied", seq=3)


def test_only_an_unseen_goal_of_another_is_in_the_way(ledger: Ledger, scheduled: MatchState) -> None:
    """One's own goals, cards, goals taken back and events that do not say what was seen never stop a goal."""
    match = scheduled.match
    ledger.apply_event(by("ann", match, "k", "kick_off"))
    for own in ("g1", "g2"):
        assert ledger.apply_event(by("bob", match, own, seen=1)).status == "applied"
    ledger.apply_event(by("ann", match, "y", "yellow_card", team="home", minute=3, seen=0))
    assert ledger.apply_event(by("ann", match, "g3")).status == "applied"
    assert ledger.apply_event(by("bob", match, "g4")).status == "applied"
    # The goal in the way is not the newest one: bob's own is.
    assert ledger.apply_event(by("bob", match, "g5", seen=4)).unseen == 5
    ledger.apply_event(by("ann", match, "c", "cancellation", cancels="g3"))
    assert ledger.apply_event(by("bob", match, "g6", seen=4)).status == "applied"
    assert ledger.apply_event(by("ann", match, "h", "half_time", seen=0)).status == "applied"


def test_a_kick_of_the_shootout_is_pressed_twice_and_counts_once(ledger: Ledger, scheduled: MatchState) -> None:
    """Two operators who press the same kick make one of it; a goal before the shoot-out is in no kick's way."""
    match = scheduled.match
    for name in ("kick_off", "half_time", "second_half"):
        ledger.apply_event(by("ann", match, name, name))
    ledger.apply_event(by("ann", match, "g1"))
    kick = {"team": "home", "scored": True, "seen": 3}
    assert ledger.apply_event(by("bob", match, "p1", "shootout_kick", **kick)).status == "applied"
    doubled = ledger.apply_event(by("ann", match, "p2", "shootout_kick", **kick))
    why = "another operator posted a shoot-out kick meanwhile: seq 5, home"
    assert doubled == Outcome("refused", reason=why, unseen=5)


def test_a_match_is_created_once(ledger: Ledger, scheduled: MatchState) -> None:
    """A second match of the same id is refused, and the first one stays."""
    other = NewMatch.model_validate(
        {"match": scheduled.match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
    )
    with pytest.raises(MatchExistsError):
        ledger.create(other)
    assert ledger.state(scheduled.match) == scheduled


def test_an_event_of_no_match_is_told_apart(ledger: Ledger) -> None:
    """An event of a match that was never scheduled can never be applied."""
    with pytest.raises(UnknownMatchError):
        ledger.apply_event(accepted("no-such-match", "g1"))


@given(st.integers(0, 10**30))
@example(9_999_999_990)
def test_the_range_of_events_never_ends_before_it_begins(after: int) -> None:
    """DynamoDB refuses such a range, so a reader who names a position that cannot be would get a 503."""
    values = events_query("t", "m", after, 1, newest=True)["ExpressionAttributeValues"]
    assert values[":from"]["S"] <= values[":to"]["S"]
