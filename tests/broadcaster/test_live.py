"""Who gets how much of the send rate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadcaster.live import Broadcast, share

NOW = 1_000.0
BROADCASTS = st.lists(
    st.builds(
        lambda match, batches, ended: Broadcast(match, "o", batches, frozenset(range(min(ended, batches))), 2_000),
        st.sampled_from("abcdefgh"), st.integers(1, 40), st.integers(0, 40),
    ),
    unique_by=lambda each: each.match, max_size=8,
)  # fmt: skip


@given(BROADCASTS, st.floats(1, 100_000))
def test_all_senders_together_stay_within_the_rate(broadcasts: list[Broadcast], rate: float) -> None:
    """Promise 5: what all senders of all live matches are given adds up to the rate, and none is left with nothing."""
    given_out = [
        (each.senders, share(broadcasts, each.match, each.batches, rate, NOW)) for each in broadcasts if each.senders
    ]
    assert sum(senders * each for senders, each in given_out) <= rate * (1 + 1e-9)
    assert all(each > 0 for _, each in given_out)


@given(st.integers(1, 1_000_000), st.integers(1, 40))
def test_one_matchs_storm_leaves_the_other_its_half(rate: int, senders: int) -> None:
    """Promise 7: however many senders a match has, another match has as much as it."""
    storm = Broadcast("storm", "o", senders, frozenset(), 2_000)
    quiet = Broadcast("quiet", "o", 1, frozenset(), 2_000)
    assert share([storm, quiet], "quiet", 1, rate, NOW) == rate / 2
    assert share([storm, quiet], "storm", senders, rate, NOW) * senders <= rate / 2 * (1 + 1e-9)


def test_who_has_ended_leaves_its_share() -> None:
    """Batches that are done leave theirs to the others of the match, a match that is done to the other matches."""
    half = Broadcast("a", "o", 4, frozenset({0, 1}), 2_000)
    done = Broadcast("b", "o", 2, frozenset({0, 1}), 2_000)
    assert share([half, done], "a", 4, 900, NOW) == 450


def test_the_dead_have_no_share() -> None:
    """A row that has run out counts for nothing; TTL deletes it hours later."""
    assert share([Broadcast("dead", "o", 4, frozenset(), 999)], "a", 3, 900, NOW) == 300


def test_a_match_whose_row_is_missing_still_counts_itself() -> None:
    """Promise 5: without a row of its own a match leaves the others theirs."""
    assert share([Broadcast("b", "o", 1, frozenset(), 2_000)], "a", 2, 900, NOW) == 225
