"""The number of viewers: counted in a real table, shown to everybody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from devstack.stack.ministack import free_port
from matches.events import MATCH_ID_BYTES
from matches.schedule import NewMatch
from matches.snapshot import EXACT, rounded
from subscriptions.viewer_counts import FRESH_SECONDS, ROW_SECONDS, ViewerCounts
from tests.support import until

if TYPE_CHECKING:
    from devstack.operator.api_client import Operator
    from devstack.system import System


@pytest.fixture
def viewers(system: System, dynamodb: Any) -> ViewerCounts:
    """A process that knows nothing yet."""
    return ViewerCounts(system.name("matches"), dynamodb)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock by which counts grow old; its only value is the time."""
    now = [1_000.0]
    monkeypatch.setattr("subscriptions.viewer_counts.seconds", lambda: now[0])
    return now


def test_what_came_and_went_counts_from_the_last_broadcast_on(
    viewers: ViewerCounts, clock: list[float], match_id: str
) -> None:
    """A broadcast says how many there are, and what came and went since is added."""
    viewers.add(match_id, "us-east-1", 7)
    assert viewers.of_match(match_id) == 7
    viewers.correct(match_id, "us-east-1", 100)
    clock[0] += FRESH_SECONDS
    assert viewers.of_match(match_id) == 100
    viewers.add(match_id, "us-east-1", -3)
    viewers.add(match_id, "us-east-1", 1)
    clock[0] += FRESH_SECONDS
    assert viewers.of_match(match_id) == 98


def test_the_viewers_of_all_cells_are_summed(viewers: ViewerCounts, clock: list[float], match_id: str) -> None:
    """Each cell has a row of its own; one whose count went below none takes nothing from the others."""
    viewers.correct(match_id, "us-east-1", 10)
    viewers.add(match_id, "eu-west-1", 5)
    viewers.add(match_id, "ap-south-1", -4)
    viewers.correct(f"{match_id}-b", "us-east-1", 3)
    clock[0] += FRESH_SECONDS
    assert viewers.of_match(match_id) == 15
    matches = [match_id, f"{match_id}-b", "nobody"]
    clock[0] += FRESH_SECONDS
    counts = viewers.of_matches(matches, ["us-east-1", "eu-west-1", "ap-south-1"])
    assert counts == {match_id: 15, f"{match_id}-b": 3, "nobody": None}


def test_a_count_is_read_once_in_five_seconds(
    viewers: ViewerCounts, clock: list[float], dynamodb: Any, match_id: str
) -> None:
    """Thousands of snapshots cost one read in a process, and what it has written itself it knows at once."""
    reads: list[str] = []
    dynamodb.meta.events.register("before-call.dynamodb.*", lambda model, **_: reads.append(model.name), unique_id="n")
    try:
        assert [viewers.of_match(match_id) for _ in range(5)] == [None] * 5
        clock[0] += FRESH_SECONDS - 0.1
        viewers.of_matches([match_id], ["us-east-1"])
        assert reads == ["Query"]
        viewers.add(match_id, "us-east-1", 2)
        assert viewers.of_match(match_id) == 2
        assert reads == ["Query", "UpdateItem"]
        clock[0] += 0.1
        viewers.of_match(match_id)
        assert reads == ["Query", "UpdateItem", "Query"]
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb.*", unique_id="n")


def test_a_count_that_cannot_be_read_is_the_last_one_known(clock: list[float], match_id: str) -> None:
    """Nothing raises, and who does not answer is not asked again at once."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        region_name="us-east-1",
        aws_access_key_id="0",
        aws_secret_access_key="0",
        config=Config(connect_timeout=1, retries={"total_max_attempts": 1}),
    )
    tries: list[str] = []
    client.meta.events.register("before-call.dynamodb.*", lambda model, **_: tries.append(model.name))
    lost = ViewerCounts("matches", client)
    assert (lost.of_match(match_id), lost.of_match(match_id), tries) == (None, None, ["Query"])
    lost._known[match_id] = (12, clock[0] - FRESH_SECONDS)  # noqa: SLF001
    assert lost.of_match(match_id) == 12
    assert lost.of_matches([match_id, "other"], ["us-east-1"]) == {match_id: 12, "other": None}
    clock[0] += FRESH_SECONDS
    assert lost.of_matches([match_id, "other"], ["us-east-1"]) == {match_id: 12, "other": None}
    assert tries == ["Query", "Query", "BatchGetItem", "BatchGetItem"]


def test_a_row_goes_away_and_is_no_row_of_a_match(viewers: ViewerCounts, dynamodb: Any, match_id: str) -> None:
    """It expires after its last write, and its partition is no match's: an id has no #."""
    viewers.add(match_id, "us-east-1", 1)
    viewers.correct(match_id, "eu-west-1", 1)
    partition = {"match_id": {"S": f"audience#{match_id}"}}
    for region in ("us-east-1", "eu-west-1"):
        item = dynamodb.get_item(TableName=viewers.table, Key={**partition, "item": {"S": region}})["Item"]
        assert abs(int(item["ttl"]["N"]) - time.time() - ROW_SECONDS) < 60
    for wrong in ("a#b", "audience#b", "#"):
        with pytest.raises(ValueError, match="match"):
            NewMatch.model_validate({"match": wrong, "home": "A", "away": "B", "kickoff": "2022-12-18T15:00:00Z"})
    assert len(match_id) <= MATCH_ID_BYTES


@pytest.mark.parametrize(
    ("count", "seen"),
    [
        (None, None),
        (0, 0),
        (99, 99),
        (100, 100),
        (104, 100),
        (105, 110),
        (995, 1000),
        (12_449, 12_000),
        (996_000, 1_000_000),
    ],
)
def test_many_viewers_are_rounded_to_two_digits(count: int | None, seen: int | None) -> None:
    """A small audience is counted, a large one is not told apart by a few."""
    assert rounded(count) == seen


@given(st.integers(0, 10**8))
def test_a_rounded_count_is_near_the_count(count: int) -> None:
    """Never off by more than a twentieth, and rounding it again changes nothing."""
    seen = rounded(count)
    assert seen is not None
    assert abs(seen - count) * 20 <= count
    assert rounded(seen) == seen
    assert count >= EXACT or seen == count


def test_snapshots_and_lists_state_the_number_of_viewers(
    system: System, operator: Operator, viewers: ViewerCounts, match_id: str
) -> None:
    """Snapshot and list carry the count, rounded."""
    # A day of its own: a list ends after 200 matches.
    operator.create_match(match=match_id, home="Brazil", away="Italy", kickoff="1970-06-22T18:00:00Z")
    viewers.correct(match_id, system.region, 12_345)
    answer = httpx.get(f"{system.api_url}/matches/{match_id}", timeout=20)
    assert answer.json()["viewers"] == 12_000

    def listed() -> list[int]:
        day = operator.matches("1970-06-22")["matches"]
        return [each["viewers"] for each in day if each["match"] == match_id]

    # A process of the API keeps the list of a day for a second.
    assert until(listed, seconds=10) == [12_000]


def test_a_match_that_nobody_has_watched_has_no_count(operator: Operator, match: str) -> None:
    """Null is not none."""
    snapshot = operator.snapshot(match)
    assert snapshot["viewers"] is None
