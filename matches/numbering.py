"""Numbers events in DynamoDB: reads a match and the ids of its events at once, and writes several events at once.

One BatchGetItem reads the ``state`` row and the ``id#`` rows of many events. Then decisions.py decides on the events
one after the other in memory, and one transaction of at most 100 writes applies as many of them as it holds. For each
event it puts the id (if it is free, or pending with the same digest) and the event. Once, it updates the state (if
``newest_seq`` is still the value that was read). So a record that is delivered twice, or by two readers at once, counts
once. The first write of an id's row decides which content has the id: either the mark of a pending event, or the
transaction.

BatchGetItem is no snapshot: another writer may come between two of its rows
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html). The conditions of the
transaction find that out, and the rows are read again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matches import unseen_goals
from matches.decisions import (
    EVENTS_PER_WRITE,
    Decision,
    MatchReading,
    Numbered,
    decide,
    decide_together,
    may_have_missed_a_goal,
)
from matches.ledger_writes import existing_event, group_writes, outcome_row
from matches.match_rows import (
    event_item,
    events_query,
    id_key,
    parse_event,
    parse_posted,
    parse_state,
    state_key,
)
from matches.match_state import Outcome
from matches.past_events import events_as_of
from matches.scoreboard import Refused, apply, refers_to_earlier
from runtime.attributes import DamagedMatchError, Item, parse_rows
from runtime.bulk_rows import read_rows
from runtime.errors import NotThereError, TransientError
from runtime.metrics import undamaged_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from matches.event_types import StoredEvent
    from matches.events import AcceptedEvent
    from matches.match_state import MatchState

ID_TAKEN = "the id is taken by another event of this match"
"""The reason of an outcome: the id belongs to an event with other content."""

EVENTS_PER_READ = 2 * EVENTS_PER_WRITE
"""Events of one reading: two full transactions. With the state row they fit one BatchGetItem."""

_TRIES = 5
_TRIES_TOGETHER = 3
"""Tries of a group that other writers overtake. After these the first event of the group is tried alone."""

_HISTORY_PAGE = 1000
_UNSEEN = 1000
"""The most events that are searched for another operator's unseen goal: more than a match has."""


class UnknownMatchError(NotThereError):
    """The ledger has no such match."""


class ContentionError(TransientError):
    """Other writers changed the match on every try. Transient: try again."""


class OvertakenError(TransientError):
    """Rows of a match are not as they were read. The numbering reads them again; nothing outside meets this error.

    ``contradiction``: an error if no other writer can be the cause.
    """

    def __init__(self, contradiction: DamagedMatchError | None = None) -> None:
        super().__init__(contradiction)
        self.contradiction = contradiction


class Numbering:
    """The numbering of events in the table ``matches``."""

    def __init__(self, table: str, client: DynamoDBClient) -> None:
        self._table = table
        self._db = client

    def state_with_ids(self, match: str, event_ids: Collection[str]) -> MatchReading:
        """The match as it stands, with the rows of these event ids, read consistently in one call.

        Raises UnknownMatchError; DamagedRowError if the state row is damaged; TimeoutError if DynamoDB keeps
        leaving rows out.
        """
        keys = [state_key(match), *(id_key(match, each) for each in dict.fromkeys(event_ids))]
        rows = {row["item"]["S"]: row for row in read_rows(self._db, self._table, keys)}
        state = rows.pop("state", None)
        if state is None:
            raise UnknownMatchError(match)
        return MatchReading(parse_state(state), {item.removeprefix("id#"): row for item, row in rows.items()})

    def apply_events(self, events: Sequence[AcceptedEvent]) -> Iterator[Numbered]:
        """Apply events of one match, each once, in order; yields the result of each.

        Raises the error of the first event that can be neither applied nor refused, after the results of the events
        before it. ``Ledger.apply_events`` lists the errors.
        """
        for start in range(0, len(events), EVENTS_PER_READ):
            yield from self._apply_chunk(events[start : start + EVENTS_PER_READ])

    def _apply_chunk(self, waiting: Sequence[AcceptedEvent]) -> Iterator[Numbered]:
        match, reading = waiting[0].match, None
        # ``alone``: this many of the next events are not grouped, because a group with them could not be written.
        tries = alone = 0
        while waiting:
            if reading is None:
                reading = self.state_with_ids(match, [each.event_id for each in waiting])
            grouped = waiting[:1] if alone or tries >= _TRIES_TOGETHER else waiting
            decisions = decide_together(reading, grouped)
            try:
                decisions = decisions or [self._decide_alone(reading, waiting[0])]
                self._write_decisions(reading.state, decisions)
            except OvertakenError as error:
                reading, tries = None, tries + 1
                if error.contradiction is not None and len(decisions) > 1:
                    alone = len(decisions)
                if tries == _TRIES:
                    raise error.contradiction or ContentionError(f"{match} {waiting[0].event_id}") from error
                continue
            except Exception as error:
                if len(decisions) < 2 or not _may_blame_one_event(error):
                    raise
                alone = len(decisions)
                continue
            tries, alone = 0, max(0, alone - len(decisions))
            reading, waiting = reading.after(decisions), waiting[len(decisions) :]
            yield from (each.numbered for each in decisions)

    def _decide_alone(self, reading: MatchReading, accepted: AcceptedEvent) -> Decision:
        """The decision on one event, with all rows that it needs. Raises OvertakenError."""
        state = reading.state
        if reading.is_taken(accepted):
            return Decision(accepted, Numbered(self._refuse_taken(accepted), state), is_stored=True)
        if (known := reading.final_outcome(accepted)) is not None:
            if (known.seq or 0) > state.newest_seq:
                about = f"the row id#{accepted.event_id} says applied as seq {known.seq}"
                raise OvertakenError(_contradiction(state, about))
            return Decision(accepted, Numbered(known, state), is_stored=True)
        history = self._whole_history(state) if refers_to_earlier(accepted.event) else ()
        ruling = apply(state.board, accepted.event, accepted.at, history, state.periods)
        goal = None if isinstance(ruling, Refused) else self._unseen_goal(state, accepted)
        return decide(state, accepted, ruling, goal)

    def _write_decisions(self, before: MatchState, decisions: Sequence[Decision]) -> None:
        """Write decisions in one transaction. Raises OvertakenError."""
        writes = list(group_writes(self._table, before, decisions, time.time_ns() // 1_000_000))
        if not writes:
            return
        try:
            self._db.transact_write_items(TransactItems=writes)
        except self._db.exceptions.TransactionCanceledException as error:
            # Either someone else wrote the match or an id in between: read again and decide again, because the id may
            # have other content by now. Or DynamoDB says that the cause is not a condition at all.
            codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
            if not set(codes) <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                raise
            # A faster writer changes the state and also puts the event. So if the state is as it was read, and the
            # event's row exists all the same, the rows contradict each other, and that stays so.
            row = existing_event(writes, codes)
            raise OvertakenError(_contradiction(before, f"the row {row} exists") if row else None) from error

    def _refuse_taken(self, accepted: AcceptedEvent) -> Outcome:
        """Refuse an event whose id belongs to other content: write its outcome beside that content's row."""
        outcome = Outcome("refused", reason=ID_TAKEN)
        item = outcome_row(accepted, outcome, id_key(accepted.match, accepted.event_id, accepted.digest))
        is_new = put_new(self._db, self._table, item, over_pending=True)
        return outcome if is_new else replace(outcome, was_delivered_before=True)

    def _whole_history(self, state: MatchState) -> list[StoredEvent]:
        """Every event of a match as it stood at ``state.newest_seq``.

        Raises DamagedMatchError if one is missing or damaged: what is left would give another board.
        """
        pages = self._db.get_paginator("query").paginate(
            **events_query(self._table, state.match, 0, _HISTORY_PAGE, newest=False)
        )
        events = events_as_of(state.newest_seq, (parse_event(item) for page in pages for item in page["Items"]))
        for seq, event in enumerate([*events, None], 1):
            if seq <= state.newest_seq and (event is None or event["seq"] != seq):
                reason = f"it is missing, but the match has {state.newest_seq} events"
                raise DamagedMatchError(state.match, event_item(seq), reason)
        return events

    def _unseen_goal(self, state: MatchState, accepted: AcceptedEvent) -> StoredEvent | None:
        """Another operator's goal that this operator has not seen. Reads only if the score has changed since."""
        seen = accepted.event.seen
        if seen is None or not may_have_missed_a_goal(state, accepted):
            return None
        items = self._db.query(**events_query(self._table, state.match, seen, _UNSEEN, newest=True))["Items"]
        return unseen_goals.newest_unseen(accepted.event, accepted.by, undamaged_rows(parse_rows(parse_posted, items)))


def put_new(client: DynamoDBClient, table: str, item: Item, *, over_pending: bool = False) -> bool:
    """Put a row of an id unless one exists; ``over_pending`` replaces a pending one. Returns whether it was put."""
    given: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(match_id)"}
    if over_pending:
        given["ConditionExpression"] += " OR outcome = :pending"
        given["ExpressionAttributeValues"] = {":pending": {"S": "pending"}}
    try:
        client.put_item(TableName=table, Item=item, **given)
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _may_blame_one_event(error: Exception) -> bool:
    """Whether one event of a group may be the cause of an error: DynamoDB calls the write invalid, or a bug."""
    from runtime.refusals import AWS_ERRORS, judge  # much to import, for an error only

    return not isinstance(error, (*AWS_ERRORS, OSError)) or judge(error) == "invalid"


def _contradiction(state: MatchState, about: str) -> DamagedMatchError:
    remedy = "after a match was made again under its id, livescore match reset removes what is left of the old one"
    return DamagedMatchError(state.match, "state", f"it says seq {state.newest_seq}, but {about} ({remedy})")
