"""Metric filters, which count lines of a log, against the lines that API Gateway writes.

A stage writes its access log as its format says, with a value in place of each variable. The pattern and the dimensions
of a filter name fields of such a line
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.applied import Applied, Resource

PATTERN = re.compile(r'\{ \$\.(\w+) = "(\w+)" \}')
"""The one form of a pattern that is read here: a field and its value."""


def filters(applied: Applied) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Each metric filter with the metric that it writes."""
    for each in applied.of("aws_cloudwatch_log_metric_filter"):
        for metric in each["metric_transformation"]:
            yield each, metric


def throttled(applied: Applied) -> list[str]:
    """The faults in the count of requests that the HTTP API answers 429: each of them, and no other, counts once."""
    found = [(each, metric) for each, metric in filters(applied) if metric["name"] == "HttpThrottled"]
    if [each.region for each, _ in found] != [applied.home]:
        return ["nothing counts the answers 429 of the HTTP API at home"]
    [(counter, metric)] = found
    api = applied.api("HTTP", applied.home)
    stages = [
        each for each in applied.of("aws_apigatewayv2_stage", applied.home) if api and each["api_id"] == api["id"]
    ]
    groups = {each["arn"]: each["name"] for each in applied.of("aws_cloudwatch_log_group", applied.home)}
    written = {
        groups.get(settings["destination_arn"]): json.loads(settings["format"])
        for stage in stages
        for settings in stage["access_log_settings"] or []
    }
    wrong = []
    line = written.get(counter["log_group_name"])
    if line is None:
        return [f"HttpThrottled is counted in {counter['log_group_name']}, where the HTTP API writes no line"]
    match = PATTERN.fullmatch(counter["pattern"])
    if match is None or (line.get(match[1]), match[2]) != ("$context.status", "429"):
        wrong.append(f"HttpThrottled counts {counter['pattern']}, not the status 429")
    if metric["value"] != "1" or metric["namespace"] != "livescore":
        wrong.append(f"HttpThrottled counts {metric['value']} for a line, in {metric['namespace']}")
    counted = {name: line.get(str(field).removeprefix("$.")) for name, field in (metric["dimensions"] or {}).items()}
    if counted != {"deployment": applied.prefix, "service": "http"}:
        wrong.append(f"HttpThrottled has the dimensions {counted}, which no alarm reads")
    return wrong
