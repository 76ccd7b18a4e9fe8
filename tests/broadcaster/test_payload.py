"""The payloads of starter, state machine, sender and receipt: complete, checked, and small enough for AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.payload import (
    EVENTS_BYTES,
    Batch,
    CarriedEvent,
    Counts,
    Cursor,
    ExecutionInput,
    RoundAnswer,
    RoundEnd,
    SenderTask,
    carried,
)
from broadcaster.control.payload_reader import VERSION, PayloadError, UnknownVersionError
from broadcaster.control.plan import MAX_SENDERS
from matches.events import MATCH_ID_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD_BYTES = 256 * 1024
"""The largest input or output of a state (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""

NUMBERS = st.integers(0, 99_999_999)
POSITIVE = st.integers(1, 99_999_999)
TEXTS = st.text(min_size=1, max_size=20)


@st.composite
def shards(draw: st.DrawFn) -> dict[str, int]:
    """The shards of a batch."""
    of = draw(st.integers(1, 4096))
    first = draw(st.integers(0, of - 1))
    return {"first": first, "end": draw(st.integers(first + 1, of)), "planned_shards": of}


CURSORS = st.builds(
    Cursor, NUMBERS, POSITIVE, NUMBERS, st.none() | TEXTS, NUMBERS, st.none() | TEXTS, NUMBERS,
)  # fmt: skip
COUNTS = st.lists(NUMBERS, min_size=12, max_size=12).map(lambda numbers: Counts(*numbers))
BATCHES = st.builds(
    lambda shards, **rest: Batch(**shards, **rest),
    shards(),
    number=st.integers(0, MAX_SENDERS - 1),
    senders=st.integers(1, MAX_SENDERS),
    previous_rows=NUMBERS,
    reached_seq=st.none() | NUMBERS,
    cursor=st.none() | CURSORS,
    counts=COUNTS,
    done=st.booleans(),
    lease_lost=st.booleans(),
    set_aside=st.booleans(),
)
ENDED = BATCHES.map(
    lambda batch: replace(
        batch,
        done=True,
        set_aside=batch.set_aside and batch.reached_seq is None,
        lease_lost=batch.lease_lost or (batch.reached_seq is None and not batch.set_aside),
    )
)
CARRIED = st.lists(
    st.builds(lambda seq, at, prev: CarriedEvent({"kind": "goal", "seq": seq, "at": at}, prev), NUMBERS, NUMBERS,  # type: ignore[typeddict-item]
              st.none() | NUMBERS), max_size=2
).map(tuple)  # fmt: skip
INPUTS = st.builds(
    ExecutionInput, TEXTS, NUMBERS, NUMBERS, TEXTS, TEXTS, POSITIVE, st.lists(BATCHES, max_size=3).map(tuple), CARRIED
)
TASKS = st.builds(SenderTask, TEXTS, NUMBERS, TEXTS, TEXTS, TEXTS, POSITIVE, BATCHES, CARRIED)
ENDS = st.builds(
    RoundEnd, TEXTS, TEXTS, TEXTS, POSITIVE, NUMBERS, NUMBERS, NUMBERS, st.lists(ENDED, max_size=3).map(tuple)
)
ANSWERS = st.builds(RoundAnswer, st.booleans(), st.lists(BATCHES, max_size=3).map(tuple))
PAYLOADS: st.SearchStrategy[Any] = CURSORS | COUNTS | BATCHES | INPUTS | TASKS | ENDS | ANSWERS

CURSOR = Cursor(7, 128, 3, None, 1, "L0SM9cOFvHcCIhw=", 900)
WALKING = Batch(1, 42, 85, 128, 3, previous_rows=400_000, cursor=CURSOR, counts=Counts(rows=9))
ENDED_BATCH = Batch(0, 0, 1, 1, 1, reached_seq=7, done=True)
NAME = "wc22-final-7-0a1b2c3d"
GOAL = CarriedEvent(
    {"event_id": "g", "kind": "goal", "team": "home", "at": 1_785_000_000_000, "seq": 7, "score": [1, 0]}, 3
)
EXAMPLES: tuple[Any, ...] = (
    ExecutionInput("wc22-final", 7, 1_785_000_000_100, "an-execution", NAME, 2, (WALKING,), (GOAL,)),
    SenderTask("wc22-final", 7, "an-execution", "start#x", NAME, 2, WALKING, (GOAL,)),
    RoundEnd("wc22-final", "an-execution", NAME, 2, 7, 1_785_000_000_100, 1_785_000_000_200, (ENDED_BATCH,)),
    RoundAnswer(another_round=True, batches=(WALKING,)),
)


@given(PAYLOADS)
def test_a_payload_comes_back_from_json_as_it_was(payload: Any) -> None:
    """``parse`` reads the JSON that ``dump`` writes: value and JSON are the same afterwards."""
    sent = json.loads(json.dumps(payload.dump()))
    assert type(payload).parse(sent) == payload
    assert type(payload).parse(sent).dump() == sent


def places(value: Any, *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """The way to every value in a JSON value. Of an event that is carried: its number and its time."""
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        if place[-1:] == ("event",) and key not in ("seq", "at"):
            continue  # The ledger has checked it.
        yield (*place, key)
        yield from places(each, *place, key)


def damaged(payload: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The JSON of a payload with another value at a place; without the place for ``...``."""
    copy = json.loads(json.dumps(payload))
    *way, last = place
    outer = copy
    for key in way:
        outer = outer[key]
    if value is ...:
        del outer[last]
    else:
        outer[last] = value
    return copy


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda payload: type(payload).__name__)
@pytest.mark.parametrize("value", [..., -1, 1.5, "", [None], {"no": "key"}, {}], ids=repr)
def test_a_damaged_payload_is_refused(payload: Any, value: Any) -> None:
    """Wherever a value is missing or impossible, the payload is refused with an error whose text says what is wrong."""
    sent = payload.dump()
    for place in places(sent):
        if place == ("v",) or (value is ... and isinstance(place[-1], int)):
            continue
        with pytest.raises(PayloadError, match=r"^\w+( lacks |: | is | has )"):
            type(payload).parse(damaged(sent, place, value))


@pytest.mark.parametrize("payload", EXAMPLES, ids=lambda payload: type(payload).__name__)
def test_a_null_is_refused_where_a_value_is_always_known(payload: Any) -> None:
    """Only a cursor, its two connections, a reached seq and the score event before an event may be null."""
    optional = {"cursor", "begin_after", "after", "reached_seq", "score_prev"}
    sent = payload.dump()
    for place in places(sent):
        if place[-1] in optional and payload is not EXAMPLES[2]:
            type(payload).parse(damaged(sent, place, None))
        elif place != ("v",) and place[-1] != "cursor":
            with pytest.raises(PayloadError):
                type(payload).parse(damaged(sent, place, None))


@pytest.mark.parametrize("payload", [*EXAMPLES, WALKING, CURSOR], ids=lambda payload: type(payload).__name__)
def test_an_unknown_key_is_refused(payload: Any) -> None:
    """A key that payload.py does not define is refused, so that the state machine cannot pass on more than it says."""
    with pytest.raises(PayloadError, match="unknown key ring"):
        type(payload).parse({**payload.dump(), "ring": None})


@pytest.mark.parametrize("kind", [Cursor, Counts, Batch, ExecutionInput, SenderTask, RoundEnd, RoundAnswer])
@pytest.mark.parametrize("payload", [None, [], "a text", 7])
def test_a_payload_that_is_no_object_is_refused(kind: Any, payload: Any) -> None:
    """Null, a list, a text or a number in place of a payload is refused."""
    with pytest.raises(PayloadError, match="not an object"):
        kind.parse(payload)


@pytest.mark.parametrize("kind", [ExecutionInput, SenderTask, RoundEnd])
@pytest.mark.parametrize("version", [{}, {"v": VERSION + 1}, {"v": None}, {"v": str(VERSION)}])
def test_a_payload_of_another_release_is_refused(kind: Any, version: dict[str, Any]) -> None:
    """During a deployment nothing is made of a payload of an unknown version; the text names both versions."""
    with pytest.raises(UnknownVersionError, match=f"version {version.get('v')!r}; .* version {VERSION}"):
        kind.parse(version)


@pytest.mark.parametrize("shards", [(3, 3, 16), (4, 3, 16), (0, 17, 16)])
def test_a_batch_without_shards_is_refused(shards: tuple[int, int, int]) -> None:
    """A batch has at least one shard, and no shard that the plan did not have."""
    first, last, of = shards
    with pytest.raises(PayloadError, match=f"{first} to {last} of {of}"):
        Batch.parse(Batch(0, first, last, of, 1).dump())


@pytest.mark.parametrize(
    "impossible",
    [{"done": False}, {"reached_seq": None}, {"set_aside": True}],
    ids=["not-done", "reached-nothing", "set-aside-and-reached"],
)
def test_a_round_ends_only_with_batches_that_have_ended(impossible: dict[str, Any]) -> None:
    """A batch of a round that ends has reached an event, has lost the lease, or was set aside."""
    batch = replace(ENDED_BATCH, **impossible)
    with pytest.raises(PayloadError, match="batch 0"):
        RoundEnd.parse(replace(EXAMPLES[2], batches=(batch,)).dump())


def test_the_largest_payloads_fit_the_state_machine() -> None:
    """With 40 batches in the middle of their laps, the longest ids, numbers and events, half the limit is free."""
    most, name = 10**12, "x" * 80
    arn = f"arn:aws:states:ap-southeast-99:123456789012:express:{name}:{name}:{'0' * 36}"
    match, connection = "m" * MATCH_ID_BYTES, "c" * 128
    cursor = Cursor(most, most, most, connection, most, connection, most)
    batch = Batch(most, most, most, most, most, most, most, cursor, Counts(*[most] * 12))
    batches = (batch,) * MAX_SENDERS
    event = {"kind": "goal", "seq": most, "at": most, "player": ""}
    unfilled = len(orjson.dumps([CarriedEvent(cast("Any", event), most).dump()]))
    longest = CarriedEvent(cast("Any", {**event, "player": "x" * (EVENTS_BYTES - unfilled)}), most)
    assert carried([longest]) == (longest,)
    assert carried([longest, GOAL]) == ()
    for payload in (
        ExecutionInput(match, most, most, arn, name, most, batches, (longest,)),
        RoundEnd(match, arn, name, most, most, most, most, batches),
        RoundAnswer(another_round=False, batches=batches),
    ):
        assert len(json.dumps(payload.dump())) < PAYLOAD_BYTES / 2


def test_a_round_ends_with_what_its_slowest_batch_has_reached() -> None:
    """A batch that was set aside counts as such; the event that ends is the lowest that the others have reached."""
    aside = replace(ENDED_BATCH, reached_seq=None, set_aside=True)
    end = replace(EXAMPLES[2], batches=(ENDED_BATCH, replace(ENDED_BATCH, reached_seq=5), aside))
    assert (end.receipt_seq, end.failed_batches, end.lease_lost) == (5, 1, False)
    none = replace(end, batches=(aside,))
    assert (none.receipt_seq, none.reached_seqs) == (none.due_seq, [])


def test_a_round_ends_although_no_sender_could_read_a_batch() -> None:
    """A damaged batch counts as set aside, and the next round tries it again: no other batch has its shards."""
    damaged_batch = {**ENDED_BATCH.dump(), "first": "eight", "reached_seq": None, "set_aside": True}
    sent = {**EXAMPLES[2].dump(), "batches": [damaged_batch, ENDED_BATCH.dump()]}
    end = RoundEnd.parse(sent)
    assert end.dump() == sent
    assert (end.receipt_seq, end.failed_batches, end.lease_lost, end.rows) == (7, 1, False, 0)
    assert end.answer(another_round=True).dump()["batches"][0] == {**damaged_batch, "done": False, "set_aside": False}


def test_the_next_round_begins_with_what_was_reached() -> None:
    """A batch keeps its shards, its rows and its reached seq for the next round, and begins everything else anew."""
    batch = replace(ENDED_BATCH, counts=Counts(rows=70, accepted=60, invocations=3), lease_lost=True)
    answer = replace(EXAMPLES[2], batches=(batch,)).answer(another_round=True)
    assert answer == RoundAnswer(another_round=True, batches=(Batch(0, 0, 1, 1, 1, previous_rows=70, reached_seq=7),))


def test_a_damaged_batch_of_a_running_round_is_refused() -> None:
    """Only a batch that was set aside may be damaged: any other one is a fault of this release."""
    damaged_batch = {**ENDED_BATCH.dump(), "first": "eight"}
    with pytest.raises(PayloadError):
        RoundEnd.parse({**EXAMPLES[2].dump(), "batches": [damaged_batch]})
