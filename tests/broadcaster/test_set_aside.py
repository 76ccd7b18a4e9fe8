"""Messages of the set-aside queue, read back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.set_aside import (
    DATA_BYTES,
    NoSuchMessageError,
    find,
    in_order,
    parse,
    record_body,
    watch_body,
)

WATCH = '{"match":"m","seq":3,"cell":"us-east-1","tries":0,"epoch":"e"}'


def received(body: str, number: int = 0, sent: int = 1_000) -> dict[str, Any]:
    """A message as SQS gives it."""
    return {
        "MessageId": f"{number:08d}-id", "Body": body,
        "Attributes": {"SentTimestamp": str(sent), "ApproximateReceiveCount": "3"},
    }  # fmt: skip


def record(data: bytes, key: str = "m", number: int = 7) -> dict[str, Any]:
    """A record as the fan-out gets it."""
    return {
        "eventID": f"shardId-000000000001:{number}",
        "kinesis": {"partitionKey": key, "data": base64.b64encode(data).decode(), "sequenceNumber": str(number)},
    }


@given(st.binary(max_size=200), st.text(max_size=20), st.integers(0, 10**56))
def test_a_record_comes_back_as_it_was(data: bytes, key: str, number: int) -> None:
    """Any record of the stream comes back with the same bytes, under the same key, in the same place."""
    body = record_body(record(data, key, number), "why")
    assert body.isascii()
    message = parse(received(body))
    assert (message.kind, message.data, message.key, message.place) == ("record", data, key, number)
    assert (message.reason, message.obstacle, message.sent_at, message.received) == ("why", None, 1, 3)


def test_a_record_that_was_cut_says_so() -> None:
    """A record that is not whole is never sent again, and neither is one whose message does not say if it is whole."""
    fits, longer = bytes(DATA_BYTES * 3 // 4), bytes(DATA_BYTES)
    assert parse(received(record_body(record(fits), "why"))).obstacle is None
    cut = record_body(record(longer), "why")
    assert "128 KB" in (parse(received(cut)).obstacle or "")
    silent = {name: value for name, value in json.loads(cut).items() if name != "cut"}
    assert "128 KB" in (parse(received(json.dumps(silent))).obstacle or "")


def test_the_match_of_a_record_is_in_it() -> None:
    """A record that somebody else put on the stream under another key is still listed with its match."""
    assert parse(received(record_body(record(b'{"match":"final"}', "x"), "why"))).match == "final"
    assert parse(received(record_body(record(b"\x80", "x"), "why"))).match == "x"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"kind":"batch","match":"m","reason":"no","batch":{}}', "batch"),
        (WATCH, "watch"),
        ("\x00 not JSON", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        (WATCH.replace("3", '"3"'), "damaged"),
        (WATCH.replace(',"epoch":"e"', ""), "damaged"),
        ('{"match":"m","seq":3}', "damaged"),
        ('{"kind":"record"}', "damaged"),
    ],
)
def test_each_kind_is_told_from_the_others(body: str, kind: str) -> None:
    """A message that is none of ours can be listed and dropped, and is never sent."""
    message = parse(received(body))
    assert message.kind == kind
    assert message.reason.isprintable()
    assert (message.obstacle is None) == (kind != "damaged")


@given(st.text())
def test_no_body_breaks_the_reader(body: str) -> None:
    """Anybody may put anything into a queue."""
    assert parse(received(body)).to_dict(2)["age_seconds"] == 1


def test_records_are_sent_in_the_order_of_the_stream() -> None:
    """The order in which records were set aside or received does not count; other messages come after the records."""
    bodies = [record_body(record(b"", number=number), "why") for number in (30, 4, 200)]
    messages = [parse(received(body, number)) for number, body in enumerate([WATCH, *bodies])]
    assert [message.place for message in in_order(messages)] == [4, 30, 200, 0]


def test_a_message_is_named_by_the_beginning_of_its_id() -> None:
    """As long as that names one."""
    messages = [parse(received("{}", number)) for number in (10, 11, 20)]
    assert find(messages, "0000002") is messages[2]
    for beginning, problem in (("0000001", "2 messages"), ("9", "No message"), ("", "No message")):
        with pytest.raises(NoSuchMessageError, match=problem):
            find(messages, beginning)


def test_a_message_of_the_watchdog_keeps_its_body() -> None:
    """A match that the watchdog could not restart is set aside with the reason, and can be sent again."""
    watched = {"match": "m", "cell": "us-east-1", "epoch": "k3", "seq": 4, "tries": 9}
    message = parse(received(watch_body(watched, "damaged")))
    assert (message.kind, message.match, message.reason) == ("watch", "m", "damaged")
    again = parse(received(json.dumps(watched)))
    assert "the broadcast of seq 4 did not end" in again.reason


def test_a_record_that_is_not_base64_cannot_be_sent() -> None:
    """A message whose data was damaged says so, and is kept for a person."""
    body = json.loads(record_body(record(b"x"), "why")) | {"data": "=="}
    assert parse(received(json.dumps(body))).obstacle == "its data is not base64"


def test_a_message_as_the_command_prints_it() -> None:
    """JSON has the age in seconds, which a clock that is behind cannot make negative."""
    message = parse(received(record_body(record(b"x"), "why"), sent=5_000))
    printed = message.to_dict(now=12)
    assert (printed["kind"], printed["age_seconds"], printed["received"], printed["obstacle"]) == ("record", 7, 3, None)
    assert message.to_dict(now=0)["age_seconds"] == 0
