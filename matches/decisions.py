"""Pure: decides on the events of one match, one after the other in memory, so that one transaction can write several.

numbering.py reads the match, has this file decide, and writes. The rules of the game are in scoreboard.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from matches import unseen_goals
from matches.ledger_writes import outcome_row
from matches.match_rows import digest_of, id_key, parse_outcome
from matches.match_state import Outcome
from matches.scoreboard import Applied, Refused, apply, refers_to_earlier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matches.event_types import StoredEvent
    from matches.events import AcceptedEvent
    from matches.match_state import MatchState
    from runtime.attributes import Item

MOST_WRITES = 100
"""Writes of one transaction
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html)."""

EVENTS_PER_WRITE = (MOST_WRITES - 1) // 2
"""Applied events of one transaction: each has two writes, and the match's state has one."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The result of numbering one event."""

    outcome: Outcome
    state: MatchState
    """The match after the event. It may have later events if the record was delivered before."""
    event: StoredEvent | None = None
    """The event as its row has it, if this call has applied it; None if it was refused or delivered before."""
    score_prev: int | None = None
    """For an event that score-only followers are told: the seq of the one before it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one event. ``target``: the earlier event that a correction changes, as it stood before."""

    accepted: AcceptedEvent
    numbered: Numbered
    target: StoredEvent | None = None
    is_stored: bool = False
    """Whether the outcome is in the table already, so that nothing is left to write."""

    @property
    def writes(self) -> int:
        """The number of writes, without the one of the match's state."""
        return 0 if self.is_stored else 1 + (self.numbered.event is not None) + (self.target is not None)


@dataclass(frozen=True, slots=True)
class MatchReading:
    """The ``state`` row of a match, and the rows of event ids that exist, by event id."""

    state: MatchState
    id_rows: Mapping[str, Item] = field(default_factory=dict)

    def is_taken(self, accepted: AcceptedEvent) -> bool:
        """Whether an event with other content has the event's id. Raises DamagedRowError."""
        row = self.id_rows.get(accepted.event_id)
        return row is not None and digest_of(row) != accepted.digest

    def final_outcome(self, accepted: AcceptedEvent) -> Outcome | None:
        """The outcome that an earlier delivery of the event has stored. Raises DamagedRowError."""
        row = self.id_rows.get(accepted.event_id)
        if row is None or (known := parse_outcome(row)).status == "pending":
            return None
        return replace(known, was_delivered_before=True)

    def after(self, decisions: Sequence[Decision]) -> MatchReading:
        """The same rows after these decisions were written."""
        rows = {
            each.accepted.event_id: outcome_row(
                each.accepted, each.numbered.outcome, id_key(each.accepted.match, each.accepted.event_id)
            )
            for each in decisions
            if not each.is_stored
        }
        return MatchReading(decisions[-1].numbered.state, {**self.id_rows, **rows})


def decide(
    state: MatchState,
    accepted: AcceptedEvent,
    ruling: Applied | Refused,
    unseen_goal: StoredEvent | None = None,
) -> Decision:
    """The decision on an event by the rules.

    ``unseen_goal``: another operator's goal that this operator has not seen; the event is refused because of it.
    """
    if isinstance(ruling, Refused):
        return Decision(accepted, Numbered(Outcome("refused", reason=ruling.reason), state))
    if unseen_goal is not None:
        reason = unseen_goals.refusal_reason(unseen_goal)
        return Decision(accepted, Numbered(Outcome("refused", reason=reason, unseen=unseen_goal["seq"]), state))
    seq = state.newest_seq + 1
    after = replace(
        state,
        newest_seq=seq,
        board=ruling.board,
        newest_score_seq=seq if ruling.scores else state.newest_score_seq,
    )
    score_prev = state.newest_score_seq if ruling.scores else None
    event = _stored_event(seq, accepted, ruling)
    return Decision(accepted, Numbered(Outcome("applied", seq=seq), after, event, score_prev), ruling.target)


def decide_together(reading: MatchReading, events: Sequence[AcceptedEvent]) -> list[Decision]:
    """Decisions on the first of ``events``, as many as one transaction can write; empty if the first goes alone.

    An event goes alone if it needs other rows (``needs_more_rows``), if its id belongs to other content, or if its
    decision raises an error. A second event under an id waits until the first one is written. Outcomes that are stored
    already are a group of their own: they are known even if the write of the next group fails.
    """
    state, decisions, ids, writes = reading.state, list[Decision](), set[str](), 1
    for accepted in events:
        if accepted.event_id in ids:
            break
        ids.add(accepted.event_id)
        try:
            decision = _decide_in_memory(reading, state, accepted)
        except Exception:  # noqa: BLE001 - of any kind: it is raised again when the event is decided alone
            break
        if decision is None or (decisions and decision.is_stored != decisions[0].is_stored):
            break
        writes += decision.writes
        if writes > MOST_WRITES:
            break
        decisions.append(decision)
        state = decision.numbered.state
    return decisions


def needs_more_rows(state: MatchState, accepted: AcceptedEvent) -> bool:
    """Whether the decision on an event needs rows of earlier events: its target, or goals that its operator missed."""
    return refers_to_earlier(accepted.event) or may_have_missed_a_goal(state, accepted)


def may_have_missed_a_goal(state: MatchState, accepted: AcceptedEvent) -> bool:
    """Whether another operator's goal may be after the newest event that the operator of this goal had seen."""
    seen = accepted.event.seen
    return seen is not None and seen < state.newest_score_seq and unseen_goals.needs_check(accepted.event)


def _decide_in_memory(reading: MatchReading, state: MatchState, accepted: AcceptedEvent) -> Decision | None:
    """The decision on an event after ``state``, None if the event goes alone."""
    if reading.is_taken(accepted):
        return None
    if (known := reading.final_outcome(accepted)) is not None:
        if (known.seq or 0) > reading.state.newest_seq:
            return None
        return Decision(accepted, Numbered(known, state), is_stored=True)
    if needs_more_rows(state, accepted):
        return None
    return decide(state, accepted, apply(state.board, accepted.event, accepted.at, (), state.periods))


def _stored_event(seq: int, accepted: AcceptedEvent, ruling: Applied) -> StoredEvent:
    """The event as viewers get it."""
    body: dict[str, Any] = {"seq": seq, **accepted.event.content(), "at": accepted.at, "score": ruling.board.score}
    if ruling.board.shootout is not None:
        body["shootout"] = ruling.board.shootout
    if ruling.target is not None:
        body["amends_seq" if accepted.event.kind == "amendment" else "cancels_seq"] = ruling.target["seq"]
    return cast("StoredEvent", body)
