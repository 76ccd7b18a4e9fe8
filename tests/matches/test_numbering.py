"""Many events of one match are numbered in few calls, as if one came after the other; MiniStack's code is DynamoDB."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from greenlet import getcurrent
from hypothesis import given, settings
from hypothesis import strategies as st

from devstack.system import System
from matches.events import EVENT, AcceptedEvent
from matches.ledger import ContentionError, Ledger
from matches.match_rows import event_item, row_key
from matches.match_state import Outcome
from matches.numbering import ID_TAKEN
from matches.schedule import NewMatch
from runtime.attributes import DamagedMatchError
from tests.support import soak
from tests.waiting_storage import waiting_storage
from trials.fuzz.correction_target import history
from trials.model import storage
from trials.model.actors import Routine, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from matches.decisions import Numbered

LISTS = soak(150, 3_000)


def fresh(*matches: str) -> tuple[Ledger, Ledger]:
    """Empty tables with these matches: a ledger whose calls wait for turns, and one whose calls do not."""
    waiting, raw = waiting_storage()
    system = System(1)
    storage.make_tables(raw, system)
    slow, ledger = Ledger(system.name("matches"), waiting), Ledger(system.name("matches"), raw)
    for match in matches:
        ledger.create(
            NewMatch.model_validate({"match": match, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
        )
    return slow, ledger


def accepted(event_id: str, kind: str = "goal", match: str = "m", **fields: Any) -> AcceptedEvent:
    """An event as the fan-out reads it."""
    timed = {"team": "home", "minute": 23} if kind == "goal" else {}
    return AcceptedEvent(match, 1, EVENT.validate_python({"kind": kind, "event_id": event_id, **timed, **fields}))


def burst(count: int) -> list[AcceptedEvent]:
    """A kick-off and goals, so many events together."""
    return [accepted("k", "kick_off"), *(accepted(f"g{number}") for number in range(1, count))]


@contextmanager
def calls(hit: Callable[[str, dict[str, Any], int], None] | None = None) -> Iterator[Counter[str]]:
    """Count the ledger's calls; ``hit(operation, arguments, number)`` runs before each and may raise."""
    _, raw = waiting_storage()
    counted: Counter[str] = Counter()
    original = raw._make_api_call  # noqa: SLF001

    def call(name: str, given: dict[str, Any]) -> Any:
        counted[name] += 1
        if hit is not None:
            hit(name, given, counted[name])
        return original(name, given)

    raw._make_api_call = call  # noqa: SLF001
    try:
        yield counted
    finally:
        raw._make_api_call = original  # noqa: SLF001


def rows(ledger: Ledger, match: str) -> dict[str, Any]:
    """The rows of a match by sort key, without the time of numbering and the epoch, which chance gives."""
    _, raw = waiting_storage()
    items = raw.get_paginator("query").paginate(
        TableName=ledger.table,
        KeyConditionExpression="match_id = :match",
        ExpressionAttributeValues={":match": {"S": match}},
    )
    return {
        item["item"]["S"]: {
            name: value for name, value in item.items() if name not in ("match_id", "numbered", "epoch")
        }
        for page in items
        for item in page["Items"]
    }


def posted(chance: Random) -> list[dict[str, Any]]:
    """Posts of two operators: events of a match, corrections, repeated posts, and other content under a known id."""
    posts: list[dict[str, Any]] = []
    for number, event in enumerate(history(chance)):
        post = {**event, "by": chance.choice(("ann", "bob", None))}
        if chance.random() < 0.4:
            post["seen"] = chance.randrange(number + 1)
        posts.append(post)
        if chance.random() < 0.15:
            posts.append(chance.choice(posts))
        if chance.random() < 0.05:
            posts.append({**chance.choice(posts), "kind": "half_time", "again": True})
    return posts


def as_accepted(post: dict[str, Any], match: str) -> AcceptedEvent:
    """A post as the stream carries it to the fan-out."""
    if post.get("again"):
        post = {name: post[name] for name in ("kind", "event_id", "at", "by")}
    fields = {name: value for name, value in post.items() if name not in ("at", "by")}
    return AcceptedEvent(match, post["at"], EVENT.validate_python(fields), post["by"], streamed=post["at"] + 20)


@given(chance=st.randoms(use_true_random=False), parts=st.lists(st.integers(1, 60), max_size=3))
@settings(max_examples=LISTS)
def test_a_list_is_numbered_as_one_event_after_the_other(chance: Random, parts: list[int]) -> None:
    """Promises 1 and 3: numbered together, events leave exactly the rows and results that they leave one by one."""
    _, ledger = fresh("one", "many")
    posts = posted(chance)
    single = [next(ledger.apply_events([as_accepted(each, "one")])) for each in posts]
    together: list[Numbered] = []
    for part in [*parts, len(posts)]:
        events = [as_accepted(each, "many") for each in posts[len(together) :][:part]]
        together += ledger.apply_events(events)
    assert rows(ledger, "many") == rows(ledger, "one")
    assert [each.outcome for each in together] == [each.outcome for each in single]
    assert [(each.event, each.score_prev) for each in together] == [(each.event, each.score_prev) for each in single]
    assert [replace(each.state, match="one", epoch="") for each in together] == [
        replace(each.state, epoch="") for each in single
    ]


def test_one_event_is_one_read_and_one_transaction() -> None:
    """An event that is neither a correction nor a goal behind the score costs two calls, one after the other."""
    _, ledger = fresh("m")
    with calls() as counted:
        [numbered] = ledger.apply_events([accepted("k", "kick_off")])
    assert counted == {"BatchGetItem": 1, "TransactWriteItems": 1}
    assert (numbered.outcome, numbered.state) == (Outcome("applied", seq=1), ledger.state("m"))


def test_many_events_cost_few_calls() -> None:
    """Promise 7: 400 events of one match are 5 reads and 9 transactions, and each has its seq in its order."""
    _, ledger = fresh("m")
    events = burst(400)
    with calls() as counted:
        outcomes = [each.outcome for each in ledger.apply_events(events)]
    assert counted == {"BatchGetItem": 5, "TransactWriteItems": 9}
    assert outcomes == [Outcome("applied", seq=seq) for seq in range(1, 401)]
    assert [each["event_id"] for each in ledger.history("m", 0, 500)] == [each.event_id for each in events]
    assert ledger.state("m").board.score == (399, 0)


def test_a_list_that_is_delivered_again_is_one_read() -> None:
    """Promise 3: events that have an outcome keep it, and nothing is written."""
    _, ledger = fresh("m")
    events = [*burst(60), accepted("h", "second_half")]
    first = [each.outcome for each in ledger.apply_events(events)]
    with calls() as counted:
        again = list(ledger.apply_events(events))
    assert [each.outcome for each in again] == first
    assert all(each.outcome.was_delivered_before and each.event is None for each in again)
    assert [each.state.newest_seq for each in again] == [60] * 61
    assert counted == {"BatchGetItem": 1}


def invalid(of: str) -> Callable[[str, dict[str, Any], int], None]:
    """DynamoDB calls each transaction invalid that has an event of this id."""

    def hit(name: str, given: dict[str, Any], _: int) -> None:
        if name == "TransactWriteItems" and f"'id#{of}'" in str(given):
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "too large"}}, name)

    return hit


def test_an_event_that_cannot_be_written_takes_no_other_along() -> None:
    """Promise 6: the events before it are numbered, its error is raised, and the events after it go on."""
    _, ledger = fresh("m")
    events, outcomes = burst(20), list[Outcome]()
    with calls(invalid("g7")):
        with pytest.raises(ClientError, match="too large"):
            outcomes.extend(each.outcome for each in ledger.apply_events(events))
        assert outcomes == [Outcome("applied", seq=seq) for seq in range(1, 8)]
        rest = [each.outcome for each in ledger.apply_events(events[8:])]
    assert rest == [Outcome("applied", seq=seq) for seq in range(8, 20)]
    assert ledger.outcome("m", "g7") is None


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_group_that_aws_refuses_is_not_tried_in_parts(code: str) -> None:
    """Promises 1 and 6: a throttle or a refusal blames no event, so it is raised at once and nothing is numbered."""
    _, ledger = fresh("m")

    def hit(name: str, *_: Any) -> None:
        if name == "TransactWriteItems":
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)

    with calls(hit) as counted, pytest.raises(ClientError, match=code):
        list(ledger.apply_events(burst(20)))
    assert counted["TransactWriteItems"] == 1
    assert ledger.state("m").newest_seq == 0


def test_a_transaction_that_a_throttle_has_a_part_in_is_raised() -> None:
    """A cancelled transaction with a condition and a throttle among its reasons says nothing final about the event."""
    _, ledger = fresh("m")
    reasons: Any = [{"Code": "ConditionalCheckFailed"}, {"Code": "ThrottlingError"}, {"Code": "None"}]

    def hit(name: str, *_: Any) -> None:
        if name == "TransactWriteItems":
            raise ledger._db.exceptions.TransactionCanceledException(  # noqa: SLF001
                {"Error": {"Code": "TransactionCanceledException", "Message": "m"}, "CancellationReasons": reasons},
                name,
            )

    error = ledger._db.exceptions.TransactionCanceledException  # noqa: SLF001
    with calls(hit) as counted, pytest.raises(error):
        list(ledger.apply_events(burst(1)))
    assert counted["TransactWriteItems"] == 1


def test_a_group_that_is_overtaken_is_read_again() -> None:
    """Promises 1 and 3: another fan-out numbers some of the same events in between; each still counts once."""
    _, ledger = fresh("m")
    events = burst(30)

    def hit(name: str, _: Any, number: int) -> None:
        if name == "TransactWriteItems" and number == 1:
            list(ledger.apply_events([*events[:10], accepted("other")]))

    with calls(hit):
        results = list(ledger.apply_events(events))
    assert [each.outcome.seq for each in results] == [*range(1, 11), *range(12, 32)]
    assert [bool(each.outcome.was_delivered_before) for each in results] == [True] * 10 + [False] * 20
    assert len(ledger.history("m", 0, 100)) == 31


def test_contention_without_an_end_is_transient() -> None:
    """Promise 6: an event that others overtake on every try raises ContentionError after five tries."""
    _, ledger = fresh("m")
    list(ledger.apply_events(burst(1)))
    others = itertools.count()

    def hit(name: str, given: dict[str, Any], _: int) -> None:
        if name == "TransactWriteItems" and "'id#other" not in str(given):
            ledger.apply_event(accepted(f"other{next(others)}"))

    with calls(hit), pytest.raises(ContentionError):
        list(ledger.apply_events([accepted("g1"), accepted("g2")]))
    assert next(others) == 5
    assert ledger.outcome("m", "g1") is None


def test_rows_that_contradict_each_other_stop_the_event_that_meets_them() -> None:
    """Promise 6: a row of the fourth seq exists already: three events are numbered, and the error names that row."""
    _, ledger = fresh("m")
    _, raw = waiting_storage()
    raw.put_item(TableName=ledger.table, Item={**row_key("m", event_item(4)), "v": {"N": "1"}})
    results: list[Numbered] = []
    with pytest.raises(DamagedMatchError, match=r"event#00000004 exists .*livescore match reset"):
        results.extend(ledger.apply_events(burst(10)))
    assert [each.outcome.seq for each in results] == [1, 2, 3]
    assert ledger.state("m").newest_seq == 3


def test_an_outcome_that_the_state_does_not_have_is_a_contradiction() -> None:
    """Promise 6: an id that says applied as seq 9 in a match of two events is raised after the events before it."""
    _, ledger = fresh("m")
    _, raw = waiting_storage()
    list(ledger.apply_events(burst(2)))
    row = raw.get_item(TableName=ledger.table, Key=row_key("m", "id#g1"))["Item"]
    raw.put_item(TableName=ledger.table, Item={**row, "seq": {"N": "9"}})
    results: list[Numbered] = []
    with pytest.raises(DamagedMatchError, match="id#g1 says applied as seq 9"):
        results.extend(ledger.apply_events([accepted("g5"), accepted("g1"), accepted("g6")]))
    assert [each.outcome for each in results] == [Outcome("applied", seq=3)]


def test_rows_that_dynamodb_leaves_out_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 3: an id whose row comes with the next answer is known, so its event does not count twice."""
    monkeypatch.setattr("runtime.bulk_rows.UNPROCESSED_PAUSES", (0.0, 0.0))
    _, ledger = fresh("m")
    _, raw = waiting_storage()
    list(ledger.apply_events(burst(3)))
    real, asked = raw.batch_get_item, list[int]()

    def reluctant(RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - boto3's name
        [(table, about)] = RequestItems.items()
        asked.append(len(about["Keys"]))
        first = {**about, "Keys": about["Keys"][:2]}
        left = {table: {**about, "Keys": about["Keys"][2:]}} if len(about["Keys"]) > 2 else {}
        return {**real(RequestItems={table: first}), "UnprocessedKeys": left}

    monkeypatch.setattr(raw, "batch_get_item", reluctant)
    outcomes = [each.outcome for each in ledger.apply_events([*burst(3), accepted("g9")])]
    assert outcomes == [Outcome("applied", seq=seq) for seq in (1, 2, 3, 4)]
    assert asked == [5, 3, 1]


@given(
    first=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    second=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    turns=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([Turn.GO] * 6 + [Turn.TWICE])), max_size=60),
)
@settings(max_examples=LISTS)
def test_two_writers_at_once_number_each_event_once(
    first: list[int], second: list[int], turns: list[tuple[int, Turn]]
) -> None:
    """Promises 1 and 3: however the calls of two fan-outs and the API's marks interleave, each event counts once.

    Events 4 and 5 have one id: one of them is refused. Event 3 cancels event 0.
    """
    contents = [accepted("e0"), accepted("e1"), accepted("e2", "yellow_card", team="home", minute=9),
                accepted("e3", "cancellation", cancels="e0"), accepted("e4"), accepted("e4", minute=77)]  # fmt: skip
    slow, ledger = fresh("m")
    ledger.apply_event(accepted("k", "kick_off"))
    root = getcurrent()

    def number(events: list[AcceptedEvent]) -> list[Numbered]:
        return list(slow.apply_events(events))

    lists = [[contents[each] for each in numbers] for numbers in (first, second)]
    posts = {(each.event_id, each.digest): each for each in itertools.chain(*lists)}.values()
    actors = [Routine("fan-out", partial(number, each), root=root) for each in lists]
    actors += [Routine("mark", partial(slow.mark_pending, each), root=root) for each in posts]
    for which, turn in itertools.chain(turns, itertools.repeat((0, Turn.GO))):
        ready = [each for each in actors if each.choices()]
        if not ready:
            break
        ready[which % len(ready)].step(turn=turn)
    assert [each.error for each in actors] == [None] * len(actors)
    events = ledger.history("m", 0, 100)
    assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
    assert len({each["event_id"] for each in events}) == len(events)
    for event in posts:
        outcome = ledger.outcome("m", event.event_id, event.digest)
        assert outcome is not None
        assert outcome.status == "applied" or outcome.reason in (ID_TAKEN, "there is no such event to cancel")
    state, goals = ledger.state("m"), [each for each in events if each["kind"] == "goal" and "cancelled_by" not in each]
    assert (state.newest_seq, state.board.score) == (len(events), (len(goals), 0))
