"""The types of events and snapshots name the fields that the code really has."""

from __future__ import annotations

from typing import get_args

from matches.amendments import AMENDABLE
from matches.event_types import AuditedEvent, EventBody, EventChanges, MatchSummary, Snapshot, StoredEvent
from matches.events import Event
from matches.match_state import MatchState
from matches.scoreboard import Board
from matches.snapshot import snapshot, summary

STATE = MatchState(
    match="m", epoch="k3", newest_seq=0, board=Board(), home="A", away="B", competition=None,
    kickoff="2022-12-18", audience=None, newest_score_seq=0,
)  # fmt: skip


def test_every_field_of_an_event_has_a_type() -> None:
    """The types have each field of each kind of event, and ``at``; only the ledger needs ``seen``."""
    union, _ = get_args(Event)
    fields = {field for model in get_args(union) for field in model.model_fields} - {"seen"} | {"at"}
    assert set(EventBody.__annotations__) == fields
    marks = {"seq", "shootout", "cancels_seq", "amends_seq", "cancelled_by", "amended_by"}
    assert set(StoredEvent.__annotations__) == fields | marks
    assert set(AuditedEvent.__annotations__) == fields | marks | {"by"}
    assert set(EventChanges.__annotations__) == set(AMENDABLE)


def test_every_field_of_a_snapshot_has_a_type() -> None:
    """A match of a list and a snapshot have exactly the fields of their types."""
    assert set(MatchSummary.__annotations__) == set(summary(STATE, None))
    assert set(Snapshot.__annotations__) == set(snapshot(STATE, []))
