"""A function's metrics when the function, or its log, fails."""

from __future__ import annotations

import io
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runtime.metrics import UNITS, Metrics

if TYPE_CHECKING:
    from collections.abc import Callable


def lines(text: str) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


def invoke(metrics: Metrics, work: Callable[[], object]) -> None:
    """One invocation."""
    metrics.publish_after(work)()


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a function."""
    monkeypatch.setenv("DEPLOYMENT", "north")


def test_two_deployments_keep_their_metrics_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of every invocation has the deployment and the service as its one set of dimensions."""
    metrics = Metrics("sender")

    def work() -> None:
        for _ in range(150):
            metrics.add("Accepted")

    invoke(metrics, work)
    invoke(metrics, work)
    written = lines(capsys.readouterr().out)
    assert len(written) == 4
    for line in written:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert [sorted(each) for each in directive["Dimensions"]] == [["deployment", "service"]]
        assert (line["deployment"], line["service"]) == ("north", "sender")


def test_the_deployment_is_read_at_every_invocation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process whose environment changes, as that of tests does, names the deployment of now and warns of nothing."""
    metrics = Metrics("routes")
    for name in ("north", "south"):
        monkeypatch.setenv("DEPLOYMENT", name)
        invoke(metrics, lambda: metrics.add("Subscribed"))
    assert [line["deployment"] for line in lines(capsys.readouterr().out)] == ["north", "south"]


def test_a_function_without_a_deployment_works_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A missing name stops no goal: the function does its work, and its log names the variable."""
    monkeypatch.delenv("DEPLOYMENT")
    metrics = Metrics("sender")
    invoke(metrics, lambda: metrics.add("Accepted", 3))
    [line] = lines(capsys.readouterr().out)
    assert (line["deployment"], line["Accepted"]) == ("unknown", [3.0])
    assert "deployment_unknown" in caplog.text


def test_a_function_that_fails_still_tells(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures counted before an error are published, and the error is the function's own."""
    metrics = Metrics("sender")

    def work() -> None:
        metrics.add("Accepted", 3)
        metrics.note_event("m", 7, "e")
        raise LookupError

    with pytest.raises(LookupError):
        invoke(metrics, work)
    [line] = lines(capsys.readouterr().out)
    assert (line["service"], line["Accepted"], line["events"]) == (
        "sender", [3.0], [{"match": "m", "seq": 7, "event_id": "e"}],
    )  # fmt: skip


def test_an_invocation_says_nothing_of_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    """Values and events are told once, and one without any prints nothing, and warns of nothing."""
    metrics = Metrics("routes")

    def subscribe() -> None:
        metrics.add("Subscribed")
        metrics.note_event("m", 1)

    invoke(metrics, subscribe)
    invoke(metrics, lambda: metrics.add("Refused"))
    invoke(metrics, lambda: None)
    first, second = lines(capsys.readouterr().out)
    assert ("Subscribed" in first, "Refused" in first, "Subscribed" in second) == (True, False, False)
    assert "events" not in second


def test_nothing_is_noted_outside_of_an_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    """The same code runs in commands and in the model, whose output it must not end up in."""
    metrics = Metrics("receipt")
    for _ in range(200):
        metrics.add("Broadcasts")
        metrics.note_event("m", 1)
    invoke(metrics, lambda: metrics.add("BatchesSetAside", 0))
    [line] = lines(capsys.readouterr().out)
    assert "Broadcasts" not in line
    assert "events" not in line


def test_services_of_one_process_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """A function may use another's code, which has metrics of its own: nobody tells of what another did."""
    fanout, watchdog = Metrics("fanout"), Metrics("watchdog")

    def work() -> None:
        watchdog.add("Restarted")
        invoke(fanout, lambda: fanout.add("RecordsSetAside"))

    invoke(watchdog, work)
    first, second = lines(capsys.readouterr().out)
    assert (first["service"], "Restarted" in first) == ("fanout", False)
    assert (second["service"], "RecordsSetAside" in second) == ("watchdog", False)


def test_a_thread_adds_nothing_while_another_adds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads that add at one time do so one after the other, and both values are told."""
    metrics, inside, others = Metrics("fanout"), threading.Lock(), []
    powertools = metrics._metrics  # noqa: SLF001
    add_metric = powertools.add_metric

    def alone(*args: Any) -> None:
        others.append(not inside.acquire(blocking=False))
        both.wait(0.2) if len(others) == 1 else both.set()
        add_metric(*args)
        if inside.locked():
            inside.release()

    both = threading.Event()
    monkeypatch.setattr(powertools, "add_metric", alone)

    def work() -> None:
        threads = [threading.Thread(target=metrics.add, args=("AwsRefused",)) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(5)

    invoke(metrics, work)
    [line] = lines(capsys.readouterr().out)
    assert (line["AwsRefused"], others) == ([1.0, 1.0], [False, False])


def test_no_value_is_lost_in_a_large_batch(capsys: pytest.CaptureFixture[str]) -> None:
    """The format holds a hundred values of a name: a batch of more is told in several lines."""
    metrics = Metrics("fanout")

    def work() -> None:
        for each in range(250):
            metrics.add("NumberedAfter", each)

    invoke(metrics, work)
    values = [value for line in lines(capsys.readouterr().out) for value in line["NumberedAfter"]]
    assert values == [float(each) for each in range(250)]


class Broken(io.StringIO):
    """A log that takes nothing."""

    def write(self, _: str) -> int:
        """Raises OSError."""
        raise OSError("the pipe is broken")


def test_a_metric_never_costs_a_goal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A log that cannot be written fails no function, and what it did not take is not told later as if it were new."""
    metrics = Metrics("sender")

    def work() -> None:
        for _ in range(150):
            metrics.add("Accepted")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken())
        invoke(metrics, work)
    invoke(metrics, lambda: metrics.add("Gone", 2))
    [line] = lines(capsys.readouterr().out)
    assert line["Gone"] == [2.0]
    assert "Accepted" not in line


def test_every_metric_has_the_unit_of_its_kind() -> None:
    """Dashboards and alarms count on names and units; a time is in milliseconds."""
    times = {"NumberedAfter", "GoalToGateway", "BroadcastTook"}
    assert {name for name, unit in UNITS.items() if unit.value == "Milliseconds"} == times
    assert {name for name, unit in UNITS.items() if unit.value == "Percent"} == {"BudgetUsed"}
    assert len(UNITS) == 22
