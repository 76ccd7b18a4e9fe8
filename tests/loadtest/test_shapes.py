"""The number of viewers over the time of a run."""

from __future__ import annotations

from loadtest.shapes import SHAPES, Plan


def plan(shape: str) -> Plan:
    """A thousand viewers, ten goals."""
    return Plan(SHAPES[shape], viewers=1000, goals=10, join_rate=50)


def test_before_a_goal_storm_everyone_is_there() -> None:
    """Viewers come at the join rate before the first goal, and stay."""
    storm = plan("goal-storm")
    assert storm.crowd("joining", 0) == (1000, 50)
    assert storm.crowd("playing", 9) == storm.crowd("settling", 10) == (1000, 50)


def test_a_kick_off_storm_begins_with_few() -> None:
    """A tenth of the viewers is there before kick-off; the others come within five seconds."""
    storm = plan("kick-off-storm")
    assert storm.crowd("joining", 0) == (100, 50)
    assert storm.crowd("playing", 0) == (1000, 180)


def test_in_an_exodus_nine_in_ten_leave_within_seconds() -> None:
    """All viewers are there for the first half of the goals; then nine of ten leave."""
    exodus = plan("full-time-exodus")
    assert exodus.crowd("playing", 4)[0] == 1000
    assert exodus.crowd("playing", 5) == exodus.crowd("settling", 10) == (100, 180)


def test_a_reconnect_storm_breaks_every_connection_after_a_third_of_the_goals() -> None:
    """All viewers are there before and after the cut, and have longer to come back."""
    storm = plan("reconnect-storm")
    assert storm.crowd("joining", 0) == storm.crowd("playing", 9) == (1000, 50)
    assert [storm.cuts(posted) for posted in (3, 4, 10)] == [False, True, True]
    assert not plan("goal-storm").cuts(10)
    assert storm.late("settling", 100, pace=1) is None
    assert plan("goal-storm").late("settling", 100, pace=1)


def test_every_phase_ends() -> None:
    """A phase that passes its limit ends the run with a sentence; a slow phase does not."""
    storm = plan("goal-storm")
    for phase in ("joining", "playing", "settling"):
        assert storm.late(phase, 30, pace=1) is None
        assert storm.late(phase, 3600, pace=1)
