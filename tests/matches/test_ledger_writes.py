"""The rows that the ledger writes, as match_rows.py reads them again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from matches.clock import Clock, Periods
from matches.decisions import decide
from matches.events import EVENT, AcceptedEvent
from matches.ledger_writes import (
    existing_event,
    group_writes,
    lineups_row,
    outcome_row,
    pending_row,
    receipt_row,
    schedule_attributes,
    state_row,
)
from matches.match_rows import (
    digest_of,
    id_key,
    parse_audited,
    parse_event,
    parse_lineups,
    parse_outcome,
    parse_posted,
    parse_receipt,
    parse_state,
    score_prev,
)
from matches.match_state import MatchState, Outcome
from matches.scoreboard import Applied, Board, Refused

STATE = MatchState(
    "m", "e1", 4, Board("second_half", (1, 0), None, Clock(46, None, 7)), "Ajax", "Benfica", None,
    "2026-11-28T15:00:00+00:00", None, 2,
)  # fmt: skip
FULL = replace(
    STATE, board=Board("shootout", (1, 1), (3, 2), None), competition="Cup", audience=90_000, neutral=True, leg=2,
    first_leg=(0, 1), periods=Periods(35, 10),
)  # fmt: skip
GOAL: dict[str, Any] = {"kind": "goal", "event_id": "g2", "team": "home", "minute": 61, "player": "Messi"}
CARD = {"kind": "yellow_card", "event_id": "y", "team": "away", "minute": 62}
NOW = 1_766_080_000_456
TARGET: Any = {"seq": 3, "kind": "goal", "event_id": "g1", "team": "home", "minute": 12, "player": "Mesi"}


def accepted(event: dict[str, Any], by: str | None = "ann") -> AcceptedEvent:
    """An event as the stream carries it."""
    return AcceptedEvent("m", 1_766_080_000_123, EVENT.validate_python(event), by)


def writes(event: AcceptedEvent, ruling: Applied) -> list[dict[str, Any]]:
    """The parts of the transaction that applies an event to ``STATE``."""
    return [dict(each) for each in group_writes("t", STATE, [decide(STATE, event, ruling)], NOW)]


def assigned(write: dict[str, Any]) -> dict[str, Any]:
    """The attributes that an update sets, by their names."""
    update = write["Update"]
    pairs = re.findall(r"(\w+) = (:\w+)", update["UpdateExpression"])
    return {name: update["ExpressionAttributeValues"][value] for name, value in pairs}


@pytest.mark.parametrize("state", [STATE, FULL])
def test_a_state_reads_as_it_was_written(state: MatchState) -> None:
    """The row of a match holds all of its fields, the optional ones only where they are known."""
    row = state_row(state)
    assert parse_state(row) == state
    assert ("competition" in row, "audience" in row) == (state.competition is not None, state.audience is not None)


def test_a_change_before_the_kick_off_writes_the_day_too() -> None:
    """A moved match stands in the calendar on its new day."""
    moved = schedule_attributes(replace(STATE, kickoff="2026-11-29"))
    assert (moved["day"], moved["starts"]) == ({"S": "2026-11-29"}, {"S": "2026-11-29T24:00:00"})
    assert parse_state(state_row(STATE) | moved).kickoff == "2026-11-29"


def test_line_ups_read_as_they_were_written() -> None:
    """Both sides have their names; a match without the row has none."""
    lineups: Any = {"home": ["A", "B"], "away": []}
    assert parse_lineups("m", lineups_row("m", lineups)) == lineups
    assert parse_lineups("m", None) == {"home": [], "away": []}


def test_a_receipt_reads_as_it_was_written() -> None:
    """A receipt has the body that its broadcast gave it."""
    body: Any = {"seq": 5, "reached": 3}
    assert parse_receipt(receipt_row("m", 5, "b1", body)) == body


def test_an_id_is_kept_for_its_event() -> None:
    """A pending row has the digest of the content, also beside another content of the same id."""
    event = accepted(GOAL)
    row = pending_row(event, None, 1_800_000_000)
    assert parse_outcome(row) == Outcome("pending")
    assert digest_of(row) == event.digest
    assert pending_row(event, event.digest, 1)["item"] == {"S": f"id#g2#{event.digest}"}
    assert digest_of(None) is None
    assert digest_of({name: value for name, value in row.items() if name != "digest"}) is None


@pytest.mark.parametrize(
    "outcome",
    [Outcome("applied", seq=5), Outcome("refused", reason="too late"), Outcome("refused", reason="seen", unseen=4)],
)
def test_an_outcome_reads_as_it_was_written(outcome: Outcome) -> None:
    """Applied with its seq, refused with its reason, and with the goal that was not seen."""
    event = accepted(GOAL)
    assert parse_outcome(outcome_row(event, outcome, id_key("m", "g2"))) == outcome


def test_a_goal_is_applied_in_one_transaction() -> None:
    """The id, the event as the next seq, and the state that was read, all or nothing."""
    event = accepted(GOAL)
    ruling = Applied(Board("second_half", (2, 0), None, Clock(61, None, 9)), scores=True)
    put_id, put_event, update = writes(event, ruling)
    assert parse_outcome(put_id["Put"]["Item"]) == Outcome("applied", seq=5)
    row = put_event["Put"]["Item"]
    assert parse_event(row) == {"seq": 5, **event.event.content(), "at": event.at, "score": [2, 0]}
    assert (score_prev(row), parse_audited(row)["by"], parse_posted(row)[1]) == (2, "ann", "ann")
    assert update["Update"]["ConditionExpression"] == "newest_seq = :read"
    assert update["Update"]["ExpressionAttributeValues"][":read"] == {"N": "4"}
    state = parse_state(state_row(STATE) | assigned(update))
    assert (state.newest_seq, state.newest_score_seq, state.board) == (5, 5, ruling.board)


def test_a_card_is_not_told_to_followers_of_the_score() -> None:
    """The row of a card has no earlier score event, and an unknown operator leaves no name."""
    _, put_event, update = writes(accepted(CARD, by=None), Applied(STATE.board, scores=False))
    row = put_event["Put"]["Item"]
    assert (score_prev(row), parse_posted(row)[1]) == (None, None)
    assert "by" not in parse_audited(row)
    assert (assigned(update)["newest_seq"], assigned(update)["newest_score_seq"]) == ({"N": "5"}, {"N": "2"})


def test_a_kick_has_the_score_of_the_shoot_out() -> None:
    """An event of a shoot-out carries both scores."""
    kick = accepted({"kind": "shootout_kick", "event_id": "k", "team": "home", "scored": True})
    _, put_event, _ = writes(kick, Applied(FULL.board, scores=True))
    event = parse_event(put_event["Put"]["Item"])
    assert (event["score"], event["shootout"]) == ([1, 1], [3, 2])


def test_a_cancellation_marks_the_event_that_it_takes_back() -> None:
    """The row of the cancelled event names the seq of its cancellation, in the same transaction."""
    event = accepted({"kind": "cancellation", "event_id": "c", "cancels": "g1", "reason": "offside"})
    *_, put_event, _, mark = writes(event, Applied(STATE.board, scores=True, target=TARGET))
    assert parse_event(put_event["Put"]["Item"])["cancels_seq"] == 3
    update = mark["Update"]
    assert (update["Key"]["item"], update["UpdateExpression"]) == ({"S": "event#00000003"}, "SET cancelled_by = :seq")


def test_an_amendment_marks_the_event_that_it_corrects() -> None:
    """The row of the amended event has its corrected fields beside the body that was posted."""
    event = accepted({"kind": "amendment", "event_id": "a", "amends": "g1", "player": "Messi"})
    _, put_event, _, mark = writes(event, Applied(STATE.board, scores=False, target=TARGET))
    assert parse_event(put_event["Put"]["Item"])["amends_seq"] == 3
    _, posted, _ = writes(accepted(GOAL), Applied(STATE.board, scores=True))
    values = mark["Update"]["ExpressionAttributeValues"]
    row = posted["Put"]["Item"] | {"amended": values[":amended"], "amended_by": values[":seq"]}
    seen, audited = parse_event(row), parse_audited(row)
    assert (seen["player"], seen["minute"], seen["amended_by"]) == ("Messi", 12, 5)
    assert (audited["minute"], audited["amended_by"]) == (61, 5)


def test_an_event_row_says_when_the_stream_took_it_and_when_it_was_numbered() -> None:
    """Both times stand beside the body, in milliseconds; a record of unknown time leaves ``streamed`` out."""
    ruling = Applied(STATE.board, scores=True)
    _, known, _ = writes(replace(accepted(GOAL), streamed=NOW - 20), ruling)
    _, unknown, _ = writes(accepted(GOAL), ruling)
    row = known["Put"]["Item"]
    assert (row["streamed"], row["numbered"]) == ({"N": str(NOW - 20)}, {"N": str(NOW)})
    assert "streamed" not in unknown["Put"]["Item"]
    assert parse_event(row).keys().isdisjoint({"streamed", "numbered"})


def test_several_events_share_one_update_of_the_state() -> None:
    """Each event has its id and its row, and the state goes once from what was read to what the last event makes it."""
    goal, card = accepted(GOAL), accepted(CARD)
    first = decide(STATE, goal, Applied(Board("second_half", (2, 0)), scores=True))
    second = decide(first.numbered.state, card, Applied(first.numbered.state.board, scores=False))
    third = decide(second.numbered.state, replace(goal, at=9), Refused("too late"))
    *puts, update = cast("list[dict[str, Any]]", list(group_writes("t", STATE, [first, second, third], NOW)))
    items = [each["Put"]["Item"]["item"]["S"] for each in puts]
    assert items == ["id#g2", "event#00000005", "id#y", "event#00000006", "id#g2"]
    assert update["Update"]["ExpressionAttributeValues"][":read"] == {"N": "4"}
    assert (assigned(update)["newest_seq"], assigned(update)["newest_score_seq"]) == ({"N": "6"}, {"N": "5"})


def test_what_is_stored_is_not_written_again() -> None:
    """A refused event writes its outcome alone; an event that was delivered before writes nothing."""
    refused = decide(STATE, accepted(GOAL), Refused("too late"))
    [put] = cast("list[dict[str, Any]]", list(group_writes("t", STATE, [refused], NOW)))
    assert parse_outcome(put["Put"]["Item"]) == Outcome("refused", reason="too late")
    assert list(group_writes("t", STATE, [replace(refused, is_stored=True)], NOW)) == []


@pytest.mark.parametrize(
    ("codes", "row"),
    [
        (["None", "ConditionalCheckFailed", "None"], "event#00000005"),
        (["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], "event#00000005"),
        (["None", "ConditionalCheckFailed", "ConditionalCheckFailed"], None),
        (["None", "ConditionalCheckFailed", "TransactionConflict"], None),
        (["ConditionalCheckFailed", "None", "None"], None),
        (["TransactionConflict", "None"], None),
    ],
)
def test_an_event_that_exists_beyond_the_state_is_a_contradiction(codes: list[str], row: str | None) -> None:
    """Another writer changes the state too; if the state is as it was read, no other writer has put the event."""
    parts = list(group_writes("t", STATE, [decide(STATE, accepted(GOAL), Applied(STATE.board, scores=True))], NOW))
    assert existing_event(parts, codes) == row
