"""The outcome of a simulation: times of a goal from histograms, and the report."""

from __future__ import annotations

from collections import Counter

from forecast.simulation.outcome import CellOutcome, GoalTimes, Outcome, goal_times

CELL = CellOutcome("cell0", 10, 9, 1, 0, 0, 0, 0, 0, 1, 1, 2, 3.25, 0, 0, 5, 6, 7, 16)


def test_the_times_of_a_goal_are_those_of_all_cells() -> None:
    """First, median and last viewer are counted over the histograms of all cells, from the operator's POST on."""
    times = goal_times(0, 10.0, [Counter({11.0: 1, 12.0: 1}), Counter({12.0: 1, 20.0: 1})])
    assert times == GoalTimes(0, 4, 1.0, 2.0, 10.0)


def test_a_goal_that_nobody_had_has_no_times() -> None:
    """Without a viewer there is no first one."""
    assert goal_times(0, 10.0, [Counter(), Counter()]) is None


def test_the_report_sums_the_cells_and_takes_medians_of_the_goals() -> None:
    """The report has one figure for each name: sums of counts, medians of times."""
    goals = (GoalTimes(0, 1, 1, 2, 3), GoalTimes(0, 1, 2, 3, 9))
    outcome = Outcome(2, goals, 0, 12.04, (CELL, CELL))
    report = outcome.report()
    assert outcome.posts == report["posts"]
    assert (report["posts"], report["throttled"], report["sender_s"]) == (20, 2, 6.5)
    assert (report["last_viewer_s"], report["slowest_goal_s"], report["virtual_s"]) == (6, 9, 12.0)


def test_a_report_without_goals_has_no_times() -> None:
    """A simulation in which nothing happened reports no time."""
    report = Outcome(2, (), 0, 0.0, (CELL,)).report()
    assert (report["last_viewer_s"], report["slowest_goal_s"]) == (None, None)
