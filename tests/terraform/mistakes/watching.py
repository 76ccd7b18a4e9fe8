"""Mistakes in alarms and the dashboard."""

from __future__ import annotations

from tests.terraform import watching
from tests.terraform.mistakes.making import STREAM, Mistake, gone, text, with_values

MISTAKES = [
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
