"""Alarms, their runbooks, and the dashboard."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from devstack.builds.lambda_zips import PACKAGES
from tests.terraform import counted_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.applied import Applied, Resource

RUNBOOKS = "docs/operations.md"
_NAMED = {
    "FunctionName": ("aws_lambda_function", "function_name"),
    "QueueName": ("aws_sqs_queue", "name"),
    "TableName": ("aws_dynamodb_table", "name"),
    "StreamName": ("aws_kinesis_stream", "name"),
    "ConsumerName": ("aws_kinesis_stream_consumer", "name"),
    "EventSourceMappingUUID": ("aws_lambda_event_source_mapping", "uuid"),
    "EventAPIId": ("aws_appsync_api", "api_id"),
    "ChannelNamespaceName": ("aws_appsync_channel_namespace", "name"),
    "GraphQLAPIId": ("aws_appsync_graphql_api", "id"),
    "RuleName": ("aws_iot_topic_rule", "name"),
    "ApiId": ("aws_apigatewayv2_api", "id"),
    "Stage": ("aws_apigatewayv2_stage", "name"),
}
"""A dimension of a metric, and the resource that it names."""

NEEDED = {
    "home": {
        "iterator-age", "records-near-their-end", "records-discarded", "set-aside", "cells-unreached",
        "frames-unpublished", "home-rows-unreadable", "home-aws-refused", "http-throttled",
    },
    "api-gateway": {
        "rows-unreadable", "aws-refused", "goal-to-gateway", "posts-throttled", "posts-failed", "budget-used-up",
        "set-aside-batches", "connections-near-quota", "broadcasts-failed", "viewers-refused",
    },
    # AppSync drops messages over its quotas and tells nobody.
    "appsync-events": {
        "messages-dropped", "messages-delayed", "publish-errors", "connect-errors", "connections-near-quota",
        "viewers-refused",
    },
    "appsync-graphql": {
        "messages-dropped", "messages-delayed", "publish-errors", "connect-errors", "connections-near-quota",
        "viewers-refused",
    },
    "iot-core": {
        "publishes-throttled", "messages-throttled", "connect-errors", "connects-throttled", "viewers-refused",
        "subscribed-rule-failed", "disconnected-rule-failed", "aws-refused",
    },
    # CloudWatch counts nothing of Momento. The alarms at home say when it takes no frame.
    "momento": set(),
}  # fmt: skip
"""Alarms that are always there: at home, and in each cell of a transport."""

_SHOWN = {
    "home": {"EventsApplied", "IteratorAge", "CellsUnreached", "NumberedAfter", "HttpThrottled"},
    "api-gateway": {
        "GoalToGateway", "Accepted", "Gone", "Failed", "Throttled", "BudgetUsed", "ConnectCount", "Subscribed",
        "ApproximateNumberOfMessagesVisible",
    },
    "appsync-events": {"InboundMessageDropped", "InboundMessageDelayed", "5XXError", "ConnectServerError", "LetIn"},
    "appsync-graphql": {"InboundMessageDropped", "InboundMessageDelayed", "5XXError", "ConnectServerError", "LetIn"},
    "iot-core": {"PublishIn.Throttle", "PublishOut.Throttle", "Connect.Throttle", "Subscribe.ServerError", "LetIn"},
    "momento": set(),
}  # fmt: skip
"""Metrics on the dashboard: of home, and of each cell of a transport."""


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def runbooks(applied: Applied) -> list[str]:
    """Alarms that lead nowhere, and sections that no alarm leads to."""
    text = (applied.root / RUNBOOKS).read_text()
    there = anchors(text)
    linked = set()
    found = []
    for alarm in applied.of("aws_cloudwatch_metric_alarm"):
        match = re.search(r"Runbook: \S+#([\w-]+)$", alarm["alarm_description"] or "")
        if match is None:
            found.append(f"{alarm.address} has no runbook")
        elif match[1] not in there:
            found.append(f"{alarm.address}: {RUNBOOKS} has no section #{match[1]}")
        else:
            linked.add(match[1])
    runbook_part = text.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    return found + [f"no alarm leads to #{each}" for each in sorted(anchors(runbook_part) - linked)]


def alarms(applied: Applied) -> list[str]:
    """Alarms that are missing, tell nobody in their region, or watch what is not there."""
    found = []
    named = {
        (each.region, str(each["alarm_name"]).removeprefix(f"{applied.prefix}-"))
        for each in applied.of("aws_cloudwatch_metric_alarm")
    }
    for place in (*applied.places({"in": "home"}), *applied.cells):
        missing = {each for each in NEEDED[place.transport] if (place.region, each + place.suffix) not in named}
        found += [f"there is no alarm {each} in {place}" for each in sorted(missing)]
    found += [
        f"nobody hears of errors of {name} in {place}"
        for name, described in applied.system["functions"].items()
        for place in applied.places(described)
        if (place.region, f"{name}-errors{place.suffix}") not in named
    ]
    for alarm in applied.of("aws_cloudwatch_metric_alarm"):
        topics = {
            each["region"] for each in applied.of("aws_sns_topic") if each.address.endswith(f'["{alarm.region}"]')
        }
        if not alarm["alarm_actions"] or alarm.region not in topics:
            found.append(f"{alarm.address} tells nobody")
        for metric in _watched(alarm):
            found += _unknown(applied, alarm.address, alarm.region, metric["dimensions"] or {})
    return found


def dashboards(applied: Applied) -> list[str]:
    """The metrics of a region that the dashboard lacks, and those that it shows and that do not exist."""
    boards = applied.of("aws_cloudwatch_dashboard")
    if not boards:
        return ["there is no dashboard"]
    shown: set[tuple[str, str]] = set()
    found = []
    for metric, region in _metrics(boards[0]):
        names = [each for each in metric if isinstance(each, str)]
        shown.add((region, names[1]))
        pairs = dict(zip(names[2::2], names[3::2], strict=True))
        found += _unknown(applied, "the dashboard", region, pairs)
    places = (*applied.places({"in": "home"}), *applied.cells)
    wanted = {(place.region, each) for place in places for each in _SHOWN[place.transport]}
    found += [f"the dashboard does not show {name} of {region}" for region, name in sorted(wanted - shown)]
    states = [
        tuple(arn.split(":")[3::3])
        for widget in json.loads(boards[0]["dashboard_body"])["widgets"]
        for arn in widget["properties"].get("alarms", [])
    ]
    return found + [
        f"the dashboard shows the state of {alarm.address} {states.count((alarm.region, alarm['alarm_name']))} times"
        for alarm in applied.of("aws_cloudwatch_metric_alarm")
        if states.count((alarm.region, alarm["alarm_name"])) != 1
    ]


def throttles(applied: Applied) -> list[str]:
    """Tables and indexes of which no alarm watches the throttles.

    DynamoDB counts those of an index under the names of table and index, and not under the table's alone
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html).
    """
    watched = {
        (alarm.region, metric["metric_name"], frozenset((metric["dimensions"] or {}).items()))
        for alarm in applied.of("aws_cloudwatch_metric_alarm")
        for metric in _watched(alarm)
    }
    found = []
    tables = applied.system["tables"].items()
    for name, place, indexes in (
        (name, place, table["indexes"]) for name, table in tables for place in applied.places(table)
    ):
        named = {"TableName": f"{applied.prefix}-{name}{place.suffix}"}
        counted = {name: named} | {index: named | {"GlobalSecondaryIndexName": index} for index in indexes}
        found += [
            f"nobody hears of {metric} of {each} in {place}"
            for each, dimensions in counted.items()
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
            if (place.region, metric, frozenset(dimensions.items())) not in watched
        ]
    return found


def deployments(applied: Applied) -> list[str]:
    """Metrics of ours, in alarms and dashboard, that another deployment of the account and region writes as well."""
    read = [
        (alarm.address, metric["namespace"], metric["dimensions"] or {})
        for alarm in applied.of("aws_cloudwatch_metric_alarm")
        for metric in _watched(alarm)
    ]
    for board in applied.of("aws_cloudwatch_dashboard"):
        for metric, _ in _metrics(board):
            names = [each for each in metric if isinstance(each, str)]
            read.append((f"the dashboard's {names[1]}", names[0], dict(zip(names[2::2], names[3::2], strict=True))))
    ours = {f"{applied.prefix}{place.suffix}" for place in (*applied.places({"in": "home"}), *applied.cells)}
    return [
        f"{place} is not only of this deployment"
        for place, namespace, dimensions in read
        if namespace == "livescore"
        and (dimensions.get("deployment") not in ours or dimensions.keys() != {"deployment", "service"})
    ]


def metrics_are_written(applied: Applied) -> list[str]:
    """Metrics of ours that alarms and dashboard read, and that no code and no metric filter of a log writes."""
    source = "".join(path.read_text() for package in PACKAGES for path in (applied.root / package).rglob("*.py"))
    ours = {
        metric["metric_name"]
        for alarm in applied.of("aws_cloudwatch_metric_alarm")
        for metric in _watched(alarm)
        if metric["namespace"] == "livescore"
    }
    ours |= {
        metric[1]
        for board in applied.of("aws_cloudwatch_dashboard")
        for metric, _ in _metrics(board)
        if metric[0] == "livescore"
    }
    ours -= {each["name"] for _, each in counted_lines.filters(applied)}
    return [f"no code writes {name}" for name in sorted(ours) if f'"{name}"' not in source]


def _watched(alarm: Resource) -> list[dict[str, Any]]:
    """The metrics that an alarm reads."""
    return [metric for query in alarm["metric_query"] or [] for metric in query["metric"] or []]


def _metrics(board: Resource) -> Iterator[tuple[list[Any], str]]:
    """Each metric of a dashboard, and the region it is read in."""
    for widget in json.loads(board["dashboard_body"])["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            options = metric[-1] if isinstance(metric[-1], dict) else {}
            yield metric, options.get("region", widget["properties"]["region"])


def _unknown(applied: Applied, who: str, region: str, dimensions: dict[str, str]) -> list[str]:
    found = []
    for name, value in dimensions.items():
        kind, argument = _NAMED.get(name, ("", ""))
        if kind and value not in {each[argument] for each in applied.of(kind) if each["region"] in {region, None}}:
            found.append(f"{who} watches {name} {value}, which is not in {region}")
        for source in applied.of("aws_lambda_event_source_mapping") if name == "EventSourceMappingUUID" else ():
            counted = {metric for each in source["metrics_config"] or [] for metric in each["metrics"]}
            if source["uuid"] == value and "EventCount" not in counted:
                found.append(f"{who} watches events of {source.address}, which counts none")
    return found
