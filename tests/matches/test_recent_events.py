"""The newest events of a match, kept by the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from matches.events import EVENT, AcceptedEvent
from matches.ledger import Ledger
from matches.recent_events import RecentEvents
from matches.schedule import NewMatch

if TYPE_CHECKING:
    from devstack.system import System


@pytest.fixture
def counted(system: System, dynamodb: Any) -> Any:
    """The ledger, and the queries that were made through it."""
    queries: list[Any] = []
    dynamodb.meta.events.register("before-call.dynamodb.Query", lambda **_: queries.append(1), unique_id="counted")
    yield Ledger(system.name("matches"), dynamodb), queries
    dynamodb.meta.events.unregister("before-call.dynamodb.Query", unique_id="counted")


def test_events_are_read_once_until_the_match_moves(counted: Any, match_id: str) -> None:
    """Thousands who subscribe to a match that stands still read its events once a process; a new event is seen."""
    ledger, queries = counted
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )
    recent = RecentEvents(ledger)
    assert recent.up_to(ledger.state(match_id)) == []
    for number, kind in enumerate(("kick_off", "half_time"), 1):
        before = len(queries)
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": kind, "event_id": kind})))
        for _ in range(3):
            assert [event["seq"] for event in recent.up_to(ledger.state(match_id))] == list(range(1, number + 1))
        assert len(queries) - before == 1


def test_a_cancelled_event_is_marked_at_once(counted: Any, match_id: str) -> None:
    """A cancellation has a seq, so what it takes back is read again with it."""
    ledger, _ = counted
    ledger.create(
        NewMatch.model_validate({"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    )
    recent = RecentEvents(ledger)
    events: list[dict[str, Any]] = [
        {"kind": "kick_off", "event_id": "k"},
        {"kind": "goal", "team": "home", "minute": 3, "event_id": "g"},
        {"kind": "cancellation", "cancels": "g", "event_id": "c"},
    ]
    for event in events:
        ledger.apply_event(AcceptedEvent(match_id, 1, EVENT.validate_python(event)))
        shown = recent.up_to(ledger.state(match_id))
    assert shown[1]["cancelled_by"] == 3
