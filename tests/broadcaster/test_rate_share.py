"""The rate shares: how running broadcasts share the send rate of a cell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.control.rate_share import (
    HORIZON_SECONDS,
    RateShare,
    deletion,
    done_update,
    first_rate_share_put,
    left_update,
    parse,
    rate_share_put,
    rate_share_query,
    rate_share_renewal,
    share,
)

NOW = 1_000.0
LEFT = st.dictionaries(st.integers(0, 39), st.integers(0, 100_000), max_size=40)
RATE_SHARES = st.lists(
    st.builds(
        lambda match, batches, ended, left: RateShare(
            match, "o", batches, frozenset(range(min(ended, batches))), 2_000, left
        ),
        st.sampled_from("abcdefgh"), st.integers(1, 40), st.integers(0, 40), LEFT,
    ),
    unique_by=lambda each: each.match, max_size=8,
)  # fmt: skip


@given(RATE_SHARES, st.floats(1, 100_000))
def test_all_senders_together_stay_within_the_rate(rate_shares: list[RateShare], rate: float) -> None:
    """Promise 5: within the horizon no more is sent than the rate permits, and no match is left with nothing.

    A match sends what it has left, at its part of the rate at most.
    """
    sent = 0.0
    for each in rate_shares:
        if each.senders:
            part = each.senders * share(rate_shares, each.match, each.batches, rate, NOW)
            assert part > 0
            sent += min(part * HORIZON_SECONDS, each.need * HORIZON_SECONDS)
    assert sent <= rate * HORIZON_SECONDS * (1 + 1e-9)


@given(RATE_SHARES, st.floats(1, 100_000))
def test_the_rate_is_used_as_long_as_somebody_needs_it(rate_shares: list[RateShare], rate: float) -> None:
    """A match never has to leave requests unused that no other match needs."""
    for each in rate_shares:
        if each.senders:
            part = each.senders * share(rate_shares, each.match, each.batches, rate, NOW)
            others = sum(other.need for other in rate_shares if other.senders and other.match != each.match)
            assert part >= (rate - others) * (1 - 1e-9)


@given(RATE_SHARES, st.floats(1, 100_000))
def test_before_the_others_know_a_match_takes_an_equal_part(rate_shares: list[RateShare], rate: float) -> None:
    """Promise 5: a match that begins takes no more than was its part before needs were announced."""
    living = [each for each in rate_shares if each.senders]
    for each in living:
        part = each.senders * share(rate_shares, each.match, each.batches, rate, NOW, announced=False)
        assert part <= rate / len(living) * (1 + 1e-9)


@given(st.integers(1, 1_000_000), st.integers(1, 40))
def test_one_matchs_storm_leaves_the_other_its_half(rate: int, senders: int) -> None:
    """Promise 7: however many senders a match has, another match has as much as it, if it needs that."""
    storm = RateShare("storm", "o", senders, frozenset(), 2_000, dict.fromkeys(range(senders), 10**7))
    quiet = RateShare("quiet", "o", 1, frozenset(), 2_000, {0: 10**7})
    assert share([storm, quiet], "quiet", 1, rate, NOW) == rate / 2
    assert share([storm, quiet], "storm", senders, rate, NOW) * senders <= rate / 2 * (1 + 1e-9)


def test_matches_without_viewers_cost_the_others_nothing() -> None:
    """Sixty kick-offs at once: the one match with viewers has nearly the whole rate."""
    small = [RateShare(f"small{number}", "o", 1, frozenset(), 2_000, {0: 0}) for number in range(59)]
    crowd = RateShare("crowd", "o", 4, frozenset(), 2_000, dict.fromkeys(range(4), 2_500))
    assert share([*small, crowd], "crowd", 4, 2_000, NOW) == 500
    assert share([*small, crowd], "small3", 1, 2_000, NOW) == 1_000


def test_a_row_says_what_is_left() -> None:
    """The senders' announcements are read back from DynamoDB's row, by batch."""
    item = {"sk": {"S": "m"}, "broadcast": {"S": "o"}, "batches": {"N": "3"}, "ttl": {"N": "9"}, "left0": {"N": "7"},
            "left2": {"N": "0"}}  # fmt: skip
    [read], damaged = parse([item], NOW)
    assert (read, damaged) == (RateShare("m", "o", 3, frozenset(), 9, {0: 7, 2: 0}), [])
    assert read.need == (7 + 1 + 0) / HORIZON_SECONDS


def test_a_match_states_its_need_after_a_hand_over_too() -> None:
    """The next execution goes on with the row: the batches that are done do not count, whatever they had left."""
    rest = RateShare("m", "o", 10, frozenset({*range(7), 8}), 2_000, {7: 400, 8: 90, 9: 600})
    assert rest.senders == 2
    assert rest.need == (400 + 600) / HORIZON_SECONDS
    other = RateShare("n", "o", 3, frozenset(), 2_000, dict.fromkeys(range(3), 10**5))
    assert share([rest, other], "n", 3, 2_000, NOW) * 3 == 1_000


def test_an_ended_batch_leaves_its_share() -> None:
    """Batches that are done leave theirs to the others of the match, a match that is done to the other matches."""
    half = RateShare("a", "o", 4, frozenset({0, 1}), 2_000)
    done = RateShare("b", "o", 2, frozenset({0, 1}), 2_000, {0: 900, 1: 900})
    assert share([half, done], "a", 4, 900, NOW) == 450


def test_the_dead_have_no_share() -> None:
    """A row that has run out counts for nothing; DynamoDB deletes it some hours later."""
    assert share([RateShare("dead", "o", 4, frozenset(), 999)], "a", 3, 900, NOW) == 300


def test_a_match_whose_row_is_missing_still_counts_itself() -> None:
    """Promise 5: without a row of its own a match leaves the others theirs."""
    assert share([RateShare("b", "o", 1, frozenset(), 2_000, {0: 900})], "a", 2, 900, NOW) == 225


def test_the_need_of_a_row_costs_no_more_than_its_announcements() -> None:
    """Promise 7: however many batches a row claims, its need is counted from what batches have announced."""
    claimed = RateShare("m", "o", 10**15, frozenset({0}), 2_000, {0: 5, 1: 7, 10**16: 9})
    assert claimed.need == (7 + 10**15 - 2) / HORIZON_SECONDS


def test_only_its_broadcast_changes_a_row() -> None:
    """Each write of a rate share is about the match's row, on condition that the row is that of its broadcast."""
    writes = [
        left_update("t", "m", "o", 3, 50),
        done_update("t", "m", "o", 3, is_done=True), done_update("t", "m", "o", 3, is_done=False),
        rate_share_renewal("t", "m", "o", 90), deletion("t", "m", "o"),
    ]  # fmt: skip
    for write in writes:
        assert write["Key"] == {"pk": {"S": "rate-share"}, "sk": {"S": "m"}}
        assert write["ConditionExpression"] == "#broadcast = :broadcast"
        assert write["ExpressionAttributeValues"][":broadcast"] == {"S": "o"}
    assert writes[0]["ExpressionAttributeNames"]["#left"] == "left3"
    assert [each["UpdateExpression"] for each in writes[1:3]] == ["ADD #done :batch", "DELETE #done :batch"]


def test_a_round_begins_with_a_row_of_its_own() -> None:
    """The row has the broadcast, its batches and its end. The first one replaces only what is older."""
    row = rate_share_put("t", "m", "b", 3, 90)
    assert row["Item"] == {
        "pk": {"S": "rate-share"}, "sk": {"S": "m"}, "v": {"N": "1"}, "broadcast": {"S": "b"}, "batches": {"N": "3"},
        "ttl": {"N": "90"},
    }  # fmt: skip
    assert "ConditionExpression" not in row
    first = first_rate_share_put("t", "m", "b", 3, 90)
    assert first["Item"] == row["Item"]
    assert first["ConditionExpression"] == "attribute_not_exists(pk) OR (#broadcast <> :broadcast AND #ttl <= :until)"
    assert first["ExpressionAttributeValues"] == {":broadcast": {"S": "b"}, ":until": {"N": "90"}}


def test_all_shares_are_read_at_once() -> None:
    """One consistent query reads the shares of all matches."""
    query = rate_share_query("t")
    assert query["ConsistentRead"]
    assert query["ExpressionAttributeValues"] == {":rate_share": {"S": "rate-share"}}
