"""The number of viewers over the time of a run."""

from __future__ import annotations

from loadtest.shapes import SHAPES, Plan


def plan(shape: str) -> Plan:
    """A thousand viewers, ten goals."""
    return Plan(SHAPES[shape], viewers=1000, goals=10, join_rate=50)


def test_before_a_goal_storm_everyone_is_there() -> None:
    """They come at the calm rate, and stay."""
    storm = plan("goal-storm")
    assert storm.crowd("joining", 0) == (1000, 50)
    assert storm.crowd("playing", 9) == storm.crowd("settling", 10) == (1000, 50)


def test_a_kick_off_storm_begins_with_few() -> None:
    """A tenth is there before kick-off, the others come within five seconds of it."""
    storm = plan("kick-off-storm")
    assert storm.crowd("joining", 0) == (100, 50)
    assert storm.crowd("playing", 0) == (1000, 180)


def test_in_an_exodus_nine_in_ten_leave_within_seconds() -> None:
    """Everyone is there for the first half of the goals."""
    exodus = plan("full-time-exodus")
    assert exodus.crowd("playing", 4)[0] == 1000
    assert exodus.crowd("playing", 5) == exodus.crowd("settling", 10) == (100, 180)


def test_a_reconnect_storm_breaks_every_connection_after_a_third_of_the_goals() -> None:
    """Everyone is there before and after; who was cut off has longer to come back."""
    storm = plan("reconnect-storm")
    assert storm.crowd("joining", 0) == storm.crowd("playing", 9) == (1000, 50)
    assert [storm.cuts(posted) for posted in (3, 4, 10)] == [False, True, True]
    assert not plan("goal-storm").cuts(10)
    assert storm.late("settling", 100, pace=1) is None
    assert plan("goal-storm").late("settling", 100, pace=1)


def test_every_phase_ends() -> None:
    """A run that gets stuck is cut short, with a sentence; one that takes its time is not."""
    storm = plan("goal-storm")
    for phase in ("joining", "playing", "settling"):
        assert storm.late(phase, 30, pace=1) is None
        assert storm.late(phase, 3600, pace=1)
