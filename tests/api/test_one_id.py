"""Different events under one id: one of them has the id, and every other is refused for that reason; never neither."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from greenlet import getcurrent
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.operator.local_tokens import tokens_of
from devstack.system import System
from loadtest.bearer import Bearer
from matches.events import EVENT, AcceptedEvent
from matches.ledger import Ledger
from matches.match_state import Outcome
from matches.numbering import ID_TAKEN
from matches.schedule import NewMatch
from tests.waiting_storage import waiting_storage
from trials.model import storage
from trials.model.actors import Routine, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.operator.api_client import Operator

ROUNDS = 20

MATCH = NewMatch.model_validate({"match": "m", "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
CONTENTS = tuple({"kind": "goal", "team": "home", "minute": minute} for minute in (3, 4, 5))


def accepted(event: dict[str, Any], event_id: str = "same", match: str = "m") -> AcceptedEvent:
    """An event as the stream carries it."""
    return AcceptedEvent(match, 1, EVENT.validate_python({**event, "event_id": event_id}))


@given(
    stream=st.lists(st.integers(0, len(CONTENTS) - 1), min_size=1, max_size=4),
    turns=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([Turn.GO] * 6 + [Turn.TWICE])), max_size=60),
)
@settings(max_examples=150)
def test_one_content_has_the_id_in_every_interleaving(stream: list[int], turns: list[tuple[int, Turn]]) -> None:
    """Promise 3: however posts and deliveries interleave, one content counts once and each other is refused readably.

    ``stream``: the contents in the order in which they came to the stream. Each is marked pending at any moment after
    that, and delivered twice: once in the order of the stream, and once at any moment.
    """
    waiting, raw = waiting_storage()
    system = System(1)
    storage.make_tables(raw, system)
    table = system.name("matches")
    slow, ledger = Ledger(table, waiting), Ledger(table, raw)
    ledger.create(MATCH)
    ledger.apply_event(accepted({"kind": "kick_off"}, "k"))
    records = [accepted(CONTENTS[each]) for each in stream]
    root = getcurrent()

    def routine(name: str, work: Callable[[], Any]) -> Routine:
        return Routine(name, work, root=root)

    def in_order() -> None:
        for record in records:
            slow.apply_event(record)

    actors = [routine(f"pending {number}", partial(slow.mark_pending, each)) for number, each in enumerate(records)]
    actors += [routine("the stream", in_order)]
    actors += [routine(f"again {number}", partial(slow.apply_event, each)) for number, each in enumerate(records)]
    for number, turn in itertools.chain(turns, itertools.repeat((0, Turn.GO))):
        ready = [each for each in actors if each.choices()]
        if not ready:
            break
        ready[number % len(ready)].step(turn=turn)
    assert [each.error for each in actors] == [None] * len(actors)
    contents = {each.digest: each for each in records}
    outcomes = {digest: ledger.outcome("m", "same", digest) for digest in contents}
    assert sorted(each.status for each in outcomes.values() if each) == ["applied"] + ["refused"] * (len(contents) - 1)
    assert {each.reason for each in outcomes.values() if each and each.status == "refused"} <= {ID_TAKEN}
    [owner] = [digest for digest, each in outcomes.items() if each and each.status == "applied"]
    assert ledger.outcome("m", "same") == outcomes[owner]
    assert [event["minute"] for event in ledger.history("m", 1, 10)] == [
        each.event.model_dump()["minute"] for digest, each in contents.items() if digest == owner
    ]


def test_the_marker_of_one_content_keeps_the_id_from_another() -> None:
    """The shown case: A is marked pending, B is numbered first, then A: A has the id, and B says why it has not."""
    _, raw = waiting_storage()
    system = System(1)
    storage.make_tables(raw, system)
    ledger = Ledger(system.name("matches"), raw)
    ledger.create(MATCH)
    ledger.apply_event(accepted({"kind": "kick_off"}, "k"))
    first, second = accepted(CONTENTS[0]), accepted(CONTENTS[1])
    ledger.mark_pending(first)
    refused = Outcome("refused", reason=ID_TAKEN)
    assert ledger.apply_event(second) == refused
    assert ledger.apply_event(first) == Outcome("applied", seq=2)
    assert [ledger.apply_event(each) for each in (second, first)] == [refused, Outcome("applied", seq=2)]
    assert ledger.mark_pending(second) == refused
    assert ledger.outcome("m", "same", "0" * 16) is None
    assert ledger.outcome("m", "other", first.digest) is None


def test_two_events_posted_at_once_under_one_id(system: System, operator: Operator, match: str) -> None:
    """Promise 3 over HTTP: of two events answered 202 one is applied and the other refused, each by its own request."""
    operator.settled(match, operator.post_event(match, {"kind": "kick_off"})["event_id"])
    both = 0
    with (
        httpx.Client(base_url=system.api_url, timeout=20, auth=Bearer(tokens_of(system))) as http,
        ThreadPoolExecutor(2) as posting,
    ):

        def post(event: dict[str, Any]) -> httpx.Response:
            return http.post(f"/matches/{match}/events", json=event)

        for number in range(ROUNDS):
            goals = [
                {"kind": "goal", "team": "home", "minute": minute, "event_id": f"twin{number}"} for minute in (1, 2)
            ]
            answers = list(posting.map(post, goals))
            assert {each.status_code for each in answers} <= {202, 409}
            taken = [each.json() for each in answers if each.status_code == 202]
            assert taken
            both += len(taken) == 2
            outcomes = [operator.settled(match, each["event_id"], request=each["request"])["status"] for each in taken]
            assert outcomes.count("applied") == 1, (number, outcomes)
            assert outcomes.count("refused") == len(taken) - 1
    assert operator.snapshot(match)["score"] == [ROUNDS, 0]
    assert both, "no two posts met, so nothing was tried"


def test_without_a_request_the_outcome_is_that_of_the_ids_owner(
    system: System, operator: Operator, ledger: Ledger, match: str
) -> None:
    """Clients from before there were requests read what they read; a request that nobody made is unknown."""
    posted = operator.post_event(match, {"kind": "kick_off", "event_id": "k"})
    assert operator.settled(match, "k")["status"] == "applied"
    other = accepted({"kind": "half_time"}, "k", match)
    ledger.apply_event(other)
    mine, taken = (operator.outcome(match, "k", request) for request in (posted["request"], other.digest))
    assert (mine["status"], mine["request"]) == ("applied", posted["request"])
    assert (taken["status"], taken["reason"]) == ("refused", ID_TAKEN)
    answer = httpx.get(f"{system.api_url}/matches/{match}/events/k?request={'0' * 16}", timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_event")


@pytest.mark.parametrize("request_id", ["", "XYZ", "0" * 17])
def test_a_request_that_cannot_be_one_is_refused(system: System, match: str, request_id: str) -> None:
    """A wrong ``request`` is a clear 422."""
    answer = httpx.get(f"{system.api_url}/matches/{match}/events/k?request={request_id}", timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
