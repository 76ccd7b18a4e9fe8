"""The rules of faults: which call they hit, and with which answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from devstack.stack.call_proxy import Call
from trials.faults.fault_kinds import ALL, KINDS
from trials.faults.injected_answers import halves, pretence, read_key, refusal
from trials.faults.rules import Book, Do, Rule
from trials.faults.script import LAST, Script
from trials.fuzz.correction_target import played

CALL = Call("fanout", "PutItem", b'{"match": "m1", "what": "pending"}')
RULE = Rule("fanout", "PutItem", Do.REFUSE, ("pending",), skip=1, error="ThrottlingException", status=400)
KICK_OFF = 1_766_080_000_000
"""Milliseconds since 1970."""

KILL = replace(RULE, do=Do.KILL_BEFORE, skip=0)


def test_a_rule_hits_its_calls_only() -> None:
    """The function, the operation, the texts in the body and the match of a call decide; the first calls may pass."""
    book = Book()
    armed = book.arm(RULE, "m1")
    for other in (replace(CALL, function="api"), replace(CALL, operation="Query"), replace(CALL, body=b'"pending" m2')):
        assert book.take(other, killable=True) is None
    assert book.take(replace(CALL, body=b'"m1"'), killable=True) is None
    assert book.take(CALL, killable=True) is None
    assert book.take(CALL, killable=True) is armed
    assert book.take(CALL, killable=True) is None
    assert (armed.seen, armed.fired) == (2, 1)


def test_a_rule_may_hit_the_calls_of_any_match() -> None:
    """With ``anyone`` a rule hits calls that do not name its match."""
    book = Book()
    armed = book.arm(replace(RULE, skip=0, anyone=True), "m2")
    assert book.take(CALL, killable=False) is armed


def test_a_process_that_may_not_be_killed_is_spared() -> None:
    """A kill waits for a call of a process that may be killed."""
    book = Book()
    armed = book.arm(KILL, "m1")
    assert book.may_kill(CALL)
    assert book.take(CALL, killable=False) is None
    assert book.take(CALL, killable=True) is armed
    assert not book.may_kill(CALL)


def test_a_disarmed_rule_hits_nothing() -> None:
    """The rules of one match are disarmed together, those of others stay."""
    book = Book()
    book.arm(KILL, "m1")
    book.arm(replace(KILL, anyone=True), "m2")
    book.disarm("m1")
    assert book.may_kill(CALL)
    book.disarm("m2")
    assert not book.may_kill(CALL)


def test_every_kind_has_a_name_of_its_own() -> None:
    """No two kinds of fault have one name; each says which promises it tries, and does something."""
    assert len(KINDS) == len(ALL)
    assert all(each.promises and (each.rules or each.act) for each in KINDS.values())


def test_a_refusal_has_the_shape_of_its_service() -> None:
    """The error of @connections and of a publish is in a header, the error of the other services is in the body."""
    for operation in ("Post", "Publish"):
        status, headers, _ = refusal(RULE, operation)
        assert (status, headers) == (400, {"x-amzn-ErrorType": "ThrottlingException"})
    status, _, body = refusal(RULE, "PutItem")
    assert json.loads(body)["__type"] == "com.amazonaws.fault#ThrottlingException"
    _, _, body = refusal(replace(RULE, error="TransactionCanceledException"), "TransactWriteItems")
    assert json.loads(body)["CancellationReasons"][0]["Code"] == "TransactionConflict"


def test_a_pretended_answer_is_the_usual_one() -> None:
    """A call that was not done is answered as if it had been, with the checksum that botocore compares."""
    assert pretence("Post", b"") == (200, {}, b"")
    assert "executionArn" in json.loads(pretence("StartExecution", b"{}")[2])
    assert json.loads(pretence("PutRecord", b"{}")[2])["SequenceNumber"] == "1"
    sent = json.loads(pretence("SendMessage", b'{"MessageBody": "x"}')[2])
    assert sent["MD5OfMessageBody"] == hashlib.md5(b"x", usedforsecurity=False).hexdigest()
    assert json.loads(pretence("UpdateItem", b"{}")[2]) == {}
    published = json.loads(pretence("Publish", b"{}")[2])
    assert (published["failed"], len(published["successful"]), published["message"]) == ([], 1, "OK")


def test_a_publish_is_hit_only_in_a_stack_with_broadcasting_cells() -> None:
    """A rule about a publish would never fire in a stack whose only cell has API Gateway."""
    assert all(kind.broadcasting or rule.operation != "Publish" for kind in ALL for rule in kind.rules)


def test_a_batch_of_writes_is_cut_in_two() -> None:
    """The first half is written, the answer names the second half. One write alone cannot be cut."""
    cut = halves(b'{"RequestItems": {"t": [1, 2, 3]}}')
    assert cut is not None
    assert json.loads(cut[0]) == {"RequestItems": {"t": [1]}}
    assert json.loads(cut[1]) == {"UnprocessedItems": {"t": [2, 3]}}
    assert halves(b'{"RequestItems": {"t": [1]}}') is None


@pytest.mark.parametrize(
    ("operation", "body", "eventual"),
    [("GetItem", b'{"Key": 1}', True), ("Query", b'{"Key": 1, "ConsistentRead": true}', False)],
)
def test_a_read_is_known_by_its_request(operation: str, body: bytes, eventual: bool) -> None:
    """The same read has the same key, whether it is consistent or not; only an eventual one may be stale."""
    key = read_key(operation, body)
    assert key is not None
    usual = read_key(operation, b'{"Key": 1}')
    assert usual is not None
    assert (key[0], key[1]) == (usual[0], eventual)
    assert read_key("PutItem", b"{}") is None


def test_a_script_can_be_played() -> None:
    """The rules apply every event of a script and the phases after it, and each event has an id of its own."""
    script = Script("m")
    events = [script.next() for _ in range(60)]
    posts = [*events, *map(script.phase, LAST)]
    board, applied = played([{**each, "at": KICK_OFF + 60_000 * minute} for minute, each in enumerate(posts)])
    assert [each["event_id"] for each in applied] == [each["event_id"] for each in posts]
    assert board.status == "full_time"
    assert board.score == tuple(
        sum(each.get("team") == side and "goal" in each["kind"] for each in events) for side in ("home", "away")
    )
    assert events[0] == {"kind": "kick_off", "event_id": "m-kick_off"}
    assert len({each["event_id"] for each in events}) == len(events)
    assert max(each["minute"] for each in events[1:]) == 45


def test_the_next_goal_of_a_script_leaves_out_what_is_before_it() -> None:
    """A run that needs an event for followers of the score gets one, however far the script is."""
    for before in range(10):
        script = Script("m")
        posted = [script.next() for _ in range(before)]
        event = script.goal()
        assert event["kind"] in ("goal", "penalty_goal")
        assert event["event_id"] not in [each["event_id"] for each in posted]
