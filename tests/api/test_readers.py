"""SharedReads against goals: however many read a match, the table is asked once a second by each process."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from api import handler as api
from api import resources
from api.shared_reads import SharedReads
from matches.events import EVENT, AcceptedEvent
from matches.recent_events import RecentEvents
from matches.schedule import NewMatch
from runtime import aws, brief_cache
from subscriptions.viewer_counts import ViewerCounts
from tests.runtime.test_brief_cache import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.system import System
    from matches.event_types import Receipt
    from matches.ledger import Ledger

    Get = Callable[..., Any]

GETS = 200
DAY = "1950-06-24"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clocks that values are kept by stand still."""
    clock = Clock()
    monkeypatch.setattr(brief_cache, "time", clock)
    return clock


@pytest.fixture
def readers(
    system: System, ledger: Ledger, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> SharedReads:
    """The API in this process, which has kept nothing yet."""
    for name, value in (system.environment("api") | system.credentials()).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "dynamodb", lambda *_, **__: dynamodb)
    readers, recent, viewers = SharedReads(ledger), RecentEvents(ledger), ViewerCounts(ledger.table, dynamodb)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    monkeypatch.setattr(resources, "shared_reads", lambda: readers)
    monkeypatch.setattr(resources, "recent_events", lambda: recent)
    monkeypatch.setattr(resources, "viewer_counts", lambda: viewers)
    return readers


@pytest.fixture
def request_(readers: SharedReads) -> Get:
    """Sends a request to it."""

    def request(path: str, query: str = "", method: str = "GET", **body: Any) -> Any:
        claims = {"sub": "ann", "scope": "livescore/score:write", "competitions": "*"}
        parameters = dict(each.split("=") for each in query.split("&") if each)
        event = {
            "version": "2.0", "rawPath": path, "rawQueryString": query, "queryStringParameters": parameters,
            "headers": {}, "body": json.dumps(body) if body else None,
            "requestContext": {
                "http": {"method": method, "path": path}, "requestId": "r", "stage": "$default",
                "authorizer": {"jwt": {"claims": claims, "scopes": None}},
            },
        }  # fmt: skip
        context: Any = SimpleNamespace(
            function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
        )
        answer = api.handler(event, context)
        return SimpleNamespace(
            status=answer["statusCode"],
            json=json.loads(answer["body"]),
            cache=(answer.get("headers") or {}).get("Cache-Control")
            or (answer.get("multiValueHeaders") or {}).get("Cache-Control", [None])[0],
        )

    return request


@pytest.fixture
def calls(dynamodb: Any) -> Iterator[Counter[str]]:
    """The calls of the table, by their names; counts of viewers, which have a partition of their own, left out."""
    calls: Counter[str] = Counter()

    def note(model: Any, params: Any, **_: Any) -> None:
        if b"audience#" not in params["body"]:
            calls[model.name] += 1

    dynamodb.meta.events.register("before-call.dynamodb.*", note, unique_id="calls")
    yield calls
    dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="calls")


def play(ledger: Ledger, match: str, events: int, *, kickoff: str = f"{DAY}T15:00:00Z") -> None:
    """A match with so many events."""
    ledger.create(NewMatch.model_validate({"match": match, "home": "A", "away": "B", "kickoff": kickoff}))
    record(ledger, match, "e1", {"kind": "kick_off"})
    for number in range(2, events + 1):
        record(ledger, match, f"e{number}", {"kind": "goal", "team": "home", "minute": 1})


def record(ledger: Ledger, match: str, event_id: str, event: dict[str, Any]) -> None:
    """One event as the fan-out numbers it."""
    ledger.apply_event(AcceptedEvent(match, 1, EVENT.validate_python({**event, "event_id": event_id})))


def test_a_flood_of_snapshots_costs_one_read_a_second(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str], clock: Clock
) -> None:
    """200 GETs of a match within a second, from any position, read its state once and its events once."""
    play(ledger, match_id, 3)
    calls.clear()
    answers = [request_(f"/matches/{match_id}", f"after={number % 7}") for number in range(GETS)]
    assert calls == {"GetItem": 1, "Query": 1}
    assert [each.json["seq"] for each in answers] == [3] * GETS
    assert [each.json["recovered"] for each in answers] == [number % 7 <= 3 for number in range(GETS)]
    clock.pass_time(1.0)
    request_(f"/matches/{match_id}")
    assert calls == {"GetItem": 2, "Query": 1}


@pytest.mark.parametrize(("competition", "segment"), [(None, "open"), ("World Cup 2022", "c-world-cup-2022")])
def test_a_snapshot_names_the_channel_of_its_match(
    request_: Get, ledger: Ledger, match_id: str, competition: str | None, segment: str
) -> None:
    """Promise: a client of a broadcasting transport learns from the snapshot which channel has the match."""
    new = {"match": match_id, "home": "A", "away": "B", "kickoff": f"{DAY}T15:00:00Z", "competition": competition}
    ledger.create(NewMatch.model_validate(new))
    assert request_(f"/matches/{match_id}").json["channel"] == f"livescore/{segment}/{match_id}"


def test_a_cached_answer_states_the_rest_of_its_second(
    request_: Get, ledger: Ledger, match_id: str, clock: Clock
) -> None:
    """A browser may use again only what was read just now; a CDN may give what was kept to others for a second."""
    play(ledger, match_id, 1)
    for path in (f"/matches/{match_id}", "/matches"):
        query = f"day={DAY}" if path == "/matches" else ""
        told = []
        for _ in range(2):
            told += [request_(path, query).cache, request_(path, query).cache]
            clock.pass_time(1.0)
        assert told == ["public, max-age=1", "public, max-age=0, s-maxage=1"] * 2


def test_a_flood_for_the_list_costs_one_read_a_second(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str], clock: Clock
) -> None:
    """200 GETs of a day's list within a second read the index and the states once."""
    for number in range(3):
        play(ledger, f"{match_id}-{number}", 1)
    calls.clear()
    answers = [request_("/matches", f"day={DAY}") for _ in range(GETS)]
    assert calls == {"Query": 1, "BatchGetItem": 1}
    assert {f"{match_id}-{number}" for number in range(3)} <= {each["match"] for each in answers[-1].json["matches"]}
    clock.pass_time(1.0)
    request_("/matches", f"day={DAY}")
    assert calls == {"Query": 2, "BatchGetItem": 2}


def test_a_flood_for_the_history_costs_each_page_once_a_second(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers for every ``after`` and ``limit`` are cut from the same pages, and each is exact."""
    monkeypatch.setattr("api.shared_reads.HISTORY_PAGE", 4)
    play(ledger, match_id, 11)
    calls.clear()
    for number in range(GETS):
        after, limit = number % 14, 1 + number % 4
        answer = request_(f"/matches/{match_id}/events", f"after={after}&limit={limit}").json
        assert [each["seq"] for each in answer["events"]] == list(range(1, 12))[after : after + limit]
        assert answer["seq"] == 11
    assert calls == {"GetItem": 1, "Query": 3}
    assert request_(f"/matches/{match_id}/events", f"after={10**30}").json["events"] == []
    assert calls == {"GetItem": 1, "Query": 3}


def test_many_requests_for_an_unknown_match_cost_one_read_a_second(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str]
) -> None:
    """An unknown match is read once a second, and can be read the moment it is made in this process."""
    assert {request_(f"/matches/{match_id}{path}").status for path in ("", "/events", "/receipts") * 60} == {404}
    assert calls == {"GetItem": 1}
    about = {"match": match_id, "home": "A", "away": "B", "kickoff": f"{DAY}T15:00:00Z"}
    assert request_("/matches", method="POST", **about).status == 201
    assert request_(f"/matches/{match_id}").json["kickoff"] == f"{DAY}T15:00:00+00:00"
    assert request_(f"/matches/{match_id}", method="PATCH", kickoff="1950-06-25T15:00:00Z").status == 200
    assert request_(f"/matches/{match_id}").json["kickoff"] == "1950-06-25T15:00:00+00:00"


def test_receipts_and_final_outcomes_are_cached(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str]
) -> None:
    """Receipts are read once for every ``after``; a settled outcome once, a pending one each time."""
    play(ledger, match_id, 2)
    for seq in (1, 2):
        ledger.put_receipt(match_id, seq, "round", cast("Receipt", {"seq": seq}))
    waiting = AcceptedEvent(match_id, 1, EVENT.validate_python({"kind": "half_time", "event_id": "waits"}))
    ledger.mark_pending(waiting)
    calls.clear()
    found = [request_(f"/matches/{match_id}/receipts", f"after={number % 3}").json for number in range(GETS)]
    assert [len(each["receipts"]) for each in found] == [2 - number % 3 for number in range(GETS)]
    assert calls == {"GetItem": 1, "Query": 1}
    calls.clear()
    assert {request_(f"/matches/{match_id}/events/e2").json["seq"] for _ in range(GETS)} == {2}
    assert calls == {"GetItem": 1}
    assert request_(f"/matches/{match_id}/events/waits").json["status"] == "pending"
    ledger.apply_event(waiting)
    assert request_(f"/matches/{match_id}/events/waits").json["status"] == "applied"


def test_an_operator_who_reads_applied_reads_the_new_state_next(request_: Get, ledger: Ledger, match_id: str) -> None:
    """A reader who has read in this process that an event was applied finds the event in the next read."""
    play(ledger, match_id, 1)
    assert request_(f"/matches/{match_id}").json["seq"] == 1
    record(ledger, match_id, "goal", {"kind": "goal", "team": "home", "minute": 1})
    assert request_(f"/matches/{match_id}").json["seq"] == 1
    assert request_(f"/matches/{match_id}/events/goal").json["seq"] == 2
    assert request_(f"/matches/{match_id}").json["score"] == [1, 0]
    assert [each["seq"] for each in request_(f"/matches/{match_id}/events").json["events"]] == [1, 2]


@pytest.mark.parametrize("path", ["", "/events"])
def test_events_stand_as_at_the_seq_of_their_answer(request_: Get, ledger: Ledger, match_id: str, path: str) -> None:
    """Events that are read after their match was kept say nothing of what has happened since, as its score does not."""
    play(ledger, match_id, 2)
    request_(f"/matches/{match_id}/receipts")  # from here on the match is kept
    record(ledger, match_id, "back", {"kind": "cancellation", "cancels": "e2"})
    answer = request_(f"/matches/{match_id}{path}").json
    assert (answer["seq"], len(answer["events"])) == (2, 2)
    assert not [each for each in answer["events"] if "cancelled_by" in each]
    assert request_(f"/matches/{match_id}/events/back").json["seq"] == 3
    assert request_(f"/matches/{match_id}{path}").json["events"][1]["cancelled_by"] == 3


def test_reads_that_decide_are_consistent_in_every_request(
    request_: Get, ledger: Ledger, match_id: str, dynamodb: Any
) -> None:
    """Kept answers decide nothing: the audit is as new as the ledger."""
    play(ledger, match_id, 1)
    request_(f"/matches/{match_id}")
    record(ledger, match_id, "goal", {"kind": "goal", "team": "home", "minute": 1})
    assert request_(f"/matches/{match_id}/audit").json["seq"] == 2
    consistent: list[bool] = []

    def note(params: Any, **_: Any) -> None:
        consistent.append(json.loads(params["body"]).get("ConsistentRead", False))

    dynamodb.meta.events.register("before-call.dynamodb.GetItem", note, unique_id="consistent")
    try:
        assert request_(f"/matches/{match_id}/events", method="POST", kind="goal", team="C", minute=2).status == 422
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.GetItem", unique_id="consistent")
    assert consistent == [True]


def damage(ledger: Ledger, dynamodb: Any, match: str, item: str, body: str) -> str:
    """Overwrite the body of a row; returns what it was."""
    key = {"match_id": {"S": match}, "item": {"S": item}}
    old = dynamodb.update_item(
        TableName=ledger.table, Key=key, UpdateExpression="SET body = :body",
        ExpressionAttributeValues={":body": {"S": body}}, ReturnValues="ALL_OLD",
    )  # fmt: skip
    return str(old["Attributes"]["body"]["S"])


def test_readers_pass_a_damaged_event(
    request_: Get, ledger: Ledger, match_id: str, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that goes on from the last seq reads all readable events, one at a time, across pages too."""
    monkeypatch.setattr("api.shared_reads.HISTORY_PAGE", 2)
    play(ledger, match_id, 7)
    for seq in (3, 4, 5):
        damage(ledger, dynamodb, match_id, f"event#{seq:08d}", "{")
    seen = [0]
    while found := request_(f"/matches/{match_id}/events", f"after={seen[-1]}&limit=1").json["events"]:
        seen += [each["seq"] for each in found]
    assert seen == [0, 1, 2, 6, 7]


def test_a_repaired_event_is_in_the_snapshot_a_second_later(
    request_: Get, ledger: Ledger, match_id: str, dynamodb: Any, clock: Clock
) -> None:
    """A list that lacks a damaged event is kept for a second at most, also when the match moves no more."""
    play(ledger, match_id, 3)
    body = damage(ledger, dynamodb, match_id, "event#00000002", "{")
    assert [each["seq"] for each in request_(f"/matches/{match_id}").json["events"]] == [1, 3]
    damage(ledger, dynamodb, match_id, "event#00000002", body)
    clock.pass_time(1.0)
    assert [each["seq"] for each in request_(f"/matches/{match_id}").json["events"]] == [1, 2, 3]


@pytest.mark.parametrize("body", ["{}", '{"seq":"1"}'])
def test_a_damaged_receipt_is_left_out(request_: Get, ledger: Ledger, match_id: str, dynamodb: Any, body: str) -> None:
    """A receipt without a readable seq hides no other."""
    play(ledger, match_id, 1)
    for seq in (1, 2):
        ledger.put_receipt(match_id, seq, "round", cast("Receipt", {"seq": seq}))
    damage(ledger, dynamodb, match_id, "receipt#00000001#round", body)
    assert request_(f"/matches/{match_id}/receipts", "after=0").json["receipts"] == [{"seq": 2}]


@pytest.mark.parametrize(("event_id", "read"), [(None, "GetItem"), ("g1", "BatchGetItem")])
def test_an_operators_event_is_one_read_before_the_stream(
    request_: Get, ledger: Ledger, match_id: str, calls: Counter[str], monkeypatch: pytest.MonkeyPatch,
    event_id: str | None, read: str,
) -> None:  # fmt: skip
    """The match and the id that the operator named come with one call; then the event goes to the stream."""
    play(ledger, match_id, 1)
    calls.clear()
    before_the_stream: list[dict[str, int]] = []
    stream = SimpleNamespace(put_record=lambda **_: before_the_stream.append(dict(calls)))
    monkeypatch.setattr(aws, "kinesis", lambda: stream)
    goal = {"kind": "goal", "team": "home", "minute": 1} | ({} if event_id is None else {"event_id": event_id})
    assert request_(f"/matches/{match_id}/events", method="POST", **goal).status == 202
    assert before_the_stream == [{read: 1}]
    if event_id is not None:
        other = request_(f"/matches/{match_id}/events", method="POST", **goal | {"minute": 2})
        assert (other.status, other.json["error"]["code"]) == (409, "event_id_taken")
        assert len(before_the_stream) == 1
