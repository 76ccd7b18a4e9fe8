"""A service that broadcasts itself, at its rate."""

from __future__ import annotations

import pytest

from forecast.asking import ground
from forecast.bill import Options
from forecast.latencies import Latencies
from forecast.simulation.scenario import Goal
from forecast.simulation.services import Service, play
from forecast.times import goal, outbound

BEGUN = 0.15


def test_the_last_viewer_waits_for_the_rate() -> None:
    """A million viewers at a million deliveries a second wait a second after the publish."""
    outcome = play([1_000_000], [Goal(0.0)], Service(1_000_000))
    [goal] = outcome.goals
    assert goal.first_s == pytest.approx(BEGUN)
    assert goal.last_s == pytest.approx(BEGUN + 1)
    assert (outcome.published, outcome.delivered, outcome.dropped) == (2, 1_000_000, 0)


def test_two_matches_wait_for_each_other() -> None:
    """Frames of two matches at one moment leave one after the other."""
    outcome = play([500_000, 500_000], [Goal(0.0), Goal(0.0, 1)], Service(1_000_000))
    assert outcome.report()["slowest_goal_s"] == pytest.approx(BEGUN + 1)


def test_a_dropped_frame_is_found_by_the_next_one() -> None:
    """Over its quota the service drops frames; viewers that lack one read it after the next goal, or a silence."""
    outcome = play([1_000], [Goal(0.0), Goal(10.0)], Service(100, longest_s=5.0))
    assert outcome.dropped == 1_000
    assert 10 < outcome.goals[0].last_s < 12
    assert 20 < outcome.goals[1].last_s < 200
    assert outcome.report()["repair_max_s"] == pytest.approx(outcome.repair_max_s, abs=0.01)


def test_nothing_is_dropped_within_the_quota() -> None:
    """A service that never has to wait too long drops nothing."""
    assert play([1_000], [Goal(0.0)], Service(1_000, longest_s=5.0)).dropped == 0


def test_a_frame_that_reaches_nobody_has_no_early_viewer() -> None:
    """If an earlier goal keeps the service busy, even the first viewer of the next one has it from a read."""
    outcome = play([1_000], [Goal(0.0), Goal(1.0)], Service(100, longest_s=4.0))
    assert (outcome.delivered, outcome.dropped) == (400 + 100, 600 + 900)
    assert outcome.goals[1].first_s == pytest.approx(BEGUN + 3)
    nobody = play([1_000], [Goal(0.0), Goal(0.0), Goal(300.0)], Service(100, longest_s=4.0)).goals[1]
    assert 100 < nobody.first_s <= nobody.median_s <= nobody.last_s < 200


def test_half_the_viewers_may_have_a_frame_in_time() -> None:
    """The median viewer of a frame that more than half of the viewers got did not wait for a repair."""
    many = play([1_000], [Goal(0.0)], Service(100, longest_s=6.0)).goals[0]
    few = play([1_000], [Goal(0.0)], Service(100, longest_s=4.0)).goals[0]
    assert many.median_s == pytest.approx(BEGUN + 5)
    assert 100 < few.median_s < few.last_s


@pytest.mark.parametrize("transport", ["appsync-events", "appsync-graphql", "iot-core", "momento"])
@pytest.mark.parametrize("matches", [1, 3])
def test_the_planner_says_the_same_of_a_service(transport: str, matches: int) -> None:
    """Planner and service have one formula for a goal: first, median and last viewer are the same."""
    account = ground("us-east-1", Options()).account({})
    planned = goal(transport, 50_000, matches, account, Latencies())
    played = play(
        [50_000] * matches, [Goal(0.0, each) for each in range(matches)], Service(outbound(transport, account)[1])
    )
    assert played.goals[0].first_s == pytest.approx(planned.first_s)
    assert played.goals[-1].last_s == pytest.approx(planned.last_s)
    if matches == 1:
        assert played.goals[0].median_s == pytest.approx(planned.median_s)
