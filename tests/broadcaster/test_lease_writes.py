"""The writes of the lease: who may have it, for how long, and under which conditions."""

from __future__ import annotations

from broadcaster.control.lease import (
    START_SECONDS,
    lease_renewal,
    lease_start,
    lease_takeover,
    start_owner,
    start_release,
    start_seconds,
)

NOW_MS = 1_785_000_000_900


def test_a_start_is_the_owner_until_a_sender_takes_over() -> None:
    """The names of a start and of an execution cannot be the same: an execution's id begins with ``arn:``."""
    assert start_owner("final-2-0a1b2c3d") == "start#final-2-0a1b2c3d"


def test_a_start_ends_before_the_first_check() -> None:
    """The watchdog's first check finds a start that died; the longest start lasts ``START_SECONDS``."""
    assert [start_seconds(each) for each in (1, 3, 30, 900)] == [1, 2, START_SECONDS, START_SECONDS]
    assert all(start_seconds(each) < each for each in range(2, 901))


def test_one_write_makes_an_event_due_and_acquires_the_lease() -> None:
    """It states the moment in milliseconds and the lease in seconds, and begins the first round of the broadcast."""
    start = lease_start("t", "m", 7, "e1", broadcast="b", now_ms=NOW_MS, seconds=20, replaces_start=False)
    values = start["ExpressionAttributeValues"]
    assert (values[":seq"], values[":now_ms"], values[":now"]) == ({"N": "7"}, {"N": str(NOW_MS)}, {"N": "1785000000"})
    assert (values[":until"], values[":round"], values[":owner"]) == (
        {"N": "1785000020"},
        {"S": "b#1"},
        {"S": "start#b"},
    )
    assert start["ReturnValues"] == "ALL_NEW"
    assert "begins_with" not in start["ConditionExpression"]
    assert ":start" not in values


def test_only_a_record_that_comes_again_replaces_a_start() -> None:
    """A newer event leaves a young start alone."""
    start = lease_start("t", "m", 7, "e1", broadcast="b", now_ms=NOW_MS, seconds=20, replaces_start=True)
    assert "begins_with(lease_owner, :start)" in start["ConditionExpression"]
    assert start["ExpressionAttributeValues"][":start"] == {"S": "start#"}


def test_a_sender_takes_the_lease_of_its_own_round_over() -> None:
    """The owner before is the start, or the execution that handed over; the answer has the whole row."""
    takeover = lease_takeover("t", "m", "arn:b", 99, previous_owner="arn:a", running_round="b#2")
    assert takeover["ConditionExpression"] == (
        "(lease_owner = :owner OR lease_owner = :previous) AND round_name = :round"
    )
    values = takeover["ExpressionAttributeValues"]
    assert [values[name] for name in (":owner", ":previous", ":round", ":until")] == [
        {"S": "arn:b"}, {"S": "arn:a"}, {"S": "b#2"}, {"N": "99"}
    ]  # fmt: skip
    assert takeover["ReturnValues"] == "ALL_NEW"


def test_only_the_owner_renews_or_releases() -> None:
    """A renewal and the release of a start have one condition: the lease is still theirs."""
    renewal, release = lease_renewal("t", "m", "arn:a", 99), start_release("t", "m", "b")
    for write, owner in ((renewal, "arn:a"), (release, "start#b")):
        assert write["ConditionExpression"] == "lease_owner = :owner"
        assert write["ExpressionAttributeValues"][":owner"] == {"S": owner}
        assert write["Key"] == {"pk": {"S": "match#m"}, "sk": {"S": "state"}}
    assert release["UpdateExpression"] == "REMOVE lease_owner, lease_until"
