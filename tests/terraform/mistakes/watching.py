"""Mistakes in alarms and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.terraform import bursts, counted_lines, watching
from tests.terraform.mistakes.making import STREAM, Mistake, edit, first, gone, text, with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.applied import Applied

ALARM = 'aws_cloudwatch_metric_alarm.this["us-east-1/{}"]'
THROTTLED = "aws_cloudwatch_log_metric_filter.throttled"


def expression(alarm: str, changed: str) -> Callable[[Applied], Applied]:
    """Other metric math in an alarm of a cell."""

    def change(queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each | {"expression": changed} if each["expression"] else each for each in queries]

    return edit(ALARM.format(alarm), "metric_query", change)


def without_dimension(alarm: str, name: str) -> Callable[[Applied], Applied]:
    """An alarm of a cell whose metrics lack a dimension."""

    def change(queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for metric in (metric for query in queries for metric in query["metric"] or []):
            del metric["dimensions"][name]
        return queries

    return edit(ALARM.format(alarm), "metric_query", change)


def without_states(body: dict[str, Any]) -> dict[str, Any]:
    """A dashboard whose last alarm widget lacks its last alarm."""
    [*_, widget] = [each for each in body["widgets"] if each["type"] == "alarm"]
    widget["properties"]["alarms"].pop()
    return body


MISTAKES = [
    Mistake(
        "two-of-two-of-a-filled-sum",
        bursts.bursts,
        with_values(ALARM.format("broadcasts-failed"), evaluation_periods=2, datapoints_to_alarm=2),
        "broadcasts-failed does not go off by a burst of ExecutionsFailed",
    ),
    Mistake(
        "one-of-one-of-a-filled-sum",
        bursts.bursts,
        with_values(ALARM.format("rows-unreadable"), evaluation_periods=1, datapoints_to_alarm=1),
        "rows-unreadable does not go off",
    ),
    Mistake(
        "three-of-three-of-a-sparse-metric",
        bursts.bursts,
        with_values(ALARM.format("sender-errors"), evaluation_periods=3, datapoints_to_alarm=3),
        "sender-errors does not go off by a burst of Errors, 1 min long",
    ),
    Mistake(
        "ten-of-ten",
        bursts.bursts,
        with_values(ALARM.format("budget-used-up"), evaluation_periods=10),
        "budget-used-up does not go off by a burst of BudgetUsed, 10 min long",
    ),
    Mistake(
        "a-share-of-what-is-not-there",
        bursts.bursts,
        expression("posts-failed", "IF(FILL(failed, 0) > 10, 100 * failed / (accepted + gone + failed), 0)"),
        "posts-failed does not go off",
    ),
    Mistake(
        "dynamodb-not-filled",
        bursts.bursts,
        expression("table-broadcasts-throttled", "writes"),
        "table-broadcasts-throttled stays on",
    ),
    Mistake(
        "one-of-one-viewer",
        bursts.quiet,
        expression("viewers-refused", "100 * refused / (FILL(let_in, 0) + refused)"),
        "viewers-refused goes off by quiet traffic",
    ),
    Mistake(
        "budget-used-for-a-minute",
        bursts.quiet,
        with_values(ALARM.format("budget-used-up"), threshold=40),
        "quiet traffic",
    ),
    Mistake(
        "one-request-answered-429",
        bursts.quiet,
        with_values('aws_cloudwatch_metric_alarm.this["eu-west-1/http-throttled"]', threshold=0),
        "http-throttled goes off by quiet traffic",
    ),
    Mistake(
        "no-alarm-for-readers-who-are-refused",
        watching.alarms,
        gone('aws_cloudwatch_metric_alarm.this["eu-west-1/http-throttled"]'),
        "there is no alarm http-throttled in eu-west-1",
    ),
    Mistake(
        "refused-requests-not-counted",
        counted_lines.throttled,
        gone(THROTTLED),
        "nothing counts the answers 429",
    ),
    Mistake(
        "missing-matches-counted-as-refused",
        counted_lines.throttled,
        with_values(THROTTLED, pattern='{ $.status = "404" }'),
        "not the status 429",
    ),
    Mistake(
        "lines-of-another-log-counted",
        counted_lines.throttled,
        with_values(THROTTLED, log_group_name="/aws/lambda/livescore-api"),
        "where the HTTP API writes no line",
    ),
    Mistake(
        "refused-requests-of-every-deployment",
        counted_lines.throttled,
        edit(THROTTLED, "metric_transformation", lambda block: first(block, dimensions={})),
        "which no alarm reads",
    ),
    Mistake(
        "percentile-of-a-thousand-samples",
        bursts.minutes,
        with_values(ALARM.format("goal-to-gateway"), evaluate_low_sample_count_percentiles="ignore"),
        "waits for more samples",
    ),
    Mistake(
        "index-not-watched",
        watching.throttles,
        gone(ALARM.format("index-by_connection-throttled")),
        "nobody hears of ReadThrottleEvents of by_connection in us-east-1",
    ),
    Mistake(
        "index-without-its-dimension",
        watching.throttles,
        without_dimension("index-by_connection-throttled", "GlobalSecondaryIndexName"),
        "nobody hears of WriteThrottleEvents of by_connection in us-east-1",
    ),
    Mistake(
        "alarm-of-every-deployment",
        watching.deployments,
        without_dimension("posts-throttled", "deployment"),
        'posts-throttled"] is not only of this deployment',
    ),
    Mistake(
        "dashboard-of-every-deployment",
        watching.deployments,
        text(
            "aws_cloudwatch_dashboard",
            "dashboard_body",
            '"deployment","livescore","service","sender"',
            '"service","sender"',
        ),
        "the dashboard's GoalToGateway is not only of this deployment",
    ),
    Mistake(
        "state-not-shown",
        watching.dashboards,
        edit("aws_cloudwatch_dashboard", "dashboard_body", without_states),
        "the dashboard shows the state of",
    ),
    Mistake(
        "alarm-missing",
        watching.alarms,
        gone('aws_cloudwatch_metric_alarm.this["us-east-1/goal-to-gateway"]'),
        "no alarm goal-to-gateway",
    ),
    Mistake(
        "alarm-tells-nobody",
        watching.alarms,
        with_values('aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]', alarm_actions=[]),
        "tells nobody",
    ),
    Mistake(
        "alarm-of-nothing",
        watching.alarms,
        with_values("aws_lambda_function.this", function_name="other"),
        "which is not in",
    ),
    Mistake("events-not-counted", watching.alarms, with_values(STREAM, metrics_config=[]), "counts none"),
    Mistake(
        "runbook-missing",
        watching.runbooks,
        with_values(
            'aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]',
            alarm_description="Runbook: docs/operations.md#nowhere",
        ),
        "no section #nowhere",
    ),
    Mistake(
        "runbook-not-named",
        watching.runbooks,
        with_values('aws_cloudwatch_metric_alarm.this["us-east-1/posts-failed"]', alarm_description="It fails."),
        "has no runbook",
    ),
    Mistake(
        "dashboard-without-a-cell",
        watching.dashboards,
        text("aws_cloudwatch_dashboard", "dashboard_body", '"us-east-1"', '"eu-west-1"'),
        "of us-east-1",
    ),
    Mistake(
        "metric-that-nobody-writes",
        watching.metrics_are_written,
        text("aws_cloudwatch_dashboard", "dashboard_body", "GoalToGateway", "GoalToGlass"),
        "no code writes GoalToGlass",
    ),
]
