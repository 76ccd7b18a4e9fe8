"""The matches of a day, on a real DynamoDB API and over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devstack.operator.api_client import ApiError
from matches.calendar import Calendar
from matches.match_rows import row_key
from matches.schedule import MatchChange, NewMatch
from runtime.bulk_rows import read_rows
from tests.matches.test_ledger import accepted
from tests.support import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.operator.api_client import Operator
    from devstack.system import System
    from matches.ledger import Ledger


@pytest.fixture
def found(system: System, dynamodb: Any) -> Calendar:
    """The calendar of the running system."""
    return Calendar(system.name("matches"), dynamodb)


@pytest.fixture(scope="module")
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to the API, without a token."""
    with httpx.Client(base_url=system.api_url, timeout=20) as http:
        yield http


def schedule(ledger: Ledger, match: str, kickoff: str) -> None:
    """A match that kicks off then."""
    ledger.create(NewMatch.model_validate({"match": match, "home": "A", "away": "B", "kickoff": kickoff}))


def of(found: Calendar, day: date) -> list[str]:
    """The ids of the matches of a day."""
    return [state.match for state in found.states(day, found.keys_of(day))]


def test_a_day_has_its_matches_by_kick_off(ledger: Ledger, found: Calendar, match_id: str) -> None:
    """A match is, with any offset of its kick-off, in the day of UTC, in the order of the kick-offs.

    A match of which only the day is known comes last.
    """
    kickoffs = {
        "open": "1950-07-16",
        "late": "1950-07-16T23:59:59Z",
        "east": "1950-07-17T01:30:00+09:00",
        "first": "1950-07-16T00:00:00Z",
        "before": "1950-07-15T23:59:59Z",
        "after": "1950-07-16T23:00:00-02:00",
    }
    for name, kickoff in kickoffs.items():
        schedule(ledger, f"{match_id}-{name}", kickoff)
    assert of(found, date(1950, 7, 16)) == [f"{match_id}-{name}" for name in ("first", "east", "late", "open")]


def test_a_match_that_is_moved_changes_its_day(ledger: Ledger, found: Calendar, match_id: str) -> None:
    """It is in the new day, and in the old one no more."""
    schedule(ledger, match_id, "1954-07-04T16:00:00Z")
    ledger.change(match_id, MatchChange(kickoff="1954-07-05T00:30:00+02:00"))
    assert of(found, date(1954, 7, 4)) == [match_id]
    ledger.change(match_id, MatchChange(kickoff="1954-07-05T02:30:00+02:00"))
    assert of(found, date(1954, 7, 4)) == []
    assert of(found, date(1954, 7, 5)) == [match_id]
    ledger.change(match_id, MatchChange(kickoff="1954-07-06"))
    assert of(found, date(1954, 7, 6)) == [match_id]


def test_an_index_that_lags_shows_no_match_of_another_day(
    ledger: Ledger, found: Calendar, dynamodb: Any, match_id: str
) -> None:
    """The index is eventually consistent: what the match itself says counts."""
    schedule(ledger, match_id, "1958-06-29T16:00:00Z")
    dynamodb.update_item(
        TableName=ledger.table,
        Key=row_key(match_id, "state"),
        UpdateExpression="SET kickoff = :kickoff",
        ExpressionAttributeValues={":kickoff": {"S": "1958-06-30T16:00:00Z"}},
    )
    assert of(found, date(1958, 6, 29)) == []


def test_a_day_with_many_matches_has_pages(http: httpx.Client, ledger: Ledger, dynamodb: Any, match_id: str) -> None:
    """Every match is on one page, in order; ``more`` says whether there is another. Beyond the last page is nothing."""
    names = [f"{match_id}-{number:03}" for number in range(203)]
    for name in names:
        schedule(ledger, name, "1962-06-17T15:00:00Z")
    pages = [http.get(f"/matches?day=1962-06-17&page={number}").json() for number in (1, 2, 3)]
    assert [(page["page"], len(page["matches"]), page["more"]) for page in pages] == [
        (1, 200, True),
        (2, 3, False),
        (3, 0, False),
    ]
    assert [each["match"] for page in pages for each in page["matches"]] == names
    assert http.get("/matches?day=1962-06-17&page=0").status_code == 422


def test_an_event_does_not_touch_the_index(ledger: Ledger, match_id: str, dynamodb: Any) -> None:
    """A goal changes neither of the index's keys and nothing that it holds, so it costs no write there."""
    [index] = dynamodb.describe_table(TableName=ledger.table)["Table"]["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    keys = [each["AttributeName"] for each in index["KeySchema"]]
    schedule(ledger, match_id, "1966-07-30T14:00:00Z")
    before = dynamodb.get_item(TableName=ledger.table, Key=row_key(match_id, "state"))["Item"]
    requests: list[str] = []
    dynamodb.meta.events.register(
        "before-call.dynamodb.TransactWriteItems",
        lambda params, **_: requests.append(params["body"].decode()),
        unique_id="note",
    )
    try:
        ledger.apply_event(accepted(match_id, "k", "kick_off"))
        ledger.apply_event(accepted(match_id, "g"))
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", unique_id="note")
    after = dynamodb.get_item(TableName=ledger.table, Key=row_key(match_id, "state"))["Item"]
    assert (after["newest_seq"], [after[key] for key in keys]) == ({"N": "2"}, [before[key] for key in keys])
    assert len(requests) == 2
    updates = [part["Update"] for each in requests for part in json.loads(each)["TransactItems"] if "Update" in part]
    assert updates
    assert not any(key in update["UpdateExpression"] for key in keys for update in updates)


def test_rows_that_dynamodb_leaves_out_are_asked_for_again(
    ledger: Ledger, match_id: str, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that one call does not hold or leaves unprocessed are read by the next; rows that never come raise."""
    for number in range(3):
        schedule(ledger, f"{match_id}-{number}", "1970-06-21T18:00:00Z")
    keys = [row_key(f"{match_id}-{number}", "state") for number in range(4)]
    monkeypatch.setattr("runtime.bulk_rows.ROWS_PER_READ", 2)
    monkeypatch.setattr("runtime.bulk_rows.UNPROCESSED_PAUSES", (0.0, 0.0))
    real, calls = dynamodb.batch_get_item, []

    def reluctant(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        calls.append(RequestItems)
        [(table, asked)] = RequestItems.items()
        if len(calls) > 1:
            return real(RequestItems=RequestItems)
        return {"Responses": {table: []}, "UnprocessedKeys": {table: asked}}

    class Client:
        batch_get_item = staticmethod(reluctant)

    client: Any = Client()
    read = sorted(item["match_id"]["S"] for item in read_rows(client, ledger.table, keys))
    assert read == [f"{match_id}-{number}" for number in range(3)]

    class Never:
        @staticmethod
        def batch_get_item(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
            return {"Responses": {}, "UnprocessedKeys": RequestItems}

    never: Any = Never()
    with pytest.raises(TimeoutError):
        list(read_rows(never, ledger.table, keys))


def test_a_cdn_keeps_a_list_without_a_match_in_play_longer(http: httpx.Client) -> None:
    """Browsers ask again after a second, and a CDN answers them with its own copy for half a minute."""
    answer = http.get("/matches?day=1901-01-01")
    assert answer.headers["cache-control"] in {"public, max-age=1, s-maxage=30", "public, max-age=0, s-maxage=29"}
    known = {"If-None-Match": answer.headers["etag"]}
    assert http.get("/matches?day=1901-01-01", headers=known).status_code == 304


def test_the_list_is_for_everybody_and_cacheable(http: httpx.Client, operator: Operator, match_id: str) -> None:
    """Without a token, good for a second, 304 while nothing has changed; each match as its snapshot without events.

    The channel of a match is in its snapshot only.
    """
    operator.create_match(match=match_id, home="West Germany", away="Netherlands", kickoff="1974-07-07T16:00:00+01:00")
    answer = http.get("/matches?day=1974-07-07")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=1"
    body = answer.json()
    assert (body["day"], body["more"]) == ("1974-07-07", False)
    snapshot = http.get(f"/matches/{match_id}").json()
    assert body["matches"] == [
        {k: v for k, v in snapshot.items() if k not in {"type", "recovered", "events", "channel"}}
    ]
    assert http.get("/matches?day=1974-07-07", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    operator.settled(match_id, operator.post_event(match_id, {"kind": "kick_off"})["event_id"])

    def changed() -> httpx.Response | None:
        again = http.get("/matches?day=1974-07-07", headers={"If-None-Match": answer.headers["etag"]})
        return None if again.status_code == 304 else again

    again = until(changed)
    assert again is not None
    assert (again.status_code, again.json()["matches"][0]["status"]) == (200, "first_half")


def test_without_a_day_it_is_today(http: httpx.Client) -> None:
    """Today in UTC."""
    before = datetime.now(UTC)
    day = http.get("/matches").json()["day"]
    assert day in {each.date().isoformat() for each in (before, datetime.now(UTC))}


@pytest.mark.parametrize(
    "day", ["", "today", "2022-02-31", "2022-2-3", "2022-12-18T00:00:00", "20221218", "0", "2022-12-18 ", "٢٠٢٢-١٢-١٨"]
)
def test_an_impossible_day_is_refused(http: httpx.Client, day: str) -> None:
    """422 with the one error shape, and nothing is guessed."""
    answer = http.get("/matches", params={"day": day})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize("kickoff", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-10:00"])
def test_a_kick_off_that_has_no_day_is_refused(operator: Operator, match_id: str, kickoff: str) -> None:
    """A time that does not exist in UTC is a sentence, and no match."""
    with pytest.raises(ApiError, match="within the years"):
        operator.create_match(match=match_id, home="A", away="B", kickoff=kickoff)
    with pytest.raises(ApiError, match="no match"):
        operator.snapshot(match_id)


def test_a_damaged_match_hides_no_other_of_its_day(
    http: httpx.Client, operator: Operator, ledger: Ledger, dynamodb: Any, match_id: str
) -> None:
    """The list leaves out the match that cannot be read, whose own routes say so with a code; the others are listed."""
    names = [f"{match_id}-a", f"{match_id}-b"]
    for name in names:
        operator.create_match(match=name, home="A", away="B", kickoff="1912-07-04T15:00:00Z")
    key = row_key(names[0], "state")
    row = dynamodb.get_item(TableName=ledger.table, Key=key)["Item"]
    dynamodb.put_item(TableName=ledger.table, Item={**row, "board": {"S": "{"}})
    answer = http.get("/matches?day=1912-07-04")
    assert (answer.status_code, [each["match"] for each in answer.json()["matches"]]) == (200, names[1:])
    damaged = http.get(f"/matches/{names[0]}")
    assert (damaged.status_code, damaged.json()["error"]["code"]) == (500, "match_broken")
    with pytest.raises(ApiError, match="are damaged") as refused:
        operator.post_event(names[0], {"kind": "kick_off"})
    assert refused.value.code == "match_broken"


def test_a_damaged_event_hides_no_other(
    http: httpx.Client, operator: Operator, ledger: Ledger, dynamodb: Any, match_id: str
) -> None:
    """History, audit and snapshot leave out what cannot be read; a snapshot with a hole is not a recovery."""
    operator.create_match(match=match_id, home="A", away="B", kickoff="1912-07-04T15:00:00Z")
    for event in ({"kind": "kick_off"}, {"kind": "goal", "team": "home", "minute": 3}, {"kind": "half_time"}):
        operator.settled(match_id, operator.post_event(match_id, event)["event_id"])
    damaged = {**row_key(match_id, "event#00000002"), "body": {"S": "{"}}
    dynamodb.put_item(TableName=ledger.table, Item=damaged)
    dynamodb.put_item(TableName=ledger.table, Item={**row_key(match_id, "receipt#00000001#x"), "body": {"N": "1"}})
    assert [each["seq"] for each in operator.events(match_id)] == [1, 3]
    assert [each["seq"] for each in operator.audit(match_id)] == [1, 3]
    assert http.get(f"/matches/{match_id}?after=1").json()["recovered"] is False
    assert http.get(f"/matches/{match_id}?after=2").json()["recovered"] is True
    assert all("seq" in each for each in operator.receipts(match_id))
