"""Plays a burst, and quiet traffic, through every alarm of the deployment, as CloudWatch evaluates it.

A burst is one minute long, and its figures arrive two minutes late. The alarm must go off, and must end within an hour:
an alarm that stays on tells nobody of the next burst. An alarm about a length of time gets a burst of that length
(``LENGTHS``). Quiet traffic, with the odd failure that any day has, must set no alarm off.

CloudWatch publishes no formula for the datapoints that it reads beyond the evaluation periods. So each alarm is played
with none, and with the two of its example.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.terraform import cloudwatch
from tests.terraform.cloudwatch import Rule, State, statistic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.terraform.applied import Applied, Resource

LATE: Final = 2
"""Minutes between the end of a figure's minute and its arrival."""

START: Final = 20
"""The minute in which a burst begins."""

LENGTHS: Final = {"budget-used-up": 10}
"""Minutes of a burst, where not 1. A goal uses the whole send budget until everyone is told, which is no fault: that
takes 133 s for a million viewers. A budget that is used up for ten minutes delays goals."""

PARTS: Final = {
    "posts-throttled": "throttled",
    "posts-failed": "failed",
    "viewers-refused": "refused",
    "web-errors": "share",
}
"""The part of what all was, in alarms that watch a share. Elsewhere any one metric by itself is a burst."""

QUIET: Final[dict[str, tuple[float, ...]]] = {
    # A site that is looked at by few people: one of 30 requests fails, one of 40 viewers reads slowly, one is refused.
    "5xxErrorRate": (3.3,), "Requests": (1.0,) * 30,
    "Accepted": (39.0,), "Gone": (1.0,), "Failed": (1.0,), "Throttled": (1.0,),
    "LetIn": (), "Refused": (1.0,),
    "ConnectCount": (1.0,) * 40, "IntegrationError": (0.0,) * 40, "ExecutionError": (0.0,) * 40, "5xx": (0.0,) * 30,
    # Lambda and Kinesis write zeros while they are used; DynamoDB writes only what was throttled.
    "Errors": (0.0,) * 5, "Throttles": (0.0,) * 5, "ConcurrentExecutions": (4.0, 9.0), "IteratorAge": (80.0, 450.0),
    "HttpThrottled": (1.0,), "WriteProvisionedThroughputExceeded": (0.0,), "ApproximateNumberOfMessagesVisible": (0.0,),
    "ReadThrottleEvents": (), "WriteThrottleEvents": (),
    "ExecutionsFailed": (0.0,), "ExecutionsTimedOut": (0.0,), "ExecutionThrottled": (0.0,),
    "OnFailureDestinationDeliveredEventCount": (), "Restarted": (1.0,), "CellsUnreached": (), "RowsUnreadable": (),
    "AwsRefused": (), "FramesUnpublished": (),
    # AppSync and IoT Core write only what has happened.
    "InboundMessageDropped": (), "InboundMessageDelayed": (), "InboundMessageError": (), "InboundMessageFailure": (),
    "5XXError": (), "ConnectServerError": (), "SubscribeServerError": (), "ConnectSuccess": (1.0,) * 40,
    "ConnectRequests": (1.0,) * 40,
    "PublishIn.Throttle": (), "PublishIn.ServerError": (), "PublishOut.Throttle": (), "Connect.ServerError": (1.0,),
    "Subscribe.ServerError": (1.0,), "Connect.Throttle": (), "Subscribe.Throttle": (), "RuleMessageThrottled": (),
    "Failure": (),
    "GoalToGateway": (600.0, 900.0), "BudgetUsed": (4.0, 100.0, 20.0),
}  # fmt: skip
"""The samples of a quiet minute by metric. A metric that writes nothing then has none."""

Series = dict[str, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Watch:
    """One alarm, ready to be played."""

    name: str
    rule: Rule
    metrics: Mapping[str, Mapping[str, Any]]
    """The metrics that it reads, by id."""

    def quiet(self, minutes: int) -> Series:
        """The figures of quiet traffic from minute 0 on. Raises KeyError for a metric without a quiet minute."""
        found: Series = {}
        for each, metric in self.metrics.items():
            samples = QUIET[metric["metric_name"]]
            found[each] = dict.fromkeys(range(minutes), statistic(metric["stat"], samples)) if samples else {}
        return found

    def bursts(self) -> Iterator[tuple[str, dict[str, float]]]:
        """The bursts that may set it off: the name of a burst, and its figures in each of its minutes by id."""
        part = PARTS.get(self.name)
        if part is None:
            above = self.rule.threshold * 2 + 1
            yield from ((metric["metric_name"], {each: above}) for each, metric in self.metrics.items())
            return
        name, percent = self.metrics[part]["metric_name"], self.metrics[part]["stat"] == "Average"
        yield name, dict.fromkeys(self.metrics, 100.0) | {part: 50.0 if percent else 1000.0}
        if not percent:
            yield f"{name} and nothing else", {part: 1000.0}

    def states(self, series: Series, beyond: int) -> Iterator[State]:
        """The state at the end of each minute, while figures arrive ``LATE``."""
        rule = replace(self.rule, beyond=beyond)
        state: State = "INSUFFICIENT_DATA"
        for end in range(1, START + 60):
            arrived = {
                each: {minute: value for minute, value in figures.items() if minute + 1 + LATE <= end}
                for each, figures in series.items()
            }
            state = rule.state(arrived, end, state)
            yield state


def bursts(applied: Applied) -> list[str]:
    """Alarms that a burst does not set off, or that stay on after it."""
    found = []
    for watch, beyond in _played(applied):
        length = LENGTHS.get(watch.name, 1)
        for metric, figures in watch.bursts():
            nothing: Series = {each: {} for each in watch.metrics}
            for background in (nothing, watch.quiet(START + 60)):
                burst = {
                    each: values | dict.fromkeys(range(START, START + length), figures[each])
                    if each in figures
                    else values
                    for each, values in background.items()
                }
                states = list(watch.states(burst, beyond))
                if "ALARM" not in states[START:]:
                    found.append(f"{watch.name} does not go off by a burst of {metric}, {length} min long")
                elif states[-1] == "ALARM":
                    found.append(f"{watch.name} stays on after a burst of {metric}")
    return sorted(set(found))


def quiet(applied: Applied) -> list[str]:
    """Alarms that quiet traffic sets off."""
    found = {
        f"{watch.name} goes off by quiet traffic"
        for watch, beyond in _played(applied)
        if "ALARM" in watch.states(watch.quiet(START + 60), beyond)
    }
    return sorted(found)


def minutes(applied: Applied) -> list[str]:
    """Alarms whose datapoints are not those that are played here: each minute's, whatever the number of its samples.

    A p99 waits for 1,000 samples where low samples are ignored
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, percentiles).
    """
    found = []
    for alarm in applied.of("aws_cloudwatch_metric_alarm"):
        periods = {metric["period"] for query in alarm["metric_query"] for metric in query["metric"] or []}
        found += [f"{alarm.address} counts {period} s as one" for period in periods - {60}]
        if alarm["evaluate_low_sample_count_percentiles"] == "ignore":
            found.append(f"{alarm.address} waits for more samples than a goal has")
    return found


def _played(applied: Applied) -> Iterator[tuple[Watch, int]]:
    """Every alarm, with no and with two datapoints beyond its periods; those that differ in region only are one."""
    watches = [_watch(alarm, applied.prefix) for alarm in applied.of("aws_cloudwatch_metric_alarm")]
    for watch in {repr(each): each for each in watches}.values():
        yield from ((watch, beyond) for beyond in (0, cloudwatch.BEYOND_PERIODS))


def _watch(alarm: Resource, prefix: str) -> Watch:
    queries = alarm["metric_query"]
    metrics = {each["id"]: each["metric"][0] for each in queries if each["metric"]}
    [returned] = [each for each in queries if each["return_data"]]
    ignores = any(metric["namespace"] == "AWS/DynamoDB" for metric in metrics.values())
    rule = Rule(
        returned["expression"] or returned["id"],
        alarm["threshold"],
        alarm["evaluation_periods"],
        alarm["datapoints_to_alarm"],
        "ignore" if ignores else alarm["treat_missing_data"],
        alarm["comparison_operator"],
    )
    name = str(alarm["alarm_name"]).removeprefix(f"{prefix}-")
    # The name of a cell's alarm may end in the cell's name.
    part = next((each for each in (*PARTS, *LENGTHS) if name.startswith(f"{each}-")), name)
    return Watch(part, rule, metrics)
