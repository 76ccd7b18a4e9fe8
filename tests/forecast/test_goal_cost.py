"""The cost of a broadcast, by its receipt."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.goal_cost import cost, report, total
from forecast.price_file import prices

PRICES = prices()
SENT: dict[str, Any] = {
    "cell": "us-east-1", "broadcast": "m-1-a#1", "prev": 0, "seq": 1, "rows": 1_000_000, "batches": 3,
    "accepted": 1_000_000, "gone": 100, "failed": 0, "skipped": 0, "closed": 0, "throttled": 5, "queries": 128,
    "invocations": 9, "started": 0, "ended": 133_000, "ms": 133_000, "set_aside": 0,
    "posts": [{"batch": number, "started": 0, "first": 100, "last": 133_000} for number in range(3)],
}  # fmt: skip
TOLD: dict[str, Any] = {
    "cell": "events", "transport": "appsync-events", "broadcast": "m-1", "prev": 0, "seq": 1, "due_at": 0,
    "refused": [],
    "published": [{"feed": feed, "bytes": 329, "events": 1, "taken_at": 10} for feed in ("all", "score")], "at": 12,
}  # fmt: skip


def by_name(receipt: dict[str, Any]) -> dict[str, float | None]:
    """The dollars of each line."""
    return {each.name: each.usd for each in cost(receipt, PRICES)}


def test_a_goal_to_a_million_viewers_costs_a_dollar() -> None:
    """Nearly all of it are the messages; three senders for 133 seconds cost a cent."""
    found = by_name(SENT)
    assert found["messages to viewers"] == 1.0
    assert found["senders, GB-seconds"] == pytest.approx(3 * 133 * 1.769 * 0.0000133334)
    assert found["reads of subscriptions"] == pytest.approx(1_000_000 * 64 / 4096 * 0.125 / 1e6)
    assert 1.01 < total(cost(SENT, PRICES)) < 1.02


def test_a_query_reads_at_least_one_unit() -> None:
    """A few rows in many shards cost a read unit for each query, because DynamoDB rounds up."""
    [few] = [each for each in cost({**SENT, "rows": 10}, PRICES) if each.name == "reads of subscriptions"]
    assert few.amount == 128


def test_an_old_receipt_has_no_times_of_batches() -> None:
    """Then its length times its batches stands for the time of its senders."""
    old = {name: value for name, value in SENT.items() if name != "posts"}
    assert by_name(old) == by_name(SENT)


@pytest.mark.parametrize(
    ("transport", "usd"), [("appsync-events", 2e-6), ("appsync-graphql", 8e-6), ("iot-core", 2e-6), ("momento", None)]
)
def test_a_publish_costs_the_same_for_any_audience(transport: str, usd: float | None) -> None:
    """The publishes of a broadcasting cell are known, and its deliveries are not."""
    found = by_name({**TOLD, "transport": transport})
    assert found["publishes"] == (None if usd is None else pytest.approx(usd))
    assert found["deliveries: the service does not say how many"] is None


def test_a_long_frame_counts_for_each_five_kilobytes() -> None:
    """AppSync and IoT Core count a message for each 5 KB."""
    long = {**TOLD, "published": [{**TOLD["published"][0], "bytes": 16_000}]}
    assert by_name(long)["publishes"] == pytest.approx(4e-6)


def test_the_report_says_whether_it_is_complete() -> None:
    """A sum without an unknown line is marked as complete, and has the region of its prices."""
    assert report(SENT, PRICES)["complete"] is True
    told = report(TOLD, PRICES)
    assert (told["complete"], told["region"]) == (False, "us-east-1")
    assert told["usd"] == pytest.approx(sum(line["usd"] or 0 for line in told["lines"]))
