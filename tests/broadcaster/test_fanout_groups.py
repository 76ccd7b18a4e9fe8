"""The fan-out numbers the records of a match together, on real services."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from broadcaster.home.fanout import Fanout, IncompleteError
from matches.match_rows import event_item, row_key
from tests.broadcaster.fanout_records import accepted_event, fail_for, ids, record

if TYPE_CHECKING:
    from broadcaster.control.payload import CarriedEvent
    from matches.ledger import Ledger
    from matches.match_state import MatchState
    from tests.broadcaster.fanout_records import Started


def test_an_event_that_was_numbered_before_is_broadcast_whatever_becomes_of_the_next(
    fanout: Fanout, ledger: Ledger, match: str, starter: Started
) -> None:
    """Promise 2: a fan-out that died after the transaction is made good, even if the next events cannot be written."""
    ledger.apply_event(accepted_event(match, "k", "kick_off"))
    end = fail_for(ledger, "g1", ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "Transact"))
    try:
        with pytest.raises(IncompleteError, match=match):
            fanout.handle([record(match, "k", "kick_off"), record(match, "g1"), record(match, "g2")])
    finally:
        end()
    assert ids(ledger, match) == ["k"]
    assert starter.started == [(match, 1)]


def test_records_of_a_match_are_one_group_wherever_they_lie(
    fanout: Fanout, ledger: Ledger, match: str, other: str, starter: Started, set_aside: Any
) -> None:
    """Promises 1, 6 and 7: a burst among another match's records is one read and one transaction; poison ends none."""
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if model.name in ("BatchGetItem", "TransactWriteItems", "GetItem"):
            calls.append(model.name)

    burst = [record(match, "k", "kick_off"), *(record(match, f"g{number}") for number in range(30))]
    burst[20:20] = [record(match, "x", data=b"not ours"), record(other, "k", "kick_off")]
    events = ledger._db.meta.events  # noqa: SLF001
    events.register("before-call.dynamodb.*", note, unique_id="note")
    try:
        fanout.handle(burst)
    finally:
        events.unregister("before-call.dynamodb.*", unique_id="note")
    # The records before and behind the poison are numbered apart, because it is set aside in its turn.
    assert calls == ["BatchGetItem", "TransactWriteItems"] * 3
    assert ids(ledger, match) == ["k", *(f"g{number}" for number in range(30))]
    assert sorted(starter.started) == sorted([(match, 31), (other, 1)])
    assert [each["reason"] for each in set_aside(match)] == ["not JSON"]


def test_the_broadcast_begins_with_the_state_that_was_numbered(
    fanout: Fanout, ledger: Ledger, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The match is not read again after its transaction; a record that comes again has the state that was read.

    The new events go with it. A refused event begins no broadcast.
    """
    told: list[MatchState] = []
    carried: list[tuple[list[int], bool]] = []

    def broadcast(state: MatchState, events: list[CarriedEvent], *, delivered_before: bool) -> list[str]:
        told.append(state)
        carried.append(([each.event["seq"] for each in events], delivered_before))
        return []

    monkeypatch.setattr(fanout._cells, "broadcast", broadcast)  # noqa: SLF001
    batch = [record(match, "k", "kick_off"), record(match, "g1"), record(match, "h", "second_half")]
    fanout.handle(batch)
    assert told == [ledger.state(match)]
    fanout.handle(batch[:1])
    assert told == [ledger.state(match)] * 2
    assert carried == [([1, 2], False), ([], True)]
    fanout.handle([record(match, "h2", "second_half")])
    assert len(told) == 2


def test_a_slow_broadcast_of_one_match_delays_no_other(
    fanout: Fanout, match: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 7: the matches of an invocation are broadcast side by side, and each error belongs to its own match."""
    told, in_time = threading.Event(), []

    def broadcast(state: MatchState, *_: Any, **__: Any) -> list[str]:
        if state.match == other:
            told.set()
        else:
            in_time.append(told.wait(10))
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": f"slow {state.match}"}}, "Publish")

    monkeypatch.setattr(fanout._cells, "broadcast", broadcast)  # noqa: SLF001
    with pytest.raises(IncompleteError) as raised:
        fanout.handle([record(match, "k", "kick_off"), record(other, "k", "kick_off")])
    assert in_time == [True]
    assert all(f"{each}: " in str(raised.value) and f"slow {each}" in str(raised.value) for each in (match, other))


def test_an_event_row_says_when_its_record_was_streamed_and_numbered(
    fanout: Fanout, ledger: Ledger, match: str, dynamodb: Any
) -> None:
    """Kinesis gives seconds; the row has milliseconds, and the fan-out's own clock beside them."""
    first = record(match, "k", "kick_off")
    first["kinesis"]["approximateArrivalTimestamp"] = 1_766_000_000.123
    before = time.time_ns() // 1_000_000
    fanout.handle([first, record(match, "g1")])
    after = time.time_ns() // 1_000_000
    rows = [dynamodb.get_item(TableName=ledger.table, Key=row_key(match, event_item(seq)))["Item"] for seq in (1, 2)]
    assert [each.get("streamed") for each in rows] == [{"N": "1766000000123"}, None]
    assert all(before <= int(each["numbered"]["N"]) <= after for each in rows)


def test_a_corrected_event_is_not_carried_as_it_was(
    fanout: Fanout, match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction changes an earlier event's row, so the payload carries only the events after that one."""
    carried: list[list[int]] = []

    def broadcast(_: MatchState, events: list[CarriedEvent], *, delivered_before: bool) -> list[str]:
        assert not delivered_before
        carried.append([each.event["seq"] for each in events])
        return []

    monkeypatch.setattr(fanout._cells, "broadcast", broadcast)  # noqa: SLF001
    fanout.handle(
        [
            record(match, "k", "kick_off"), record(match, "g1"), record(match, "g2"),
            record(match, "x", "cancellation", cancels="g1"),
        ]
    )  # fmt: skip
    assert carried == [[3, 4]]
