"""The fan-out on real services: order, once, poison aside, transient failures raised."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from broadcaster.control.cell_state import cell_state_key
from broadcaster.home.fanout import Fanout, IncompleteError
from matches.ledger import Ledger as RealLedger
from matches.match_rows import row_key
from matches.numbering import Numbering
from matches.scoreboard import apply
from tests.broadcaster.fanout_records import fail_for, ids, record
from tests.refusing_service import refusing_service
from tests.support import until

if TYPE_CHECKING:
    from broadcaster.control.cell_state import CellStates
    from devstack.system import System
    from matches.decisions import MatchReading
    from matches.events import AcceptedEvent, Event
    from matches.ledger import Ledger
    from matches.scoreboard import Board
    from tests.broadcaster.fanout_records import Started


EMPTY_BOARD = '{"status":"scheduled","score":[0,0],"shootout":null,"kicks":0,"clock":null,"phases":[]}'


def test_a_batch_is_numbered_in_order_and_broadcast_once(
    fanout: Fanout, starter: Started, ledger: Ledger, match: str
) -> None:
    """Promise 1: the records of a match in their order, and one broadcast for the batch."""
    fanout.handle([record(match, "k", "kick_off"), record(match, "g1"), record(match, "g2")])
    assert ids(ledger, match) == ["k", "g1", "g2"]
    assert starter.started == [(match, 3)]


def test_poison_blocks_nothing(fanout: Fanout, ledger: Ledger, match: str, set_aside: Any) -> None:
    """Promise 6: what is not ours is set aside with its reason, and the records around it are applied."""
    fanout.handle(
        [
            record(match, "k", "kick_off"),
            record(match, "x", data=b"\x00not ours"),
            record(match, "x", data=b'{"v":1,"match":"' + b"m" * 4000 + b'","at":1}'),
            record("never-scheduled", "g0"),
            record(match, "g1"),
        ]
    )
    assert ids(ledger, match) == ["k", "g1"]
    aside = set_aside(match)
    assert aside[0]["reason"] == "not JSON"
    assert len(aside) == 2
    assert base64.b64decode(aside[0]["data"]) == b"\x00not ours"


def test_an_unknown_match_on_the_stream_is_set_aside(fanout: Fanout, set_aside: Any) -> None:
    """Promise 6: an event of no match can never be applied; it is kept with that reason."""
    fanout.handle([record("never-scheduled-2", "g0")])
    assert [each["reason"] for each in set_aside("never-scheduled-2")] == ["there is no match never-scheduled-2"]


def test_redelivery_broadcasts_what_was_only_numbered(
    fanout: Fanout, starter: Started, ledger: Ledger, match: str
) -> None:
    """Promise 3: an event that was numbered when its broadcast could not be started is broadcast on redelivery."""
    object.__setattr__(starter, "failures", 1)
    batch = [record(match, "k", "kick_off")]
    fanout.handle(batch)
    assert ids(ledger, match) == ["k"]
    assert starter.started == []
    fanout.handle(batch)
    assert ids(ledger, match) == ["k"]
    assert starter.started == [(match, 1)]


def test_a_broadcast_that_cannot_be_started_is_left_to_the_watchdog(
    fanout: Fanout, starter: Started, cell_states: CellStates, match: str
) -> None:
    """Promise 2: the records behind are not held up by a cell that refuses; the event is told all the same."""
    object.__setattr__(starter, "failures", 1)
    fanout.handle([record(match, "k", "kick_off")])
    until(lambda: cell_states.read(match).told_seq, seconds=40)
    assert starter.started == []


def test_a_transient_failure_stops_its_match_and_no_other(
    fanout: Fanout, ledger: Ledger, match: str, starter: Started, operator: Any
) -> None:
    """Promises 1, 6 and 7: behind a failed record its match waits, the other match goes on, and the batch is raised."""
    other = f"{match}-b"
    operator.create_match(match=other, home="A", away="B", kickoff="2022-12-18T15:00:00Z")
    # A correction has a transaction of its own.
    batch = [
        record(match, "k", "kick_off"), record(match, "a", "amendment", amends="k", minute=1), record(match, "g2"),
        record(other, "k", "kick_off"), record(other, "g1"),
    ]  # fmt: skip

    def fail(params: dict[str, Any], **_: Any) -> None:
        if '"id#a"' in json.dumps(params) and f'"{match}"' in json.dumps(params):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": "down"}}, "TransactWriteItems")

    events = ledger._db.meta.events  # noqa: SLF001
    events.register("before-parameter-build.dynamodb.TransactWriteItems", fail, unique_id="fail")
    try:
        with pytest.raises(IncompleteError, match=match):
            fanout.handle(batch)
    finally:
        events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="fail")
    assert ids(ledger, match) == ["k"]
    assert ids(ledger, other) == ["k", "g1"]
    # The matches of an invocation begin side by side, in any order.
    assert sorted(starter.started) == sorted([(match, 1), (other, 2)])
    fanout.handle(batch)
    assert ids(ledger, match) == ["k", "g2"]
    assert ids(ledger, other) == ["k", "g1"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "ResourceNotFoundException"])
def test_a_record_that_aws_refuses_stays_on_the_stream(
    system: System, ledger: Ledger, fanout: Fanout, match: str, other: str, set_aside: Any, code: str
) -> None:
    """Promises 1 and 6: a refusal of DynamoDB is raised at once, loses no record and sets none aside."""
    fanout.handle([record(match, "k", "kick_off"), record(other, "k", "kick_off")])
    batch = [record(match, "g1"), record(match, "g2"), record(other, "g1")]
    with refusing_service(code) as service:
        refused = Fanout(RealLedger(ledger.table, service.client("dynamodb")), fanout._cells, fanout._sqs,  # noqa: SLF001
                         system.resolve("queue.set-aside"))  # fmt: skip
        with pytest.raises(IncompleteError, match=f"{match}.*{code}.*{other}.*{code}"):
            refused.handle(batch)
        # One call for each match: nothing is tried again or waited for.
        assert service.calls == 2
    assert (set_aside(match), set_aside(other)) == ([], [])
    assert (ids(ledger, match), ids(ledger, other)) == (["k"], ["k"])
    fanout.handle(batch)
    assert (ids(ledger, match), ids(ledger, other)) == (["k", "g1", "g2"], ["k", "g1"])


@pytest.mark.parametrize(
    "error",
    [
        ClientError(
            {"Error": {"Code": "TransactionCanceledException", "Message": "canceled"},
             "CancellationReasons": [{"Code": "None"}, {"Code": "ValidationError"}]},
            "TransactWriteItems",
        ),
        ClientError({"Error": {"Code": "ValidationException", "Message": "too large"}}, "TransactWriteItems"),
        ParamValidationError(report="no text"),
    ],
    ids=["canceled", "invalid", "unbuilt"],
)  # fmt: skip
def test_an_event_that_can_never_be_written_is_set_aside(
    fanout: Fanout, ledger: Ledger, match: str, set_aside: Any, error: Exception
) -> None:
    """Promise 6: a write that DynamoDB calls invalid would be so for ever: its event goes aside, the others go on."""
    end = fail_for(ledger, "g1", error)
    try:
        fanout.handle([record(match, "k", "kick_off"), record(match, "g1"), record(match, "g2")])
    finally:
        end()
    assert ids(ledger, match) == ["k", "g2"]
    assert [each["reason"] for each in set_aside(match)] == [str(error)]


def test_a_numbered_event_stays_on_the_stream_whatever_aws_says_of_its_broadcast(
    fanout: Fanout, ledger: Ledger, match: str, set_aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: an error of AWS in the broadcast sets no numbered event aside: the record is delivered again."""
    invalid = ClientError({"Error": {"Code": "ValidationException", "Message": "no queue"}}, "SendMessage")

    def refuse(*_: Any, **__: Any) -> None:
        raise invalid

    monkeypatch.setattr(fanout._cells, "broadcast", refuse)  # noqa: SLF001
    with pytest.raises(IncompleteError, match="ValidationException"):
        fanout.handle([record(match, "k", "kick_off")])
    assert set_aside(match) == []
    assert ids(ledger, match) == ["k"]


def test_a_broadcast_that_was_ended_early_does_not_count_the_audience(
    starter: Started, ledger: Ledger, match: str
) -> None:
    """As long as nobody has been told, the operator's guess plans the senders, however often it was tried."""
    inputs: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        inputs.append(json.loads(params["input"]))

    starter.stepfunctions.meta.events.register("before-parameter-build.sfn.StartExecution", note)
    starter.cell_states.mark_due(match, 1, ledger.state(match).epoch)
    starter.cell_states.stop(match, 1, ledger.state(match).epoch)
    starter.begin(replace(ledger.state(match), audience=1_000_000, newest_seq=2))
    assert len(inputs[0]["batches"]) == 2


def damage(dynamodb: Any, ledger: Ledger, match: str, item: str = "state", **attributes: Any) -> None:
    """Overwrite attributes of a row of a match at home; None removes one."""
    row = dynamodb.get_item(TableName=ledger.table, Key=row_key(match, item)).get("Item", row_key(match, item))
    changed = {name: value for name, value in {**row, **attributes}.items() if value is not None}
    dynamodb.put_item(TableName=ledger.table, Item=changed)


def test_a_match_that_was_made_again_stops_no_other(
    fanout: Fanout, ledger: Ledger, match: str, other: str, set_aside: Any, dynamodb: Any
) -> None:
    """Promise 6: when a match stands at 0 and its old events are there, its records go aside, and the shard goes on."""
    fanout.handle([record(match, "k", "kick_off"), record(match, "g1")])
    damage(dynamodb, ledger, match, newest_seq={"N": "0"}, newest_score_seq={"N": "0"}, board={"S": EMPTY_BOARD})
    fanout.handle([record(match, "k2", "kick_off"), record(match, "g2"), record(other, "k", "kick_off")])
    assert ids(ledger, other) == ["k"]
    reasons = [each["reason"] for each in set_aside(match)]
    assert len(reasons) == 2
    assert all("event#00000001" in each and "livescore match reset" in each for each in reasons)


DAMAGES: dict[str, dict[str, Any]] = {
    "an attribute is missing": {"kickoff": None},
    "an attribute has another type": {"newest_seq": {"S": "one"}},
    "the board is damaged JSON": {"board": {"S": "{"}},
    "the board lacks a field": {"board": {"S": "{}"}},
    "the version is unknown": {"v": {"N": "99"}},
}


@pytest.mark.parametrize("attributes", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_state_row_stops_no_other(
    fanout: Fanout, ledger: Ledger, match: str, other: str, set_aside: Any, dynamodb: Any, attributes: dict[str, Any]
) -> None:
    """Promise 6: records of a match whose state row cannot be read go aside, and other matches of the batch go on."""
    damage(dynamodb, ledger, match, **attributes)
    fanout.handle([record(match, "k", "kick_off"), record(other, "k", "kick_off"), record(match, "g1")])
    assert ids(ledger, other) == ["k"]
    reasons = [each["reason"] for each in set_aside(match)]
    assert len(reasons) == 2
    assert all(f"the row state of match {match} cannot be read" in each for each in reasons)


def test_many_records_of_a_damaged_match_cost_its_patience_once(
    fanout: Fanout, ledger: Ledger, match: str, set_aside: Any, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record waits behind the first record of a damaged match: the match is known to be damaged for a while."""
    damage(dynamodb, ledger, match, board=None)
    reads: list[str] = []
    real = Numbering.state_with_ids

    def counted(self: Numbering, of: str, event_ids: Any) -> MatchReading:
        reads.append(of)
        return real(self, of, event_ids)

    monkeypatch.setattr(Numbering, "state_with_ids", counted)
    fanout.handle([record(match, f"e{number}", "kick_off") for number in range(60)])
    assert len(set_aside(match)) == 60
    assert 1 < len(reads) < 30


def test_damage_that_is_repaired_at_once_sets_nothing_aside(
    fanout: Fanout, ledger: Ledger, match: str, set_aside: Any, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match is tried again for a moment before it is given up: two readers at once are not taken for damage."""
    damage(dynamodb, ledger, match, v={"N": "99"})
    real = Numbering.state_with_ids
    reads: list[str] = []

    def repaired(self: Numbering, of: str, event_ids: Any) -> MatchReading:
        reads.append(of)
        if len(reads) == 3:
            damage(dynamodb, ledger, match, v=None)
        return real(self, of, event_ids)

    monkeypatch.setattr(Numbering, "state_with_ids", repaired)
    fanout.handle([record(match, "k", "kick_off"), record(match, "g1")])
    assert ids(ledger, match) == ["k", "g1"]
    assert set_aside(match) == []


def test_an_error_nobody_foresaw_stops_its_event_only(
    fanout: Fanout, ledger: Ledger, match: str, other: str, set_aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 6: a bug that one event meets sets that event aside, and its match and the others go on."""

    def buggy(board: Board, event: Event, *given: Any) -> Any:
        if event.event_id == "bug":
            raise TypeError("unforeseen")
        return apply(board, event, *given)

    monkeypatch.setattr("matches.decisions.apply", buggy)
    monkeypatch.setattr("matches.numbering.apply", buggy)
    ours = [record(match, "k", "kick_off"), record(match, "bug"), record(match, "g1")]
    fanout.handle([*ours, record(other, "k", "kick_off")])
    assert ids(ledger, match) == ["k", "g1"]
    assert ids(ledger, other) == ["k"]
    [aside] = set_aside(match)
    assert "TypeError: unforeseen" in aside["reason"]


def test_contention_is_not_taken_for_damage(
    fanout: Fanout, ledger: Ledger, match: str, set_aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 6: when another reader is always faster the batch is raised, and nothing is set aside."""
    fanout.handle([record(match, "k", "kick_off")])
    real = Numbering.state_with_ids

    def behind(self: Numbering, of: str, event_ids: Any) -> MatchReading:
        found = real(self, of, event_ids)
        return replace(found, state=replace(found.state, newest_seq=0))

    monkeypatch.setattr(Numbering, "state_with_ids", behind)
    with pytest.raises(IncompleteError):
        fanout.handle([record(match, "g1")])
    monkeypatch.undo()
    assert set_aside(match) == []
    fanout.handle([record(match, "g1")])
    assert ids(ledger, match) == ["k", "g1"]


def test_a_damaged_row_in_a_cell_stops_no_other(
    fanout: Fanout, ledger: Ledger, cell_states: CellStates, match: str, other: str, dynamodb: Any, starter: Started
) -> None:
    """A cell's row that cannot be read keeps its match from being told, and no other match of the batch."""
    key = cell_state_key(match)
    dynamodb.put_item(TableName=cell_states.table, Item={**key, "due_seq": {"S": "seven"}})
    fanout.handle([record(match, "k", "kick_off"), record(other, "k", "kick_off")])
    assert (ids(ledger, match), ids(ledger, other)) == (["k"], ["k"])
    assert starter.started == [(other, 1)]


def test_a_redelivered_batch_sets_a_record_aside_once(
    fanout: Fanout, ledger: Ledger, match: str, other: str, set_aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a transient failure has the batch delivered again and again, its poison does not fill the queue."""
    real = RealLedger.apply_events

    def throttled(self: Ledger, events: list[AcceptedEvent]) -> Any:
        if events[0].match == other:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "TransactWriteItems")
        return real(self, events)

    monkeypatch.setattr(RealLedger, "apply_events", throttled)
    batch = [record(match, "x", data=b"not ours"), record(other, "k", "kick_off")]
    for _ in range(3):
        with pytest.raises(IncompleteError, match=other):
            fanout.handle(batch)
    monkeypatch.undo()
    fanout.handle(batch)
    assert len(set_aside(match)) == 1
    assert ids(ledger, other) == ["k"]


def under_foreign_key(*records: dict[str, Any]) -> list[dict[str, Any]]:
    """The records as a producer writes them that puts all matches under one partition key."""
    for each in records:
        each["kinesis"]["partitionKey"] = "feed"
    return list(records)


def test_an_event_that_is_tried_again_is_broadcast_under_its_own_match(
    fanout: Fanout, starter: Started, match: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 2: a partition key that is no match hides no match from the broadcasts, even if an error passes."""
    failures = [TypeError("it passes"), TypeError("it passes")]

    def passing(board: Board, event: Event, *given: Any) -> Any:
        if event.kind == "goal" and failures:
            raise failures.pop()
        return apply(board, event, *given)

    monkeypatch.setattr("matches.decisions.apply", passing)
    monkeypatch.setattr("matches.numbering.apply", passing)
    records = [record(other, "k", "kick_off"), record(match, "k", "kick_off"), record(match, "g1")]
    fanout.handle(under_foreign_key(*records, record(other, "g1")))
    assert failures == []
    assert set(starter.started[-2:]) == {(match, 2), (other, 2)}


def test_damage_of_one_match_reaches_no_record_of_another_under_the_same_key(
    fanout: Fanout, ledger: Ledger, match: str, other: str, set_aside: Any, dynamodb: Any
) -> None:
    """Promise 6: a record is set aside for the damage of its own match, whatever partition key its producer chose."""
    damage(dynamodb, ledger, match, board=None)
    batch = [record(match, "k", "kick_off"), record(other, "k", "kick_off"), record(match, "g1"), record(other, "g1")]
    fanout.handle(under_foreign_key(*batch))
    assert ids(ledger, other) == ["k", "g1"]
    assert [f"match {match} cannot be read" in each["reason"] for each in set_aside("feed")] == [True, True]
