"""The operators' API as it runs behind the HTTP API."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api import handler as api
from api import resources
from devstack.operator.api_client import ApiError, Operator
from devstack.operator.local_tokens import tokens_of
from loadtest.bearer import Bearer
from matches.events import EVENT, AcceptedEvent
from matches.ledger import UnknownMatchError
from matches.match_rows import row_key
from tests.support import given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devstack.system import System
    from matches.ledger import Ledger


@pytest.fixture(scope="module")
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to the API, with an operator's token."""
    with httpx.Client(base_url=system.api_url, timeout=20, auth=Bearer(tokens_of(system))) as http:
        yield http


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer, which must have the one error shape."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]


def test_an_outcome_names_the_goal_that_was_not_seen(system: System, operator: Operator, match: str) -> None:
    """Of two operators' goals the second is refused with the seq of the first, for programs as for people."""
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    goal = {"kind": "goal", "team": "home", "minute": 3, "seen": 1}
    with Operator(system.api_url, tokens_of(system, "scorer")) as other:
        assert other.settled(match, other.post_event(match, goal)["event_id"])["status"] == "applied"
    refused = operator.settled(match, operator.post_event(match, goal)["event_id"])
    assert (refused["status"], refused["unseen"]) == ("refused", 2)
    assert refused["reason"] == "another operator posted a goal meanwhile: seq 2, home, 3'"
    assert "seen" not in operator.events(match)[1]


SCOPE = "livescore/score:write"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        (None, 403),
        ({}, 403),
        ({"scope": SCOPE, "competitions": "*"}, 403),
        ({"sub": "ann", "competitions": "*"}, 403),
        ({"sub": "ann", "scope": "livescore/watch", "competitions": "*"}, 403),
        ({"sub": "ann", "scope": f"{SCOPE}x", "competitions": "*"}, 403),
        ({"sub": "ann", "scope": SCOPE}, 403),
        ({"sub": "ann", "scope": SCOPE, "competitions": "[other cups]"}, 403),
        ({"sub": "ann", "scope": f"a {SCOPE}", "competitions": "[other the-cup]"}, 201),
    ],
)
def test_a_route_that_has_lost_its_authorizer_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, match_id: str, claims: dict[str, Any] | None, status: int
) -> None:
    """The handler looks at scope and competitions itself; AWS hands a list claim on as ``[a b]``."""
    given(monkeypatch, "api", OPERATOR_SCOPE=SCOPE)
    monkeypatch.setattr(resources, "ledger", lambda: ledger)
    body = {"match": match_id, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z", "competition": "The Cup"}
    event = {
        "version": "2.0",
        "rawPath": "/matches",
        "headers": {},
        "body": json.dumps(body),
        "requestContext": {
            "http": {"method": "POST", "path": "/matches"}, "requestId": "r", "stage": "$default",
            **({} if claims is None else {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}),
        },
    }  # fmt: skip
    context: Any = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1, invoked_function_arn="", aws_request_id="r"
    )
    answer = api.handler(event, context)
    assert answer["statusCode"] == status
    if status == 403:
        assert json.loads(answer["body"])["error"]["code"] == "forbidden"
        with pytest.raises(UnknownMatchError):
            ledger.state(match_id)


def test_an_accepted_event_can_be_followed_by_its_id(http: httpx.Client, match: str, operator: Operator) -> None:
    """202 comes with an id, by which the event is found applied as a seq."""
    answer = http.post(f"/matches/{match}/events", json={"kind": "kick_off"})
    assert answer.status_code == 202
    outcome = operator.settled(match, answer.json()["event_id"])
    assert (outcome["status"], outcome["seq"]) == ("applied", 1)


def test_an_event_on_the_stream_is_answered_202_even_if_its_row_is_damaged(
    http: httpx.Client, system: System, dynamodb: Any, match: str
) -> None:
    """A damaged row of the event's id is a trouble of the ledger; the operator is told that the event is on its way."""
    event = {"kind": "kick_off", "event_id": "damaged"}
    digest = AcceptedEvent(match, 0, EVENT.validate_python(event)).digest
    row = {**row_key(match, "id#damaged"), "digest": {"S": digest}, "outcome": {"S": "?"}}
    dynamodb.put_item(TableName=system.name("matches"), Item=row)
    answer = http.post(f"/matches/{match}/events", json=event)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")


def test_the_same_id_again_changes_nothing(operator: Operator, match: str) -> None:
    """An operator who retries counts no goal twice."""
    operator.post_event(match, {"kind": "kick_off"})
    for _ in range(3):
        operator.post_event(match, {"kind": "goal", "team": "France", "minute": 9, "event_id": "g1"})
    operator.post_event(match, {"kind": "half_time", "event_id": "last"})
    operator.settled(match, "last")
    assert operator.snapshot(match)["score"] == [0, 1]
    assert [event["kind"] for event in operator.events(match)] == ["kick_off", "goal", "half_time"]


def test_an_id_is_not_taken_for_another_event(http: httpx.Client, operator: Operator, match: str) -> None:
    """A goal posted under the id of another is not lost in silence: 409, before it reaches the stream."""
    operator.post_event(match, {"kind": "kick_off"})
    goal = {"kind": "goal", "team": "France", "minute": 9, "event_id": "g1"}
    operator.settled(match, operator.post_event(match, goal)["event_id"])
    answer = http.post(f"/matches/{match}/events", json={**goal, "minute": 10})
    assert refusal(answer) == (409, "event_id_taken")
    assert operator.post_event(match, {**goal, "team": "away"})["seq"] == 2
    assert operator.snapshot(match)["score"] == [0, 1]


def test_rules_are_decided_in_the_ledger(operator: Operator, match: str) -> None:
    """An event that the rules forbid is accepted, then refused with a reason, and is not in the history."""
    posted = operator.post_event(match, {"kind": "goal", "team": "home", "minute": 1})
    outcome = operator.settled(match, posted["event_id"])
    assert (outcome["status"], outcome["reason"]) == ("refused", "the match has not kicked off")
    posted = operator.post_event(match, {"kind": "cancellation", "cancels": "nothing"})
    assert operator.settled(match, posted["event_id"])["reason"] == "there is no such event to cancel"
    assert operator.events(match) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{nonsense", (400, "malformed_json")),
        (b"\xff\xfe\x00", (400, "malformed_json")),
        (b"[" * 5000, (400, "malformed_json")),
        (b'{"kind":"goal","team":"home","minute":' + b"9" * 5000 + b"}", (400, "malformed_json")),
        (b"", (422, "invalid")),
        (b"[]", (422, "invalid")),
        (b'{"kind":"golazo"}', (422, "invalid")),
        (b'{"kind":"goal","team":"home","minute":121}', (422, "invalid")),
        (b'{"kind":"goal","team":"Brazil","minute":12}', (422, "unknown_team")),
        (b'{"kind":"goal","team":"home","minute":12,"player":"' + b"x" * 33_000 + b'"}', (413, "too_large")),
    ],
)
def test_a_malformed_event_is_refused(http: httpx.Client, match: str, body: bytes, expected: tuple[int, str]) -> None:
    """Shape is refused at the API, in its one error shape, and nothing reaches the stream."""
    answer = http.post(f"/matches/{match}/events", content=body, headers={"content-type": "application/json"})
    assert refusal(answer) == expected


@pytest.mark.parametrize("content_type", ["text/plain", "Application/JSON", "application/x-www-form-urlencoded", None])
def test_a_body_is_read_as_json_under_any_content_type(
    http: httpx.Client, match: str, content_type: str | None
) -> None:
    """Curl's default content type posts an event too."""
    headers = {"content-type": content_type} if content_type else {}
    answer = http.post(f"/matches/{match}/events", content=b'{"kind":"kick_off"}', headers=headers)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/matches/nobody", (404, "unknown_match")),
        ("GET", "/matches/nobody/events", (404, "unknown_match")),
        ("GET", "/matches/nobody/receipts", (404, "unknown_match")),
        ("GET", "/matches/nobody/events/g1", (404, "unknown_match")),
        ("GET", "/matches/NOBODY", (422, "invalid")),
    ],
)
def test_an_unknown_path_match_or_event_is_answered_404(
    http: httpx.Client, method: str, path: str, expected: tuple[int, str]
) -> None:
    """An unknown match is a clear 404, a malformed id a clear 422."""
    assert refusal(http.request(method, path)) == expected


def test_an_unknown_event_of_a_known_match(http: httpx.Client, match: str) -> None:
    """An id that was never accepted is not pending for ever: it is unknown."""
    assert refusal(http.get(f"/matches/{match}/events/never")) == (404, "unknown_event")


def test_posting_to_an_unknown_match(operator: Operator) -> None:
    """An event needs a match."""
    with pytest.raises(ApiError, match="no match nobody"):
        operator.post_event("nobody", {"kind": "kick_off"})


def test_a_match_can_be_moved_until_it_begins(http: httpx.Client, match: str, operator: Operator) -> None:
    """The kick-off moves, but not once an event has been applied."""
    moved = http.patch(f"/matches/{match}", json={"kickoff": "2022-12-19T15:00:00Z"})
    assert moved.json()["kickoff"] == "2022-12-19T15:00:00+00:00"
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    late = http.patch(f"/matches/{match}", json={"kickoff": "2022-12-20T15:00:00Z"})
    assert refusal(late) == (409, "kicked_off")


def test_a_match_id_is_taken_once(http: httpx.Client, match: str) -> None:
    """The second of two matches of one id is refused."""
    body: dict[str, Any] = {"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"}
    assert refusal(http.post("/matches", json=body)) == (409, "match_exists")


def test_readers_page_through_history(operator: Operator, http: httpx.Client, match: str) -> None:
    """Events after a seq come in order, a page at a time, and the snapshot says when it is complete."""
    operator.post_event(match, {"kind": "kick_off"})
    for minute in (1, 2, 3):
        last = operator.post_event(match, {"kind": "goal", "team": "home", "minute": minute})["event_id"]
    operator.settled(match, last)
    page = http.get(f"/matches/{match}/events", params={"after": 1, "limit": 2}).json()
    assert [event["seq"] for event in page["events"]] == [2, 3]
    assert page["seq"] == 4
    snapshot = http.get(f"/matches/{match}", params={"after": 3})
    # A browser must not reuse the page that the process had kept.
    assert snapshot.headers["cache-control"] in {"public, max-age=0, s-maxage=1", "public, max-age=1"}
    assert [event["seq"] for event in snapshot.json()["events"]] == [4]
    assert snapshot.json()["recovered"] is True


def test_the_api_describes_itself(http: httpx.Client, system: System) -> None:
    """The OpenAPI document has every route that the gateway has, and every kind of event."""
    document = http.get("/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert described | {"GET /openapi.json"} == set(system.raw["http_api"]["routes"])
    assert "shootout_kick" in str(document["components"]["schemas"])


def test_a_repair_is_cacheable(http: httpx.Client, operator: Operator, match: str) -> None:
    """A snapshot since a position is for everyone who stands there: good for a second, and told apart by its tag."""
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    answer = http.get(f"/matches/{match}?after=0")
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert (answer.json()["recovered"], answer.json()["seq"]) == (True, 1)
    again = http.get(f"/matches/{match}?after=0", headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    operator.settled(match, operator.post_event(match, {"kind": "half_time"})["event_id"])
    newer = http.get(f"/matches/{match}?after=0", headers={"If-None-Match": answer.headers["etag"]})
    assert (newer.status_code, newer.json()["seq"]) == (200, 2)


def test_a_position_of_another_epoch_is_none(http: httpx.Client, operator: Operator, match: str) -> None:
    """After a reset the events from the beginning are given, and nobody is told that they are what was missing."""
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    epoch = operator.snapshot(match)["epoch"]
    assert http.get(f"/matches/{match}?after=1&epoch={epoch}").json()["recovered"] is True
    other = http.get(f"/matches/{match}?after=1&epoch=another").json()
    assert (other["recovered"], other["epoch"], [event["seq"] for event in other["events"]]) == (False, epoch, [1])


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/matches/{}/events", {"kind": "cancellation"}, "cancels is missing: name the event to take back"),
        ("POST", "/matches/{}/events", {"kind": "goal", "team": "home", "minute": 161}, "minute must be at most 160"),
        ("POST", "/matches/{}/events", {"kind": "golazo"}, "kind must be one of: goal, own_goal, "),
        ("POST", "/matches/{}/events", {"kind": "half_time", "event_id": "a b"}, "event_id must be 1 to 64 letters "),
        ("POST", "/matches/{}/events", [], "it must be a JSON object"),
        ("POST", "/matches", {"home": "A", "away": "B", "kickoff": "soon"}, "kickoff must be a time such as "),
        ("POST", "/matches", {"match": "A B", "home": "A", "away": "B", "kickoff": "soon"}, "match must be the id of "),
        ("GET", "/matches/NOBODY", None, "match must be the id of a match: at most 20 small letters and digits, "),
        ("GET", "/matches/{}/events?after=-1", None, "after must be at least 0"),
        ("GET", "/matches/{}/events?limit=x", None, "limit must be a whole number"),
        ("GET", "/matches/{}/events/x?request=x", None, "request must be the 16 hexadecimal digits "),
        ("GET", "/matches?day=soon", None, "day must be a day like 2022-12-18"),
    ],
)
def test_a_refusal_is_in_words(
    http: httpx.Client, match: str, method: str, path: str, body: object, words: str
) -> None:
    """The message names the field and says what it must be, wherever in the request it stands."""
    answer = http.request(method, path.format(match), json=body)
    assert refusal(answer) == (422, "invalid")
    assert answer.json()["error"]["message"].startswith(words)
