"""Storms of connections against the limits of connecting."""

from __future__ import annotations

import pytest

from forecast.asking import ground, transports
from forecast.bill import Options
from forecast.question import QuestionError
from forecast.simulation.arrivals import MOST_PLAYED, Storm, _at, _most_played, check, play
from forecast.times import join_rates, joining


def test_viewers_that_were_cut_off_come_back() -> None:
    """5,000 viewers at 500 a second are back after about 33 s with 13,451 refusals, as docs/reliability.md states."""
    outcome = play(Storm(5_000, [500]))
    assert outcome.all_s == pytest.approx(33, rel=0.2)
    assert outcome.refused == pytest.approx(13_451, rel=0.1)
    assert outcome.half_s < outcome.most_s <= outcome.all_s


def test_the_limit_binds_a_large_audience() -> None:
    """A million viewers need at least viewers divided by the rate, and little more."""
    outcome = play(Storm(1_000_000, [500]))
    assert 2_000 * 0.95 < outcome.all_s < 2_000 * 1.1


def test_a_viewer_that_stands_for_many_changes_little() -> None:
    """An audience that is played in groups takes as long as one of single viewers with the same ratio to the rate."""
    single, grouped = play(Storm(MOST_PLAYED, [200])), play(Storm(10 * MOST_PLAYED, [2_000]))
    assert grouped.all_s == pytest.approx(single.all_s, rel=0.1)
    assert grouped.refused == pytest.approx(10 * single.refused, rel=0.1)


def test_viewers_that_come_slowly_are_not_refused() -> None:
    """A kick-off spread over more time than the limit needs refuses nobody, and all are there at its end."""
    outcome = play(Storm(1_000, [500], spread_s=60))
    assert outcome.refused == 0
    assert 50 < outcome.all_s <= 60


def test_cells_share_a_storm() -> None:
    """Each of four cells lets in a quarter of the viewers, which takes a good deal less time."""
    assert play(Storm(400_000, [500], cells=4)).all_s < 0.3 * play(Storm(400_000, [500])).all_s


@pytest.mark.parametrize(
    ("transport", "viewers", "matches", "cells"),
    [
        *((each, 500_000, 1, 1) for each in transports()),
        ("api-gateway", 10_000_000, 1, 10), ("api-gateway", 3_000_000, 2, 30), ("iot-core", 3_000_000, 1, 3),
    ],
)  # fmt: skip
def test_a_storm_takes_as_long_as_the_planner_says(transport: str, viewers: int, matches: int, cells: int) -> None:
    """The planner and a storm agree within 5 % on when the audience is connected, whichever limit binds.

    The planner does not count the last viewers' back-off, so the storm may take half a minute more.
    """
    account = ground("us-east-1", Options()).account({})
    rates = join_rates(transport, account, matches=matches, cells=cells, opens_page=False)
    planned, _ = joining(transport, viewers / cells, rates)
    played = play(Storm(viewers, list(rates.values()), cells=cells)).all_s
    assert 0.95 * planned <= played <= 1.05 * planned + 30


def test_refusals_of_all_cells_count() -> None:
    """Four cells refuse four times as many attempts as one cell with a quarter of the viewers."""
    assert play(Storm(8_000, [500], cells=4)).refused == 4 * play(Storm(2_000, [500])).refused > 0


def test_most_are_ninety_nine_of_a_hundred() -> None:
    """Half, and most, are the moments at which so many of the viewers were connected."""
    came = [float(each) for each in range(1, 201)]
    assert [_at(came, share) for share in (0.5, 0.99, 1.0)] == [100, 198, 200]
    outcome = play(Storm(1_000, [500], spread_s=100))
    assert outcome.half_s == pytest.approx(50, abs=5)
    assert outcome.most_s == pytest.approx(99, abs=1)


def test_a_viewer_passes_every_limit() -> None:
    """The narrowest of several limits decides, whether the viewers meet it first or last."""
    alone = play(Storm(20_000, [200])).all_s
    for rates in ([200, 5_000], [5_000, 200], [300, 200]):
        assert play(Storm(20_000, rates)).all_s == pytest.approx(alone, rel=0.1)


def test_a_narrow_limit_ends_in_time() -> None:
    """Two million viewers at ten a second are played with a bounded number of attempts."""
    assert _most_played(500_000, 10) == 180
    assert play(Storm(2_000_000, [10])).all_s == pytest.approx(200_000, rel=0.05)


def test_a_storm_of_weeks_is_refused() -> None:
    """A storm that would last more than a week is refused with its limit, before it starts; a week is played."""
    check(Storm(60_480_000, [100, 500]), "momento_operations")
    with pytest.raises(QuestionError, match="would last 8 days, because momento_operations lets 100 viewers a second"):
        check(Storm(69_120_000, [500, 100]), "momento_operations")
    with pytest.raises(QuestionError, match="would last 8 days"):
        check(Storm(691_200_000, [100], cells=10), "momento_operations")


def test_the_same_seed_gives_the_same_storm() -> None:
    """A run can be repeated."""
    assert play(Storm(2_000, [100], seed=3)) == play(Storm(2_000, [100], seed=3)) != play(Storm(2_000, [100], seed=4))
    assert play(Storm(2_000, [100])).report()["viewers"] == 2_000
