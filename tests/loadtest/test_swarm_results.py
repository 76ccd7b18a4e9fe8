"""The reports of the swarms, added up."""

from __future__ import annotations

from typing import Any

from loadtest.swarm_results import Results, event_id, percentile, percentiles, posted_at

ABOUT: dict[str, Any] = {}


def report(**more: Any) -> dict[str, Any]:
    """A report of a swarm, as JSON."""
    status = {"watching": 2, "ready": 3, "stayed": 2, "missed": 0, "settled": True, "cpu": 10}
    empty: dict[str, Any] = {"times": {}, "glass": {}, "lag": {}, "counts": {}}
    return {**empty, **more, "status": {**status, **more.get("status", {})}}


def test_percentiles_are_of_what_was_seen() -> None:
    """Half of the samples are within p50 and all within max; without samples both are 0."""
    histogram = {10: 50, 20: 45, 30: 4, 400: 1}
    assert percentiles(histogram) == {"p50": 10, "p95": 20, "p99": 30, "max": 400}
    assert percentile({}, 0.5) == 0


def test_reports_of_several_swarms_add_up() -> None:
    """Counts and histograms add up over the reports; a swarm's state is that of its newest report."""
    results = Results()
    results.take("a", report(glass={"7": {"5": 2}}, counts={"connects": 2}, times={"connect": {"1": 2}}))
    results.take("b", report(glass={"7": {"5": 1, "6": 1}}, counts={"connects": 1}, status={"watching": 5, "cpu": 30}))
    results.take("a", report(status={"watching": 1}))
    assert results.glass == {7: {5: 3, 6: 1}}
    assert (results.counts["connects"], results.times["connect"]) == (3, {1: 2})
    assert (results.swarms, results.status.watching, results.status.ready) == (2, 6, 6)
    assert results.to_dict(ABOUT, posted=1, wanted=1)["own_cpu_percent"] == 30


def test_passed_means_that_nothing_was_missed_and_that_this_was_counted() -> None:
    """A run fails with one missed event, an uncounted end, a goal that was not posted, or no viewer that stayed."""

    def passed(posted: int = 2, **status: Any) -> bool:
        results = Results()
        results.take("a", report(status=status))
        return bool(results.to_dict(ABOUT, posted=posted, wanted=2)["passed"])

    assert passed()
    assert not passed(missed=1)
    assert not passed(settled=False)
    assert not passed(stayed=0)
    assert not passed(posted=1)
    assert not Results().to_dict(ABOUT, posted=0, wanted=0)["passed"]


def test_a_swarm_that_is_late_itself_is_named_as_the_bottleneck() -> None:
    """Own lag counts in the seconds in which events arrived, compared with their latency."""
    results = Results()
    results.take("a", report(glass={"7": {"100": 10}}, lag={"7": {"10": 5}, "8": {"900": 90}}))
    assert results.bottleneck is None
    results.take("a", report(lag={"7": {"60": 50}}))
    assert results.bottleneck is not None
    assert "60 ms late" in results.bottleneck


def test_a_timer_that_is_hardly_late_is_no_bottleneck() -> None:
    """When everything takes a millisecond, two of them are no reason for a warning."""
    results = Results()
    results.take("a", report(glass={"7": {"1": 10}}, lag={"7": {"2": 5}}))
    assert results.bottleneck is None


def test_an_event_of_the_load_test_carries_the_time_of_its_post() -> None:
    """The id that the load test gives an event has its time; for another event the API's time counts."""
    assert posted_at({"event_id": event_id(3, 1_766_080_000_123), "at": 1}) == 1_766_080_000_123
    assert posted_at({"event_id": "goal-12", "at": 7}) == 7
    assert posted_at({"at": 7}) == 7
